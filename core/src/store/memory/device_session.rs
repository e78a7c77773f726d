//! Sessions that are bound to a device, in this process: gone with it, and shared with no copy.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    store::{DeviceSessionRecord, DeviceSessionStore},
    unavailable::Unavailable,
};

/// How many are kept.
const MOST: usize = 65_536;
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Sessions in memory, 65,536 at most. When there is no room, ended ones are dropped; where none has ended, nobody signs in.
#[derive(Default)]
pub struct MemoryDeviceSessions {
    kept: Mutex<HashMap<Box<str>, DeviceSessionRecord>>,
}

impl MemoryDeviceSessions {
    fn kept(&self) -> MutexGuard<'_, HashMap<Box<str>, DeviceSessionRecord>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DeviceSessionStore for MemoryDeviceSessions {
    async fn insert(&self, id: &str, record: DeviceSessionRecord, now: SystemTime) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.retain(|_, record| now < record.ends);
        }
        if kept.len() >= MOST {
            return Err(Unavailable::busy(RETRY_AFTER));
        }
        kept.insert(id.into(), record);
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<DeviceSessionRecord>, Unavailable> {
        Ok(self.kept().get(id).cloned())
    }

    async fn bind(&self, id: &str, key: &str) -> Result<bool, Unavailable> {
        let mut kept = self.kept();
        let unbound = kept.get_mut(id).filter(|record| record.key.is_none());
        Ok(unbound.map(|record| record.key = Some(key.into())).is_some())
    }

    async fn remove(&self, id: &str) -> Result<(), Unavailable> {
        self.kept().remove(id);
        Ok(())
    }
}

impl fmt::Debug for MemoryDeviceSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDeviceSessions").field("sessions", &self.kept().len()).finish()
    }
}
