//! Refresh tokens and revocation, without a framework: the store against a model, and what happens between two steps.

#![cfg(feature = "jwt")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use countersign::{
    Basic, Bearer, CredentialCache, Gate, Grant, Handle, JwtSigner, KeyRing, Reply, Scopes, SignedCookie, Unavailable,
    Verified,
    adapter::Verdict,
    async_trait,
    gate::policy::{any_of, role, subject_is},
    mint::{
        access_token::AccessTokens,
        endpoint::{Endpoint, Work},
        refresh_token::{RefreshEndpoints, RefreshTokens},
        revocation::Revocation,
        session::Sessions,
    },
    secret::{TokenDigest, TokenPrefix},
    store::{
        Directory, FamilyRecord, MemorySessions, MemoryTokens, RefreshStore, RevocationStore, Rotated, Rotation,
        Standing, SubjectFloor,
    },
    testing::{ManualClock, PlainHead},
    verifier::{LookedUp, PasswordTable},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const BEGIN: SystemTime = SystemTime::UNIX_EPOCH;

fn at(seconds: u64) -> SystemTime {
    BEGIN + Duration::from_secs(1_800_000_000 + seconds)
}

/// Waits for a store that never waits.
fn now<T>(asked: impl Future<Output = T>) -> T {
    let mut asked = pin!(asked);
    let mut context = Context::from_waker(Waker::noop());
    match asked.as_mut().poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a store in memory waits for nothing"),
    }
}

fn digest(family: usize, turn: usize) -> TokenDigest {
    TokenDigest::of(format!("{family}.{turn}").as_bytes())
}

/// A family as the model knows it.
#[derive(Debug, Clone)]
struct Family {
    subject: &'static str,
    generation: u64,
    /// The number of the one good token.
    turn: usize,
    ends: u64,
    /// Not made void, and not made way.
    there: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Begin {
        subject: usize,
        stale: bool,
    },
    /// Brings the token of this family that is so many turns old, with what shall come after it.
    Rotate {
        family: usize,
        age: usize,
    },
    RevokeSubject {
        subject: usize,
    },
    RevokeFamily {
        family: usize,
    },
    Pass {
        seconds: u64,
    },
    Purge {
        most: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_usize, prop::bool::weighted(0.1)).prop_map(|(subject, stale)| Step::Begin { subject, stale }),
        8 => (0..12_usize, 0..3_usize).prop_map(|(family, age)| Step::Rotate { family, age: age.saturating_sub(1) }),
        1 => (0..3_usize).prop_map(|subject| Step::RevokeSubject { subject }),
        1 => (0..12_usize).prop_map(|family| Step::RevokeFamily { family }),
        1 => (1..400_u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => (0..3_usize).prop_map(|most| Step::Purge { most }),
    ];
    prop::collection::vec(step, 1..120)
}

const SUBJECTS: [&str; 3] = ["emily", "emma", ""];
const MOST: usize = 3;
const LIFE: u64 = 500;

