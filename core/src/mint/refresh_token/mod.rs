//! Refresh tokens: what an app keeps in order to have access tokens anew, each good once.
//!
//! - A token is opaque: a prefix, 32 random bytes and a checksum. A store holds a digest; what leaks from it opens nothing.
//! - **A token is spent by its use, and its successor comes with the answer.** All that came of one sign-in are a *family*, of which one
//!   token is good at any moment.
//! - **A token that is used twice voids its family, with the access tokens that came of it** (RFC 9700 §4.14.2). Two have it then, and
//!   nobody can tell which of them is the thief.
//! - A family ends after 30 days without use, and 90 days after it began. One subject has at most 20; the oldest makes way.
//! - What the family may do was settled when it began. What of that its subject still has is looked up at each use, and who is gone gets
//!   nothing.
//! - A family is void with its subject: see [`Revocation`](crate::mint::revocation::Revocation).
//!
//! # Example
//! ```
//! # use std::sync::Arc;
//! # use countersign::{Basic, Bearer, Gate, JwtSigner, Verify, credential::BasicCredential, mint::{access_token::AccessTokens,
//! #     endpoint::Endpoint, refresh_token::{RefreshEndpoints, RefreshTokens}}, store::{Directory, MemoryTokens}};
//! # fn mount<V: Verify<BasicCredential, Principal = String>>(passwords: V, directory: Arc<dyn Directory<String>>)
//! #     -> Result<[Endpoint<String>; 2], Box<dyn std::error::Error>> {
//! let access = AccessTokens::issued_by("https://people.example", JwtSigner::fresh()?)
//!     .for_audience("people", directory)?;
//! let refresh = RefreshTokens::new("pplr_".parse()?, access, Arc::new(MemoryTokens::default()));
//! let gate = Gate::in_realm("people")
//!     .accept(Basic, passwords)
//!     .accept(Bearer, refresh.access_tokens().clone())
//!     .build()?;
//! let endpoints = RefreshEndpoints::new(refresh);
//! Ok([endpoints.issue(&gate.only(["basic"])?), endpoints.refresh(&gate)])
//! # }
//! ```
//!
//! # Deployment
//! A client whose answer was lost on the way has spent its token and has no other: it must sign in again, and if it tries the spent one,
//! its family is void. [`forgiving_lost_answers`](RefreshTokens::forgiving_lost_answers) is for clients on bad lines.
//!
//! # Why
//! Half of a token's bytes name the family and stay; the other half is new each time. So a store finds the family of any of its tokens,
//! spent ones too, by one row, however often it was used, and nothing has to be kept of the spent ones. The half that is new has 128
//! bits, which nobody guesses; who knows the half that stays has seen a token.

mod endpoint;
mod issued;
mod sweeper;

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use self::sweeper::Sweeper;
pub use self::{endpoint::RefreshEndpoints, issued::IssuedTokens};
use super::access_token::{AccessTokens, LIFE, Wish};
use crate::{
    cache::CredentialCache,
    clock::later,
    principal::Scopes,
    request::ClientInfo,
    secret::{KeyRing, TokenDigest, TokenPrefix, random::random_bytes},
    store::{FamilyRecord, RefreshStore, Rotated, Rotation},
    unavailable::Unavailable,
};

/// Makes and turns refresh tokens. Cheap to clone. See the [module](self).
pub struct RefreshTokens<P> {
    access: AccessTokens<P>,
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Shared {
    prefix: TokenPrefix,
    store: Arc<dyn RefreshStore>,
    idle: Duration,
    longest: Duration,
    most: usize,
    forgiving: Option<(Duration, KeyRing)>,
    sweeper: Arc<Sweeper>,
}

/// What a family is begun for.
pub(crate) struct Beginning<'a> {
    pub(crate) subject: &'a str,
    pub(crate) generation: u64,
    pub(crate) scopes: &'a Scopes,
    pub(crate) all_scopes: bool,
    pub(crate) from: &'a ClientInfo,
}

/// How many bytes of a token name its family.
const FAMILY_BYTES: usize = 16;

/// The most of a client's name for itself that is kept.
const LONGEST_AGENT: usize = 256;

