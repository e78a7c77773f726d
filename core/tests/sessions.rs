//! Sessions as an app holds them: begun, listed, bound, ended, and with data beside them.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    CredentialCache, Gate, Grant, KeyRing, Reply, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    cache::CacheOptions,
    clock::{Clock, SharedClock},
    gate::policy::signed_in_within,
    mint::session::{Begun, DataError, SessionEndpoints, Sessions},
    request::ClientInfo,
    store::{Directory, MemorySessions},
    testing::{ManualClock, PlainHead},
    verifier::PasswordTable,
};

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

struct Service {
    clock: Arc<ManualClock>,
    sessions: Sessions<String>,
    gate: Gate<String>,
}

fn service_with(change: impl FnOnce(Sessions<String>) -> Sessions<String>) -> Service {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    let shared: SharedClock = clock.clone();
    let cache = CredentialCache::with(CacheOptions::default().timed_by(shared.clone()));
    let cookie = SignedCookie::named("session", KeyRing::random()).timed_by(shared.clone());
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody)).by(cookie).revoking(&cache);
    let sessions = change(sessions);
    let gate = Gate::in_realm("people")
        .accept(sessions.cookie(), sessions.clone())
        .cached(cache)
        .timed_by(shared)
        .build()
        .unwrap();
    Service { clock, sessions, gate }
}

fn service() -> Service {
    service_with(|sessions| sessions)
}

fn from(head: &PlainHead) -> ClientInfo {
    head.view().client_info()
}

fn pair(begun: &Begun) -> String {
    begun.set_cookie().split(';').next().unwrap().to_owned()
}

impl Service {
    async fn begin(&self, subject: &str) -> String {
        pair(&self.sessions.begin(subject, &from(&PlainHead::get("/callback"))).await.unwrap())
    }

    async fn admit(&self, head: PlainHead) -> Result<Grant<String>, u16> {
        match head.received_by(&self.gate).verdict_at(&self.gate).await {
            Verdict::Admitted(grant) => Ok(grant),
            Verdict::Anonymous => panic!("anonymous"),
            Verdict::Rejected(rejection) => Err(rejection.status()),
        }
    }

    async fn may(&self, cookie: &str) -> bool {
        self.admit(PlainHead::get("/").with("cookie", cookie)).await.is_ok()
    }

    async fn used(&self, subject: &str) -> u64 {
        // What is noted is noted by a task of its own.
        tokio::task::yield_now().await;
        let used = self.sessions.list(subject).await.unwrap()[0].used;
        self.clock.wall().duration_since(used).unwrap().as_secs()
    }
}