fn record(family: &Family, number: usize, created: u64) -> FamilyRecord {
    FamilyRecord {
        id: number.to_string().into(),
        subject: family.subject.into(),
        generation: family.generation,
        scopes: Scopes::default(),
        all_scopes: true,
        current: digest(number, family.turn),
        previous: None,
        created: at(created),
        used: at(created),
        ends: at(family.ends),
        address: None,
        agent: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_store_in_memory_does_what_the_model_does(steps in steps()) {
        let store = MemoryTokens::default();
        let (mut families, mut floors, mut void, mut time) =
            (Vec::<Family>::new(), HashMap::<&str, SubjectFloor>::new(), HashMap::<usize, u64>::new(), 0);
        for step in steps {
            match step {
                Step::Begin { subject, stale } => {
                    let subject = SUBJECTS[subject];
                    let floor = floors.get(subject).copied().unwrap_or_default();
                    let generation = if stale { floor.generation.saturating_sub(1) } else { floor.generation };
                    let family = Family { subject, generation, turn: 0, ends: time + LIFE, there: true };
                    now(store.begin(record(&family, families.len(), time), MOST)).unwrap();
                    let mut held: Vec<&mut Family> = families
                        .iter_mut()
                        .filter(|held| held.subject == subject && held.there)
                        .filter(|held| time < held.ends && held.generation >= floor.generation)
                        .collect();
                    let too_many = (held.len() + 1).saturating_sub(MOST);
                    for oldest in held.iter_mut().take(too_many) {
                        oldest.there = false;
                    }
                    families.push(family);
                }
                Step::Rotate { family: number, age } => {
                    let Some(family) = families.get_mut(number) else { continue };
                    let Some(spent) = family.turn.checked_sub(age) else { continue };
                    let rotation = Rotation {
                        id: number.to_string().into(),
                        spent: digest(number, spent),
                        successor: digest(number, family.turn + 1),
                        now: at(time),
                        ends: at(time + LIFE),
                        address: None,
                        agent: None,
                        forgiven: Duration::ZERO,
                        void_until: at(time + 100),
                    };
                    let floor = floors.get(family.subject).copied().unwrap_or_default();
                    let stands = family.there && time < family.ends && family.generation >= floor.generation;
                    let expected = match age {
                        _ if !stands => Rotated::Unknown,
                        0 => Rotated::Now,
                        _ => Rotated::Reused,
                    };
                    prop_assert_eq!(now(store.rotate(rotation)).unwrap(), expected);
                    match expected {
                        Rotated::Now => (family.turn, family.ends) = (family.turn + 1, time + LIFE),
                        Rotated::Reused => {
                            family.there = false;
                            let until = void.entry(number).or_default();
                            *until = (*until).max(time + 100);
                        }
                        _ => {}
                    }
                }
                Step::RevokeSubject { subject } => {
                    let floor = floors.entry(SUBJECTS[subject]).or_default();
                    *floor = SubjectFloor { generation: floor.generation + 1, revoked_at: Some(at(time)) };
                    now(store.revoke_subject(SUBJECTS[subject], at(time))).unwrap();
                    // A clock that is set back lowers nothing.
                    now(store.revoke_subject(SUBJECTS[subject], BEGIN)).unwrap();
                    floor.generation += 1;
                    for family in families.iter_mut().filter(|family| family.subject == SUBJECTS[subject]) {
                        family.there = false;
                    }
                }
                Step::RevokeFamily { family } => {
                    let handle = FamilyRecord::handle_of(&family.to_string());
                    now(store.revoke(handle, at(time + 50))).unwrap();
                    let until = void.entry(family).or_default();
                    *until = (*until).max(time + 50);
                    if let Some(family) = families.get_mut(family) {
                        family.there = false;
                    }
                }
                Step::Pass { seconds } => time += seconds,
                Step::Purge { most } => {
                    // What has ended may go, and nothing else.
                    let gone = now(store.purge(at(time), most)).unwrap();
                    prop_assert!(gone <= 2 * most);
                }
            }
            for (number, family) in families.iter().enumerate() {
                let floor = floors.get(family.subject).copied().unwrap_or_default();
                let handle = FamilyRecord::handle_of(&number.to_string());
                let standing = now(store.standing(family.subject, &[Handle::subject("other"), handle])).unwrap();
                prop_assert_eq!(standing.floor, floor);
                match void.get(&number) {
                    Some(until) if time < *until => prop_assert!(standing.revoked),
                    Some(_) => {}
                    None => prop_assert!(!standing.revoked),
                }
                let stands = family.there && time < family.ends && family.generation >= floor.generation;
                let found = now(store.find(&number.to_string(), at(time))).unwrap();
                prop_assert_eq!(found.as_ref().map(|found| found.current), stands.then(|| digest(number, family.turn)));
                let listed = now(store.list(family.subject, at(time))).unwrap();
                prop_assert_eq!(listed.iter().any(|listed| *listed.id == *number.to_string()), stands);
                prop_assert!(listed.len() <= MOST);
            }
        }
        // Everything that ends goes, in steps.
        time += 10_000;
        while now(store.purge(at(time), 2)).unwrap() > 0 {}
        let printed = format!("{store:?}");
        prop_assert!(printed.contains("families: 0, void: 0"), "{}", printed);
    }
}

/// What waits in front of a store and behind it.
#[derive(Default)]
struct Distant {
    store: MemoryTokens,
    before: Mutex<Option<Then>>,
    after: Mutex<Option<Then>>,
    away: AtomicBool,
}

type Then = Box<dyn Fn() + Send + Sync>;

impl Distant {
    async fn call<T>(&self, call: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
        tokio::task::yield_now().await;
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::because("away"));
        }
        if let Some(before) = &*self.before.lock().unwrap() {
            before();
        }
        let done = call.await;
        if let Some(after) = &*self.after.lock().unwrap() {
            after();
        }
        tokio::task::yield_now().await;
        done
    }
}

#[async_trait]
impl RevocationStore for Distant {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::because("away"));
        }
        self.store.standing(subject, handles).await
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        self.call(self.store.revoke_subject(subject, now)).await
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        self.call(self.store.revoke(handle, until)).await
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.store.purge(now, most).await
    }
}

#[async_trait]
impl RefreshStore for Distant {
    async fn begin(&self, family: FamilyRecord, most: usize) -> Result<(), Unavailable> {
        self.call(self.store.begin(family, most)).await
    }

    async fn find(&self, id: &str, now: SystemTime) -> Result<Option<FamilyRecord>, Unavailable> {
        self.call(self.store.find(id, now)).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, Unavailable> {
        self.call(self.store.rotate(rotation)).await
    }

    async fn list(&self, subject: &str, now: SystemTime) -> Result<Vec<FamilyRecord>, Unavailable> {
        self.store.list(subject, now).await
    }
}

#[derive(Default)]
struct People {
    gone: Mutex<HashSet<String>>,
    away: AtomicBool,
}

fn person(name: &str) -> Verified<String> {
    let roles: &[&str] = if name == "jacob" { &["member", "admin"] } else { &["member"] };
    let scopes = "reports:read reports:write".parse().unwrap();
    Verified::new(name.to_owned()).with_subject(name).with_scopes(scopes).with_roles(roles.iter().copied())
}

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::because("away"));
        }
        let known = matches!(subject, "emily" | "emma" | "jacob") && !self.gone.lock().unwrap().contains(subject);
        Ok(known.then(|| person(subject)))
    }
}

struct Service {
    gate: Gate<String>,
    cache: CredentialCache,
    store: Arc<Distant>,
    people: Arc<People>,
    clock: Arc<ManualClock>,
    tokens: RefreshTokens<String>,
    endpoints: RefreshEndpoints<String>,
    revocation: Revocation<String>,
}

const EMILY: &str = "Basic ZW1pbHk6czNjcmV0";
const JACOB: &str = "Basic amFjb2I6eA==";

fn service() -> Service {
    service_with(|tokens| tokens)
}

