//! API keys that people make for themselves: shown once, stored as a digest, narrowed to some of their owner's scopes.
//!
//! A key is an [opaque token](crate::verifier::OpaqueTokens). It holds the scopes it was issued with, as far as its owner still has them, and
//! its owner's roles only if it was issued for all that the owner had.
//!
//! Making, listing and deleting keys are endpoints: see [`endpoint`](crate::endpoint).

mod memory;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

pub use self::memory::MemoryKeys;
use crate::{
    clock::{SharedClock, SystemClock},
    credential::TokenCredential,
    directory::Directory,
    principal::{Handle, HandleKind, Scopes},
    secret::{TokenDigest, TokenPrefix},
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

/// What a store keeps of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord {
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

impl KeyRecord {
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
pub trait KeyStore: Send + Sync + 'static {
    /// Keeps a new key.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn insert(&self, digest: TokenDigest, record: KeyRecord) -> Result<(), Unavailable>;

    /// The key of this digest.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the key is unknown.
    async fn find(&self, digest: TokenDigest) -> Result<Option<KeyRecord>, Unavailable>;

    /// All keys of a subject, oldest first.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn list(&self, subject: &str) -> Result<Vec<KeyRecord>, Unavailable>;

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

/// How often a use is written down, and the longest that a look-up may be remembered.
const USE_INTERVAL: Duration = Duration::from_secs(60);

/// Verifies API keys. Cheap to clone. See the [module](self).
pub struct ApiKeys<P> {
    prefix: TokenPrefix,
    store: Arc<dyn KeyStore>,
    directory: Arc<dyn Directory<P>>,
    clock: SharedClock,
}

impl<P: Send + Sync + 'static> ApiKeys<P> {
    /// Keys of this prefix in this store.
    #[must_use]
    pub fn new(prefix: TokenPrefix, store: Arc<dyn KeyStore>, directory: Arc<dyn Directory<P>>) -> Self {
        Self { prefix, store, directory, clock: SystemClock::shared() }
    }

    /// Takes time from this clock.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn prefix(&self) -> &TokenPrefix {
        &self.prefix
    }

    pub(crate) fn store(&self) -> &Arc<dyn KeyStore> {
        &self.store
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(crate) fn handle(id: &str) -> Handle {
        Handle::of(HandleKind::Key, id)
    }

    async fn look_up(&self, digest: TokenDigest) -> Result<Answer<P>, Unavailable> {
        let now = self.clock.wall();
        let Some(record) = self.store.find(digest).await? else { return Ok(Answer::Refused) };
        if record.ends.is_some_and(|end| end <= now) {
            return Ok(Answer::Refused);
        }
        let Some(owner) = self.directory.find(&record.subject).await? else { return Ok(Answer::Refused) };
        let unused_for = record.used.and_then(|used| now.duration_since(used).ok());
        if unused_for.is_none_or(|unused| unused >= USE_INTERVAL) {
            self.note_use(digest, now);
        }
        let verified = owner.narrowed_to(&record.scopes, record.all_scopes).revocable_by(Self::handle(&record.id));
        Ok(match record.ends {
            Some(end) => verified.not_after(end).into(),
            None => verified.into(),
        })
    }

    /// Detached: whether the note is taken no longer changes the answer.
    fn note_use(&self, digest: TokenDigest, now: SystemTime) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let store = Arc::clone(&self.store);
        runtime.spawn(async move {
            if let Err(error) = store.touch(digest, now).await {
                tracing::warn!(target: "countersign", "the use of a key was not noted: {error}");
            }
        });
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for ApiKeys<P> {
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        match self.prefix.digest(credential.token().expose()) {
            Some(_) => None,
            None => Some(Answer::Refused),
        }
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        match self.prefix.digest(credential.token().expose()) {
            Some(digest) => self.look_up(digest).await.unwrap_or_else(Answer::Unavailable),
            None => Answer::Refused,
        }
    }

    fn reusable_for(&self) -> Option<Duration> {
        Some(USE_INTERVAL)
    }
}

impl<P> Clone for ApiKeys<P> {
    fn clone(&self) -> Self {
        Self {
            prefix: self.prefix.clone(),
            store: Arc::clone(&self.store),
            directory: Arc::clone(&self.directory),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<P> fmt::Debug for ApiKeys<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