fn field<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.fields().find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[tokio::test]
async fn an_app_begins_a_session_and_sends_on_to_its_own_site_alone() {
    let service = service();
    let begun = service.sessions.begin("emily", &from(&PlainHead::get("/callback"))).await.unwrap();
    for (path, location) in [("/app?a=b", "/app?a=b"), ("https://evil.example", "/"), ("//evil.example", "/")] {
        let reply = begun.going_to(path);
        assert_eq!((reply.status(), field(&reply, "location")), (303, Some(location)));
        assert_eq!(
            (field(&reply, "set-cookie"), field(&reply, "cache-control")),
            (Some(begun.set_cookie()), Some("no-store"))
        );
    }
    assert!(begun.set_cookie().ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=43200"));
    assert!(!format!("{begun:?}").contains(&pair(&begun)));
    let grant = service.admit(PlainHead::get("/").with("cookie", pair(&begun))).await.unwrap();
    assert_eq!((grant.subject(), grant.credential_id()), (Some("emily"), Some(begun.id())));
    assert_eq!(Reply::from(begun).status(), 204);
    // Over TLS under the name for it.
    let tls = from(&PlainHead::get("/").over_tls());
    assert!(service.sessions.begin("emily", &tls).await.unwrap().set_cookie().starts_with("__Host-session="));
}

#[tokio::test]
async fn a_session_that_begins_ends_the_one_that_the_browser_brought_along() {
    let service = service();
    let first = service.begin("emily").await;
    assert!(service.may(&first).await, "and is in the cache from now on");
    let callback = from(&PlainHead::get("/callback").with("cookie", &first));
    let second = pair(&service.sessions.begin("emma", &callback).await.unwrap());
    assert!(!service.may(&first).await && service.may(&second).await);
}

#[tokio::test]
async fn devices_are_listed_newest_first_and_ended_one_by_one() {
    let service = service();
    let head = PlainHead::get("/").from("192.0.2.7".parse().unwrap()).with("user-agent", "curl/8");
    let first = service.sessions.begin("emily", &from(&head)).await.unwrap();
    service.clock.advance(Duration::from_secs(5));
    let second = service.begin("emily").await;
    let others = service.sessions.begin("emma", &from(&head)).await.unwrap();
    let listed = service.sessions.list("emily").await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((&*listed[1].id, listed[1].agent.as_deref()), (first.id(), Some("curl/8")));
    assert_eq!(listed[1].address, Some("192.0.2.7".parse().unwrap()));
    assert_eq!((listed[0].address, listed[0].agent.as_deref()), (None, None));

    assert!(service.may(&pair(&first)).await);
    for (id, ended) in
        [(others.id(), false), ("nothing", false), ("\0", false), (first.id(), true), (first.id(), false)]
    {
        assert_eq!(service.sessions.end_one_of("emily", id).await.unwrap(), ended, "{id:?}");
    }
    assert!(!service.may(&pair(&first)).await, "also from the cache");
    assert!(service.may(&second).await && service.may(&pair(&others)).await);
    service.sessions.end_all_of("emily").await.unwrap();
    assert!(!service.may(&second).await && service.may(&pair(&others)).await);
    assert!(service.sessions.list("emily").await.unwrap().is_empty());
    let leaving = from(&PlainHead::get("/").with("cookie", pair(&others)));
    service.sessions.end(&leaving).await.unwrap();
    assert!(!service.may(&pair(&others)).await);
}

#[tokio::test]
async fn a_session_that_has_ended_is_in_no_list_and_ended_by_nobody() {
    for seconds in [30 * 60 + 60, 12 * 60 * 60] {
        let service = service();
        let begun = service.sessions.begin("emily", &from(&PlainHead::get("/"))).await.unwrap();
        service.clock.advance(Duration::from_secs(seconds));
        assert!(service.sessions.list("emily").await.unwrap().is_empty());
        assert!(!service.sessions.end_one_of("emily", begun.id()).await.unwrap());
        assert!(!service.may(&pair(&begun)).await);
    }
}

#[tokio::test]
async fn the_last_use_is_at_most_a_minute_late_however_often_it_is_used() {
    let service = service();
    let session = service.begin("emily").await;
    // Just before a use would be written down, so that the look-up behind it is remembered, and then often.
    for step in [59, 1, 58, 1, 59, 30, 29, 1, 1, 58, 2, 59, 59, 59, 60, 61, 5, 55] {
        service.clock.advance(Duration::from_secs(step));
        assert!(service.may(&session).await);
        let late = service.used("emily").await;
        assert!(late < 60, "{late} seconds after a step of {step}");
    }
    // It lives on by its uses, and not without.
    for _ in 0..10 {
        service.clock.advance(Duration::from_secs(29 * 60));
        assert!(service.may(&session).await);
        tokio::task::yield_now().await;
    }
    service.clock.advance(Duration::from_secs(32 * 60));
    assert!(!service.may(&session).await);
}

#[tokio::test]
async fn the_first_sessions_make_way_for_those_that_are_too_many() {
    let service = service_with(|sessions| sessions.at_most(2));
    let (first, second) = (service.begin("emily").await, service.begin("emily").await);
    let others = service.begin("emma").await;
    assert!(service.may(&first).await);
    let third = service.begin("emily").await;
    assert!(!service.may(&first).await, "also from the cache");
    assert!(service.may(&second).await && service.may(&third).await && service.may(&others).await);
}

#[tokio::test]
async fn a_bound_session_opens_nothing_elsewhere() {
    let at = |address: &str, agent: &str| PlainHead::get("/").from(address.parse().unwrap()).with("user-agent", agent);
    let rows = [
        ("192.0.2.1", "a", true, true),
        ("192.0.2.200", "a", true, true),
        ("192.0.3.1", "a", true, false),
        ("192.0.2.1", "b", false, true),
        ("::ffff:192.0.2.9", "a", true, true),
        ("2001:db8::1", "a", true, false),
    ];
    let agent = service_with(Sessions::bound_to_agent);
    let network = service_with(|sessions| sessions.bound_to_network(24, 64));
    let both = service_with(|sessions| sessions.bound_to_agent().bound_to_network(24, 64));
    for (address, name, same_agent, same_network) in rows {
        for (service, good) in [(&agent, same_agent), (&network, same_network), (&both, same_agent && same_network)] {
            let begun = service.sessions.begin("emily", &from(&at("192.0.2.1", "a"))).await.unwrap();
            for _ in 0..2 {
                let admitted = service.admit(at(address, name).with("cookie", pair(&begun))).await;
                assert_eq!(admitted.is_ok(), good, "{address} {name}");
            }
            assert!(service.admit(at("192.0.2.1", "a").with("cookie", pair(&begun))).await.is_ok());
        }
    }
    // An agent that is not UTF-8 is itself, and one that is not known is nobody's.
    let odd = || PlainHead::get("/").with("user-agent", b"\xff");
    let begun = agent.sessions.begin("emily", &from(&odd())).await.unwrap();
    assert!(agent.admit(odd().with("cookie", pair(&begun))).await.is_ok());
    assert!(!agent.may(&pair(&begun)).await);
    let begun = network.sessions.begin("emily", &from(&PlainHead::get("/"))).await.unwrap();
    assert!(!network.may(&pair(&begun)).await, "no address is no network");
}

#[tokio::test]
async fn a_renewed_session_is_the_same_under_another_identifier() {
    let service = service();
    let first = service.begin("emily").await;
    let me = service.admit(PlainHead::get("/").with("cookie", &first)).await.unwrap();
    let mut data = service.sessions.data::<u32>(&me).await.unwrap();
    data.value = Some(7);
    service.sessions.keep(&me, &mut data).await.unwrap();
    service.clock.advance(Duration::from_secs(600));
    let client = from(&PlainHead::get("/").with("cookie", &first));
    let renewed = service.sessions.renew(&client).await.unwrap().unwrap();
    assert!(renewed.set_cookie().contains("; Max-Age=42600"), "{}", renewed.set_cookie());
    assert!(!service.may(&first).await && !me.still_stands());
    let again = service.admit(PlainHead::get("/").with("cookie", pair(&renewed))).await.unwrap();
    assert_eq!((again.ends(), again.authenticated()), (me.ends(), me.authenticated()));
    assert_eq!(service.sessions.data::<u32>(&again).await.unwrap().value, Some(7));
    assert!(service.sessions.renew(&client).await.unwrap().is_none(), "it has ended");
    assert_eq!(service.sessions.list("emily").await.unwrap().len(), 1);

    // Where there may be no more, nobody makes way: one takes the place of one.
    let service = service_with(|sessions| sessions.at_most(2));
    let (first, second) = (service.begin("emily").await, service.begin("emily").await);
    let client = from(&PlainHead::get("/").with("cookie", &second));
    let renewed = pair(&service.sessions.renew(&client).await.unwrap().unwrap());
    assert!(service.may(&first).await && service.may(&renewed).await && !service.may(&second).await);
    let third = service.begin("emily").await;
    assert!(!service.may(&first).await && service.may(&renewed).await && service.may(&third).await);
}

#[tokio::test]
async fn the_second_of_two_who_write_at_once_is_told() {
    let service = service();
    let session = service.begin("emily").await;
    let me = service.admit(PlainHead::get("/").with("cookie", &session)).await.unwrap();
    let (mut one, mut other) =
        (service.sessions.data::<String>(&me).await.unwrap(), service.sessions.data::<String>(&me).await.unwrap());
    assert_eq!(one.value, None);
    one.value = Some("one".to_owned());
    other.value = Some("other".to_owned());
    service.sessions.keep(&me, &mut one).await.unwrap();
    assert!(matches!(service.sessions.keep(&me, &mut other).await, Err(DataError::Conflict)));
    one.value = Some("again".to_owned());
    service.sessions.keep(&me, &mut one).await.unwrap();
    assert_eq!(service.sessions.data::<String>(&me).await.unwrap().value.as_deref(), Some("again"));
    assert!(matches!(service.sessions.data::<u32>(&me).await, Err(DataError::Unreadable)));
    one.value = Some("x".repeat(5000));
    assert!(matches!(service.sessions.keep(&me, &mut one).await, Err(DataError::TooLong)));
    service.sessions.end_all_of("emily").await.unwrap();
    one.value = None;
    assert!(matches!(service.sessions.keep(&me, &mut one).await, Err(DataError::NoSession)));
    assert!(matches!(service.sessions.data::<u32>(&me).await, Err(DataError::NoSession)));
}

#[tokio::test]
async fn who_signed_in_long_ago_may_not_do_what_takes_a_fresh_sign_in() {
    let service = service();
    let session = service.begin("emily").await;
    let fresh = service.gate.require(signed_in_within(Duration::from_secs(300)));
    let status = async || {
        let head = PlainHead::get("/").with("cookie", &session).received_by(&service.gate);
        match head.verdict_at(&fresh).await {
            Verdict::Rejected(rejection) => rejection.status(),
            _ => 200,
        }
    };
    for (step, expected) in [(0, 200), (299, 200), (1, 403)] {
        service.clock.advance(Duration::from_secs(step));
        assert_eq!(status().await, expected);
    }
}

#[tokio::test]
async fn who_asks_to_be_remembered_is_where_the_app_says_so() {
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    let passwords = || {
        Arc::new(PasswordTable::new().with("emily", "s3cret", Verified::new("emily".to_owned()).with_subject("emily")))
    };
    for (remembering, form, age) in [
        (false, "", 43_200),
        (false, "&remember=on", 43_200),
        (true, "", 43_200),
        (true, "&remember=off", 43_200),
        (true, "&remember=on", month.as_secs()),
    ] {
        let service =
            service_with(|sessions| if remembering { sessions.remembering_for(month, month) } else { sessions });
        let endpoint = SessionEndpoints::new(service.sessions.clone(), &service.gate).sign_in(passwords());
        let head = PlainHead::new("POST", "/session").with("content-type", "application/x-www-form-urlencoded");
        let head = head.received_by(&service.gate);
        let work = endpoint.prepare(&head, head.exchange(), None).unwrap();
        let reply = work.run(format!("username=emily&password=s3cret{form}").into_bytes()).await;
        assert!(field(&reply, "set-cookie").unwrap().contains(&format!("; Max-Age={age}")), "{remembering} {form:?}");
        let session = field(&reply, "set-cookie").unwrap().split(';').next().unwrap().to_owned();
        service.clock.advance(Duration::from_secs(20 * 24 * 60 * 60));
        assert_eq!(service.may(&session).await, age > 43_200);
    }
}

#[tokio::test]
async fn what_is_forgotten_with_the_browser_is_kept_for_who_asked_to_be_remembered() {
    let day = Duration::from_secs(86_400);
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody))
        .by(SignedCookie::named("session", KeyRing::random()).until_the_browser_closes())
        .remembering_for(day * 7, day * 30);
    let nobody = from(&PlainHead::get("/"));
    let usual = sessions.begin("emily", &nobody).await.unwrap();
    let remembered = sessions.begin_remembered("emily", &nobody).await.unwrap();
    for (begun, lasts) in [(usual, false), (remembered, true)] {
        let brought = from(&PlainHead::get("/").with("cookie", pair(&begun)));
        let renewed = sessions.renew(&brought).await.unwrap().unwrap();
        for begun in [begun, renewed] {
            assert_eq!(begun.set_cookie().contains("; Max-Age=2"), lasts, "{}", begun.set_cookie());
        }
    }
}

