//! The cache behind a gate: it answers as no cache would, sooner.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

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

/// An application: accounts with passwords, tokens with ends, and a database that may be away.
#[derive(Default)]
struct Application {
    passwords: HashMap<u8, u8>,
    tokens: HashMap<u8, (u8, SystemTime)>,
    away: bool,
}

type Shared = Arc<Mutex<Application>>;

fn gate(application: &Shared, clock: &Arc<ManualClock>, cache: Option<&CredentialCache>) -> Gate<u8> {
    let asked = application.clone();
    let passwords = verify_with(move |credential: BasicCredential| {
        let asked = asked.clone();
        async move {
            yield_now().await;
            let application = asked.lock().unwrap();
            let name: u8 = credential.name().parse().unwrap();
            let right = application.passwords.get(&name).map(u8::to_string);
            match right {
                _ if application.away => Answer::Unavailable(Unavailable::because("away")),
                Some(right) if credential.password().matches(right.as_bytes()) => {
                    Verified::new(name).with_subject(name.to_string()).into()
                }
                _ => Answer::Refused,
            }
        }
    });
    let asked = application.clone();
    let tokens = verify_with(move |credential: TokenCredential| {
        let asked = asked.clone();
        async move {
            yield_now().await;
            let application = asked.lock().unwrap();
            let token: u8 = std::str::from_utf8(credential.token().expose()).unwrap().parse().unwrap();
            match application.tokens.get(&token) {
                _ if application.away => Answer::Unavailable(Unavailable::because("away")),
                Some((name, end)) => {
                    let handle = Handle::of(HandleKind::Token, &token.to_string());
                    Verified::new(*name).with_subject(name.to_string()).revocable_by(handle).ending_at(*end).into()
                }
                None => Answer::Refused,
            }
        }
    });
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords.reusable_for(MINUTE))
        .accept(Bearer, tokens.reusable_for(MINUTE))
        .timed_by(clock.clone());
    cache.into_iter().fold(gate, |gate, cache| gate.cached(cache.clone())).build().unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    SignIn { name: u8, password: u8 },
    Present { token: u8 },
    SetPassword { name: u8, password: u8 },
    DeleteAccount { name: u8 },
    Issue { token: u8, name: u8, life: u64 },
    RevokeToken { token: u8 },
    RevokeEverything,
    Outage { away: bool },
    Advance { seconds: u64 },
    SetWall { back: bool, seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || 0..3_u8;
    let step = prop_oneof![
        8 => (name(), 0..3_u8).prop_map(|(name, password)| Step::SignIn { name, password }),
        8 => name().prop_map(|token| Step::Present { token }),
        2 => (name(), 0..3_u8).prop_map(|(name, password)| Step::SetPassword { name, password }),
        1 => name().prop_map(|name| Step::DeleteAccount { name }),
        2 => (name(), name(), 0..200_u64).prop_map(|(token, name, life)| Step::Issue { token, name, life }),
        1 => name().prop_map(|token| Step::RevokeToken { token }),
        1 => Just(Step::RevokeEverything),
        2 => any::<bool>().prop_map(|away| Step::Outage { away }),
        3 => prop_oneof![Just(1), Just(4), Just(5), Just(59), Just(60), 0..100_u64]
            .prop_map(|seconds| Step::Advance { seconds }),
        1 => (any::<bool>(), 0..300_u64).prop_map(|(back, seconds)| Step::SetWall { back, seconds }),
    ];
    prop::collection::vec(step, 1..80)
}

/// What a gate without an outage would say.
fn truth(application: &Application, head: &Step, wall: SystemTime) -> u16 {
    let good = match head {
        Step::SignIn { name, password } => application.passwords.get(name) == Some(password),
        Step::Present { token } => application.tokens.get(token).is_some_and(|(_, end)| wall < *end),
        _ => unreachable!("only these are requests"),
    };
    if good { 200 } else { 401 }
}

