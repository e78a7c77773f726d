//! Keys in this process: gone with it, and shared with no copy.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use crate::{
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore},
    unavailable::Unavailable,
};

/// Keys in memory, for tests and for services that hand them out anew at each start.
#[derive(Default)]
pub struct MemoryApiKeys {
    records: Mutex<HashMap<TokenDigest, ApiKeyRecord>>,
}

impl MemoryApiKeys {
    fn records(&self) -> MutexGuard<'_, HashMap<TokenDigest, ApiKeyRecord>> {
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
        let mut keys: Vec<_> = self.records().values().filter(|record| *record.subject == *subject).cloned().collect();
        keys.sort_by_key(|record| (record.created, record.id.clone()));
        Ok(keys)
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        let mut records = self.records();
        let before = records.len();
        records.retain(|_, record| *record.subject != *subject || *record.id != *id);
        Ok(records.len() < before)
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
