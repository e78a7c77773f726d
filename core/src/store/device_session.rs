//! Where sessions are kept that are bound to a device: [`DeviceSessionStore`].

use std::time::SystemTime;

use async_trait::async_trait;

use crate::unavailable::Unavailable;

/// What a store keeps of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store that forgets a field must not compile: what is lost may be a limit"
)]
pub struct DeviceSessionRecord {
    /// Whose it is.
    pub subject: Box<str>,
    /// When it ends at the latest (exclusive).
    pub ends: SystemTime,
    /// The public key of the device, a JWK, once it is bound to one.
    pub key: Option<Box<str>>,
}

/// Where sessions are kept that are bound to a device. Records whose `ends` is over may be dropped at any time.
#[async_trait]
pub trait DeviceSessionStore: Send + Sync + 'static {
    /// Keeps a new session, which begins at `now`.
    ///
    /// # Errors
    /// When the store cannot be reached, or has no room.
    async fn insert(&self, id: &str, record: DeviceSessionRecord, now: SystemTime) -> Result<(), Unavailable>;

    /// The session of this id, if it is still there.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn find(&self, id: &str) -> Result<Option<DeviceSessionRecord>, Unavailable>;

    /// Binds the session to this key, in one step: whether it is there and was bound to none.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn bind(&self, id: &str, key: &str) -> Result<bool, Unavailable>;

    /// Forgets a session.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the session is unknown.
    async fn remove(&self, id: &str) -> Result<(), Unavailable>;
}