async fn walk(steps: Vec<Step>) {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + seconds(1_000_000)));
    let application = Shared::default();
    let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
    let (on, off) = (gate(&application, &clock, Some(&cache)), gate(&application, &clock, None));
    let subject = |name: &u8| Handle::subject(&name.to_string());
    for (place, step) in steps.iter().enumerate() {
        let change = |change: &dyn Fn(&mut Application)| change(&mut application.lock().unwrap());
        match step {
            Step::SetPassword { name, password } => {
                change(&|application| {
                    application.passwords.insert(*name, *password);
                });
                cache.revoke(subject(name));
            }
            Step::DeleteAccount { name } => {
                change(&|application| {
                    application.passwords.remove(name);
                    application.tokens.retain(|_, (owner, _)| owner != name);
                });
                cache.revoke(subject(name));
            }
            Step::Issue { token, name, life } => {
                let end = clock.wall() + seconds(*life);
                change(&|application| {
                    application.tokens.insert(*token, (*name, end));
                });
                cache.revoke(Handle::of(HandleKind::Token, &token.to_string()));
            }
            Step::RevokeToken { token } => {
                change(&|application| {
                    application.tokens.remove(token);
                });
                cache.revoke(Handle::of(HandleKind::Token, &token.to_string()));
            }
            Step::RevokeEverything => {
                change(&|application| {
                    application.tokens.clear();
                    application.passwords.clear();
                });
                cache.revoke_all();
            }
            Step::Outage { away } => change(&|application| application.away = *away),
            Step::Advance { seconds: by } => clock.advance(seconds(*by)),
            Step::SetWall { back, seconds: by } => {
                let wall = clock.wall();
                clock.set_wall(if *back { wall - seconds(*by) } else { wall + seconds(*by) });
            }
            request @ (Step::SignIn { .. } | Step::Present { .. }) => {
                let head = || match request {
                    Step::SignIn { name, password } => PlainHead::get("/me")
                        .with("authorization", format!("Basic {}", base64(&format!("{name}:{password}")))),
                    Step::Present { token } => bearer(&token.to_string()),
                    _ => unreachable!("only these are requests"),
                };
                let (cached, asked) = (status(&verdict(&on, head()).await), status(&verdict(&off, head()).await));
                let (truth, away) = {
                    let application = application.lock().unwrap();
                    (truth(&application, request, clock.wall()), application.away)
                };
                let context = format!("step {place}, {request:?}, of {steps:?}");
                // What is known may serve while the database is away; it is never wrong.
                assert!(cached == truth || (away && cached == 503), "{cached} instead of {truth}: {context}");
                assert_eq!(asked, if away { 503 } else { truth }, "{context}");
            }
        }
    }
}

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_on_and_a_cache_off_answer_alike(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(walk(steps));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_at_once_verify_once() {
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, named);
    let requests: JoinSet<String> = (0..1000)
        .map(|_| {
            let gate = gate.clone();
            async move { grant(&gate, bearer("emily")).await.principal().clone() }
        })
        .collect();
    assert!(requests.join_all().await.iter().all(|name| name == "emily"));
    assert_eq!((calls.load(Ordering::Relaxed), gate.counts().verifications[0].1), (1, 1));
    let counts = cache.counts();
    assert_eq!((counts.hits + counts.misses, counts.flights), (1000, 0));
}

#[tokio::test]
async fn a_request_dropped_at_each_of_its_waits_restarts_nothing() {
    for waits in 0..4 {
        let (cache, calls) = (CredentialCache::default(), Arc::default());
        let gate = gate_of(&cache, &calls, named);
        let (first, second) = (gate.clone(), gate.clone());
        let leader = tokio::spawn(async move { status(&verdict(&first, bearer("emily")).await) });
        for _ in 0..waits {
            yield_now().await;
        }
        let joiner = tokio::spawn(async move { status(&verdict(&second, bearer("emily")).await) });
        yield_now().await;
        leader.abort();
        assert_eq!((joiner.await.unwrap(), calls.load(Ordering::Relaxed)), (200, 1), "after {waits} waits");
    }
}

#[tokio::test]
async fn a_panic_is_one_503() {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let gate = gate_of(&cache, &calls, move |name| match count.load(Ordering::Relaxed) {
        1 => panic!("a verifier's fault"),
        _ => named(name),
    });
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 503);
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
}

