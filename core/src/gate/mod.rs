//! The gate: one pipeline from a request to an admission or a refusal, for every framework alike.
//!
//! A gate is made once, at start-up; [`GateBuilder::build`] names every fault at once and makes nothing that cannot work. From it
//! come gates of other demands, by [`require`](Gate::require), [`only`](Gate::only) and [`or_anonymous`](Gate::or_anonymous), which share
//! its verifiers. Cloning one costs a few reference counts.
//!
//! # The way of a request
//! 1. Every scheme says where its raw credential stands. Longer than 8 KiB, or what the gate
//!    [was told](GateBuilder::credentials_up_to), is 431. `Authorization` twice, or two explicit
//!    credentials of schemes that this gate takes, is 400. A cookie is looked at only where nothing explicit is, and two of them are 400
//!    as well, unless the gate [prefers](GateBuilder::preferring) one. A certificate counts where there is nothing else.
//! 2. The raw bytes are looked up; only what is not known yet is read and verified.
//! 3. What the grant is bound to must be shown by this request.
//! 4. What browsers send by themselves does not pass where another site's page [may change something](crate::request::origin); then policies
//!    judge.
//!
//! A credential that is there and wrong is refused, also where anonymous callers are let in.
//!
//! # Example
//! ```
//! use countersign::{
//!     Bearer, Gate, Verified,
//!     adapter::{Admission, Verdict},
//!     testing::PlainHead,
//!     verifier::TokenTable,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("a-long-random-token", Verified::new("emily")))
//!     .build()?;
//!
//! let head = PlainHead::get("/me")
//!     .with("authorization", "Bearer a-long-random-token")
//!     .received_by(&gate);
//! let Admission::Decided(Verdict::Admitted(grant)) = head.at(&gate) else {
//!     panic!("admitted at once")
//! };
//! assert_eq!(*grant, "emily");
//!
//! let head = PlainHead::get("/me").received_by(&gate);
//! let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate) else {
//!     panic!("refused at once")
//! };
//! assert_eq!(rejection.status(), 401);
//! # Ok(()) }
//! ```
//!
//! # Why
//! The future that waits for a verifier owns what it needs and borrows nothing, so that frameworks whose requests are bound to a thread can
//! wait for it too; therefore policies, which read the head, are judged after it, with the head at hand again.

pub(crate) mod admission;
mod answer;
mod asks;
mod builder;
mod by_hand;
mod case;
mod confirm;
#[cfg(feature = "openapi")]
pub(crate) mod documented;
pub mod grant;
mod in_force;
mod locate;
mod metadata;
pub mod policy;
#[cfg(all(any(test, feature = "test-util"), debug_assertions))]
pub(crate) mod posed;
mod realm;
pub(crate) mod received;
mod refusal;
mod scheme;
mod step_up;
mod tasks;
mod usual;
mod verdict;
pub(crate) mod verification;
mod why;

use std::{fmt, sync::Arc};

pub(crate) use self::realm::Realm;
#[cfg(feature = "mint")]
pub(crate) use self::tasks::{PATIENCE, Tasks};
pub use self::{
    builder::{BuildError, GateBuilder},
    grant::Grant,
    metadata::{NotAsEnforced, ResourceMetadata},
    policy::{Demand, Policy},
};
use self::{
    in_force::Outer,
    policy::{Decision, all_of},
    realm::Totals,
    scheme::Scheme,
    usual::Usual,
};
use crate::{
    request::{RequestView, exchange::FieldsRead},
    response::Challenge,
    secret::fingerprint::SchemeKey,
};

/// Admits requests or refuses them. See the [module](self).
pub struct Gate<P> {
    shared: Arc<Shared<P>>,
    demands: Arc<Demands<P>>,
    typed: Option<Typed<P>>,
    anonymous: bool,
    clears_cookies: bool,
    /// Whether each request is verified anew.
    uncached: bool,
    /// The scheme by which a guard further out admitted the request: no other counts here.
    admitted: Option<usize>,
    outer: Option<Outer<P>>,
}

/// What every gate that came of one builder shares.
struct Shared<P> {
    /// Drawn for each, and never again in this process.
    number: u64,
    realm: Arc<Realm>,
    schemes: Vec<Box<dyn Scheme<P>>>,
    /// By which credentials of each scheme are remembered, in the same order.
    keys: Vec<SchemeKey>,
    /// The schemes of which one is preferred to the next, by their places.
    preferring: Vec<usize>,
    /// In bytes as sent.
    longest_credential: usize,
    /// The longest body that a guard reads because a credential covers it.
    longest_body: usize,
    /// What tests are let in by.
    #[cfg(all(any(test, feature = "test-util"), debug_assertions))]
    posed: posed::Posed<P>,
}

