//! Two tokens for one sign-in: one that may act, over TLS alone, and one that says who it is, over any channel.
//!
//! The model of sites whose pages are public and whose buttons are not: most pages only want to greet their visitor, and must not bring along
//! what opens everything.
//!
//! | cookie | attributes | is good for |
//! |---|---|---|
//! | `__Host-secure` | `Secure; HttpOnly; SameSite=Strict; Path=/` | everything |
//! | `identity` | `HttpOnly; SameSite=Lax; Max-Age` and the path that is given | knowing who it is |
//!
//! - Both are random, and stored as digests. The secure one lasts 12 hours, the other 30 days.
//! - [`TwoTokens::either`] is the kind for routes that either opens; whoever shows the secure one has the scope `act` besides. Two that name
//!   two users are refused.
//! - [`TwoTokens::secure`] is the kind for routes that act: the other is not looked at there, whosever it is. Who acts is whom the secure token names,
//!   and a cookie that a sibling domain has set to greet somebody as another changes nothing of it.
//! - **A secure token that arrives in the clear is refused with 403, and void from then on**: whoever listened has it.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, Unavailable, Verified,
//!     clock::SystemClock,
//!     mint::two_tokens::TwoTokens,
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
//! let tokens =
//!     TwoTokens::below("/shop", Arc::new(MemorySessions::default()), Arc::new(Everybody));
//! let looks = Gate::in_realm("shop").accept(tokens.either(), tokens.clone()).build()?;
//! let buys = Gate::in_realm("shop").accept(tokens.secure(), tokens.clone()).build()?;
//! # let _ = (looks, buys); Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not know of a request that no guard of its looks at: let one of [`either`](TwoTokens::either) that is
//! [for anonymous callers too](crate::Gate::or_anonymous_clearing_cookies) stand in front of the sign-in.
//!
//! # Deployment
//! Behind a proxy that ends TLS, the proxy must be [trusted](crate::gate::GateBuilder::behind); else every secure token comes in the clear.