impl<P: Send + Sync + 'static> RefreshTokens<P> {
    /// Refresh tokens of this prefix, by which these access tokens are had anew, in this store, which records too what is void.
    #[must_use]
    pub fn new(prefix: TokenPrefix, access: AccessTokens<P>, store: Arc<dyn RefreshStore>) -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        let access = access.recorded_in(Arc::clone(&store) as _);
        let shared = Shared {
            prefix,
            store,
            idle: 30 * day,
            longest: 90 * day,
            most: 20,
            forgiving: None,
            sweeper: Arc::default(),
        };
        Self { access, shared: Arc::new(shared) }
    }

    /// Ends families after so long without use, and after so long at the latest.
    #[must_use]
    pub fn ending_after(self, idle: Duration, longest: Duration) -> Self {
        self.with(|shared| (shared.idle, shared.longest) = (idle, longest))
    }

    /// Lets one subject have at most so many families, at least one; the oldest makes way.
    #[must_use]
    pub fn at_most(self, families: usize) -> Self {
        self.with(|shared| shared.most = families.max(1))
    }

    /// Answers a token once more, with the same successor, if it comes within so long after its use, from the same address, and the
    /// successor was not used yet: a client whose answer was lost tries again. Without this any second use voids the family.
    ///
    /// **A thief at the same address gets the successor too**, and shows only when both have used it. The successor is derived from the spent
    /// token under the newest of these keys, so that it need not be stored; copies of a service share the keys.
    #[must_use]
    pub fn forgiving_lost_answers(self, within: Duration, keys: KeyRing) -> Self {
        self.with(|shared| shared.forgiving = Some((within, keys)))
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Arc::unwrap_or_clone(self.shared);
        change(&mut shared);
        Self { shared: Arc::new(shared), ..self }
    }

    /// The access tokens, which ask the same store what is void: for the gate.
    #[must_use]
    pub fn access_tokens(&self) -> &AccessTokens<P> {
        &self.access
    }

    /// Begins a family of this subject, for whom the app has found good by its own means; `None` if the directory does not know the
    /// subject. Without `scopes` it is for all that the subject has; what the subject does not have, nobody gets.
    ///
    /// # Errors
    /// When a store has no answer.
    pub async fn begin(
        &self,
        subject: &str,
        scopes: Option<&Scopes>,
        from: &ClientInfo,
    ) -> Result<Option<IssuedTokens>, Unavailable> {
        let generation = self.shared.store.standing(subject, &[]).await?.floor.generation;
        let Some(owner) = self.access.directory().find(subject).await? else { return Ok(None) };
        let held = scopes.map_or_else(|| owner.scopes().clone(), |named| named.both(owner.scopes()));
        let beginning = Beginning { subject, generation, scopes: &held, all_scopes: scopes.is_none(), from };
        self.begin_for(beginning).await.map(Some)
    }

    pub(crate) async fn begin_for(&self, beginning: Beginning<'_>) -> Result<IssuedTokens, Unavailable> {
        let Beginning { subject, generation, scopes, all_scopes, from } = beginning;
        let (shared, now) = (&*self.shared, self.access.clock().wall());
        let bits = Zeroizing::new(random_bytes());
        let (family, refresh) = (family_of(&bits), shared.prefix.mint_of(&bits));
        let access = self.access.sign(&Wish { subject, scopes, all_scopes, generation, family: Some(&family) })?;
        let record = FamilyRecord {
            id: family.clone(),
            subject: subject.into(),
            generation,
            scopes: scopes.clone(),
            all_scopes,
            current: refresh.digest(),
            previous: None,
            created: now,
            used: now,
            ends: later(now, shared.idle.min(shared.longest)),
            address: from.address(),
            agent: agent(from),
        };
        shared.store.begin(record, shared.most).await?;
        shared.sweeper.sweep(&shared.store, now);
        Ok(IssuedTokens { access, refresh, subject: subject.into(), scopes: scopes.clone(), family })
    }

    /// Takes back what nobody was told of.
    pub(crate) async fn take_back(&self, issued: &IssuedTokens) -> Result<(), Unavailable> {
        let handle = FamilyRecord::handle_of(&issued.family);
        self.shared.store.revoke(handle, later(self.access.clock().wall(), LIFE)).await
    }

    /// Spends a token, and gives what takes its place; `None` if it is unknown, ended or void, or was spent before: then its family is void
    /// from now on, here and in this cache.
    ///
    /// Let it run to its end, whoever leaves: a token that was spent without an answer is lost.
    ///
    /// # Errors
    /// When a store has no answer.
    pub async fn refresh(
        &self,
        token: &[u8],
        from: &ClientInfo,
        cache: &CredentialCache,
    ) -> Result<Option<IssuedTokens>, Unavailable> {
        cache.caught_up_after(self.spend(token, from, cache)).await
    }

    /// [`refresh`](Self::refresh), which may answer before this copy has read that a family is void.
    pub(super) async fn spend(
        &self,
        token: &[u8],
        from: &ClientInfo,
        cache: &CredentialCache,
    ) -> Result<Option<IssuedTokens>, Unavailable> {
        let (shared, now) = (&*self.shared, self.access.clock().wall());
        let Some(bits) = shared.prefix.bits(token) else { return Ok(None) };
        let Some(family) = shared.store.find(&family_of(&bits), now).await? else { return Ok(None) };
        // Asked before the token is spent, so that no outage costs a client its token.
        let Some(owner) = self.access.directory().find(&family.subject).await? else { return Ok(None) };
        let scopes = family.scopes.both(owner.scopes());
        let refresh = shared.prefix.mint_of(&shared.successor_of(&bits, token));
        let access = self.access.sign(&Wish {
            subject: &family.subject,
            scopes: &scopes,
            all_scopes: family.all_scopes,
            generation: family.generation,
            family: Some(&family.id),
        })?;
        let rotation = Rotation {
            id: family.id.clone(),
            spent: TokenDigest::of(token),
            successor: refresh.digest(),
            now,
            ends: later(now, shared.idle).min(later(family.created, shared.longest)),
            address: from.address(),
            agent: agent(from),
            forgiven: shared.forgiving.as_ref().map_or(Duration::ZERO, |(within, _)| *within),
            void_until: later(now, LIFE),
        };
        let revoked = cache.revoked_afterwards(family.handle());
        match shared.store.rotate(rotation).await? {
            Rotated::Now | Rotated::Again => {
                revoked.unneeded();
                Ok(Some(IssuedTokens { access, refresh, subject: family.subject, scopes, family: family.id }))
            }
            Rotated::Unknown => {
                revoked.unneeded();
                Ok(None)
            }
            Rotated::Reused => {
                tracing::warn!(target: "countersign", family = &*family.id, "a refresh token was used twice; its family is void");
                Ok(None)
            }
        }
    }

    /// The families of a subject, oldest first: where it is signed in by tokens.
    ///
    /// # Errors
    /// When the store has no answer.
    pub async fn families_of(&self, subject: &str) -> Result<Vec<FamilyRecord>, Unavailable> {
        self.shared.store.list(subject, self.access.clock().wall()).await
    }

    /// Ends the family of this id, with the access tokens that came of it, if it is this subject's; whether it was. The store first, then
    /// this cache.
    ///
    /// # Errors
    /// When the store has no answer.
    pub async fn end(&self, subject: &str, id: &str, cache: &CredentialCache) -> Result<bool, Unavailable> {
        let now = self.access.clock().wall();
        let family = self.shared.store.find(id, now).await?;
        let Some(family) = family.filter(|family| *family.subject == *subject) else { return Ok(false) };
        let ending = async {
            let _revoked = cache.revoked_afterwards(family.handle());
            self.shared.store.revoke(family.handle(), later(now, LIFE)).await
        };
        cache.caught_up_after(ending).await.map(|()| true)
    }
}

