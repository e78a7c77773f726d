//! The cache behind a gate: it answers as no cache would, sooner.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod counters;
mod flight;
mod oracle;
mod queue;
mod revocation;
mod throttle;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, Basic, Bearer, CredentialCache, Gate, Grant, Handle, QueryParam, Unavailable, Verified, Verify,
    adapter::{Admission, Verdict},
    cache::CacheOptions,
    clock::Clock,
    credential::{BasicCredential, TokenCredential},
    gate::{GateBuilder, policy::scope},
    principal::HandleKind,
    testing::{ManualClock, PlainHead},
    throttle::{Account, Throttle, ThrottleLimits},
    verifier::{Kept, QueueLimits, Terms, verify_with},
};
use proptest::prelude::*;
use tokio::{
    sync::Notify,
    task::{JoinSet, yield_now},
};

const MINUTE: Duration = Duration::from_secs(60);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn verdict<P: Send + Sync + 'static>(gate: &Gate<P>, head: PlainHead) -> Verdict<P> {
    let head = head.received_by(gate);
    head.verdict_at(gate).await
}

async fn grant<P: Send + Sync + 'static>(gate: &Gate<P>, head: PlainHead) -> Grant<P> {
    match verdict(gate, head).await {
        Verdict::Admitted(grant) => grant,
        refused => panic!("{}", status(&refused)),
    }
}

fn status<P>(verdict: &Verdict<P>) -> u16 {
    match verdict {
        Verdict::Admitted(_) => 200,
        Verdict::Anonymous => 204,
        Verdict::Rejected(rejection) => rejection.status(),
    }
}

fn bearer(token: &str) -> PlainHead {
    PlainHead::get("/me").with("authorization", format!("Bearer {token}"))
}

/// A gate whose verifier of tokens is this closure, counted.
fn gate_of<F>(cache: &CredentialCache, calls: &Arc<AtomicUsize>, verify: F) -> Gate<String>
where
    F: Fn(&str) -> Answer<String> + Clone + Send + Sync + 'static,
{
    let calls = calls.clone();
    let verifier = verify_with(move |credential: TokenCredential| {
        let (calls, verify) = (calls.clone(), verify.clone());
        async move {
            calls.fetch_add(1, Ordering::Relaxed);
            for _ in 0..5 {
                yield_now().await;
            }
            verify(std::str::from_utf8(credential.token().expose()).unwrap())
        }
    });
    Gate::in_realm("people").accept(Bearer, verifier.reusable_for(MINUTE)).cached(cache.clone()).build().unwrap()
}

fn named(name: &str) -> Answer<String> {
    Verified::new(name.to_owned()).with_subject(name).into()
}

#[tokio::test]
async fn gates_that_share_a_cache_and_a_realm_never_hit_each_others_entries() {
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let here = gate_of(&cache, &calls, |_| named("emily"));
    let there = gate_of(&cache, &calls, |_| named("emma"));
    let nowhere = gate_of(&cache, &calls, |_| Answer::Refused);
    for _ in 0..2 {
        assert_eq!(**grant(&here, bearer("abc")).await, *"emily");
        assert_eq!(**grant(&there, bearer("abc")).await, *"emma");
        assert_eq!(status(&verdict(&nowhere, bearer("abc")).await), 401);
    }
    assert_eq!((calls.load(Ordering::Relaxed), cache.counts().hits, cache.counts().refusal_hits), (3, 2, 1));
}

#[tokio::test]
async fn what_is_stale_is_marked_in_the_grant() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + MINUTE));
    let cache = CredentialCache::with(CacheOptions::default().stale_if_unavailable_for(MINUTE).timed_by(clock.clone()));
    let calls = Arc::<AtomicUsize>::default();
    let count = calls.clone();
    let gate = gate_of(&cache, &calls, move |name| match count.load(Ordering::Relaxed) {
        1 => named(name),
        _ => Answer::Unavailable(Unavailable::because("away")),
    });
    assert!(!grant(&gate, bearer("emily")).await.is_stale());
    clock.advance(MINUTE);
    assert!(grant(&gate, bearer("emily")).await.is_stale());
    clock.advance(MINUTE);
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 503);
}