#[tokio::test]
async fn an_outage_is_503_and_is_asked_again() {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let gate = gate_of(&cache, &calls, move |name| match count.load(Ordering::Relaxed) {
        1 => Answer::Unavailable(Unavailable::because("away")),
        _ => named(name),
    });
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 503);
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
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
async fn a_grant_stands_until_it_is_revoked_or_ends() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + MINUTE));
    let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
    let end = clock.wall() + 2 * MINUTE;
    let gate = gate_of(&cache, &Arc::default(), move |name| {
        Verified::new(name.to_owned()).with_subject(name).ending_at(end).into()
    });
    let (emily, emma) = (grant(&gate, bearer("emily")).await, grant(&gate, bearer("emma")).await);
    // A socket stays open past the life of the entry.
    clock.advance(MINUTE + seconds(1));
    assert!(emily.still_stands() && emma.still_stands());
    cache.revoke(Handle::subject("emily"));
    assert!(!emily.still_stands() && emma.still_stands());
    clock.set_wall(end);
    assert!(!emma.still_stands());
    clock.set_wall(end - MINUTE);
    assert!(!emma.still_stands(), "once false, it stays false");
}

#[tokio::test]
async fn a_second_guard_of_a_request_asks_again_what_was_revoked_between() {
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, named);
    let head = bearer("emily").received_by(&gate);
    for (revoke, expected) in [(false, 1), (false, 1), (true, 2)] {
        if revoke {
            cache.revoke(Handle::subject("emily"));
        }
        let verdict = head.verdict_at(&gate).await;
        assert_eq!((status(&verdict), calls.load(Ordering::Relaxed)), (200, expected));
    }
}

#[tokio::test]
async fn an_answer_that_is_revoked_before_it_is_concluded_is_begun_again() {
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, named);
    let head = bearer("emily").received_by(&gate);
    // Whoever is still in order gets in, though everything was revoked.
    let Admission::Pending(pending) = head.at(&gate) else { panic!("not known yet") };
    let answered = pending.await;
    cache.revoke_all();
    let Admission::Pending(pending) = head.concluded_at(&gate, answered) else { panic!("void") };
    let Admission::Decided(verdict) = head.concluded_at(&gate, pending.await) else { panic!("still void") };
    assert_eq!((status(&verdict), calls.load(Ordering::Relaxed)), (200, 2));
    // But not for ever.
    cache.revoke_all();
    let head = bearer("emily").received_by(&gate);
    let mut admission = head.at(&gate);
    for _ in 0..4 {
        let Admission::Pending(pending) = admission else { panic!("not known yet") };
        let answered = pending.await;
        cache.revoke(Handle::subject("emily"));
        admission = head.concluded_at(&gate, answered);
    }
    let Admission::Decided(verdict) = admission else { panic!("again and again") };
    assert_eq!(status(&verdict), 503);
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

#[tokio::test]
async fn a_known_credential_passes_the_throttle_like_any_other() {
    for cached in [true, false] {
        let (gate, calls, clock) = guarded(cached);
        let ask = async |password: &str, address| status(&verdict(&gate, basic(password, address)).await);
        assert_eq!(ask("right", HERE).await, 200);
        for guess in 0..5 {
            assert_eq!(ask(&guess.to_string(), HERE).await, 401, "cached: {cached}");
        }
        let asked = calls.load(Ordering::Relaxed);
        assert_eq!(ask("right", HERE).await, 429, "the owner's entry tells a guesser nothing");
        assert_eq!(ask("0", HERE).await, 429, "nor does a stored refusal");
        assert_eq!(calls.load(Ordering::Relaxed), asked);
        assert_eq!(ask("right", ELSEWHERE).await, 200, "the owner is not locked out");
        clock.advance(MINUTE);
        assert_eq!(ask("right", HERE).await, 200);
    }
}

