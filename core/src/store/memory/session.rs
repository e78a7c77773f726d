//! Sessions in this process: gone with it, and shared with no copy.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use crate::{
    secret::TokenDigest,
    store::{SessionRecord, SessionStore},
    unavailable::Unavailable,
};

/// Sessions in memory. Ended ones are dropped when new ones come and have doubled the number of those that were left.
#[derive(Default)]
pub struct MemorySessions {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    records: HashMap<TokenDigest, SessionRecord>,
    sweep_at: usize,
}

impl MemorySessions {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(&self, digest: TokenDigest, record: SessionRecord) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        if kept.records.len() >= kept.sweep_at.max(1024) {
            // A session begins now, by the clock of whoever begins it.
            let now = record.used;
            kept.records.retain(|_, record| now < record.ends);
            kept.sweep_at = kept.records.len() * 2;
        }
        kept.records.insert(digest, record);
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
        self.kept().records.remove(&digest);
        Ok(())
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        self.kept().records.retain(|_, record| *record.subject != *subject);
        Ok(())
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions").field("sessions", &self.kept().records.len()).finish()
    }
}
