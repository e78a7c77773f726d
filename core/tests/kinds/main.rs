//! What a kind of credential says of itself, and what a gate makes of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bodies;
mod challenges;
mod clear;
mod covering;
mod names;
mod parts;
mod ranks;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, ApiKey, Basic, Bearer, CredentialCache, Extract, Gate, Handle, KeyRing, QueryParam, RequestView,
    SignedCookie, Unavailable, Verified, Verify,
    adapter::{Admission, Guard, Verdict},
    credential::{
        Called, Confirm, Confirmation, Confirming, CookieCredential, Covers, Occurrences, On, Rank, Raw, Sender,
        TokenCredential, Voiding, after_keyword,
    },
    gate::BuildError,
    principal::{Binding, Proof},
    request::{Field, Proxies, Unreadable, field},
    response::{Challenge, Reason},
    testing::PlainHead,
    verifier::{Kept, PasswordTable, Terms, TokenTable, verify_now_with},
};

type Person = &'static str;

/// Who was admitted and by which scheme, or why nobody was.
type Answered = Result<(Person, String), Reason>;

fn token(text: &'static str, person: Person) -> TokenTable<Person> {
    TokenTable::new().with(text, Verified::new(person))
}

fn decided(gate: &Gate<Person>, head: PlainHead) -> Verdict<Person> {
    match head.received_by(gate).at(gate) {
        Admission::Decided(verdict) => verdict,
        Admission::Pending(_) | Admission::Body(_) => panic!("nothing here waits"),
    }
}

fn answer(gate: &Gate<Person>, head: PlainHead) -> Answered {
    match decided(gate, head) {
        Verdict::Admitted(grant) => Ok((*grant, grant.scheme().to_owned())),
        Verdict::Rejected(rejection) => Err(rejection.reason()),
        Verdict::Anonymous => panic!("anonymous"),
    }
}

fn by(person: Person, scheme: &str) -> Answered {
    Ok((person, scheme.to_owned()))
}

fn with(fields: &[(&str, &str)]) -> PlainHead {
    fields.iter().fold(PlainHead::get("/"), |head, (name, value)| head.with(name, value))
}

fn cookie(name: &str) -> SignedCookie {
    SignedCookie::named(name, KeyRing::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap())
}

/// What a browser sends of a good cookie of this name.
fn sent(name: &str) -> String {
    format!("{name}={}", cookie(name).seal(b"s", SystemTime::now() + Duration::from_secs(60)))
}

/// Takes any cookie whose seal is good.
fn always(person: Person) -> impl Verify<CookieCredential, Principal = Person> {
    verify_now_with(move |_: &CookieCredential| Answer::from(Verified::new(person)))
}

fn status(verdict: &Verdict<Person>) -> u16 {
    match verdict {
        Verdict::Admitted(_) => 200,
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => rejection.status(),
    }
}

async fn reason(gate: &Gate<Person>, head: PlainHead) -> Option<Reason> {
    match head.received_by(gate).verdict_at(gate).await {
        Verdict::Admitted(_) => None,
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => Some(rejection.reason()),
    }
}