mod kind;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use self::kind::{IDENTITY, Opener, SECURE, identity_prefix, secure_prefix};
pub use self::kind::{TwoTokenCookies, TwoTokenCredential};
use super::{
    endpoint::{Endpoint, described::Answered},
    session::id_of,
    sign_in::{SignIn, SignedIn},
};
use crate::{
    clock::{SharedClock, SystemClock, later},
    credential::BasicCredential,
    gate::Gate,
    principal::Scopes,
    response::Reply,
    secret::{MintedToken, TokenDigest, TokenPrefix},
    store::{Directory, SessionRecord, SessionStore},
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

/// What the secure token brings.
const ACT: &str = "act";

/// Makes both tokens, and verifies them. Cheap to clone. See the [module](self).
pub struct TwoTokens<P> {
    store: Arc<dyn SessionStore>,
    directory: Arc<dyn Directory<P>>,
    path: Box<str>,
    clock: SharedClock,
}

/// How long each token lasts.
const SECURE_LIFE: Duration = Duration::from_secs(12 * 60 * 60);
const IDENTITY_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const SIGNED_IN: &[Answered] = &[Answered::empty(204, "Both tokens, as cookies.").with_fields(&["Set-Cookie"])];

impl<P: Send + Sync + 'static> TwoTokens<P> {
    /// Tokens in this store, for users of this directory; `identity` is sent below this path.
    #[must_use]
    pub fn below(path: &str, store: Arc<dyn SessionStore>, directory: Arc<dyn Directory<P>>) -> Self {
        Self { store, directory, path: path.into(), clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The kind for routes that either token opens.
    #[must_use]
    pub fn either(&self) -> TwoTokenCookies {
        TwoTokenCookies::opening_by(Opener::Either, &self.store)
    }

    /// The kind for routes that the secure token alone opens.
    #[must_use]
    pub fn secure(&self) -> TwoTokenCookies {
        TwoTokenCookies::opening_by(Opener::SecureAlone, &self.store)
    }

    /// The endpoint that hands both out: `POST` with `username` and `password`, over TLS alone; 204.
    #[must_use]
    pub fn sign_in<V>(&self, gate: &Gate<P>, passwords: Arc<V>) -> Endpoint<P>
    where
        V: Verify<BasicCredential, Principal = P>,
    {
        let this = self.clone();
        SignIn::at(gate)
            .over_tls_alone()
            .then(passwords, move |me: SignedIn<P>| {
                let this = this.clone();
                async move { this.begin(me.subject()).await }
            })
            .answering(SIGNED_IN)
    }

    async fn begin(&self, subject: Option<&str>) -> Result<Reply, Unavailable> {
        let subject = subject.ok_or_else(|| {
            Unavailable::because(
                "a verifier of passwords names no subject, so no token can be its: use Verified::with_subject",
            )
        })?;
        let (secure, identity) =
            (self.keep(secure_prefix(), subject, SECURE_LIFE), self.keep(identity_prefix(), subject, IDENTITY_LIFE));
        let (secure, identity) = (secure.await?, identity.await?);
        let (path, life) = (&self.path, IDENTITY_LIFE.as_secs());
        Ok(Reply::new(204)
            .with("set-cookie", format!("{SECURE}={}; Secure; HttpOnly; SameSite=Strict; Path=/", secure.reveal()))
            .with(
                "set-cookie",
                format!("{IDENTITY}={}; HttpOnly; SameSite=Lax; Path={path}; Max-Age={life}", identity.reveal()),
            ))
    }

    async fn keep(&self, prefix: TokenPrefix, subject: &str, life: Duration) -> Result<MintedToken, Unavailable> {
        let (token, now) = (prefix.mint(), self.clock.wall());
        let ends = later(now, life);
        let record = SessionRecord {
            id: id_of(&token.digest()),
            subject: subject.into(),
            // Asked of nobody: these end with their rows.
            generation: 0,
            created: now,
            authenticated: now,
            used: now,
            idle: life,
            ends,
            address: None,
            agent: None,
            data: None,
            revision: 0,
        };
        self.store.insert(token.digest(), record, usize::MAX).await?;
        Ok(token)
    }

    /// Whose the token is, and until when; nothing if it is nobody's any more.
    async fn owner(&self, token: TokenDigest) -> Result<Option<(Box<str>, SystemTime)>, Unavailable> {
        let record = self.store.find(token).await?;
        Ok(record.filter(|record| self.clock.wall() < record.ends).map(|record| (record.subject, record.ends)))
    }

    async fn answer(&self, credential: TwoTokenCredential) -> Result<Answer<P>, Unavailable> {
        let mut owners = Vec::new();
        for token in [credential.secure, credential.identity].into_iter().flatten() {
            // Each must be good: what is wrong is never passed over for another.
            let Some(owner) = self.owner(token).await? else {
                return Ok(Answer::refused("one of its tokens is not known, or has ended"));
            };
            owners.push(owner);
        }
        let Some(((subject, ends), others)) = owners.split_first() else { return Ok(Answer::Refused) };
        if others.iter().any(|(other, _)| other != subject) {
            return Ok(Answer::refused("its tokens are of several subjects"));
        }
        let Some(verified) = self.directory.find(subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        let scopes = match credential.secure {
            Some(_) => Scopes::of(verified.scopes().iter().chain([ACT])),
            None => Scopes::of(verified.scopes().iter().filter(|scope| *scope != ACT)),
        };
        match scopes {
            Ok(scopes) => Ok(verified.with_scopes(scopes).ending_at(*ends).into()),
            Err(error) => Err(Unavailable::because(error)),
        }
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TwoTokenCredential> for TwoTokens<P> {
    type Principal = P;

    async fn verify(&self, credential: TwoTokenCredential) -> Answer<P> {
        self.answer(credential).await.unwrap_or_else(Answer::Unavailable)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }
}

impl<P> Clone for TwoTokens<P> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            directory: Arc::clone(&self.directory),
            path: self.path.clone(),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<P> fmt::Debug for TwoTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwoTokens").field("path", &self.path).finish_non_exhaustive()
    }
}
