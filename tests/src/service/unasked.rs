//! Kinds of the library that cover their request, as the gate of the cases takes them: without a way to ask, so that no refusal changes.

use std::{sync::Arc, time::SystemTime};

use countersign::{
    Extract, RequestView, Secret,
    clock::SharedClock,
    credential::{
        Confirm, Covers, Occurrences, Raw,
        signed_request::{hawk::Hawk, oauth1::OAuth1, sigv4::SigV4},
    },
    request::Field,
    response::Challenge,
    store::{MemoryReplay, MemorySecrets, StoredSecret},
    verifier::{Secrets, SignedBy},
};

use super::people::{Person, emily};

/// The key that emily signs with, by every scheme.
pub(crate) const EMILYS_KEY: &str = "the key of emily, for the cases, and for nothing else";

/// A kind, without its challenges.
pub(super) struct Unasked<E>(E);

fn replay(clock: &SharedClock) -> Arc<MemoryReplay> {
    Arc::new(MemoryReplay::default().timed_by(Arc::clone(clock)))
}

pub(super) fn unasked_hawk(clock: &SharedClock) -> Unasked<Hawk> {
    Unasked(Hawk::new(replay(clock)).timed_by(Arc::clone(clock)))
}

pub(super) fn unasked_sigv4(clock: &SharedClock) -> Unasked<SigV4> {
    Unasked(SigV4::of("us-east-1", "service", replay(clock)).timed_by(Arc::clone(clock)))
}

pub(super) fn unasked_oauth1(clock: &SharedClock) -> Unasked<OAuth1> {
    Unasked(OAuth1::new(replay(clock)).timed_by(Arc::clone(clock)).without_forms())
}

/// Knows emily by her name, which is the name of her key too.
pub(super) fn emilys_key() -> SignedBy<MemorySecrets<Person>> {
    let stored = |secret: Secret| StoredSecret::new(secret, emily());
    let consumer = OAuth1::key(&Secret::new(EMILYS_KEY), &Secret::new(""));
    let known = MemorySecrets::new()
        .with("emily", stored(Secret::new(EMILYS_KEY)))
        .with(&OAuth1::signer("emily", None), stored(consumer));
    SignedBy::secrets(Secrets::in_store(known).without_throttle())
}

impl<E: Extract> Extract for Unasked<E> {
    type Credential = E::Credential;

    fn scheme(&self) -> &str {
        self.0.scheme()
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        self.0.locate(request, occurrences);
    }

    fn covers(&self) -> Vec<Covers> {
        self.0.covers()
    }

    fn stands_in_body(&self, request: &RequestView<'_>) -> bool {
        self.0.stands_in_body(request)
    }

    fn read(&self, raw: Raw<'_>) -> Option<E::Credential> {
        self.0.read(raw)
    }

    fn ends(&self, credential: &E::Credential) -> Option<SystemTime> {
        self.0.ends(credential)
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.0.clock()
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        self.0.confirm()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        Vec::new()
    }

    fn fields(&self) -> Vec<Field> {
        self.0.fields()
    }
}
