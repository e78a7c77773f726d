//! A kind under another name, so that one gate can take two of a kind: [`Called`].
//!
//! A scheme's name is what `only`, demands, grants and counters speak of. It is 1 to 64 letters, digits, `-`, `.`, `_` and other
//! characters of a token; [`build`](crate::gate::GateBuilder::build) says so of any other, and of two that are alike.
//!
//! # Example
//! ```
//! use countersign::{
//!     ApiKey, Extract, Gate, KeyRing, SignedCookie, Verified, testing::PlainHead,
//!     verifier::TokenTable,
//! };
//!
//! let partners = ApiKey::in_header("X-Partner-Key").called("partner");
//! assert_eq!(partners.scheme(), "partner");
//!
//! let gate = Gate::in_realm("parcels")
//!     .accept(
//!         ApiKey::in_header("X-API-Key"),
//!         TokenTable::new().with("a-long-random-key", Verified::new("emily")),
//!     )
//!     .accept(partners, TokenTable::new().with("another-random-key", Verified::new("a partner")))
//!     .build()
//!     .unwrap();
//! assert!(gate.only(["partner"]).is_ok() && gate.only(["keys"]).is_err());
//! ```
//!
//! # What it does not do
//! It does not tell two kinds apart that stand in the same place: a request that brings a token behind `Bearer` brings it to both, and a
//! guard that takes both answers 400. Let each route take [`only`](crate::Gate::only) one of them.

use std::time::SystemTime;

use super::{Confirm, Covers, Extract, Occurrences, On, Rank, Raw, Sender, Voiding};
use crate::{
    clock::SharedClock,
    request::{Field, RequestView},
    response::Challenge,
};

/// A kind under another name. See the [module](self).
#[derive(Debug, Clone)]
pub struct Called<E> {
    name: Box<str>,
    kind: E,
}

impl<E> Called<E> {
    pub(super) fn new(name: &str, kind: E) -> Self {
        Self { name: name.into(), kind }
    }

    /// The kind itself.
    #[must_use]
    pub fn kind(&self) -> &E {
        &self.kind
    }
}

impl<E: Extract> Extract for Called<E> {
    type Credential = E::Credential;

    fn scheme(&self) -> &str {
        &self.name
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        self.kind.locate(request, occurrences);
    }

    fn covers(&self) -> Vec<Covers> {
        self.kind.covers()
    }

    fn read(&self, raw: Raw<'_>) -> Option<E::Credential> {
        self.kind.read(raw)
    }

    fn ends(&self, credential: &E::Credential) -> Option<SystemTime> {
        self.kind.ends(credential)
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.kind.clock()
    }

    fn challenges(&self, request: &RequestView<'_>) -> Vec<Challenge> {
        self.kind.challenges(request)
    }

    fn asks_alike(&self) -> bool {
        self.kind.asks_alike()
    }

    fn challenge_fields(&self, request: &RequestView<'_>) -> Vec<(&'static str, String)> {
        self.kind.challenge_fields(request)
    }

    fn stands_in_body(&self, request: &RequestView<'_>) -> bool {
        self.kind.stands_in_body(request)
    }

    fn stands_in_query(&self, request: &RequestView<'_>) -> bool {
        self.kind.stands_in_query(request)
    }

    fn fields(&self) -> Vec<Field> {
        self.kind.fields()
    }

    fn on(&self) -> On {
        self.kind.on()
    }

    fn rank(&self) -> Rank {
        self.kind.rank()
    }

    fn sender(&self) -> Sender {
        self.kind.sender()
    }

    fn needs_secure_channel(&self) -> bool {
        self.kind.needs_secure_channel()
    }

    fn bears_the_clear(&self, raw: Raw<'_>) -> bool {
        self.kind.bears_the_clear(raw)
    }

    fn seen_in_the_clear(&self, credential: E::Credential) -> Option<Voiding> {
        self.kind.seen_in_the_clear(credential)
    }

    fn parameter(&self) -> Option<&str> {
        self.kind.parameter()
    }

    fn subprotocol(&self) -> Option<&str> {
        self.kind.subprotocol()
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        self.kind.confirm()
    }

    fn clear(&self, request: &RequestView<'_>) -> Option<String> {
        self.kind.clear(request)
    }

    fn check(&self) -> Vec<String> {
        self.kind.check()
    }
}