fn service_with(change: impl FnOnce(RefreshTokens<String>) -> RefreshTokens<String>) -> Service {
    let clock = Arc::new(ManualClock::at(at(0)));
    let (store, people) = (Arc::<Distant>::default(), Arc::<People>::default());
    let access = AccessTokens::issued_by("https://people", JwtSigner::fresh().unwrap())
        .timed_by(clock.clone())
        .for_audience("people", people.clone())
        .unwrap();
    let tokens = change(RefreshTokens::new("pplr_".parse().unwrap(), access, store.clone()));
    let cache = CredentialCache::with(countersign::cache::CacheOptions::default().timed_by(clock.clone()));
    let passwords = PasswordTable::new().with("emily", "s3cret", person("emily")).with("jacob", "x", person("jacob"));
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords)
        .accept(Bearer, tokens.access_tokens().clone())
        .cached(cache.clone())
        .timed_by(clock.clone())
        .build()
        .unwrap();
    let revocation = Revocation::recorded_in(store.clone(), people.clone(), &cache);
    Service { endpoints: RefreshEndpoints::new(tokens.clone()), gate, cache, store, people, clock, tokens, revocation }
}

fn document(reply: &Reply) -> Value {
    serde_json::from_slice(reply.body()).unwrap()
}

fn field(reply: &Reply, member: &str) -> String {
    document(reply)[member].as_str().unwrap_or_else(|| panic!("{member} of {:?}", document(reply))).to_owned()
}

async fn admit(gate: &Gate<String>, head: &PlainHead) -> Result<Grant<String>, Reply> {
    let verdict = head.verdict_at(gate).await;
    match verdict {
        Verdict::Admitted(grant) => Ok(grant),
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => Err(rejection.reply()),
    }
}

impl Service {
    /// The work of an endpoint whose head is read, and whose body has yet to come.
    async fn begun(&self, endpoint: &Endpoint<String>, head: PlainHead) -> Result<Work, Reply> {
        let head = head.received_by(&self.gate);
        let grant = match endpoint.gate() {
            Some(gate) => Some(admit(gate, &head).await?),
            None => None,
        };
        endpoint.prepare(&head, head.exchange(), grant)
    }

    async fn call(&self, endpoint: &Endpoint<String>, head: PlainHead, body: &str) -> Reply {
        match self.begun(endpoint, head).await {
            Ok(work) => work.run(body.as_bytes().to_vec()).await,
            Err(reply) => reply,
        }
    }

    async fn issue(&self, authorization: &str) -> Reply {
        let head = PlainHead::new("POST", "/tokens").with("authorization", authorization);
        self.call(&self.endpoints.issue(&self.gate.only(["basic"]).unwrap()), head, "").await
    }

    fn refreshing(&self) -> PlainHead {
        PlainHead::new("POST", "/tokens/refresh").with("content-type", "application/json")
    }

    async fn refresh(&self, token: &str) -> Reply {
        self.refresh_from(token, self.refreshing()).await
    }

    async fn refresh_from(&self, token: &str, head: PlainHead) -> Reply {
        let body = json!({ "refresh_token": token }).to_string();
        self.call(&self.endpoints.refresh(&self.gate), head, &body).await
    }

    async fn caller(&self, access: &str) -> Result<Grant<String>, u16> {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {access}")).received_by(&self.gate);
        admit(&self.gate, &head).await.map_err(|reply| reply.status())
    }

    async fn give_back(&self, access: &str) -> Reply {
        let head = PlainHead::new("DELETE", "/tokens").with("authorization", format!("Bearer {access}"));
        self.call(&self.revocation.of_token(&self.gate.only(["bearer"]).unwrap()), head, "").await
    }

    async fn revoke(&self, authorization: &str, name: &str) -> Reply {
        let myself = any_of((role("admin"), subject_is("name")));
        let head = PlainHead::new("DELETE", "/users/x/tokens").with_parameter("name", name);
        let of_subject = self.revocation.of_subject(&self.gate.require(myself));
        self.call(&of_subject, head.with("authorization", authorization), "").await
    }
}

fn is_no_grant(reply: &Reply) {
    assert_eq!((reply.status(), document(reply)["error"].as_str()), (400, Some("invalid_grant")));
    assert!(reply.fields().all(|(name, _)| name != "www-authenticate"));
}

#[tokio::test]
async fn a_token_is_good_once_and_its_second_use_ends_the_family_also_in_the_cache() {
    let service = service();
    let first = service.issue(EMILY).await;
    let next = service.refresh(&field(&first, "refresh_token")).await;
    assert_eq!((first.status(), next.status()), (200, 200));
    for reply in [&first, &next] {
        assert!(service.caller(&field(reply, "access_token")).await.is_ok(), "and is in the cache from now on");
    }
    is_no_grant(&service.refresh(&field(&first, "refresh_token")).await);
    for reply in [&first, &next] {
        assert_eq!(service.caller(&field(reply, "access_token")).await.unwrap_err(), 401);
        is_no_grant(&service.refresh(&field(reply, "refresh_token")).await);
    }
    assert_eq!(service.issue(EMILY).await.status(), 200);
}

