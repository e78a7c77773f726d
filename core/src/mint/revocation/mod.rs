//! Taking back what was handed out: one token with its family, or all that a subject has.
//!
//! | revoked | void from then on |
//! |---|---|
//! | [a token](Revocation::of_token), by who sends it | it; the family that it came of, with all access tokens and the refresh token of it |
//! | [a subject](Revocation::revoke_all_of) | its access tokens, its families, its sessions, what a cache remembers of it, and tokens that others issued to it until that second. Its API keys stay |
//!
//! **Stores first, then the cache**: whoever is refused by a store is refused, and what was verified before is not reused. Both happen
//! whoever hangs up. What of it fails is 503, and the cache is told all the same.
//!
//! # Example
//! ```
//! # use std::sync::Arc;
//! use countersign::{
//!     CredentialCache,
//!     gate::policy::{any_of, role, subject_is},
//!     mint::{endpoint::Endpoint, revocation::Revocation},
//! };
//! # use countersign::{Gate, store::{Directory, MemorySessions, MemoryTokens}};
//!
//! # fn mount(gate: &Gate<String>, cache: &CredentialCache, tokens: Arc<MemoryTokens>, sessions: Arc<MemorySessions>,
//! #     directory: Arc<dyn Directory<String>>) -> Result<[Endpoint<String>; 2], Box<dyn std::error::Error>> {
//! let revocation = Revocation::recorded_in(tokens, directory, cache).ending_sessions_in(sessions);
//! let myself = any_of((role("admin"), subject_is("name")));
//! Ok([revocation.of_token(&gate.only(["bearer"])?), revocation.of_subject(&gate.require(myself))])
//! # }
//! ```
//!
//! # Why
//! Sessions go before the floor of the subject is raised, and the cache is told in between. A session that is still good could else
//! be given a token of the new generation, which nobody has revoked; and so could one that another copy remembers, unless it says of which
//! generation it is: see [`Sessions::recorded_in`](crate::mint::session::Sessions::recorded_in).

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::endpoint::{
    Endpoint, Work,
    described::{DONE, Described},
    owner::owned,
    unavailable,
};
use crate::{
    cache::CredentialCache,
    gate::{Gate, Realm},
    principal::Handle,
    request::Wants,
    response::Reply,
    store::{Directory, RevocationStore, SessionStore},
    unavailable::Unavailable,
};

/// Revokes tokens and subjects, in stores and in a cache. Cheap to clone. See the [module](self).
pub struct Revocation<P> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    store: Arc<dyn RevocationStore>,
    sessions: Vec<Arc<dyn SessionStore>>,
    directory: Arc<dyn Directory<P>>,
    cache: CredentialCache,
}

/// How long the other tokens of a family can be good that began when this one did. A token of ours ends sooner.
const LONGEST_SIBLING: Duration = Duration::from_secs(60 * 60);

/// The end of what has none: 400 years, after which the calendar repeats itself.
const FOR_EVER: Duration = Duration::from_secs(146_097 * 24 * 60 * 60);

