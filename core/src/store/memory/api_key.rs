//! Keys in this process: gone with it, and shared with no copy.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use super::{
    MemoryOutbox,
    by_owner::{ByOwner, Owned},
};
use crate::{
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore},
    unavailable::Unavailable,
};

/// Keys in memory, for tests and for services that hand them out anew at each start.
#[derive(Default)]
pub struct MemoryApiKeys {
    records: Mutex<ByOwner<ApiKeyRecord>>,
    outbox: Option<Arc<MemoryOutbox>>,
}

impl Owned for ApiKeyRecord {
    fn owner(&self) -> &str {
        &self.subject
    }
}

impl MemoryApiKeys {
    /// Writes into this outbox what is made void here, in one step with it: for several caches in one process.
    #[must_use]
    pub fn announcing_in(mut self, outbox: Arc<MemoryOutbox>) -> Self {
        self.outbox = Some(outbox);
        self
    }

    fn records(&self) -> MutexGuard<'_, ByOwner<ApiKeyRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ApiKeyStore for MemoryApiKeys {
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable> {
        self.records().insert(digest, record);
        Ok(())
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable> {
        Ok(self.records().get(&digest).cloned())
    }

    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        let mut keys: Vec<_> = self.records().of(subject).map(|(_, record)| record.clone()).collect();
        // No lock is held by now.
        keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(keys)
    }

    async fn count(&self, subject: &str) -> Result<usize, Unavailable> {
        Ok(self.records().count_of(subject))
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        let mut records = self.records();
        let found = records.of(subject).find(|(_, record)| *record.id == *id).map(|(digest, _)| *digest);
        let Some(gone) = found.and_then(|digest| records.remove(&digest)) else { return Ok(false) };
        if let Some(outbox) = &self.outbox {
            outbox.write_handle(gone.handle());
        }
        Ok(true)
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        if let Some(record) = self.records().get_mut(&digest) {
            record.used = record.used.max(Some(used));
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryApiKeys").field("keys", &self.records().len()).finish()
    }
}