#[tokio::test]
async fn a_family_ends_without_use_and_at_the_latest() {
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    for (each, times, good) in [(29, 3, true), (30, 1, false), (31, 1, false), (20, 4, true), (18, 5, false)] {
        let service = service();
        let mut token = field(&service.issue(EMILY).await, "refresh_token");
        let mut last = 0;
        for _ in 0..times {
            service.clock.advance(days(each));
            let reply = service.refresh(&token).await;
            last = reply.status();
            if last == 200 {
                token = field(&reply, "refresh_token");
            }
        }
        assert_eq!(last == 200, good, "{times} times after {each} days");
    }
    for (idle, longest) in [(Duration::MAX, Duration::MAX), (Duration::MAX, days(1)), (days(1), Duration::MAX)] {
        let service = service_with(|tokens| tokens.ending_after(idle, longest));
        let token = field(&service.issue(EMILY).await, "refresh_token");
        assert_eq!(service.refresh(&token).await.status(), 200, "{idle:?} {longest:?}");
    }
}

#[tokio::test]
async fn who_is_gone_gets_nothing_and_an_outage_spends_nothing() {
    let service = service();
    let token = field(&service.issue(EMILY).await, "refresh_token");
    for away in [&service.people.away, &service.store.away] {
        away.store(true, Ordering::SeqCst);
        let reply = service.refresh(&token).await;
        assert_eq!((reply.status(), reply.fields().any(|(name, _)| name == "retry-after")), (503, true));
        away.store(false, Ordering::SeqCst);
    }
    service.people.gone.lock().unwrap().insert("emily".to_owned());
    is_no_grant(&service.refresh(&token).await);
    service.people.gone.lock().unwrap().clear();
    assert_eq!(service.refresh(&token).await.status(), 200);
}

#[tokio::test]
async fn a_store_that_has_no_answer_lets_no_token_in() {
    let service = service();
    let access = field(&service.issue(EMILY).await, "access_token");
    service.store.away.store(true, Ordering::SeqCst);
    assert_eq!(service.caller(&access).await.unwrap_err(), 503);
    assert_eq!(service.issue(EMILY).await.status(), 503);
    assert_eq!(service.revoke(EMILY, "emily").await.status(), 503);
    service.store.away.store(false, Ordering::SeqCst);
    assert!(service.caller(&access).await.is_ok());
    // What was verified before counts as long as the cache lets it.
    service.store.away.store(true, Ordering::SeqCst);
    assert!(service.caller(&access).await.is_ok());
    assert_eq!(service.give_back(&access).await.status(), 503);
    // A revocation that may have been made is not taken back by the cache.
    assert_eq!(service.caller(&access).await.unwrap_err(), 503);
}