/// What one gate asks for.
struct Demands<P> {
    shared: Arc<Shared<P>>,
    /// The schemes that are taken, by their place in `Shared::schemes`.
    takes: Vec<usize>,
    policy: Option<Arc<dyn Policy<P>>>,
    /// The scopes that the policy asks for, as a challenge names them.
    scopes: Option<Box<str>>,
    /// The fields that locating, and choosing the form of a refusal, read.
    reads: Arc<FieldsRead>,
    /// What is the same for everybody.
    usual: Usual,
}

/// A demand that stands in a handler's signature.
struct Typed<P> {
    name: &'static str,
    schemes: Option<&'static [&'static str]>,
    judge: fn(&Grant<P>, &RequestView<'_>) -> Decision,
}

/// A scheme that a gate does not have.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("this gate has no scheme {unknown:?}; it has {known}")]
pub struct UnknownScheme {
    unknown: String,
    known: String,
}

crate::sentence::prints_its_sentence!(UnknownScheme);

/// How often things happened since the gate was built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls of a verifier, by scheme, in the gate's order. What was remembered adds none.
    pub verifications: Vec<(Box<str>, u64)>,
    /// Verifications that run or wait for their turn at this moment, by scheme.
    pub queued: Vec<(Box<str>, usize)>,
    /// Refusals of every kind.
    pub rejections: u64,
    /// Refusals by reason.
    pub rejections_by_reason: Vec<(&'static str, u64)>,
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// Begins a gate of this realm: the name of what it protects, as challenges and browsers' dialogs show it.
    pub fn in_realm(realm: &str) -> GateBuilder<P> {
        GateBuilder::new(realm)
    }

    /// The same gate, which also demands this of whom it admits.
    #[must_use]
    pub fn require(&self, policy: impl Policy<P>) -> Self {
        let policy: Arc<dyn Policy<P>> = match &self.demands.policy {
            Some(earlier) => Arc::new(all_of((Arc::clone(earlier), policy))),
            None => Arc::new(policy),
        };
        let scopes = Some(policy.scopes().join(" ")).filter(|scopes| !scopes.is_empty()).map(Box::from);
        self.with_demands(Demands { policy: Some(policy), scopes, ..self.demands.duplicate() })
    }

    /// The same gate, which takes these schemes alone; a credential of another counts as absent.
    ///
    /// # Errors
    /// When it does not have one of them, or none is named.
    pub fn only<'a>(&self, schemes: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownScheme> {
        let mut takes = Vec::new();
        for name in schemes {
            let place = self.demands.takes.iter().copied().find(|place| self.shared.named(*place, name));
            takes.push(place.ok_or_else(|| self.unknown(name))?);
        }
        // The order of challenges is the gate's, however the schemes are named here.
        takes.sort_unstable();
        takes.dedup();
        if takes.is_empty() {
            return Err(self.unknown(""));
        }
        let reads = self.shared.fields_read(&takes);
        Ok(self.with_demands(Demands { takes, reads, ..self.demands.duplicate() }))
    }

    /// The same gate, which lets callers without a credential in as nobody. A wrong credential is refused all the same, and policies
    /// judge whoever is known.
    #[must_use]
    pub fn or_anonymous(&self) -> Self {
        Self { anonymous: true, ..self.clone() }
    }

    /// Lets callers without a credential in as nobody, **and those whose cookie is refused too**, or comes twice, or is too long: the
    /// response clears that cookie. For the page at which people sign in, which must not send a browser with a dead session in a
    /// circle. A wrong explicit credential and an outage are refused all the same; where the gate takes nothing explicit, it is not
    /// looked at.
    #[must_use]
    pub fn or_anonymous_clearing_cookies(&self) -> Self {
        Self { anonymous: true, clears_cookies: true, ..self.clone() }
    }

    /// The same gate, which asks its verifiers at each request, whatever the cache knows, and leaves there nothing of what it hears. For
    /// the few routes on which a change that nobody [revoked](crate::CredentialCache::revoke) must count at once, such as one of roles in
    /// a directory: each request then costs what the first one costs.
    ///
    /// One request asks once, however many guards it meets; a guard further in is at least as strict as one further out.
    ///
    /// ```
    /// # use countersign::{Gate, gate::policy::role};
    /// # fn guard(gate: &Gate<String>) -> Gate<String> {
    /// gate.uncached().require(role("treasurer"))
    /// # }
    /// ```
    #[must_use]
    pub fn uncached(&self) -> Self {
        Self { uncached: true, ..self.clone() }
    }

    /// How a 401 of this gate asks the client of this request.
    pub(crate) fn challenges(&self, request: &RequestView<'_>) -> Vec<Challenge> {
        self.refusing(&self.demands.takes, request).asked()
    }

    /// Whether this gate made a grant, by a scheme that it takes.
    pub(crate) fn made(&self, grant: &Grant<P>) -> bool {
        Arc::ptr_eq(&self.shared.realm, &grant.realm)
            && self.demands.takes.iter().any(|place| self.shared.named(*place, grant.scheme()))
    }

    /// Ends when nothing runs any more that was [shielded](Grant::shielded), by the app or by an endpoint. Await it at shut-down: after
    /// the server, which then begins nothing new, and before the runtime and the stores.
    pub async fn drained(&self) {
        self.shared.realm.tasks().drained().await;
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let totals: &Totals = self.shared.realm.totals();
        Counts {
            verifications: self
                .shared
                .schemes
                .iter()
                .map(|scheme| (Box::from(scheme.name()), scheme.verifications()))
                .collect(),
            queued: self.shared.schemes.iter().map(|scheme| (Box::from(scheme.name()), scheme.queued())).collect(),
            rejections: totals.sum(),
            rejections_by_reason: totals.by_reason(),
        }
    }

    /// What this gate asks for, in a few words, for a table of routes: such as `bearer or cookie, if the policy permits`.
    #[must_use]
    pub fn summary(&self) -> String {
        let names: Vec<_> = self
            .demands
            .takes
            .iter()
            .filter_map(|place| self.shared.schemes.get(*place))
            .map(|scheme| scheme.name())
            .collect();
        let mut text = names.join(" or ");
        if self.anonymous {
            text.push_str(", or nobody");
        }
        if self.demands.policy.is_some() {
            text.push_str(", if the policy permits");
        }
        text
    }

    fn with_demands(&self, demands: Demands<P>) -> Self {
        Self { demands: Arc::new(demands), ..self.clone() }
    }

    fn unknown(&self, name: &str) -> UnknownScheme {
        let known: Vec<_> = self
            .demands
            .takes
            .iter()
            .filter_map(|place| self.shared.schemes.get(*place))
            .map(|scheme| scheme.name())
            .collect();
        UnknownScheme { unknown: name.to_owned(), known: known.join(", ") }
    }
}

