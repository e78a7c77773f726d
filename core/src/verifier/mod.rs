//! Deciding whether a credential is good: [`Verify`], and the ready-made ways of doing it.
//!
//! A verifier is given one credential, already read and well formed, and answers in one of three ways: [`Answer::Verified`],
//! with who it is and what limits that; [`Answer::Refused`], which says nothing more; or [`Answer::Unavailable`], when it
//! could not find out. **No answer is not "no"**: an outage becomes a 503, is never remembered, and admits nobody.
//!
//! # Example
//! ```
//! use countersign::{Answer, Verified, Verify, credential::TokenCredential};
//!
//! #[derive(Debug)]
//! struct Lucky;
//!
//! #[countersign::async_trait]
//! impl Verify<TokenCredential> for Lucky {
//!     type Principal = u32;
//!
//!     async fn verify(&self, credential: TokenCredential) -> Answer<u32> {
//!         if credential.token().matches(b"seven") {
//!             Verified::new(7).into()
//!         } else {
//!             Answer::Refused
//!         }
//!     }
//! }
//! ```
//!
//! # What it does not do
//! It does not see the request: where a credential was found is an [`Extract`](crate::Extract)'s business, what the caller
//! may do a [`Policy`](crate::Policy)'s.

mod answer;
mod company;
#[cfg(feature = "foreign-cookies")]
pub mod couchdb;
pub mod first_of;
pub mod function;
#[cfg(feature = "foreign-cookies")]
pub mod itsdangerous;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "ldap")]
pub mod ldap;
pub mod looked_up;
#[cfg(feature = "password")]
pub mod password;
pub(crate) mod queue;
#[cfg(feature = "remote")]
pub mod remote;
mod reuse;
#[cfg(feature = "jwe")]
pub mod sealed;
pub mod secrets;
pub mod signed_by;
pub mod table;
mod terms;
pub mod token;

use std::sync::Arc;

use async_trait::async_trait;

#[cfg(feature = "password")]
pub use self::password::{HashError, HashFault, HashLimits, HashReport, PasswordCost, Passwords, UnreadableHash};
#[cfg(feature = "jwe")]
pub use self::sealed::SealedJwt;
pub(crate) use self::terms::Issued;
pub use self::{
    answer::Answer,
    company::Company,
    first_of::{FirstOf, first_of},
    function::{VerifyNowWith, VerifyWith, verify_now_with, verify_with},
    looked_up::LookedUp,
    queue::{QueueLimits, WorkPermit},
    secrets::{Claimant, Secrets},
    signed_by::{Signed, SignedBy},
    table::{PasswordTable, TokenTable},
    terms::{Kept, Terms},
    token::{OpaqueTokens, SentToken, TokensOfAnyShape},
};
#[cfg(feature = "foreign-cookies")]
pub use self::{couchdb::CouchDbSessions, itsdangerous::ItsdangerousJws};
use crate::{clock::SharedClock, throttle::Account};

/// Decides whether a credential is good.
///
/// Implementations live as long as the gate and are called from many tasks at once. A panic in one is caught and counts
/// as [`Answer::Unavailable`].
#[async_trait]
pub trait Verify<C: Send + 'static>: Send + Sync + 'static {
    /// Who a caller turns out to be, in the application's terms.
    type Principal: Send + Sync + 'static;

    /// The answer, if it can be computed on the spot, without waiting for anything; `None` asks for
    /// [`verify`](Self::verify).
    ///
    /// For tables, MACs and signatures with keys at hand. It runs on the thread that serves requests: what takes longer
    /// than some hundred microseconds belongs in `verify`.
    fn verify_now(&self, credential: &C) -> Option<Answer<Self::Principal>> {
        let _ = credential;
        None
    }

    /// The answer, after whatever waiting it takes.
    async fn verify(&self, credential: C) -> Answer<Self::Principal>;

    /// On what terms it is asked: whether answers are kept, how many verifications run at once, who counts wrong tries. Asked for once by
    /// each gate and endpoint that it is handed to. As here: nothing is kept, 256 run at once, and nobody counts.
    fn terms(&self) -> Terms {
        Terms::new()
    }

    /// The clock by which this tells what has ended, if it does. [`build`](crate::gate::GateBuilder::build) names a verifier whose
    /// clock is not the gate's: what is over for one would go on for the other.
    fn clock(&self) -> Option<&SharedClock> {
        None
    }

    /// What is wrong with what this was put together with; [`build`](crate::gate::GateBuilder::build) reports it and does not start.
    /// Nothing, unless this says otherwise.
    fn check(&self, company: &Company<'_>) -> Vec<String> {
        let _ = company;
        Vec::new()
    }

    /// Under which name of the [throttle](Terms::throttled_by) a try with this credential counts; `None` (as here) counts it nowhere.
    fn account(&self, credential: &C) -> Option<Account> {
        let _ = credential;
        None
    }
}

/// A shared verifier: one that a gate and an endpoint both ask.
#[async_trait]
impl<C, V> Verify<C> for Arc<V>
where
    C: Send + 'static,
    V: Verify<C> + ?Sized,
{
    type Principal = V::Principal;

    fn verify_now(&self, credential: &C) -> Option<Answer<V::Principal>> {
        (**self).verify_now(credential)
    }

    async fn verify(&self, credential: C) -> Answer<V::Principal> {
        (**self).verify(credential).await
    }

    fn terms(&self) -> Terms {
        (**self).terms()
    }

    fn clock(&self) -> Option<&SharedClock> {
        (**self).clock()
    }

    fn check(&self, company: &Company<'_>) -> Vec<String> {
        (**self).check(company)
    }

    fn account(&self, credential: &C) -> Option<Account> {
        (**self).account(credential)
    }
}
