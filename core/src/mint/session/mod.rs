//! Server-side sessions: an opaque identifier in a signed cookie, its digest in a store.
//!
//! - A session ends after 30 minutes without use, and 12 hours after it began at the latest, unless set otherwise.
//! - Its identifier is 32 random bytes, new at every sign-in. The store holds a digest; what leaks from it opens nothing.
//! - Each use counts, but is written to the store at most once a minute: an idle session ends up to a minute late, never early.
//! - Signing out removes the record and revokes what a cache remembers; a copy of the cookie is worth nothing from then on.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use countersign::{Gate, KeyRing, SignedCookie, Unavailable, Verified, mint::session::Sessions, store::{Directory, MemorySessions}};
//!
//! struct Everybody;
//!
//! #[countersign::async_trait]
//! impl Directory<String> for Everybody {
//!     async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
//!         Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cookie = SignedCookie::named("session", KeyRing::random());
//! let sessions = Sessions::new(cookie.clone(), Arc::new(MemorySessions::default()), Arc::new(Everybody));
//! let gate = Gate::in_realm("people").accept(cookie, sessions.clone()).build()?;
//! # let _ = gate; Ok(()) }
//! ```
//! Signing in and out are endpoints: see [`SessionEndpoints`].

mod endpoint;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub use self::endpoint::SessionEndpoints;
use crate::{
    cache::CredentialCache,
    clock::{SharedClock, later},
    credential::{CookieCredential, Extract, SignedCookie},
    principal::{Handle, HandleKind},
    secret::{TokenDigest, random::random_bytes},
    store::{Directory, SessionRecord, SessionStore},
    unavailable::Unavailable,
    verifier::{Answer, Kept, Terms, Verify},
};

/// How often a use is written down, and the longest that a look-up may be remembered: together they let idle time move.
const USE_INTERVAL: Duration = Duration::from_secs(60);

/// Verifies session cookies, and begins and ends sessions. Cheap to clone. See the [module](self).
pub struct Sessions<P> {
    cookie: SignedCookie,
    store: Arc<dyn SessionStore>,
    directory: Arc<dyn Directory<P>>,
    idle: Duration,
    longest: Duration,
}

/// A session that was just begun.
#[derive(Debug)]
pub(crate) struct Begun {
    digest: TokenDigest,
    pub(crate) sealed: String,
    pub(crate) max_age: Duration,
}

impl<P: Send + Sync + 'static> Sessions<P> {
    /// Sessions in this cookie and store, timed by the clock of the cookie.
    #[must_use]
    pub fn new(cookie: SignedCookie, store: Arc<dyn SessionStore>, directory: Arc<dyn Directory<P>>) -> Self {
        let (idle, longest) = (Duration::from_secs(30 * 60), Duration::from_secs(12 * 60 * 60));
        Self { cookie, store, directory, idle, longest }
    }

    /// Ends sessions after so long without use, and after so long at the latest.
    #[must_use]
    pub fn ending_after(mut self, idle: Duration, longest: Duration) -> Self {
        (self.idle, self.longest) = (idle, longest);
        self
    }

    pub(crate) fn cookie(&self) -> &SignedCookie {
        &self.cookie
    }

    /// Begins a session of this subject, with a fresh identifier.
    pub(crate) async fn begin(&self, subject: &str) -> Result<Begun, Unavailable> {
        let identifier = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
        let now = self.cookie.now();
        let ends = later(now, self.longest);
        let digest = TokenDigest::of(identifier.as_bytes());
        self.store.insert(digest, SessionRecord { subject: subject.into(), used: now, ends }).await?;
        Ok(Begun { digest, sealed: self.cookie.seal(identifier.as_bytes(), ends), max_age: self.longest })
    }

    /// Ends the session of this cookie, in the store and then in the cache.
    pub(crate) async fn end(&self, credential: &CookieCredential, cache: &CredentialCache) -> Result<(), Unavailable> {
        let digest = TokenDigest::of(credential.value().expose());
        let _revoked = cache.revoked_afterwards(handle(&digest));
        self.store.remove(digest).await
    }

    /// Takes back a session that nobody was told of.
    pub(crate) async fn take_back(&self, begun: &Begun) -> Result<(), Unavailable> {
        self.store.remove(begun.digest).await
    }

    async fn look_up(&self, digest: TokenDigest) -> Result<Answer<P>, Unavailable> {
        let now = self.cookie.now();
        let Some(record) = self.store.find(digest).await? else { return Ok(Answer::Refused) };
        // A clock that was set back makes the last use lie ahead: that is no idle time.
        let idle = now.duration_since(record.used).unwrap_or_default();
        if now >= record.ends || idle >= self.idle.saturating_add(USE_INTERVAL) {
            return Ok(Answer::Refused);
        }
        let Some(verified) = self.directory.find(&record.subject).await? else { return Ok(Answer::Refused) };
        if idle >= USE_INTERVAL {
            self.note_use(digest, now);
        }
        Ok(verified.ending_at(record.ends).revocable_by(handle(&digest)).into())
    }

    /// Detached: whether the note is taken no longer changes the answer.
    fn note_use(&self, digest: TokenDigest, now: SystemTime) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let store = Arc::clone(&self.store);
        runtime.spawn(async move {
            if let Err(error) = store.touch(digest, now).await {
                tracing::warn!(target: "countersign", "the use of a session was not noted: {error}");
            }
        });
    }
}

fn handle(digest: &TokenDigest) -> Handle {
    Handle::of(HandleKind::Session, &digest.to_hex())
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<CookieCredential> for Sessions<P> {
    type Principal = P;

    async fn verify(&self, credential: CookieCredential) -> Answer<P> {
        let digest = TokenDigest::of(credential.value().expose());
        self.look_up(digest).await.unwrap_or_else(Answer::Unavailable).kept_for(Some(USE_INTERVAL))
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.cookie.clock()
    }
}

impl<P> Clone for Sessions<P> {
    fn clone(&self) -> Self {
        Self {
            cookie: self.cookie.clone(),
            store: Arc::clone(&self.store),
            directory: Arc::clone(&self.directory),
            idle: self.idle,
            longest: self.longest,
        }
    }
}

impl<P> fmt::Debug for Sessions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("idle", &self.idle).field("longest", &self.longest).finish_non_exhaustive()
    }
}