#[tokio::test]
async fn a_token_that_is_given_back_takes_its_family_along() {
    let service = service();
    let first = service.issue(EMILY).await;
    let next = service.refresh(&field(&first, "refresh_token")).await;
    let other = service.issue(EMILY).await;
    for reply in [&first, &next, &other] {
        assert!(service.caller(&field(reply, "access_token")).await.is_ok());
    }
    assert_eq!(service.give_back(&field(&first, "access_token")).await.status(), 204);
    for reply in [&first, &next] {
        assert_eq!(service.caller(&field(reply, "access_token")).await.unwrap_err(), 401);
    }
    is_no_grant(&service.refresh(&field(&next, "refresh_token")).await);
    assert!(service.caller(&field(&other, "access_token")).await.is_ok());
    assert_eq!(service.tokens.families_of("emily").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_subject_is_revoked_by_itself_or_an_admin_and_is_in_again_at_once() {
    let service = service();
    for by in [EMILY, JACOB] {
        let (emilys, jacobs) = (service.issue(EMILY).await, service.issue(JACOB).await);
        for reply in [&emilys, &jacobs] {
            assert!(service.caller(&field(reply, "access_token")).await.is_ok());
        }
        assert_eq!(service.revoke(EMILY, "jacob").await.status(), 403);
        assert_eq!(service.revoke(by, "emily").await.status(), 204);
        assert_eq!(service.caller(&field(&emilys, "access_token")).await.unwrap_err(), 401);
        is_no_grant(&service.refresh(&field(&emilys, "refresh_token")).await);
        assert!(service.caller(&field(&jacobs, "access_token")).await.is_ok());
        // The clock has not moved.
        let again = service.issue(EMILY).await;
        assert!(service.caller(&field(&again, "access_token")).await.is_ok());
        assert_eq!(service.refresh(&field(&again, "refresh_token")).await.status(), 200);
    }
    for name in ["nobody", "", "emi\0ly", "emily\n"] {
        assert_eq!(service.revoke(JACOB, name).await.status(), 404, "{name:?}");
    }
}

/// What a caller is given by a token of an earlier generation is of that generation too.
#[tokio::test]
async fn a_token_hands_on_its_generation() {
    let service = service();
    let access = field(&service.issue(EMILY).await, "access_token");
    assert!(service.caller(&access).await.is_ok(), "and is in the cache from now on");
    // Between the store and the cache: the store of another copy, or this one's a moment too early.
    service.store.store.revoke_subject("emily", at(0)).await.unwrap();
    let head = PlainHead::new("POST", "/tokens").with("authorization", format!("Bearer {access}"));
    let by_token = service.call(&service.endpoints.issue(&service.gate.only(["bearer"]).unwrap()), head, "").await;
    service.cache.revoke(Handle::subject("emily"));
    if by_token.status() == 200 {
        assert_eq!(service.caller(&field(&by_token, "access_token")).await.unwrap_err(), 401);
        is_no_grant(&service.refresh(&field(&by_token, "refresh_token")).await);
    }
    assert_eq!(service.caller(&access).await.unwrap_err(), 401);
}

#[tokio::test]
async fn what_is_begun_while_its_owner_is_revoked_is_taken_back() {
    let service = service();
    let issue = service.endpoints.issue(&service.gate.only(["bearer"]).unwrap());
    let access = field(&service.issue(EMILY).await, "access_token");
    let head = || PlainHead::new("POST", "/tokens").with("authorization", format!("Bearer {access}"));
    let (late, during) = (service.begun(&issue, head()).await.unwrap(), service.begun(&issue, head()).await.unwrap());
    let cache = service.cache.clone();
    *service.store.after.lock().unwrap() = Some(Box::new(move || cache.revoke(Handle::subject("emily"))));
    assert_eq!(during.run(Vec::new()).await.status(), 401);
    *service.store.after.lock().unwrap() = None;
    assert_eq!(service.tokens.families_of("emily").await.unwrap().len(), 1, "the first alone");
    *service.store.before.lock().unwrap() = Some(Box::new(|| panic!("nothing is stored, not even for a moment")));
    assert_eq!(late.run(Vec::new()).await.status(), 401);
}

/// What is done to the store between two steps.
type Between = fn(&MemoryTokens, Handle);

#[tokio::test]
async fn what_is_revoked_while_a_token_turns_is_void_whatever_was_answered() {
    let subject: Between = |store, _| now(store.revoke_subject("emily", at(0))).unwrap();
    let family: Between = |store, handle| now(store.revoke(handle, at(600))).unwrap();
    for (revoke, calls) in [(subject, 1), (subject, 2), (family, 1), (family, 2)] {
        for before in [true, false] {
            let service = service();
            let token = field(&service.issue(EMILY).await, "refresh_token");
            let handle = service.tokens.families_of("emily").await.unwrap()[0].handle();
            let (asked, store) = (AtomicUsize::new(0), Arc::clone(&service.store));
            let then: Then = Box::new(move || {
                if asked.fetch_add(1, Ordering::SeqCst) + 1 == calls {
                    revoke(&store.store, handle);
                }
            });
            *if before { &service.store.before } else { &service.store.after }.lock().unwrap() = Some(then);
            let reply = service.refresh(&token).await;
            let row = format!("call {calls}, before: {before}");
            if calls == 2 && !before {
                // The answer is on its way; what it holds is void.
                assert_eq!(reply.status(), 200, "{row}");
                assert_eq!(service.caller(&field(&reply, "access_token")).await.unwrap_err(), 401, "{row}");
                is_no_grant(&service.refresh(&field(&reply, "refresh_token")).await);
            } else {
                is_no_grant(&reply);
            }
            is_no_grant(&service.refresh(&token).await);
            *service.store.before.lock().unwrap() = None;
            *service.store.after.lock().unwrap() = None;
        }
    }
}

#[tokio::test]
async fn who_leaves_while_a_token_turns_has_spent_it_whole() {
    for polls in 1..8 {
        let service = service();
        let token = field(&service.issue(EMILY).await, "refresh_token");
        let work = service.begun(&service.endpoints.refresh(&service.gate), service.refreshing()).await.unwrap();
        let mut work = Box::pin(work.run(json!({ "refresh_token": token }).to_string().into_bytes()));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            let _ = work.as_mut().poll(&mut context);
        }
        drop(work);
        service.gate.drained().await;
        let families = service.tokens.families_of("emily").await.unwrap();
        assert!(families[0].previous.is_some(), "dropped after {polls}");
    }
}

#[tokio::test]
async fn who_leaves_while_something_is_revoked_has_revoked_it() {
    for polls in 1..8 {
        for whole in [false, true] {
            let service = service();
            let access = field(&service.issue(EMILY).await, "access_token");
            assert!(service.caller(&access).await.is_ok(), "and is in the cache from now on");
            let (endpoint, head) = if whole {
                let head = PlainHead::new("DELETE", "/users/emily/tokens").with_parameter("name", "emily");
                (service.revocation.of_subject(&service.gate), head.with("authorization", EMILY))
            } else {
                let head = PlainHead::new("DELETE", "/tokens").with("authorization", format!("Bearer {access}"));
                (service.revocation.of_token(&service.gate), head)
            };
            let mut work = Box::pin(service.begun(&endpoint, head).await.unwrap().run(Vec::new()));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                let _ = work.as_mut().poll(&mut context);
            }
            drop(work);
            service.gate.drained().await;
            assert_eq!(service.caller(&access).await.unwrap_err(), 401, "dropped after {polls}, {whole}");
        }
    }
}

