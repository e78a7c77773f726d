//! Voided ids in this process: [`MemoryVoided`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    clock::{SharedClock, SystemClock},
    store::VoidStore,
    unavailable::Unavailable,
};

/// How many ids are remembered at once.
const MOST: usize = 65_536;

/// Voided ids in this process: gone with it, and shared with no copy. 65,536 are remembered at once; more than that is no answer, since none is
/// forgotten before its time.
pub struct MemoryVoided {
    rows: Mutex<HashMap<[u8; 16], SystemTime>>,
    clock: SharedClock,
}

impl MemoryVoided {
    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}

impl Default for MemoryVoided {
    fn default() -> Self {
        Self { rows: Mutex::default(), clock: SystemClock::shared() }
    }
}

#[async_trait]
impl VoidStore for MemoryVoided {
    async fn void(&self, id: [u8; 16], until: SystemTime) -> Result<(), Unavailable> {
        let now = self.clock.wall();
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= MOST {
            rows.retain(|_, until| now < *until);
        }
        if rows.len() >= MOST {
            return Err(Unavailable::busy(Duration::from_secs(5)));
        }
        rows.insert(id, until);
        Ok(())
    }

    async fn is_void(&self, id: [u8; 16]) -> Result<bool, Unavailable> {
        Ok(self.rows.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&id))
    }
}

impl fmt::Debug for MemoryVoided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryVoided(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::ManualClock;

    #[tokio::test]
    async fn none_is_forgotten_before_its_time() {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let store = MemoryVoided::default().timed_by(clock.clone());
        let id = |nth: usize| (nth as u128).to_le_bytes();
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
        for nth in 0..MOST {
            store.void(id(nth), until).await.unwrap();
        }
        assert!(store.void(id(MOST), until).await.is_err());
        assert!(store.is_void(id(0)).await.unwrap() && !store.is_void(id(MOST)).await.unwrap());
        clock.advance(Duration::from_secs(5));
        store.void(id(MOST), until + Duration::from_secs(5)).await.unwrap();
        assert!(store.is_void(id(MOST)).await.unwrap());
    }
}