#[tokio::test]
async fn lives_without_bound_are_bound_and_overflow_nothing() {
    for (idle, longest) in
        [(Duration::MAX, Duration::MAX), (Duration::ZERO, Duration::MAX), (Duration::MAX, Duration::ZERO)]
    {
        let service = service_with(|sessions| sessions.ending_after(idle, longest));
        let session = service.begin("emily").await;
        assert_eq!(service.may(&session).await, !longest.is_zero(), "{idle:?} {longest:?}");
    }
}

#[test]
fn a_gate_with_another_cookie_or_cache_is_not_built() {
    let cache = CredentialCache::default();
    let cookie = || SignedCookie::named("session", KeyRing::random());
    let sessions = |cookie| Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody)).by(cookie);
    let faults = |gate: countersign::gate::GateBuilder<String>| match gate.build() {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(str::to_owned).collect(),
    };
    let begun = || Gate::in_realm("people");
    let plain = sessions(cookie());
    assert!(faults(begun().accept(plain.cookie(), plain.clone())).is_empty());
    let told = sessions(cookie()).revoking(&cache);
    assert!(faults(begun().accept(told.cookie(), told.clone()).cached(cache.clone())).is_empty());
    let cases = [
        (begun().accept(plain.cookie(), plain.clone()).cached(cache.clone()), "do not tell the gate's cache"),
        (begun().accept(told.cookie(), told.clone()), "do not tell the gate's cache"),
        (
            begun().accept(told.cookie(), told.clone()).cached(CredentialCache::default()),
            "do not tell the gate's cache",
        ),
        (begun().accept(cookie(), plain.clone()), "in another cookie than theirs"),
        (begun().accept(plain.cookie().for_purpose("x"), plain.clone()), "in another cookie than theirs"),
    ];
    for (gate, sentence) in cases {
        let faults = faults(gate);
        assert!(faults.len() == 1 && faults[0].contains(sentence), "{faults:?}");
    }
    // What a grant of one gate shows is asked of its own cache.
    assert_eq!(cache.counts().revocations, 0);
}