#[tokio::test]
async fn the_same_wrong_password_counts_each_time_and_is_verified_once() {
    let (gate, calls, _) = guarded(true);
    for expected in [401, 401, 401, 401, 401, 429] {
        assert_eq!(status(&verdict(&gate, basic("wrong", HERE)).await), expected);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn tries_in_parallel_are_counted_exactly_and_right_ones_all_pass() {
    for cached in [true, false] {
        let (gate, calls, _) = guarded(cached);
        let ask = |password: String| {
            let gate = gate.clone();
            async move { status(&verdict(&gate, basic(&password, HERE)).await) }
        };
        let right: JoinSet<u16> = (0..20).map(|_| ask("right".to_owned())).collect();
        assert!(right.join_all().await.iter().all(|status| *status == 200), "cached: {cached}");
        calls.store(0, Ordering::Relaxed);
        let wrong: JoinSet<u16> = (0..20).map(|guess| ask(guess.to_string())).collect();
        let answers = wrong.join_all().await;
        let count = |wanted| answers.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(401), count(429), calls.load(Ordering::Relaxed)), (5, 15, 5), "cached: {cached}");
    }
}

#[tokio::test]
async fn a_request_counts_once_however_many_guards_it_meets() {
    let (gate, _, _) = guarded(true);
    for guess in 0..4 {
        // The same guess twice over: once verified, once from the store.
        let head = basic(&(guess / 2).to_string(), HERE).received_by(&gate);
        for _ in 0..3 {
            let verdict = head.verdict_at(&gate).await;
            assert_eq!(status(&verdict), 401);
        }
    }
    assert_eq!(status(&verdict(&gate, basic("right", HERE)).await), 200);
}

#[tokio::test]
async fn whoever_leaves_at_once_does_not_guess_for_nothing() {
    for cached in [true, false] {
        let (gate, calls, _) = guarded(cached);
        for guess in 0..5 {
            let gate = gate.clone();
            let request = tokio::spawn(async move { status(&verdict(&gate, basic(&guess.to_string(), HERE)).await) });
            yield_now().await;
            yield_now().await;
            request.abort();
        }
        for _ in 0..20 {
            yield_now().await;
        }
        assert_eq!(calls.load(Ordering::Relaxed), 5);
        assert_eq!(status(&verdict(&gate, basic("right", HERE)).await), 429, "cached: {cached}");
    }
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

#[tokio::test]
async fn whether_requests_share_a_verification_depends_on_what_they_sent_alone() {
    // Traefik CVE-2026-88010: coalescing told known names from unknown ones.
    for name in ["known", "unknown"] {
        let (cache, calls) = (CredentialCache::default(), Arc::default());
        let gate = gate_of(&cache, &calls, |name| if name == "known" { named(name) } else { Answer::Refused });
        let requests: JoinSet<u16> = (0..10)
            .map(|_| {
                let gate = gate.clone();
                async move { status(&verdict(&gate, bearer(name)).await) }
            })
            .collect();
        requests.join_all().await;
        assert_eq!((calls.load(Ordering::Relaxed), cache.counts().joins), (1, 9), "{name}");
    }
}

#[tokio::test]
async fn a_revocation_is_in_force_when_it_returns() {
    // go-guardian: swapped arguments, and revoking did nothing; better-auth#6893: it took effect after the cache's life.
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let gate = gate_of(&cache, &calls, move |name| match count.load(Ordering::Relaxed) {
        1 => named(name),
        _ => Answer::Refused,
    });
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
    cache.revoke(Handle::subject("emma"));
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
    cache.revoke(Handle::subject("emily"));
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 401);
}

#[tokio::test]
async fn one_handle_revokes_a_credential_wherever_it_was_sent() {
    // One token has several keys: by header, by query, by another keyword.
    let cache = CredentialCache::default();
    let verifier = || verify_with(|_: TokenCredential| async { named("emily") }).reusable_for(MINUTE);
    let gate = Gate::in_realm("people")
        .accept(Bearer, verifier())
        .accept(QueryParam::named("access_token"), verifier())
        .cached(cache.clone())
        .build()
        .unwrap();
    let heads = || [bearer("abc"), PlainHead::get("/me?access_token=abc"), PlainHead::get("/me?access_token=%61bc")];
    for head in heads() {
        grant(&gate, head).await;
    }
    cache.revoke(Handle::subject("emily"));
    let hits = cache.counts().hits;
    for head in heads() {
        grant(&gate, head).await;
    }
    assert_eq!(cache.counts().hits, hits);
    for head in heads() {
        grant(&gate, head).await;
    }
    assert_eq!(cache.counts().hits, hits + 3);
}

