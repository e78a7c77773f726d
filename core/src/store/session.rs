//! Where sessions are kept: [`SessionStore`].

use std::time::SystemTime;

use async_trait::async_trait;

use crate::{secret::TokenDigest, unavailable::Unavailable};

/// What a store keeps of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store that forgets a field must not compile: what is lost may be a limit"
)]
pub struct SessionRecord {
    /// Whose it is.
    pub subject: Box<str>,
    /// When it was last used, to within a minute.
    pub used: SystemTime,
    /// When it ends at the latest (exclusive).
    pub ends: SystemTime,
}

/// Where sessions are kept. Records whose `ends` is over may be dropped at any time.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a new session.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn insert(&self, digest: TokenDigest, record: SessionRecord) -> Result<(), Unavailable>;

    /// The session of this digest, if it is still there.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable>;

    /// Notes a use. A session that is gone stays gone.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable>;

    /// Forgets a session.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable>;

    /// Forgets every session of a subject.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable>;
}