impl<P> Gate<P> {
    /// What of the gate does not depend on the principal.
    pub(crate) fn realm(&self) -> &Arc<Realm> {
        &self.shared.realm
    }
}

impl<P> Shared<P> {
    fn named(&self, place: usize, name: &str) -> bool {
        self.schemes.get(place).is_some_and(|scheme| scheme.name() == name)
    }

    fn preference(&self, place: usize) -> Option<usize> {
        self.preferring.iter().position(|preferred| *preferred == place)
    }

    fn fields_read(&self, takes: &[usize]) -> Arc<FieldsRead> {
        let mut names: Vec<Box<str>> = Vec::new();
        for field in takes.iter().filter_map(|place| self.schemes.get(*place)).flat_map(|scheme| scheme.fields()) {
            if !names.iter().any(|known| **known == *field.name()) {
                names.push(field.name().into());
            }
        }
        Arc::new(FieldsRead::of(names.into()))
    }
}

impl<P> Demands<P> {
    fn duplicate(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            takes: self.takes.clone(),
            policy: self.policy.clone(),
            scopes: self.scopes.clone(),
            reads: Arc::clone(&self.reads),
            usual: Usual::default(),
        }
    }
}

impl<P> Clone for Gate<P> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            demands: Arc::clone(&self.demands),
            typed: self.typed,
            anonymous: self.anonymous,
            clears_cookies: self.clears_cookies,
            uncached: self.uncached,
            admitted: self.admitted,
            outer: self.outer.clone(),
        }
    }
}

impl<P> Clone for Typed<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Typed<P> {}

impl<P: Send + Sync + 'static> fmt::Debug for Gate<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("realm", &self.shared.realm.name())
            .field("asks", &self.summary())
            .finish_non_exhaustive()
    }
}
