//! Kinds of the library as the gate of the cases takes them: without a way to ask, and without a word in `Vary`, so that no other answer changes.

use std::{sync::Arc, time::SystemTime};

use countersign::{
    Extract, RequestView, Secret,
    clock::SharedClock,
    credential::{
        Confirm, Covers, Dpop, KeyBound, Nonces, Occurrences, Rank, Raw, Sender,
        cookie::foreign::{Document, ForeignCookie, Itsdangerous, OpenedCookie},
        digest::Digest,
        signed_request::{
            hawk::Hawk,
            message_signature::{MessageKeys, MessageSignature},
            oauth1::OAuth1,
            sigv4::SigV4,
            wsse::Wsse,
        },
    },
    jose::{JwtAlgorithm, JwtKey},
    principal::Binding,
    request::{Field, field},
    response::Challenge,
    store::{MemoryCounts, MemoryReplay, MemorySecrets, StoredSecret},
    verifier::{Secrets, SignedBy, TokenTable, verify_now_with},
};

use super::people::{Person, emily};
use countersign::{Answer, KeyRing, Verify};

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

pub(super) fn unasked_wsse(clock: &SharedClock) -> Unasked<Wsse> {
    Unasked(Wsse::new(replay(clock)).timed_by(Arc::clone(clock)))
}

pub(super) fn unasked_digest(clock: &SharedClock) -> Unasked<Digest> {
    Unasked(digest(clock))
}

/// With nonces that are the same in every run, if they are handed out at the same time.
pub(crate) fn digest(clock: &SharedClock) -> Digest {
    let counts = MemoryCounts::default().timed_by(Arc::clone(clock));
    Digest::in_realm("people", nonces(clock), Arc::new(counts))
}

/// Nonces of the cases.
pub(crate) fn nonces(clock: &SharedClock) -> Nonces {
    let keys = KeyRing::of([Secret::new(*b"the conformance cases sign by it")]).expect("the key is long enough");
    Nonces::of("digest", keys).timed_by(Arc::clone(clock))
}

pub(super) fn unasked_message_signature(clock: &SharedClock) -> Unasked<MessageSignature> {
    Unasked(MessageSignature::new("people", replay(clock)).timed_by(Arc::clone(clock)))
}

/// Knows the key of emily by her name.
pub(super) fn emilys_message_key() -> MessageKeys<Person> {
    let key = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new(EMILYS_KEY)).expect("the key is long enough");
    MessageKeys::new().with("emily", key, emily()).expect("signatures have its algorithm")
}

pub(super) fn unasked_dpop(clock: &SharedClock) -> Unasked<Dpop> {
    Unasked(Dpop::remembered_in(replay(clock)).timed_by(Arc::clone(clock)))
}

/// Knows one token, which is bound to the key `test-key-ed25519` of RFC 9421.
pub(super) fn emilys_bound_token() -> KeyBound<TokenTable<Person>> {
    const THUMBPRINT: [u8; 32] = [
        166, 138, 164, 44, 104, 178, 154, 31, 214, 210, 227, 250, 61, 145, 112, 249, 219, 222, 207, 116, 9, 79, 148,
        168, 150, 165, 193, 9, 109, 252, 175, 69,
    ];
    KeyBound(TokenTable::new().with("emily-with-a-key", emily().bound_to(Binding::KeyThumbprint(THUMBPRINT))))
}

/// The session of a Flask application, in the cookie `flask`.
pub(super) fn unasked_flask(clock: &SharedClock) -> Unasked<impl Extract<Credential = OpenedCookie<Document>>> {
    Unasked(ForeignCookie::named("flask", flask()).timed_by(Arc::clone(clock)).called("flask"))
}

/// The format of its cookie.
pub(crate) fn flask() -> Itsdangerous {
    Itsdangerous::flask_session(Secret::new(EMILYS_KEY))
}

/// Knows emily by her number.
pub(super) fn emilys_number() -> impl Verify<OpenedCookie<Document>, Principal = Person> {
    verify_now_with(|cookie: &OpenedCookie<Document>| match cookie.value().member::<u64>("user_id") {
        Some(5) => emily().into(),
        _ => Answer::Refused,
    })
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

    fn stands_in_query(&self, request: &RequestView<'_>) -> bool {
        self.0.stands_in_query(request)
    }

    fn rank(&self) -> Rank {
        self.0.rank()
    }

    fn sender(&self) -> Sender {
        self.0.sender()
    }

    fn fields(&self) -> Vec<Field> {
        self.0.fields().into_iter().filter(|read| *read == field::AUTHORIZATION || *read == field::COOKIE).collect()
    }
}
