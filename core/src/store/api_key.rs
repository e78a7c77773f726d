//! Where API keys are kept: [`ApiKeyStore`].

use std::time::SystemTime;

use async_trait::async_trait;

use crate::{principal::Scopes, secret::TokenDigest, unavailable::Unavailable};

/// What a store keeps of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiKeyRecord {
    /// By which its owner speaks of it.
    pub id: Box<str>,
    /// Whose it is.
    pub subject: Box<str>,
    /// What its owner called it.
    pub name: Box<str>,
    /// Its first characters, by which its owner recognises it.
    pub visible: Box<str>,
    /// What it was issued for.
    pub scopes: Scopes,
    /// Whether that was all that its owner had.
    pub all_scopes: bool,
    /// When it was made.
    pub created: SystemTime,
    /// When it ends (exclusive), if it does.
    pub ends: Option<SystemTime>,
    /// When it was last used, to within a minute.
    pub used: Option<SystemTime>,
}

impl ApiKeyRecord {
    /// A key without end that was never used. The other fields are set one by one, by whoever reads them from a store.
    #[must_use]
    pub fn new(id: &str, subject: &str, name: &str, visible: &str, scopes: Scopes, created: SystemTime) -> Self {
        Self {
            id: id.into(),
            subject: subject.into(),
            name: name.into(),
            visible: visible.into(),
            scopes,
            all_scopes: false,
            created,
            ends: None,
            used: None,
        }
    }
}

/// Where keys are kept.
#[async_trait]
pub trait ApiKeyStore: Send + Sync + 'static {
    /// Keeps a new key.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable>;

    /// The key of this digest.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the key is unknown.
    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable>;

    /// All keys of a subject, oldest first.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable>;

    /// Forgets the key of this id, if it is this subject's; whether it was.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable>;

    /// Notes a use. A key that is gone stays gone.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable>;
}
