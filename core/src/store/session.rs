//! Where sessions are kept: [`SessionStore`].

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    principal::{Handle, HandleKind},
    secret::TokenDigest,
    unavailable::Unavailable,
};

/// What a store keeps of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store that forgets a field must not compile: what is lost may be a limit"
)]
pub struct SessionRecord {
    /// By which its owner speaks of it. Of no use as a credential.
    pub id: Box<str>,
    /// Whose it is.
    pub subject: Box<str>,
    /// In which generation of the subject it was begun: see [`SubjectFloor`](super::SubjectFloor).
    pub generation: u64,
    /// When it began.
    pub created: SystemTime,
    /// When its owner last proved who they are.
    pub authenticated: SystemTime,
    /// When it was last used, to within a minute.
    pub used: SystemTime,
    /// How long it may go unused.
    pub idle: Duration,
    /// When it ends at the latest (exclusive).
    pub ends: SystemTime,
    /// From where it was begun, as far as that is known.
    pub address: Option<IpAddr>,
    /// By which agent it was begun (`User-Agent`), if it named itself. It holds no NUL.
    pub agent: Option<Box<str>>,
    /// What the application keeps beside it, as JSON.
    pub data: Option<Box<str>>,
    /// How often that was written.
    pub revision: u64,
}

impl SessionRecord {
    /// The handle of the session, by which caches forget it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Self::handle_of(&self.id)
    }

    /// The handle of the session of this id.
    #[must_use]
    pub fn handle_of(id: &str) -> Handle {
        Handle::of(HandleKind::Session, id)
    }
}

/// Where sessions are kept. Records whose `ends` is over may be dropped at any time.
///
/// # Several copies
/// A store that copies of a service share announces what it removes, in the same transaction: see [`Outbox`](super::Outbox). It needs to be
/// handed nothing for that. A record that is dropped for its age is not announced.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a new session. Its subject has at most `most` from then on: the ones that began first make way. Says which those were, by
    /// their ids.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn insert(
        &self,
        digest: TokenDigest,
        record: SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Unavailable>;

    /// The session of this digest, if it is still there.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable>;

    /// The session of this id, if it is still there and this subject's.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn find_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable>;

    /// All sessions of a subject, newest first.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable>;

    /// Notes a use. A session that is gone stays gone, and a later use stays the last.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable>;

    /// Keeps this text as the application's data, if the record's revision is still this one, which then grows by one; whether it was.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn write(&self, subject: &str, id: &str, data: &str, revision: u64) -> Result<bool, Unavailable>;

    /// Forgets a session.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable>;

    /// Forgets the session of this id, if it is this subject's, and gives what it was.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn remove_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable>;

    /// Forgets every session of a subject.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable>;
}