impl<P: Send + Sync + 'static> Revocation<P> {
    /// Revocation in this store, which the verifiers of tokens ask, and in the cache of the gates that take them. The directory says
    /// whether there is a subject.
    #[must_use]
    pub fn recorded_in(
        store: Arc<dyn RevocationStore>,
        directory: Arc<dyn Directory<P>>,
        cache: &CredentialCache,
    ) -> Self {
        let shared = Shared { store, sessions: Vec::new(), directory, cache: cache.clone() };
        Self { shared: Arc::new(shared) }
    }

    /// Ends the sessions of a revoked subject in this store too. May be said for several.
    #[must_use]
    pub fn ending_sessions_in(self, store: Arc<dyn SessionStore>) -> Self {
        let Shared { store: record, sessions, directory, cache } = &*self.shared;
        let shared = Shared {
            store: Arc::clone(record),
            sessions: sessions.iter().cloned().chain([store]).collect(),
            directory: Arc::clone(directory),
            cache: cache.clone(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Voids all that a subject was given until now, but for API keys. Who signs in again is in, in the same second too.
    ///
    /// Let it run to its end, whoever leaves: [`shielded`](crate::Grant::shielded) does.
    ///
    /// # Errors
    /// When a store has no answer. Then nobody knows how far it came, and it must be done again.
    pub async fn revoke_all_of(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        self.shared.cache.caught_up_after(self.void_all_of(subject, now)).await
    }

    async fn void_all_of(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        let shared = &*self.shared;
        let handle = Handle::subject(subject);
        let _revoked = shared.cache.revoked_afterwards(handle);
        // A sign-in that is under way has stored its session by now, to be removed below, or it finds that what it verified is void.
        shared.cache.revoke(handle);
        for sessions in &shared.sessions {
            sessions.remove_all_of(subject).await?;
        }
        shared.cache.revoke(handle);
        shared.store.revoke_subject(subject, now).await
    }

    /// Revokes the token by which its sender was admitted, and the family that it came of: `DELETE`, answers 204. The gate takes tokens
    /// alone, whose verifiers ask this store.
    #[must_use]
    pub fn of_token(&self, gate: &Gate<P>) -> Endpoint<P> {
        let shared = Arc::clone(&self.shared);
        let described =
            Described::new("DELETE", "Revokes the token that the request came with, and its family.").answering(DONE);
        owned(described, gate, move |request, owner, realm, wants| {
            let Some(handle) = owner.own_handle else {
                let sentence = "a credential is to be revoked whose verifier keeps no record of what is void: \
                                see AccessTokens::recorded_in";
                return Err(realm.fault(sentence, wants).reply());
            };
            let shared = Arc::clone(&shared);
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                let now = realm.clock().wall();
                let until = owner.ends.unwrap_or(now + FOR_EVER).max(now + LONGEST_SIBLING);
                let _revoked = (shared.cache.revoked_afterwards(handle), realm.cache().revoked_afterwards(handle));
                gone(shared.store.revoke(handle, until).await, &realm, wants)
            }))
        })
    }

    /// Revokes all that the subject of the path parameter `name` has: `DELETE`, answers 204, or 404 for a name that nobody has. Who may
    /// do that is the gate's to say.
    #[must_use]
    pub fn of_subject(&self, gate: &Gate<P>) -> Endpoint<P> {
        let revocation = self.clone();
        let described = Described::new("DELETE", "Revokes all that a user was given, but for API keys.")
            .answering(DONE)
            .refusing(&[(404, "There is no such user.")]);
        owned(described, gate, move |request, _, realm, wants| {
            let Some(name) = request.parameter("name").map(std::borrow::Cow::into_owned) else {
                let sentence = "subjects are revoked on a route without the path parameter \"name\"";
                return Err(realm.fault(sentence, wants).reply());
            };
            // Nobody is called so, and a store may fail on it.
            if name.chars().any(char::is_control) {
                return Err(nobody());
            }
            let revocation = revocation.clone();
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                match revocation.shared.directory.find(&name).await {
                    Ok(Some(_)) => {}
                    Ok(None) => return nobody(),
                    Err(source) => return unavailable(&realm, &source, wants),
                }
                let _revoked = realm.cache().revoked_afterwards(Handle::subject(&name));
                gone(revocation.void_all_of(&name, realm.clock().wall()).await, &realm, wants)
            }))
        })
    }
}

fn gone(revoked: Result<(), Unavailable>, realm: &Realm, wants: Wants) -> Reply {
    match revoked {
        Ok(()) => Reply::new(204).with("cache-control", "no-store"),
        Err(source) => unavailable(realm, &source, wants),
    }
}

fn nobody() -> Reply {
    Reply::problem(404, "There is no such user.", None)
}

impl<P> Clone for Revocation<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P> fmt::Debug for Revocation<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation").field("stores_of_sessions", &self.shared.sessions.len()).finish_non_exhaustive()
    }
}
