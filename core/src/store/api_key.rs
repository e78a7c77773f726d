//! Where API keys are kept: [`ApiKeyStore`].

use std::time::SystemTime;

use async_trait::async_trait;

use crate::{
    principal::{Handle, HandleKind, Scopes},
    secret::TokenDigest,
    unavailable::Unavailable,
};

/// What a store keeps of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store that forgets a field must not compile: what is lost may be a limit"
)]
pub struct ApiKeyRecord {
    /// By which its owner speaks of it.
    pub id: Box<str>,
    /// Whose it is.
    pub subject: Box<str>,
    /// What its owner called it.
    pub name: Box<str>,
    /// Its first characters, by which its owner recognises it.
    pub visible: Box<str>,
    /// What it was issued for: the scopes that were named, or else what its owner had then.
    pub scopes: Scopes,
    /// Whether none were named, so that it holds whatever its owner has when it is used.
    pub all_scopes: bool,
    /// When it was made.
    pub created: SystemTime,
    /// When it ends (exclusive), if it does.
    pub ends: Option<SystemTime>,
    /// When it was last used, to within a minute.
    pub used: Option<SystemTime>,
}

impl ApiKeyRecord {
    /// The handle of the key, by which caches forget it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Self::handle_of(&self.id)
    }

    /// The handle of the key of this id.
    #[must_use]
    pub fn handle_of(id: &str) -> Handle {
        Handle::of(HandleKind::Key, id)
    }
}

/// Where keys are kept.
///
/// A store that copies of a service share announces the keys that it removes, in the same transaction: see [`Outbox`](super::Outbox).
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

    /// How many keys a subject has: what [`list`](Self::list) would give, counted and not read. It is asked each time a key is made.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn count(&self, subject: &str) -> Result<usize, Unavailable>;

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
