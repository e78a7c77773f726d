//! Server-side sessions: an opaque identifier in a signed cookie, its digest in a store.
//!
//! - A session ends after 30 minutes without use, and 12 hours after it began at the latest, unless set otherwise.
//! - Its identifier is 32 random bytes, new at every sign-in. The store holds a digest; what leaks from it opens nothing.
//! - Each use counts, but is written to the store at most once a minute: an idle session ends up to a minute late, never early.
//! - Ending one removes the record and revokes what a cache remembers; a copy of the cookie is worth nothing from then on.
//! - It has an id, by which its owner speaks of it in a list of devices. The id opens nothing.
//! - One subject has at most 1,000; the one that began first makes way.
//!
//! # Example
//! ```
//! use countersign::{
//!     CredentialCache, Gate, KeyRing, SignedCookie, Unavailable, Verified,
//!     mint::session::Sessions,
//!     store::{Directory, MemorySessions},
//! };
//! use std::sync::Arc;
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
//! let cache = CredentialCache::default();
//! let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody))
//!     .by(SignedCookie::named("session", KeyRing::random()))
//!     .revoking(&cache);
//! let gate = Gate::in_realm("people")
//!     .accept(sessions.cookie(), sessions.clone())
//!     .cached(cache)
//!     .build()?;
//! # let _ = gate; Ok(()) }
//! ```
//! Signing in and out, and the list of devices, are endpoints: see [`SessionEndpoints`]. An app that knows by itself who somebody is, after
//! an OpenID callback, a passkey or a sign-up, [begins](Sessions::begin) a session by a call:
//! ```
//! # use countersign::{Reply, Unavailable, mint::session::Sessions, request::ClientInfo};
//! async fn callback(
//!     sessions: &Sessions<String>,
//!     user: &str,
//!     from: &ClientInfo,
//! ) -> Result<Reply, Unavailable> {
//!     Ok(sessions.begin(user, from).await?.going_to("/app"))
//! }
//! async fn banned(sessions: &Sessions<String>, user: &str) -> Result<(), Unavailable> {
//!     sessions.end_all_of(user).await
//! }
//! ```
//!
//! # Deployment
//! A session that is [bound](Sessions::bound_to_network) to the network from which it began ends for people whose address changes: on the
//! way from one network to the next, behind several proxies, with a home connection that changes its prefix. Bind to the agent first, and to
//! networks only where nobody travels.

mod begun;
mod data;
mod ending;
mod endpoint;
mod patience;
mod rules;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

pub(super) use self::begun::id_of;
use self::rules::Rules;
pub use self::{
    begun::Begun,
    data::{DataError, SessionData},
    endpoint::{Entered, SessionEndpoints},
};
use crate::{
    cache::CredentialCache,
    clock::SharedClock,
    credential::{CookieCredential, Extract, SignedCookie},
    gate::Tasks,
    principal::Handle,
    secret::TokenDigest,
    store::{Directory, RevocationStore, SessionRecord, SessionStore, SubjectFloor},
    unavailable::Unavailable,
    verifier::{Answer, Company, Kept, Terms, Verify},
};

/// How often a use is written down, and the longest that a look-up may be remembered: together they let idle time move.
const USE_INTERVAL: Duration = Duration::from_secs(60);

/// Verifies session cookies, and begins and ends sessions. Cheap to clone. See the [module](self).
pub struct Sessions<P> {
    cookie: SignedCookie,
    store: Arc<dyn SessionStore>,
    directory: Arc<dyn Directory<P>>,
    cache: Option<CredentialCache>,
    record: Option<Arc<dyn RevocationStore>>,
    rules: Rules,
    tasks: Arc<Tasks>,
}

/// Sessions that have no cookie yet: [`by`](Self::by) gives them one.
#[must_use]
pub struct SessionsBuilder<P> {
    store: Arc<dyn SessionStore>,
    directory: Arc<dyn Directory<P>>,
}

impl<P: Send + Sync + 'static> SessionsBuilder<P> {
    /// In this cookie, and timed by its clock.
    #[must_use]
    pub fn by(self, cookie: SignedCookie) -> Sessions<P> {
        let Self { store, directory } = self;
        let (rules, tasks) = (Rules::default(), Arc::new(Tasks::new()));
        Sessions { cookie, store, directory, cache: None, record: None, rules, tasks }
    }
}

