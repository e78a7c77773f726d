//! Secrets in this process: gone with it, and shared with no copy.

use std::{collections::HashMap, fmt};

use async_trait::async_trait;

use crate::{
    store::{SecretStore, StoredSecret},
    unavailable::Unavailable,
};

/// Secrets that are known at start-up: keys of other services, development, tests.
#[derive(Clone)]
pub struct MemorySecrets<P> {
    rows: HashMap<Box<str>, StoredSecret<P>>,
}

impl<P> MemorySecrets<P> {
    /// An empty table: nobody has a secret.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: HashMap::new() }
    }

    /// Adds the secret of a name. One that is there already is replaced.
    #[must_use]
    pub fn with(mut self, name: &str, secret: StoredSecret<P>) -> Self {
        self.rows.insert(name.into(), secret);
        self
    }
}

#[async_trait]
impl<P: Clone + Send + Sync + 'static> SecretStore for MemorySecrets<P> {
    type Principal = P;

    async fn find(&self, name: &str) -> Result<Option<StoredSecret<P>>, Unavailable> {
        Ok(self.rows.get(name).cloned())
    }
}

impl<P> Default for MemorySecrets<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for MemorySecrets<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySecrets").field("rows", &self.rows.len()).finish()
    }
}
