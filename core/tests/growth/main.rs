//! What it costs when there is more of something: never more than that much more, and nothing where it is somebody else's.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod counting;
mod endpoints;
mod heads;
mod kinds;
mod signed;
mod steps;
mod stores;
mod values;

use std::{
    borrow::Cow,
    cell::Cell,
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    Answer, ApiKey, Basic, Bearer, Extract, Gate, KeyRing, QueryParam, Scopes, Secret, SignedCookie, Verified, Verify,
    adapter::{Guard, RequestHead, receive},
    clock::SharedClock,
    mint::{
        endpoint::Endpoint,
        session::{SessionEndpoints, Sessions},
    },
    request::{Field, Proxies, ProxyHeaders},
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, Directory, MemoryApiKeys, MemorySessions, SessionRecord, SessionStore},
    testing::{ManualClock, PlainHead},
    throttle::{Throttle, ThrottleLimits, Try},
    verifier::{PasswordTable, TokenTable, verify_now_with},
};
use counting::{Counted, Row, assert_linear, count, row};

/// Stores in memory never wait.
fn now<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// Knows whoever is asked for.
struct Anybody;

#[countersign::async_trait]
impl Directory<String> for Anybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, countersign::Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

/// When it is.
fn wall() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The one clock of gates and their parts.
fn clock() -> SharedClock {
    static CLOCK: LazyLock<Arc<ManualClock>> = LazyLock::new(|| Arc::new(ManualClock::at(wall())));
    Arc::clone(&CLOCK) as SharedClock
}

fn keys() -> KeyRing {
    KeyRing::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A gate that takes this kind alone, as long as any gate may take it.
fn gate_of<E: Extract>(kind: E, verifier: impl Verify<E::Credential, Principal = String>) -> Gate<String> {
    let gate = Gate::in_realm("people").accept(kind, verifier).timed_by(clock());
    gate.credentials_up_to(64 * 1024).covering_bodies_up_to(64 * 1024).build().unwrap()
}

/// Reads a head as a guard does, body and challenges and all.
fn read_at(what: &str, gate: impl Fn() -> Gate<String> + 'static, head: impl Fn(usize) -> PlainHead + 'static) -> Row {
    row(what, move |pieces| {
        let (gate, runtime) = (gate(), runtime());
        let mut head = Some(head(pieces));
        Box::new(move || {
            let received = head.take().unwrap().received_by(&gate);
            drop(black_box(runtime.block_on(received.verdict_at(&gate))));
        })
    })
}

/// Asks an endpoint, behind its gate if it has one.
fn read_by(
    what: &str,
    gate: impl Fn() -> Gate<String> + 'static,
    endpoint: impl Fn(&Gate<String>) -> Endpoint<String> + 'static,
    request: impl Fn(usize) -> (PlainHead, String) + 'static,
) -> Row {
    row(what, move |pieces| {
        let (gate, runtime) = (gate(), runtime());
        let endpoint = endpoint(&gate);
        let (head, body) = request(pieces);
        let mut head = Some(head);
        Box::new(move || {
            let head = head.take().unwrap().received_by(&gate);
            runtime.block_on(async {
                let grant = match endpoint.gate() {
                    Some(gate) => match head.verdict_at(gate).await {
                        countersign::adapter::Verdict::Admitted(grant) => Some(grant),
                        _ => panic!("it is refused"),
                    },
                    None => None,
                };
                if let Ok(work) = endpoint.prepare(&head, head.exchange(), grant) {
                    drop(black_box(work.run(body.clone().into_bytes()).await));
                }
            });
        })
    })
}

#[test]
fn what_is_read_of_a_caller_costs_as_much_more_as_there_is_more_of_it() {
    let groups = [
        ("every caller", heads::of_every_caller()),
        ("digest", signed::of_digest()),
        ("wsse", signed::of_wsse()),
        ("hawk", signed::of_hawk()),
        ("sigv4", signed::of_sigv4()),
        ("oauth 1", signed::of_oauth1()),
        ("message signatures", signed::of_message_signatures()),
        ("crawlers", signed::of_crawlers()),
        ("cookies of others", values::of_cookies()),
        ("tokens", kinds::of_tokens()),
        ("proofs", kinds::of_proofs()),
        ("links and others", kinds::of_links_and_others()),
        ("bodies", endpoints::of_bodies()),
        ("devices", endpoints::of_devices()),
    ];
    let rows = groups.into_iter().flat_map(|(group, rows)| rows.into_iter().map(move |row| row.among(group))).collect();
    assert_linear(&count("what_is_read_of_a_caller_costs_as_much_more_as_there_is_more_of_it", rows));
}