#[tokio::test]
async fn a_hit_allocates_nothing_from_the_head_to_the_grant() {
    const HITS: usize = 6_400;
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, named);
    for _ in 0..100 {
        grant(&gate, bearer("emily")).await;
    }
    let allocating = (0..HITS).filter(|_| {
        let head = bearer("emily").received_by(&gate);
        let counted = allocation_counter::measure(|| match head.at(&gate) {
            Admission::Decided(Verdict::Admitted(grant)) => assert_eq!(*grant.principal(), "emily"),
            _ => panic!("it is known"),
        });
        counted.count_total > 0
    });
    // moka tidies up in one read of 64 at most.
    let allocating = allocating.count();
    assert!(allocating <= HITS / 64, "{allocating} hits allocate");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_hit_meets_every_policy_that_a_miss_meets() {
    // Oathkeeper CVE-2021-32701, Oxia CVE-2026-40946: a cached "yes" skipped the scopes.
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, |name| {
        Verified::new(name.to_owned()).with_scopes("reports:read".parse().unwrap()).into()
    });
    let (reads, writes) = (gate.require(scope("reports:read")), gate.require(scope("reports:write")));
    for _ in 0..2 {
        assert_eq!(status(&verdict(&reads, bearer("emily")).await), 200);
        assert_eq!(status(&verdict(&writes, bearer("emily")).await), 403);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_stored_refusal_is_of_the_whole_credential_and_not_of_its_name() {
    // Kong#3677: a wrong password kept the right one out; go-guardian: a right one let wrong ones in.
    let (gate, calls, _) = guarded(true);
    for (password, expected) in [("wrong", 401), ("right", 200), ("wrong", 401), ("right", 200)] {
        assert_eq!(status(&verdict(&gate, basic(password, HERE)).await), expected);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// Passwords that take their time, behind a throttle.
struct Guarded {
    throttle: Throttle,
    calls: Arc<AtomicUsize>,
}

#[countersign::async_trait]
impl Verify<BasicCredential> for Guarded {
    type Principal = String;

    async fn verify(&self, credential: BasicCredential) -> Answer<String> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        for _ in 0..5 {
            yield_now().await;
        }
        if credential.password().matches(b"right") { named(credential.name()) } else { Answer::Refused }
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always).throttled_by(self.throttle.clone())
    }

    fn account(&self, credential: &BasicCredential) -> Option<Account> {
        Some(self.throttle.account(credential.name()))
    }
}

/// With a cache, or without one.
fn guarded(cached: bool) -> (Gate<String>, Arc<AtomicUsize>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + MINUTE));
    let calls = Arc::<AtomicUsize>::default();
    let throttle = Throttle::new(&ThrottleLimits::default().timed_by(clock.clone()));
    let gate = Gate::in_realm("people").accept(Basic, Guarded { throttle, calls: calls.clone() });
    let cache = cached.then(|| CredentialCache::with(CacheOptions::default().timed_by(clock.clone())));
    let gate = cache.into_iter().fold(gate, GateBuilder::cached).timed_by(clock.clone());
    (gate.build().unwrap(), calls, clock)
}

fn basic(password: &str, address: &str) -> PlainHead {
    let credential = base64(&format!("emily:{password}"));
    PlainHead::get("/me").with("authorization", format!("Basic {credential}")).from(address.parse().unwrap())
}

const HERE: &str = "192.0.2.7";
const ELSEWHERE: &str = "192.0.2.8";

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().chain(&[0, 0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = DIGITS.get(bits >> (18 - 6 * place) & 63).unwrap();
            encoded.push(if place <= chunk.len() { char::from(*digit) } else { '=' });
        }
    }
    encoded
}
