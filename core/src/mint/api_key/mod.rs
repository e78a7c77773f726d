//! API keys that people make for themselves: shown once, stored as a digest, narrowed to some of their owner's scopes.
//!
//! A key is an [opaque token](crate::verifier::OpaqueTokens). What it holds is judged when it is used. One that was made without a word on
//! scopes holds all that its owner has at that moment. One that was made for named scopes holds those of them that its owner has at that
//! moment, and roles only if they are all that the owner has; one that was made for none holds nothing.
//!
//! Making, listing and deleting keys are endpoints: see [`ApiKeyEndpoints`]. An app that knows by itself for whom a key is
//! [creates](ApiKeys::create) one by a call.
//!
//! # Keys that an app already has
//! Those that were made elsewhere go on with [`of_any_shape`](ApiKeys::of_any_shape), if the app still has their text and can put
//! [`TokenDigest::of`] it into the store. Where it has a hash alone, [`OpaqueTokens::of_any_shape`](crate::verifier::OpaqueTokens::of_any_shape)
//! looks it up, and [`first_of`](crate::verifier::first_of()) asks both.

mod by_hand;
mod endpoint;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

pub use self::{
    by_hand::{BadKeyName, CreatedApiKey, NewApiKey},
    endpoint::ApiKeyEndpoints,
};
use crate::{
    cache::CredentialCache,
    clock::{SharedClock, SystemClock},
    credential::TokenCredential,
    principal::{Handle, Scopes},
    secret::{TokenDigest, TokenPrefix},
    store::{ApiKeyRecord, ApiKeyStore, Directory},
    unavailable::Unavailable,
    verifier::{Answer, Company, Kept, Terms, Verify},
};

/// How often a use is written down, and the longest that a look-up may be remembered.
const USE_INTERVAL: Duration = Duration::from_secs(60);

/// Verifies API keys. Cheap to clone. See the [module](self).
pub struct ApiKeys<P> {
    prefix: TokenPrefix,
    any_shape: bool,
    store: Arc<dyn ApiKeyStore>,
    directory: Arc<dyn Directory<P>>,
    cache: Option<CredentialCache>,
    clock: SharedClock,
}

impl<P: Send + Sync + 'static> ApiKeys<P> {
    /// Keys of this prefix in this store.
    #[must_use]
    pub fn new(prefix: TokenPrefix, store: Arc<dyn ApiKeyStore>, directory: Arc<dyn Directory<P>>) -> Self {
        Self { prefix, any_shape: false, store, directory, cache: None, clock: SystemClock::shared() }
    }

    /// Looks up keys without our prefix and checksum, too, which were made elsewhere; new ones have both. What is made up then
    /// reaches the store. A key with `:` or `|` in it takes a kind that reads such, as [`ApiKey::of_any_shape`](crate::ApiKey::of_any_shape) does.
    #[must_use]
    pub fn of_any_shape(mut self) -> Self {
        self.any_shape = true;
        self
    }

    /// Tells this cache of what is [deleted](Self::delete): the one of the gates that take these keys. The endpoints tell their gate's by
    /// themselves. [`build`](crate::gate::GateBuilder::build) names a gate that has another.
    #[must_use]
    pub fn revoking(mut self, cache: &CredentialCache) -> Self {
        self.cache = Some(cache.clone());
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn prefix(&self) -> &TokenPrefix {
        &self.prefix
    }

    pub(crate) fn store(&self) -> &Arc<dyn ApiKeyStore> {
        &self.store
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(crate) fn handle(id: &str) -> Handle {
        ApiKeyRecord::handle_of(id)
    }

    /// What keys without named scopes hold at this moment, if there is one among these.
    async fn scopes_of_all(&self, subject: &str, records: &[ApiKeyRecord]) -> Result<Scopes, Unavailable> {
        if !records.iter().any(|record| record.all_scopes) {
            return Ok(Scopes::default());
        }
        Ok(self.directory.find(subject).await?.map_or_else(Scopes::default, |owner| owner.scopes().clone()))
    }

    /// What the store would have of this key, if it can be one.
    fn digest(&self, key: &[u8]) -> Option<TokenDigest> {
        self.prefix.digest(key).or_else(|| self.any_shape.then(|| TokenDigest::of(key)))
    }

    async fn look_up(&self, digest: TokenDigest) -> Result<Answer<P>, Unavailable> {
        let now = self.clock.wall();
        let Some(record) = self.store.find(digest).await? else { return Ok(Answer::refused("there is no such key")) };
        if record.ends.is_some_and(|end| end <= now) {
            return Ok(Answer::refused("the key has ended"));
        }
        let Some(owner) = self.directory.find(&record.subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        let unused_for = record.used.and_then(|used| now.duration_since(used).ok());
        if unused_for.is_none_or(|unused| unused >= USE_INTERVAL) {
            self.note_use(digest, now);
        }
        let verified = if record.all_scopes { owner } else { owner.narrowed_to(&record.scopes) };
        let verified = verified.revocable_by(Self::handle(&record.id));
        let verified = verified.with_credential_id(record.id.clone());
        Ok(match record.ends {
            Some(end) => verified.ending_at(end).into(),
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
        match self.digest(credential.token().expose()) {
            Some(_) => None,
            None => Some(Answer::refused("it has not the prefix of these keys, or its checksum is wrong")),
        }
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        match self.digest(credential.token().expose()) {
            Some(digest) => self.look_up(digest).await.unwrap_or_else(Answer::Unavailable).kept_for(Some(USE_INTERVAL)),
            None => Answer::Refused,
        }
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn check(&self, company: &Company<'_>) -> Vec<String> {
        let mut faults: Vec<String> =
            self.any_shape.then(|| company.fault_of_any_shape()).flatten().into_iter().collect();
        let knows = |own: &CredentialCache| company.part::<CredentialCache>().is_some_and(|gates| gates.is(own));
        if self.cache.as_ref().is_some_and(|own| !knows(own)) {
            faults.push("API keys do not tell the gate's cache of what is deleted; give both one cache, with .revoking(&cache) and .cached(cache)".to_owned());
        }
        faults
    }
}

impl<P> Clone for ApiKeys<P> {
    fn clone(&self) -> Self {
        Self {
            prefix: self.prefix.clone(),
            any_shape: self.any_shape,
            store: Arc::clone(&self.store),
            directory: Arc::clone(&self.directory),
            cache: self.cache.clone(),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<P> fmt::Debug for ApiKeys<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
