//! Sessions in this process: gone with it, and shared with no copy.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use super::by_owner::{ByOwner, Owned};
use crate::{
    secret::TokenDigest,
    store::{SessionRecord, SessionStore},
    unavailable::Unavailable,
};

/// Sessions in memory. Ended ones are dropped when new ones come, a few at a time.
#[derive(Default)]
pub struct MemorySessions {
    kept: Mutex<Kept>,
}

/// Both speak of the same sessions.
#[derive(Default)]
struct Kept {
    records: ByOwner<SessionRecord>,
    by_end: BTreeSet<(SystemTime, TokenDigest)>,
}

/// How many that have ended are dropped with each that comes: more than come, so that they go, and few, so that nobody waits.
const DROPPED_AT_ONCE: usize = 4;

impl Owned for SessionRecord {
    fn owner(&self) -> &str {
        &self.subject
    }
}

impl MemorySessions {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn insert(&mut self, digest: TokenDigest, record: SessionRecord) {
        self.remove(&digest);
        self.by_end.insert((record.ends, digest));
        self.records.insert(digest, record);
    }

    fn remove(&mut self, digest: &TokenDigest) {
        if let Some(record) = self.records.remove(digest) {
            self.by_end.remove(&(record.ends, *digest));
        }
    }

    fn drop_some(&mut self, now: SystemTime) {
        for _ in 0..DROPPED_AT_ONCE {
            match self.by_end.first().copied() {
                Some((ends, digest)) if ends <= now => self.remove(&digest),
                _ => return,
            }
        }
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(&self, digest: TokenDigest, record: SessionRecord) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        // A session begins now, by the clock of whoever begins it.
        kept.drop_some(record.used);
        kept.insert(digest, record);
        Ok(())
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        Ok(self.kept().records.get(&digest).cloned())
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        if let Some(record) = self.kept().records.get_mut(&digest) {
            record.used = record.used.max(used);
        }
        Ok(())
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        self.kept().remove(&digest);
        Ok(())
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        for (digest, record) in kept.records.remove_all_of(subject) {
            kept.by_end.remove(&(record.ends, digest));
        }
        Ok(())
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions").field("sessions", &self.kept().records.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn what_has_ended_goes_as_others_come_and_nothing_else_does() {
        let sessions = MemorySessions::default();
        for number in 0..10_000_u64 {
            let record = SessionRecord { subject: "emily".into(), used: at(number), ends: at(number + 100) };
            sessions.insert(TokenDigest::of(&number.to_le_bytes()), record).await.unwrap();
            let kept = sessions.kept();
            assert_eq!(kept.records.len(), kept.by_end.len());
            assert!(kept.records.len() <= 101);
        }
        for (number, there) in [(9_000_u64, false), (9_950, true), (9_999, true)] {
            let found = sessions.find(TokenDigest::of(&number.to_le_bytes())).await.unwrap();
            assert_eq!(found.is_some(), there, "{number}");
        }
        sessions.remove_all_of("emma").await.unwrap();
        assert!(sessions.kept().records.len() > 0);
        sessions.remove_all_of("emily").await.unwrap();
        let kept = sessions.kept();
        assert_eq!((kept.records.len(), kept.by_end.len()), (0, 0));
    }
}