#[tokio::test]
async fn a_store_that_breaks_off_while_it_revokes_leaves_nothing_in_the_cache() {
    for whole in [false, true] {
        let service = service();
        let access = field(&service.issue(EMILY).await, "access_token");
        assert!(service.caller(&access).await.is_ok());
        *service.store.after.lock().unwrap() =
            Some(Box::new(|| std::panic::resume_unwind(Box::new("the connection broke"))));
        let reply = if whole { service.revoke(EMILY, "emily").await } else { service.give_back(&access).await };
        assert_eq!(reply.status(), 503);
        assert_eq!(service.caller(&access).await.unwrap_err(), 401);
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_the_address_that_had_it_and_only_for_a_while() {
    let address = |last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
    let keys = KeyRing::random();
    let forgiving = || {
        let keys = keys.clone();
        service_with(|tokens| tokens.forgiving_lost_answers(Duration::from_secs(10), keys))
    };
    // After how long, from which address, after how many turns, and what becomes of it.
    for (seconds, from, turns, good) in
        [(0, 1, 1, true), (9, 1, 1, true), (10, 1, 1, false), (0, 2, 1, false), (0, 1, 2, false)]
    {
        let service = forgiving();
        let head = |last| service.refreshing().from(address(last));
        let first = field(&service.issue(EMILY).await, "refresh_token");
        let mut answer = service.refresh_from(&first, head(1)).await;
        for _ in 1..turns {
            answer = service.refresh_from(&field(&answer, "refresh_token"), head(1)).await;
        }
        service.clock.advance(Duration::from_secs(seconds));
        let again = service.refresh_from(&first, head(from)).await;
        let row = format!("{seconds} s, from {from}, {turns} turns");
        if good {
            assert_eq!(field(&again, "refresh_token"), field(&answer, "refresh_token"), "{row}");
            assert!(service.caller(&field(&again, "access_token")).await.is_ok(), "{row}");
            assert_eq!(service.tokens.families_of("emily").await.unwrap().len(), 1, "{row}");
            assert_eq!(service.refresh_from(&field(&again, "refresh_token"), head(1)).await.status(), 200, "{row}");
        } else {
            is_no_grant(&again);
            is_no_grant(&service.refresh_from(&field(&answer, "refresh_token"), head(1)).await);
        }
    }
    // Nothing is forgiven to who did not ask for it.
    let service = service();
    let first = field(&service.issue(EMILY).await, "refresh_token");
    assert_eq!(service.refresh_from(&first, service.refreshing().from(address(1))).await.status(), 200);
    is_no_grant(&service.refresh_from(&first, service.refreshing().from(address(1))).await);
}

#[tokio::test]
async fn an_app_begins_lists_and_ends_families_itself() {
    let service = service();
    let from = PlainHead::new("POST", "/callback").with("user-agent", "x".repeat(1000)).view().client_info();
    let scopes = "reports:read admin".parse().unwrap();
    let issued = service.tokens.begin("emily", Some(&scopes), &from).await.unwrap().unwrap();
    assert_eq!((issued.subject(), issued.scopes().to_string().as_str()), ("emily", "reports:read"));
    assert!(service.tokens.begin("nobody", None, &from).await.unwrap().is_none());
    let grant = service.caller(issued.access_token()).await.unwrap();
    assert_eq!((grant.roles().len(), grant.scopes().to_string().as_str()), (0, "reports:read"));
    let whole = service.tokens.begin("emily", None, &from).await.unwrap().unwrap();
    assert_eq!(service.caller(whole.access_token()).await.unwrap().roles().len(), 1);

    let families = service.tokens.families_of("emily").await.unwrap();
    assert_eq!((families.len(), families[0].agent.as_ref().map(|agent| agent.len())), (2, Some(256)));
    let shown = format!("{issued:?} {families:?} {:?} {:?}", service.tokens, service.endpoints);
    for secret in [issued.access_token(), issued.refresh_token()] {
        assert!(!shown.contains(secret));
    }
    assert!(!service.tokens.end("emma", &families[0].id, &service.cache).await.unwrap());
    assert!(service.tokens.end("emily", &families[0].id, &service.cache).await.unwrap());
    assert!(!service.tokens.end("emily", &families[0].id, &service.cache).await.unwrap());
    assert_eq!(service.caller(issued.access_token()).await.unwrap_err(), 401);
    assert!(service.caller(whole.access_token()).await.is_ok());
}

#[tokio::test]
async fn nothing_but_a_refresh_token_of_the_family_is_one() {
    let service = service();
    let issued = service.issue(EMILY).await;
    let foreign: TokenPrefix = "ppl_".parse().unwrap();
    let own: TokenPrefix = "pplr_".parse().unwrap();
    for token in [own.mint().reveal(), foreign.mint().reveal(), &field(&issued, "access_token"), "", "pplr_"] {
        is_no_grant(&service.refresh(token).await);
    }
    assert_eq!(service.refresh(&field(&issued, "refresh_token")).await.status(), 200);
}

#[tokio::test]
async fn tokens_of_others_are_void_when_they_were_issued_until_the_subject_was_revoked() {
    use countersign::verifier::jwt::JwtVerifier;

    let (store, clock) = (Arc::<Distant>::default(), Arc::new(ManualClock::at(at(0))));
    let signer = JwtSigner::fresh().unwrap();
    let theirs: JwtVerifier<()> = JwtVerifier::trusting(signer.trusted("https://issuer.example").audience("people"))
        .timed_by(clock.clone())
        .principal_by(|_, verified| verified.into())
        .unwrap();
    let people = Arc::<People>::default();
    let looked_up = LookedUp::new(theirs, people.clone()).recorded_in(store.clone());
    let cache = CredentialCache::with(countersign::cache::CacheOptions::default().timed_by(clock.clone()));
    let gate = Gate::in_realm("people")
        .accept(Bearer, looked_up)
        .cached(cache.clone())
        .timed_by(clock.clone())
        .build()
        .unwrap();
    let token = |subject: &str, more: Value| {
        let mut claims = json!({
            "iss": "https://issuer.example", "aud": "people", "sub": subject, "exp": 1_800_009_999_u64,
            "scope": "reports:read admin",
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        signer.sign(&claims).unwrap()
    };
    let caller = async |token: &str| {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&gate);
        admit(&gate, &head).await.map_err(|reply| reply.status())
    };
    let grant = caller(&token("jacob", json!({}))).await.unwrap();
    assert_eq!((grant.roles().len(), grant.scopes().to_string().as_str()), (0, "reports:read"));
    assert_eq!(caller(&token("nobody", json!({}))).await.unwrap_err(), 401);

    let seconds = 1_800_000_100_u64;
    clock.advance(Duration::from_millis(100_900));
    // When it says that it was issued, and whether it is void from then on.
    let rows = [
        (json!({}), true),
        (json!({"iat": seconds - 50}), true),
        (json!({"iat": seconds}), true),
        (json!({"iat": seconds as f64 + 0.95}), true),
        (json!({"iat": seconds + 1}), false),
    ];
    for (claims, _) in &rows {
        assert!(caller(&token("emily", claims.clone())).await.is_ok(), "{claims}");
    }
    let revocation = Revocation::recorded_in(store.clone(), people, &cache);
    revocation.revoke_all_of("emily", at(100) + Duration::from_millis(900)).await.unwrap();
    for (claims, void) in &rows {
        assert_eq!(caller(&token("emily", claims.clone())).await.is_err(), *void, "{claims}");
    }
    assert!(caller(&token("emma", json!({}))).await.is_ok());

    // Given back, with and without an id.
    for claims in [json!({"jti": "t-1"}), json!({})] {
        let text = token("emma", claims);
        let head =
            PlainHead::new("DELETE", "/tokens").with("authorization", format!("Bearer {text}")).received_by(&gate);
        let endpoint = revocation.of_token(&gate);
        let grant = admit(endpoint.gate().unwrap(), &head).await.unwrap();
        let reply = endpoint.prepare(&head, head.exchange(), Some(grant)).unwrap().run(Vec::new()).await;
        assert_eq!(reply.status(), 204);
        assert_eq!(caller(&text).await.unwrap_err(), 401);
        cache.revoke_all();
        assert_eq!(caller(&text).await.unwrap_err(), 401);
    }
    assert!(caller(&token("emma", json!({"jti": "t-2"}))).await.is_ok());
}

#[tokio::test]
async fn a_session_is_of_its_generation_and_so_is_what_it_is_given() {
    let (store, people) = (Arc::<Distant>::default(), Arc::<People>::default());
    let (cache, cookie) = (CredentialCache::default(), SignedCookie::named("session", KeyRing::random()));
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), people.clone())
        .by(cookie)
        .recorded_in(store.clone())
        .revoking(&cache);
    let access =
        AccessTokens::issued_by("https://people", JwtSigner::fresh().unwrap()).for_audience("people", people).unwrap();
    let tokens = RefreshTokens::new("pplr_".parse().unwrap(), access, store.clone());
    let gate = Gate::in_realm("people")
        .accept(sessions.cookie(), sessions.clone())
        .accept(Bearer, tokens.access_tokens().clone())
        .cached(cache.clone())
        .build()
        .unwrap();
    let from = PlainHead::new("POST", "/").view().client_info();
    let begin = async || {
        let begun = sessions.begin("emily", &from).await.unwrap();
        begun.set_cookie().split(';').next().unwrap().to_owned()
    };
    let by = |cookie: &str| PlainHead::new("POST", "/tokens").with("cookie", cookie).received_by(&gate);
    let caller = async |token: &str| {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&gate);
        admit(&gate, &head).await.map_err(|reply| reply.status())
    };
    let issue = RefreshEndpoints::new(tokens.clone()).issue(&gate.only(["cookie"]).unwrap());

    let old = begin().await;
    assert!(admit(&gate, &by(&old)).await.is_ok(), "and is in the cache from now on");
    // By another copy, of which this one hears later; the row of the session is still there.
    store.store.revoke_subject("emily", SystemTime::now()).await.unwrap();
    let head = by(&old);
    let grant = admit(issue.gate().unwrap(), &head).await.unwrap();
    let reply = issue.prepare(&head, head.exchange(), Some(grant)).unwrap().run(Vec::new()).await;
    assert_eq!(caller(&field(&reply, "access_token")).await.unwrap_err(), 401);
    assert!(tokens.refresh(field(&reply, "refresh_token").as_bytes(), &from, &cache).await.unwrap().is_none());
    let with_old = PlainHead::new("POST", "/").with("cookie", &old).view().client_info();
    let renewed = sessions.renew(&with_old).await.unwrap().map(|begun| begun.set_cookie().to_owned());
    cache.revoke(Handle::subject("emily"));
    for cookie in [Some(old), renewed].into_iter().flatten() {
        let cookie = cookie.split(';').next().unwrap().to_owned();
        assert_eq!(admit(&gate, &by(&cookie)).await.unwrap_err().status(), 401);
    }
    assert!(sessions.list("emily").await.unwrap().is_empty());

    let new = begin().await;
    assert!(admit(&gate, &by(&new)).await.is_ok());
    assert_eq!(sessions.list("emily").await.unwrap().len(), 1);
    store.away.store(true, Ordering::SeqCst);
    cache.revoke_all();
    assert_eq!(admit(&gate, &by(&new)).await.unwrap_err().status(), 503);
    assert!(sessions.begin("emily", &from).await.is_err());
}