impl Shared {
    /// The bits of what takes a token's place: its family's, and new ones.
    fn successor_of(&self, bits: &[u8; 32], token: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut successor = Zeroizing::new(match &self.forgiving {
            Some((_, keys)) => keys.sign("countersign refresh successor v1", &[token]).1,
            None => random_bytes(),
        });
        for (new, known) in successor.iter_mut().zip(bits).take(FAMILY_BYTES) {
            *new = *known;
        }
        successor
    }
}

/// The id of the family that a token of these bits is of. It leads nowhere back.
fn family_of(bits: &[u8; 32]) -> Box<str> {
    let (family, _) = bits.split_first_chunk::<FAMILY_BYTES>().unwrap_or((&[0; FAMILY_BYTES], &[]));
    let digest = blake3::derive_key("countersign refresh family v1", family);
    let (id, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    URL_SAFE_NO_PAD.encode(id).into()
}

fn agent(from: &ClientInfo) -> Option<Box<str>> {
    from.agent().map(|agent| agent.chars().take(LONGEST_AGENT).collect::<String>().into())
}

impl<P> Clone for RefreshTokens<P> {
    fn clone(&self) -> Self {
        Self { access: self.access.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<P> fmt::Debug for RefreshTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokens")
            .field("prefix", &self.shared.prefix)
            .field("at_most", &self.shared.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_told_by_half_of_the_bits() {
        let (mut one, other) = ([1; 32], [2; 32]);
        let family = family_of(&one);
        one[31] = 9;
        assert_eq!(family_of(&one), family);
        assert_ne!(family_of(&other), family);
        one[15] = 9;
        assert_ne!(family_of(&one), family);
        assert_eq!(family.len(), 22);
    }
}