/// Answers when it is told to, and takes little at a time.
struct Crowded(Arc<Notify>);

#[countersign::async_trait]
impl Verify<TokenCredential> for Crowded {
    type Principal = String;

    async fn verify(&self, _: TokenCredential) -> Answer<String> {
        self.0.notified().await;
        named("emily")
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always).queued(QueueLimits::at_once(1).waiting(8).share(2))
    }
}

#[tokio::test]
async fn an_address_that_fills_its_share_of_the_queue_is_told_when_to_come_back() {
    // L4: 503 with Retry-After, and the others are served.
    for cache in [Some(CredentialCache::default()), None] {
        let go = Arc::new(Notify::new());
        let gate = Gate::in_realm("people").accept(Bearer, Crowded(go.clone()));
        let gate = cache.into_iter().fold(gate, GateBuilder::cached).build().unwrap();
        let ask = |token: &'static str, address: &str| {
            let (gate, head) = (gate.clone(), bearer(token).from(address.parse().unwrap()));
            async move {
                match verdict(&gate, head).await {
                    Verdict::Rejected(rejection) => (rejection.status(), rejection.retry_after()),
                    verdict => (status(&verdict), None),
                }
            }
        };
        // The last two are one network.
        let mut waiting = JoinSet::new();
        for (token, address) in [("a", HERE), ("b", HERE), ("c", "2001:db8::1"), ("d", "2001:db8::2")] {
            waiting.spawn(ask(token, address));
        }
        for _ in 0..10 {
            yield_now().await;
        }
        assert_eq!(ask("e", HERE).await, (503, Some(seconds(2))));
        assert_eq!(ask("e", "2001:db8::3").await, (503, Some(seconds(2))));
        waiting.spawn(ask("e", ELSEWHERE));
        for _ in 0..50 {
            go.notify_one();
            yield_now().await;
        }
        assert_eq!(waiting.join_all().await, [(200, None); 5]);
        assert_eq!(gate.counts().queued[0].1, 0);
    }
}

/// Records counters and gauges by name and labels.
#[derive(Default)]
struct Ledger {
    counters: Mutex<HashMap<String, Arc<AtomicU64>>>,
}

impl Ledger {
    fn of(&self, key: &metrics::Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = [&[key.name().to_owned()], labels.as_slice()].concat().join(" ");
        self.counters.lock().unwrap().entry(name).or_default().clone()
    }
}

impl metrics::Recorder for Ledger {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::noop()
    }
}

#[test]
fn what_happens_is_counted_under_names_that_no_request_chooses() {
    let ledger = Ledger::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&ledger, || {
        runtime.block_on(async {
            let cache = CredentialCache::default();
            let gate = gate_of(&cache, &Arc::default(), |name| match name {
                "emily" => named(name),
                _ => Answer::Refused,
            });
            for token in ["emily", "emily", "wrong", "wrong", "other"] {
                let _ = verdict(&gate, bearer(token)).await;
            }
            for guess in 0..100 {
                let _ = verdict(&gate, bearer(&format!("guess{guess}"))).await;
            }
            cache.revoke(Handle::subject("emily"));
        });
    });
    let counters = ledger.counters.into_inner().unwrap();
    let mut counted: Vec<_> =
        counters.iter().map(|(name, count)| (name.as_str(), count.load(Ordering::Relaxed))).collect();
    counted.retain(|(name, _)| name.ends_with("_total") || name.contains('='));
    counted.sort_unstable();
    let expected = [
        ("countersign_admissions_total", 2),
        ("countersign_cache_hits_total", 1),
        ("countersign_cache_misses_total", 103),
        ("countersign_cache_refusal_hits_total", 1),
        ("countersign_cache_revocations_total", 1),
        ("countersign_rejections_total reason=bad_credential", 103),
        ("countersign_verifications_total scheme=bearer", 103),
    ];
    assert_eq!(counted, expected);
}