/// However many bring whatever they have of a family, on however many threads: of its tokens one is good, or none.
#[test]
fn no_family_ever_has_two_live_successors() {
    const FAMILIES: usize = 400;
    const THREADS: usize = 8;
    let store = Arc::new(MemoryTokens::default());
    let races = AtomicUsize::new(0);
    for family in 0..FAMILIES {
        let begun = Family { subject: "emily", generation: 0, turn: 0, ends: 1_000_000, there: true };
        now(store.begin(record(&begun, family, 0), 20)).unwrap();
        // Each brings the same token with a successor of its own, then its successor, and so on.
        let won: Vec<Vec<TokenDigest>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let store = &store;
                    scope.spawn(move || {
                        let (mut spent, mut won) = (digest(family, 0), Vec::new());
                        for turn in 1..=8 {
                            let successor = digest(family, thread * 1000 + turn);
                            let rotation = Rotation {
                                id: family.to_string().into(),
                                spent,
                                successor,
                                now: at(1),
                                ends: at(1_000_000),
                                address: None,
                                agent: None,
                                forgiven: Duration::ZERO,
                                void_until: at(600),
                            };
                            match now(store.rotate(rotation)).unwrap() {
                                Rotated::Now => {
                                    won.push(spent);
                                    spent = successor;
                                }
                                Rotated::Reused | Rotated::Unknown => break,
                                Rotated::Again => panic!("nothing is forgiven here"),
                            }
                        }
                        won
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let spent: Vec<TokenDigest> = won.into_iter().flatten().collect();
        assert_eq!(spent.iter().collect::<HashSet<_>>().len(), spent.len(), "a token was spent twice");
        assert!(!spent.is_empty(), "the first was good for somebody");
        assert!(now(store.find(&family.to_string(), at(1))).unwrap().is_none(), "it was brought twice");
        races.fetch_add(usize::from(spent.len() < 8), Ordering::Relaxed);
        let handle = FamilyRecord::handle_of(&family.to_string());
        assert!(now(store.standing("emily", &[handle])).unwrap().revoked);
    }
    assert!(races.load(Ordering::Relaxed) > 0, "the threads never met");
}

/// A sequence that looks random, the same at each run.
struct Random(u64);

impl Random {
    /// A number below this one.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Four clients share what they have of a family, and each refresh is taken step by step, in whatever order.
#[test]
fn in_no_order_of_steps_has_a_family_two_live_successors() {
    type Refreshing<'s> = Pin<Box<dyn Future<Output = Option<String>> + 's>>;

    let address = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
    let from = PlainHead::new("POST", "/").from(address).view().client_info();
    let (mut context, mut ended) = (Context::from_waker(Waker::noop()), [0, 0]);
    for forgiving in [false, true] {
        let service = service_with(|tokens| match forgiving {
            true => tokens.forgiving_lost_answers(Duration::from_secs(10), KeyRing::random()),
            false => tokens,
        });
        let refresh = |token: String| -> Refreshing<'_> {
            let (service, from) = (&service, &from);
            Box::pin(async move {
                let answered = service.tokens.refresh(token.as_bytes(), from, &service.cache).await.unwrap();
                answered.map(|issued| issued.refresh_token().to_owned())
            })
        };
        for seed in 0..2_000 {
            let mut random = Random(seed);
            let mut begun = Box::pin(service.tokens.begin("emily", None, &from));
            let first = loop {
                if let Poll::Ready(begun) = begun.as_mut().poll(&mut context) {
                    break begun.unwrap().unwrap().refresh_token().to_owned();
                }
            };
            let (mut known, mut running) = (vec![first], Vec::<(usize, Refreshing<'_>)>::new());
            // What was answered to each token that is known.
            let mut answers: Vec<Vec<Option<String>>> = vec![Vec::new()];
            for step in 0.. {
                if step < 30 && running.len() < 4 && random.below(3) == 0 {
                    // The latest more often than not, as honest clients do.
                    let token = if random.below(4) == 0 { random.below(known.len()) } else { known.len() - 1 };
                    running.push((token, refresh(known[token].clone())));
                    continue;
                }
                if running.is_empty() && step >= 30 {
                    break;
                }
                if running.is_empty() {
                    continue;
                }
                let place = random.below(running.len());
                let Poll::Ready(answer) = running[place].1.as_mut().poll(&mut context) else { continue };
                let (token, _) = running.swap_remove(place);
                if let Some(successor) = &answer
                    && !known.contains(successor)
                {
                    known.push(successor.clone());
                    answers.push(Vec::new());
                }
                answers[token].push(answer);
            }
            let mut successors = HashSet::new();
            for (token, answers) in answers.iter().enumerate() {
                let given: HashSet<&String> = answers.iter().flatten().collect();
                assert!(given.len() <= 1, "seed {seed}: token {token} has two successors");
                assert!(given.iter().all(|given| successors.insert(*given)), "seed {seed}: two tokens share one");
                let good = answers.iter().flatten().count();
                assert!(good <= 1 || forgiving, "seed {seed}: token {token} was good {good} times");
            }
            let digests: Vec<TokenDigest> = known.iter().map(|token| TokenDigest::of(token.as_bytes())).collect();
            let families = now(service.store.store.list("emily", at(0))).unwrap();
            let family = families.iter().find(|family| digests.contains(&family.current));
            let refused = answers.iter().flatten().any(Option::is_none);
            assert_eq!(family.is_none(), refused, "seed {seed}: void as soon as one was refused, and not before");
            let live = digests.iter().filter(|digest| family.is_some_and(|family| family.current == **digest)).count();
            assert!(live <= 1, "seed {seed}");
            ended[usize::from(refused)] += 1;
        }
    }
    assert!(ended.iter().all(|ended| *ended > 500), "both ends are common: {ended:?}");
}