impl<P: Send + Sync + 'static> Sessions<P> {
    /// Sessions in this store, of whom this directory knows. Make them in the runtime that outlives the server, as a gate is
    /// [built](crate::gate::GateBuilder::build).
    #[expect(clippy::new_ret_no_self, reason = "without a cookie they are no sessions yet")]
    pub fn new(store: Arc<dyn SessionStore>, directory: Arc<dyn Directory<P>>) -> SessionsBuilder<P> {
        SessionsBuilder { store, directory }
    }

    /// Tells this cache of what ends: the one of the gates that take these sessions.
    /// [`build`](crate::gate::GateBuilder::build) names a gate that has another.
    #[must_use]
    pub fn revoking(mut self, cache: &CredentialCache) -> Self {
        self.cache = Some(cache.clone());
        self
    }

    /// Asks this store whether the subject of a session was [revoked](crate::mint::revocation::Revocation) since it began, beside the
    /// sessions' own, from which a revocation removes them too: so that none that is begun, or renewed, in that very moment outlives it,
    /// and what is handed out by a session is void with it. While the store has no answer, nobody is let in.
    #[must_use]
    pub fn recorded_in(mut self, store: Arc<dyn RevocationStore>) -> Self {
        self.record = Some(store);
        self
    }

    /// Ends sessions after so long without use, and after so long at the latest. A hundred years are the most.
    #[must_use]
    pub fn ending_after(mut self, idle: Duration, longest: Duration) -> Self {
        self.rules.usual = rules::Life::of(idle, longest);
        self
    }

    /// Lets people ask to be remembered when they sign in: their sessions then end after so long without use, and after so long at the
    /// latest. Without this nobody is. Whoever takes such a device has the session for so long; browsers keep no cookie for more than 400
    /// days.
    #[must_use]
    pub fn remembering_for(mut self, idle: Duration, longest: Duration) -> Self {
        self.rules.remembered = Some(rules::Life::of(idle, longest));
        self
    }

    /// Lets one subject have at most so many, at least one.
    #[must_use]
    pub fn at_most(mut self, sessions: usize) -> Self {
        self.rules.most = sessions.max(1);
        self
    }

    /// Refuses a session's cookie with another `User-Agent` than it began with. A thief who has read the cookie has mostly seen that too.
    #[must_use]
    pub fn bound_to_agent(mut self) -> Self {
        self.rules.by_agent = true;
        self
    }

    /// Refuses a session's cookie from elsewhere than the network in which it began: the address with so many leading bits, of
    /// IPv4 and of IPv6. Where no address is known, no session opens anything.
    #[must_use]
    pub fn bound_to_network(mut self, bits_of_v4: u8, bits_of_v6: u8) -> Self {
        self.rules.by_network = Some((bits_of_v4, bits_of_v6));
        self
    }

    /// Their cookie, for [`accept`](crate::gate::GateBuilder::accept).
    #[must_use]
    pub fn cookie(&self) -> SignedCookie {
        self.cookie.clone()
    }

    /// The sessions of a subject that have not ended, newest first.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable> {
        let mut listed = self.store.list(subject).await?;
        let (now, floor) = (self.cookie.now(), self.floor_of(subject).await?);
        listed.retain(|record| is_live(record, now) && !floor.voids_generation(record.generation));
        Ok(listed)
    }

    /// Up to where everything of a subject is void, as far as anybody says so.
    async fn floor_of(&self, subject: &str) -> Result<SubjectFloor, Unavailable> {
        match &self.record {
            Some(record) => Ok(record.standing(subject, &[]).await?.floor),
            None => Ok(SubjectFloor::default()),
        }
    }

    /// Ends when nothing runs any more that these sessions began and a client did not wait for. Await it at shut-down, beside
    /// [`Gate::drained`](crate::Gate::drained).
    pub async fn drained(&self) {
        self.tasks.drained().await;
    }

    async fn look_up(&self, digest: TokenDigest) -> Result<Answer<P>, Unavailable> {
        let now = self.cookie.now();
        let Some(record) = self.store.find(digest).await?.filter(|record| is_live(record, now)) else {
            return Ok(Answer::refused("there is no such session, or it has ended"));
        };
        if self.floor_of(&record.subject).await?.voids_generation(record.generation) {
            return Ok(Answer::refused("its subject was revoked since it began"));
        }
        let Some(verified) = self.directory.find(&record.subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        // What is kept from here on ends when the next use is to be written down, so that none is later than a minute.
        let kept_for = match USE_INTERVAL.saturating_sub(unused_for(&record, now)) {
            Duration::ZERO => {
                self.note_use(digest, now);
                USE_INTERVAL
            }
            left => left,
        };
        let verified = match self.record {
            Some(_) => verified.in_generation(record.generation),
            None => verified,
        };
        Ok(verified
            .ending_at(record.ends)
            .revocable_by(handle(&record.id))
            .authenticated_at(record.authenticated)
            .bound_to(self.rules.binding_of(&record))
            .with_credential_id(record.id)
            .kept_for(kept_for)
            .into())
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

/// A clock that was set back makes the last use lie ahead: that is no idle time.
fn unused_for(record: &SessionRecord, now: SystemTime) -> Duration {
    now.duration_since(record.used).unwrap_or_default()
}

fn is_live(record: &SessionRecord, now: SystemTime) -> bool {
    now < record.ends && unused_for(record, now) < record.idle.saturating_add(USE_INTERVAL)
}

fn handle(id: &str) -> Handle {
    SessionRecord::handle_of(id)
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<CookieCredential> for Sessions<P> {
    type Principal = P;

    async fn verify(&self, credential: CookieCredential) -> Answer<P> {
        self.look_up(begun::digest_of(&credential)).await.unwrap_or_else(Answer::Unavailable)
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.cookie.clock()
    }

    fn check(&self, company: &Company<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        if !company.part::<SignedCookie>().is_some_and(|cookie| cookie.is_like(&self.cookie)) {
            faults.push(format!(
                "the sessions of the scheme {:?} are accepted in another cookie than theirs; write .accept(sessions.cookie(), sessions)",
                self.cookie.scheme()
            ));
        }
        let knows = match (company.part::<CredentialCache>(), &self.cache) {
            (None, None) => true,
            (Some(gates), Some(own)) => gates.is(own),
            _ => false,
        };
        if !knows {
            faults.push(format!(
                "the sessions of the scheme {:?} do not tell the gate's cache of what ends; give both one cache, with .revoking(&cache) and .cached(cache)",
                self.cookie.scheme()
            ));
        }
        faults
    }
}

impl<P> Clone for Sessions<P> {
    fn clone(&self) -> Self {
        Self {
            cookie: self.cookie.clone(),
            store: Arc::clone(&self.store),
            directory: Arc::clone(&self.directory),
            cache: self.cache.clone(),
            record: self.record.clone(),
            rules: self.rules,
            tasks: Arc::clone(&self.tasks),
        }
    }
}

impl<P> fmt::Debug for Sessions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for SessionsBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionsBuilder(..)")
    }
}
