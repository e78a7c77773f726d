//! Where keys are kept that are bound to who sends them: [`BoundKeyStore`].

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{secret::TokenDigest, unavailable::Unavailable};

/// Who sends a key: what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store that forgets a field must not compile: what is lost is a limit")]
pub struct KeySender {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What `User-Agent` said; nothing if there was none.
    pub agent: Option<Box<[u8]>>,
}

/// What a store keeps of a bound key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store that forgets a field must not compile: what is lost may be a limit"
)]
pub struct BoundKeyRecord {
    /// Whose it is.
    pub subject: Box<str>,
    /// Who may send it.
    pub sender: KeySender,
    /// From when it is void unless it is used before (exclusive).
    pub idle_ends: SystemTime,
    /// When it ends at the latest (exclusive).
    pub ends: SystemTime,
}

/// Where bound keys are kept. Records whose `ends` or `idle_ends` is over may be dropped at any time.
#[async_trait]
pub trait BoundKeyStore: Send + Sync + 'static {
    /// Keeps a new key, which is made now.
    ///
    /// # Errors
    /// When the store cannot be reached, or is full.
    async fn insert(&self, digest: TokenDigest, record: BoundKeyRecord, now: SystemTime) -> Result<(), Unavailable>;

    /// The key of this digest if it is good now and this is who may send it; its idle end is then moved to `now + idle`, in the same
    /// step. Anybody else learns nothing, and moves nothing.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the key is unknown.
    async fn use_now(
        &self,
        digest: TokenDigest,
        sender: &KeySender,
        now: SystemTime,
        idle: Duration,
    ) -> Result<Option<BoundKeyRecord>, Unavailable>;

    /// Forgets a key.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the key is unknown.
    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable>;
}
