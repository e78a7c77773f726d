//! The gate's rules, without a framework.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, ApiKey, Basic, Bearer, CredentialCache, Extract, Gate, KeyRing, QueryParam, RequestView, SignedCookie,
    Unavailable, Verified, Verify,
    adapter::{Admission, Guard, ResponseHead, Verdict, finish},
    cache::CacheOptions,
    clock::{Clock, SharedClock, SystemClock},
    credential::{BasicCredential, CookieCredential, Occurrences, Rank, Raw, TokenCredential},
    demand,
    gate::{
        BuildError, Demand, GateBuilder,
        policy::{Anyone, all_of, any_of, permits, role, scope, subject_is},
    },
    principal::Binding,
    request::Field,
    response::{Challenge, Reason, Rejection},
    testing::{ManualClock, PlainHead},
    throttle::{Throttle, ThrottleLimits},
    verifier::{PasswordTable, Terms, TokenTable, verify_now_with, verify_with},
};

type Person = &'static str;

fn tokens() -> TokenTable<Person> {
    let reads = "reports:read".parse().unwrap();
    TokenTable::new()
        .with("emily-token", Verified::new("emily").with_subject("emily").with_scopes(reads).with_roles(["member"]))
}

fn gate() -> Gate<Person> {
    Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", Verified::new("emily").with_subject("emily")))
        .accept(Bearer, tokens())
        .accept(QueryParam::named("access_token"), tokens())
        .accept(ApiKey::in_header("X-API-Key").or_keyword("Token"), tokens())
        .build()
        .unwrap()
}

fn decided<P: Send + Sync + 'static>(gate: &Gate<P>, head: PlainHead) -> Verdict<P> {
    match head.received_by(gate).at(gate) {
        Admission::Decided(verdict) => verdict,
        Admission::Pending(_) | Admission::Body(_) => panic!("nothing here waits"),
    }
}

fn refused<P: Send + Sync + 'static>(gate: &Gate<P>, head: PlainHead) -> Rejection {
    match decided(gate, head) {
        Verdict::Rejected(rejection) => rejection,
        Verdict::Admitted(_) => panic!("admitted"),
        Verdict::Anonymous => panic!("anonymous"),
    }
}

fn with(fields: &[(&str, &str)]) -> PlainHead {
    fields.iter().fold(PlainHead::get("/me"), |head, (name, value)| head.with(name, value))
}

fn people() -> GateBuilder<Person> {
    Gate::in_realm("people")
}

/// A table with a throttle.
struct Guarded(PasswordTable<Person>, Throttle);

#[countersign::async_trait]
impl Verify<BasicCredential> for Guarded {
    type Principal = Person;

    async fn verify(&self, credential: BasicCredential) -> Answer<Person> {
        self.0.verify(credential).await
    }

    fn terms(&self) -> Terms {
        Terms::new().throttled_by(self.1.clone())
    }
}

/// A verifier of sessions that goes by this clock, if by any.
struct Timed(Option<SharedClock>);

#[countersign::async_trait]
impl Verify<CookieCredential> for Timed {
    type Principal = Person;

    async fn verify(&self, _: CookieCredential) -> Answer<Person> {
        Answer::Refused
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.0.as_ref()
    }
}

#[test]
fn a_part_that_goes_by_another_clock_than_the_gate_is_named() {
    type Clocks = [Option<SharedClock>; 5];
    let build = |[gate, cache, kind, verifier, throttle]: &Clocks| {
        let system = |clock: &Option<SharedClock>| clock.clone().unwrap_or_else(SystemClock::shared);
        let limits = ThrottleLimits::default().timed_by(system(throttle));
        let built = gate.iter().cloned().fold(people(), GateBuilder::timed_by);
        built
            .accept(
                SignedCookie::named("s", KeyRing::random()).timed_by(system(kind)),
                Arc::new(Timed(verifier.clone())),
            )
            .accept(Basic, Guarded(PasswordTable::new(), Throttle::new(&limits)))
            .cached(CredentialCache::with(CacheOptions::default().timed_by(system(cache))))
            .build()
            .map(drop)
    };
    let manual = || Some(Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH)) as SharedClock);
    let one = manual();
    let same = || one.clone();
    let system = || Some(SystemClock::shared());
    let (kind, verifier) = ("the kind of \"cookie\"", "the verifier of \"cookie\"");
    let throttle = "the throttle of \"basic\"";
    let rows: [(Clocks, &[&str]); 11] = [
        ([None, None, None, None, None], &[]),
        ([system(), system(), system(), system(), system()], &[]),
        ([same(), same(), same(), same(), same()], &[]),
        ([same(), same(), same(), None, same()], &[]),
        ([None, same(), same(), same(), same()], &[]),
        ([same(), same(), manual(), same(), same()], &[kind]),
        ([same(), same(), same(), manual(), same()], &[verifier]),
        ([same(), same(), same(), same(), manual()], &[throttle]),
        ([same(), manual(), same(), same(), same()], &["the cache"]),
        ([same(), None, None, system(), None], &[kind, verifier, throttle, "the cache"]),
        ([None, None, same(), None, None], &[kind]),
    ];
    for (clocks, expected) in rows {
        let faults = build(&clocks).err();
        let named: Vec<_> = faults.iter().flat_map(BuildError::iter).collect();
        let sentences: Vec<_> = expected
            .iter()
            .map(|part| {
                format!("{part} goes by another clock than the gate; make one, and give it to both with .timed_by(clock.clone())")
            })
            .collect();
        assert_eq!(named, sentences, "{clocks:?}");
    }
}

#[test]
fn every_scheme_admits_by_its_own_place() {
    let rows: [(&[(&str, &str)], &str); 5] = [
        (&[("authorization", "Basic ZW1pbHk6czNjcmV0")], "basic"),
        (&[("authorization", "Bearer emily-token")], "bearer"),
        (&[("x-api-key", "emily-token")], "api-key"),
        (&[("authorization", "token emily-token")], "api-key"),
        (&[("authorization", "Unknown x"), ("x-api-key", "emily-token")], "api-key"),
    ];
    for (fields, scheme) in rows {
        match decided(&gate(), with(fields)) {
            Verdict::Admitted(grant) => assert_eq!((grant.scheme(), *grant), (scheme, "emily"), "{fields:?}"),
            other => panic!("{fields:?}: {other:?}"),
        }
    }
    match decided(&gate(), PlainHead::get("/me?access_token=emily-token")) {
        Verdict::Admitted(grant) => assert_eq!(grant.scheme(), "query"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn refusals_come_in_their_order() {
    let long = "x".repeat(8 * 1024 + 1);
    let bearer = |token: &str| format!("Bearer {token}");
    let rows: [(&[(&str, &str)], Reason); 9] = [
        (&[], Reason::NoCredential),
        (&[("authorization", "Unknown x")], Reason::NoCredential),
        (&[("authorization", "Bearer wrong")], Reason::BadCredential),
        (&[("authorization", "Bearer")], Reason::BadCredential),
        // H2, and whatever the fields say
        (&[("authorization", "Unknown x"), ("authorization", "Unknown y")], Reason::Ambiguous),
        (&[("authorization", "Bearer emily-token"), ("x-api-key", "emily-token")], Reason::Ambiguous),
        (&[("x-api-key", "emily-token"), ("x-api-key", "emily-token")], Reason::Ambiguous),
        (&[("authorization", &bearer(&long))], Reason::TooLarge),
        (&[("authorization", &bearer(&long)), ("authorization", "Unknown x")], Reason::TooLarge),
    ];
    for (fields, reason) in rows {
        assert_eq!(refused(&gate(), with(fields)).reason(), reason);
    }
    let edge = bearer(&"x".repeat(8 * 1024));
    assert_eq!(refused(&gate(), with(&[("authorization", &edge)])).reason(), Reason::BadCredential);
}

#[test]
fn a_wrong_credential_is_not_anonymous() {
    // H8
    let open = gate().or_anonymous();
    assert!(matches!(decided(&open, with(&[])), Verdict::Anonymous));
    assert!(matches!(decided(&open, with(&[("authorization", "Unknown x")])), Verdict::Anonymous));
    for value in ["Bearer wrong", "Basic !", "Bearer", "Basic ZW1pbHk6d3Jvbmc="] {
        assert_eq!(refused(&open, with(&[("authorization", value)])).status(), 401, "{value}");
    }
}

#[test]
fn schemes_that_are_not_taken_count_as_absent() {
    let basic = gate().only(["basic"]).unwrap();
    let both = with(&[("authorization", "Basic ZW1pbHk6czNjcmV0"), ("x-api-key", "emily-token")]);
    assert!(matches!(decided(&basic, both), Verdict::Admitted(_)));
    assert_eq!(refused(&basic, with(&[("x-api-key", "emily-token")])).reason(), Reason::NoCredential);
    assert!(gate().only(["cokie"]).is_err());
    assert!(gate().only([]).is_err());
}

#[test]
fn challenges_stand_in_the_order_of_the_gate_and_errors_at_bearer_alone() {
    let written = |rejection: &Rejection| rejection.challenges().iter().map(Challenge::to_string).collect::<Vec<_>>();
    let plain = [
        "Basic realm=\"people\", charset=\"UTF-8\"",
        "Bearer realm=\"people\"",
        "ApiKey realm=\"people\", header=\"X-API-Key\"",
    ];
    assert_eq!(written(&refused(&gate(), with(&[]))), plain);
    assert_eq!(written(&refused(&gate(), with(&[("authorization", "Basic ZW1pbHk6eA==")]))), plain);
    let wrong_token = written(&refused(&gate(), with(&[("authorization", "Bearer wrong")])));
    assert!(
        wrong_token[1].starts_with("Bearer realm=\"people\", error=\"invalid_token\", error_description="),
        "{wrong_token:?}"
    );
    let wrong_query = written(&refused(&gate(), PlainHead::get("/?access_token=wrong")));
    assert_eq!(wrong_query, wrong_token);
    assert_eq!(written(&refused(&gate().only(["query"]).unwrap(), with(&[]))), ["Bearer realm=\"people\""]);
    let ambiguous = refused(&gate(), with(&[("authorization", "a"), ("authorization", "b")]));
    assert_eq!(written(&ambiguous), ["Bearer realm=\"people\", error=\"invalid_request\""]);
    assert_eq!(written(&refused(&gate(), with(&[("sec-fetch-mode", "cors")]))), plain[1..]);
    assert_eq!(written(&refused(&gate().only(["basic"]).unwrap(), with(&[("sec-fetch-mode", "cors")]))), plain[..1]);
}

#[test]
fn policies_judge_each_time() {
    let rows: [(Gate<Person>, Result<(), Reason>); 9] = [
        (gate().require(scope("reports:read")), Ok(())),
        (gate().require(scope("reports:write")), Err(Reason::MissingScope)),
        (gate().require(role("member")), Ok(())),
        (gate().require(role("admin")), Err(Reason::Forbidden)),
        (gate().require(any_of((role("admin"), scope("reports:read")))), Ok(())),
        (gate().require(all_of((role("member"), scope("reports:write")))), Err(Reason::MissingScope)),
        (gate().require(role("admin")).require(scope("reports:read")), Err(Reason::Forbidden)),
        (gate().require(permits(|grant, _| **grant == "emma")), Err(Reason::Forbidden)),
        (gate().require(subject_is("name")), Err(Reason::Misconfigured)),
    ];
    for (gate, expected) in rows {
        let seen = match decided(&gate, with(&[("authorization", "Bearer emily-token")])) {
            Verdict::Admitted(_) => Ok(()),
            Verdict::Rejected(rejection) => Err(rejection.reason()),
            Verdict::Anonymous => panic!("anonymous"),
        };
        assert_eq!(seen, expected);
    }
    for (name, admitted) in [("emily", true), ("Emily", false), ("emma", false), ("", false)] {
        let head = with(&[("authorization", "Bearer emily-token")]).with_parameter("name", name);
        let seen = matches!(decided(&gate().require(subject_is("name")), head), Verdict::Admitted(_));
        assert_eq!(seen, admitted, "{name}");
    }
}

demand!(WritesReports: scope("reports:write"));
demand!(ByKey: only ["api-key"]);
demand!(ReadsByKey: only ["api-key"], scope("reports:read"));
demand!(Misspelt: only ["api-kye"]);

/// What a guard in a handler's signature says.
fn demanded<D: Demand<Person>>(gate: &Gate<Person>, head: PlainHead) -> Result<(), Reason> {
    let head = head.received_by(gate);
    let guard = Guard::for_somebody::<D>(gate, head.exchange());
    let Admission::Decided(verdict) = guard.admit(&head, head.exchange()) else { panic!("nothing here waits") };
    guard.granted(verdict).map(drop).map_err(|rejection| rejection.reason())
}

#[test]
fn demands_are_policies_as_types() {
    let bearer = || with(&[("authorization", "Bearer emily-token")]);
    let key = || with(&[("x-api-key", "emily-token")]);
    let by_password = gate().only(["basic"]).unwrap();
    assert_eq!(demanded::<WritesReports>(&gate(), bearer()), Err(Reason::MissingScope));
    assert_eq!(demanded::<ByKey>(&gate(), bearer()), Err(Reason::NoCredential));
    assert_eq!(demanded::<Misspelt>(&gate(), key()), Err(Reason::Misconfigured));
    assert_eq!(demanded::<ByKey>(&by_password, key()), Err(Reason::Misconfigured));
    assert_eq!(demanded::<ByKey>(&gate(), key()), Ok(()));
    assert_eq!(demanded::<ReadsByKey>(&gate(), key()), Ok(()));
}

#[test]
fn what_cannot_work_cannot_be_built() {
    let faults = Gate::<Person>::in_realm("a\r\nb").build().unwrap_err();
    assert_eq!(faults.iter().count(), 2, "{faults}");
    let twice = Gate::in_realm("x").accept(Bearer, tokens()).accept(Bearer, tokens()).build().unwrap_err();
    assert!(twice.to_string().contains("accepted twice"), "{twice}");
    let names = Gate::in_realm("x")
        .accept(ApiKey::in_header("x key").or_keyword("a b"), tokens())
        .accept(QueryParam::named(""), tokens());
    assert_eq!(names.build().unwrap_err().iter().count(), 3);
    assert!(Gate::in_realm("x").accept(Bearer, tokens()).sign_in_at("//evil").build().is_err());
}

#[tokio::test]
async fn no_answer_is_not_no() {
    // H9; and a panic is no answer either
    let gate = Gate::in_realm("people")
        .accept(
            Bearer,
            verify_with(|credential: TokenCredential| async move {
                assert!(!credential.token().matches(b"panic"), "as asked");
                Answer::<Person>::Unavailable(Unavailable::because("the database is away"))
            }),
        )
        .accept(
            ApiKey::in_header("x-api-key"),
            verify_now_with(|_: &TokenCredential| -> Answer<Person> { panic!("as asked") }),
        )
        .build()
        .unwrap();
    for fields in [[("authorization", "Bearer a")], [("authorization", "Bearer panic")], [("x-api-key", "a")]] {
        let head = with(&fields).received_by(&gate);
        let verdict = head.verdict_at(&gate.or_anonymous()).await;
        let Verdict::Rejected(rejection) = verdict else { panic!("{fields:?}") };
        assert_eq!((rejection.status(), rejection.challenges().len()), (503, 0), "{fields:?}");
        assert!(rejection.reply().fields().any(|(name, value)| name == "retry-after" && value == "5"));
        assert!(!String::from_utf8_lossy(rejection.reply().body()).contains("database"));
    }
}

#[test]
fn a_second_guard_verifies_nothing_again_and_an_answer_opens_nothing_else() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let gate = Gate::in_realm("people")
        .accept(
            Bearer,
            verify_now_with(move |_: &TokenCredential| {
                counted.fetch_add(1, Ordering::Relaxed);
                Answer::from(Verified::new("emily").with_subject("emily"))
            }),
        )
        .accept(ApiKey::in_header("x-api-key"), tokens())
        .build()
        .unwrap();
    let head = with(&[("authorization", "Bearer any")]).received_by(&gate);
    for _ in 0..3 {
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Admitted(_))));
    }
    assert!(matches!(head.at(&gate.require(role("admin"))), Admission::Decided(Verdict::Rejected(_))));
    assert!(matches!(head.at(&gate.only(["api-key"]).unwrap()), Admission::Decided(Verdict::Rejected(_))));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(gate.counts().verifications[0].1, 1);

    let other = Gate::in_realm("people").accept(Bearer, tokens()).build().unwrap();
    assert!(matches!(head.at(&other), Admission::Decided(Verdict::Rejected(_))), "another gate asks its own verifier");
}

#[test]
fn a_request_that_no_gate_received_is_a_fault() {
    let head = with(&[("authorization", "Bearer emily-token")]);
    let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate()) else { panic!("a verdict") };
    assert_eq!(rejection.reason(), Reason::Misconfigured);
    // and so is one that another gate received, which knows nothing of our parameter
    let other = Gate::in_realm("other").accept(Bearer, tokens()).build().unwrap();
    let head = PlainHead::get("/me?access_token=emily-token").received_by(&other);
    let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate()) else { panic!("a verdict") };
    assert_eq!(rejection.reason(), Reason::Misconfigured);
}

#[test]
fn a_bound_grant_is_confirmed_or_refused() {
    let bound_to = |binding: Binding| {
        Gate::in_realm("people")
            .accept(Bearer, TokenTable::new().with("t", Verified::new("x").bound_to(binding)))
            .build()
            .unwrap()
    };
    let network = |bits| Binding::AddressPrefix { network: "192.0.2.0".parse().unwrap(), bits };
    for (binding, admitted) in [
        (Binding::Nothing, true),
        (Binding::KeyThumbprint([0; 32]), false),
        (Binding::Certificate([0; 32]), false),
        (Binding::Agent(Some("curl".into())), true),
        (Binding::Agent(Some("Curl".into())), false),
        (network(24), true),
        (network(30), false),
        (network(33), false),
    ] {
        let head = with(&[("authorization", "Bearer t"), ("user-agent", "curl")]).from("192.0.2.9".parse().unwrap());
        let verdict = decided(&bound_to(binding.clone()), head);
        assert_eq!(matches!(verdict, Verdict::Admitted(_)), admitted, "{binding:?}");
    }
}

#[test]
fn an_end_is_exclusive_and_still_stands_ends_with_it() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1000)));
    let end = clock.wall() + Duration::from_secs(10);
    let table = TokenTable::new().with("t", Verified::new("x").ending_at(end));
    let gate = Gate::in_realm("people").accept(Bearer, table).timed_by(clock.clone()).build().unwrap();
    clock.advance(Duration::from_secs(9));
    let Verdict::Admitted(grant) = decided(&gate, with(&[("authorization", "Bearer t")])) else { panic!("admitted") };
    assert!(grant.still_stands());
    clock.advance(Duration::from_secs(1));
    assert!(!grant.still_stands());
    assert_eq!(refused(&gate, with(&[("authorization", "Bearer t")])).reason(), Reason::BadCredential);
}

fn sessions() -> Gate<Person> {
    let verifier = verify_now_with(|credential: &CookieCredential| match credential.value().expose() {
        b"emily" => Answer::from(Verified::new("emily").with_subject("emily")),
        _ => Answer::Refused,
    });
    Gate::in_realm("people")
        .accept(SignedCookie::named("session", KeyRing::random()), verifier)
        .accept(Bearer, tokens())
        .sign_in_at("/")
        .build()
        .unwrap()
}

#[test]
fn a_browser_is_sent_to_sign_in_and_keeps_where_it_was_going() {
    let page = |target: &str| PlainHead::get(target).with("accept", "text/html");
    let rejection = refused(&sessions(), page("/reports?page=2&x=%20"));
    let location = rejection.reply().fields().find(|(name, _)| *name == "location").map(|(_, value)| value.to_owned());
    assert_eq!((rejection.status(), location.as_deref()), (303, Some("/?next=/reports%3Fpage%3D2%26x%3D%2520")));
    assert_eq!(refused(&sessions(), page("/").with("authorization", "Bearer wrong")).status(), 401);
    assert_eq!(refused(&sessions(), PlainHead::new("POST", "/").with("accept", "text/html")).status(), 401);
    assert_eq!(refused(&sessions(), PlainHead::get("/")).status(), 401);
    assert_eq!(refused(&sessions().only(["bearer"]).unwrap(), page("/")).status(), 401);
}

#[test]
fn another_site_opens_no_socket_by_a_cookie() {
    let keys = KeyRing::random();
    let cookie = SignedCookie::named("session", keys);
    let sealed = cookie.seal(b"emily", SystemTime::now() + Duration::from_secs(60));
    let verifier = verify_now_with(|_: &CookieCredential| Answer::from(Verified::new("emily").with_subject("emily")));
    let gate = Gate::in_realm("people").accept(cookie, verifier).build().unwrap();
    for (upgrade, site, admitted) in [
        (Some("websocket"), "cross-site", false),
        (Some("h2c, WebSocket"), "same-site", false),
        (Some("websocket"), "same-origin", true),
        (Some("h2c"), "cross-site", true),
        (None, "cross-site", true),
    ] {
        let head = with(&[("cookie", &format!("session={sealed}")), ("sec-fetch-site", site)]);
        let head = upgrade.into_iter().fold(head, |head, upgrade| head.with("upgrade", upgrade));
        assert_eq!(matches!(decided(&gate, head), Verdict::Admitted(_)), admitted, "{upgrade:?} {site}");
    }
}

#[test]
fn another_site_acts_by_nothing_that_a_browser_sends_by_itself() {
    const BASIC: (&str, &str) = ("authorization", "Basic ZW1pbHk6czNjcmV0");
    let passwords = PasswordTable::new().with("emily", "s3cret", Verified::new("emily").with_subject("emily"));
    let builder = Gate::in_realm("people").accept(Basic, passwords).accept(Bearer, tokens());
    let gate = builder.trusting_origins(["https://App.Example:443"]).build().unwrap();
    let ask = |gate: &Gate<Person>, method: &str, fields: &[(&str, &str)]| {
        let head = PlainHead::new(method, "/").with("host", "here.example");
        match decided(gate, fields.iter().fold(head, |head, (name, value)| head.with(name, value))) {
            Verdict::Rejected(rejection) => Some(rejection.reason()),
            Verdict::Admitted(_) | Verdict::Anonymous => None,
        }
    };
    let (cross, same) = (("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin"));
    let app = ("origin", "https://app.example");
    for (method, fields, refused) in [
        ("POST", &[BASIC, cross][..], Some(Reason::CrossSite)),
        ("DELETE", &[BASIC, cross], Some(Reason::CrossSite)),
        ("POST", &[BASIC, ("sec-fetch-site", "same-site")], Some(Reason::CrossSite)),
        ("POST", &[BASIC, ("origin", "http://elsewhere.example")], Some(Reason::CrossSite)),
        ("POST", &[BASIC, ("origin", "http://here.example")], None),
        ("POST", &[BASIC, same, ("origin", "null")], None),
        ("POST", &[BASIC, cross, app], None),
        ("POST", &[BASIC, cross, app, app], Some(Reason::CrossSite)),
        ("POST", &[BASIC], None),
        ("GET", &[BASIC, cross], None),
        ("GET", &[BASIC, cross, ("upgrade", "websocket")], Some(Reason::CrossSite)),
        ("GET", &[BASIC, cross, app, ("upgrade", "websocket")], None),
        ("POST", &[("authorization", "Bearer emily-token"), cross], None),
        // Who it is comes before whose page it was, and that before what they may.
        ("POST", &[cross], Some(Reason::NoCredential)),
        ("POST", &[("authorization", "Basic ZW1pbHk6d3Jvbmc="), cross], Some(Reason::BadCredential)),
    ] {
        assert_eq!(ask(&gate, method, fields), refused, "{method} {fields:?}");
        let anonymous = refused.filter(|reason| *reason != Reason::NoCredential);
        assert_eq!(ask(&gate.or_anonymous(), method, fields), anonymous, "{method} {fields:?}, or nobody");
    }
    let for_admins = gate.require(role("admin"));
    assert_eq!(ask(&for_admins, "POST", &[BASIC, cross]), Some(Reason::CrossSite));
    assert_eq!(ask(&for_admins, "POST", &[BASIC, same]), Some(Reason::Forbidden));
}

#[test]
fn what_is_no_origin_keeps_a_gate_from_being_built() {
    let build = |origins: &[&str]| {
        let builder = Gate::in_realm("people").accept(Bearer, tokens()).trusting_origins(["https://app.example"]);
        builder.trusting_origins(origins.iter().copied()).build().map(drop)
    };
    assert_eq!(build(&["http://localhost:5173", "https://other.example"]), Ok(()));
    let faults = build(&["app.example", "https://app.example/", "null"]).unwrap_err();
    let sentences: Vec<_> = faults.iter().collect();
    assert_eq!(sentences.len(), 3, "{sentences:?}");
    for (sentence, origin) in sentences.iter().zip(["\"app.example\"", "\"https://app.example/\"", "\"null\""]) {
        assert!(sentence.contains(origin) && sentence.contains("write scheme, host and port"), "{sentence}");
    }
}

#[test]
fn a_cookie_is_not_looked_at_beside_an_explicit_credential() {
    let refused_cookie = ("cookie", "session=garbage");
    let beside = with(&[refused_cookie, ("authorization", "Bearer emily-token")]);
    assert!(matches!(decided(&sessions(), beside), Verdict::Admitted(_)));
    let doubled = with(&[("cookie", "session=a; session=b"), ("authorization", "Bearer emily-token")]);
    assert!(matches!(decided(&sessions(), doubled), Verdict::Admitted(_)));
    // C2
    assert_eq!(refused(&sessions(), with(&[("cookie", "session=a; session=b")])).reason(), Reason::Ambiguous);
    let rejection = refused(&sessions().or_anonymous(), with(&[refused_cookie]));
    let cleared =
        rejection.reply().fields().any(|(name, value)| name == "set-cookie" && value.starts_with("session=;"));
    assert!(rejection.status() == 401 && cleared, "{:?}", rejection.reply());
}

/// The header of a response that an app wrote nothing into.
#[derive(Default)]
struct Written(Vec<(&'static str, String)>);

impl ResponseHead for Written {
    fn has(&self, _: &'static str) -> bool {
        false
    }

    fn each(&self, _: &'static str, _: &mut dyn FnMut(&[u8])) {}

    fn append(&mut self, name: &'static str, value: &str) {
        self.0.push((name, value.to_owned()));
    }

    fn replace(&mut self, name: &'static str, value: &str) {
        self.append(name, value);
    }
}

#[test]
fn a_sign_in_page_takes_a_refused_cookie_for_nobody_and_clears_it() {
    let gate = sessions().or_anonymous_clearing_cookies();
    let with = |fields: &[(&str, &str)]| with(fields).received_by(&gate);
    let cleared = |head: &PlainHead| {
        let mut written = Written::default();
        finish(head.exchange().unwrap(), &mut written);
        written.0.iter().filter(|(name, value)| *name == "set-cookie" && value.starts_with("session=;")).count()
    };
    let head = with(&[("cookie", "session=garbage")]);
    for _ in 0..2 {
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Anonymous)));
        assert_eq!(cleared(&head), 1, "once, however many guards there are");
    }
    let long = format!("session={}", "a".repeat(9000));
    for cookie in ["session=a; session=b", &long, "session="] {
        let head = with(&[("cookie", cookie)]);
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Anonymous)));
        assert_eq!(cleared(&head), 1);
    }
    let twice = ("authorization", "Bearer wrong");
    for (fields, reason) in [(&[twice][..], Reason::BadCredential), (&[twice, twice], Reason::Ambiguous)] {
        let head = with(fields);
        let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate) else { panic!("{fields:?}") };
        assert_eq!((rejection.reason(), cleared(&head)), (reason, 0), "{fields:?}");
    }
    // Where nothing explicit is taken, it is not looked at.
    let by_cookie = gate.only(["cookie"]).unwrap();
    let head = with(&[twice, twice, ("cookie", "session=garbage")]);
    assert!(matches!(head.at(&by_cookie), Admission::Decided(Verdict::Anonymous)));
    assert_eq!(cleared(&head), 1);
    assert_eq!(demanded::<Anyone>(&gate, with(&[("cookie", "session=garbage")])), Err(Reason::BadCredential));
}

/// A kind of credential as an app would write it: public items alone.
struct Badge(Field);

impl Extract for Badge {
    type Credential = u32;

    fn scheme(&self) -> &str {
        "badge"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.fields(&self.0).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<u32> {
        std::str::from_utf8(raw.whole()).ok()?.parse().ok()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Badge")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![self.0.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Explicit
    }
}

#[test]
fn an_app_adds_its_own_kind() {
    let verifier =
        verify_now_with(|number: &u32| if *number == 7 { Verified::new("guard").into() } else { Answer::Refused });
    let gate = Gate::in_realm("house").accept(Badge("X-Badge".parse().unwrap()), verifier).build().unwrap();
    assert!(matches!(decided(&gate, with(&[("x-badge", "7")])), Verdict::Admitted(_)));
    for value in ["8", "", "seven", "7 7"] {
        assert_eq!(refused(&gate, with(&[("x-badge", value)])).reason(), Reason::BadCredential, "{value:?}");
    }
    assert_eq!(refused(&gate, with(&[])).challenges()[0].to_string(), "Badge realm=\"house\"");
}

#[test]
fn each_request_is_told_of_once_with_its_reason_and_who_sent_it() {
    let told: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let tell = Arc::clone(&told);
    let gate = Gate::in_realm("people")
        .accept(Bearer, tokens())
        .audited_by(move |decision| {
            let owned = |text: Option<&str>| text.unwrap_or("-").to_owned();
            let refused = decision.refused.map_or("admitted", Reason::name).to_owned();
            let address = decision.address.map(|address| address.to_string());
            tell.lock().unwrap().push(
                [
                    refused,
                    owned(decision.scheme),
                    owned(decision.subject),
                    owned(address.as_deref()),
                    owned(decision.method),
                    owned(decision.path),
                    owned(decision.request_id),
                    owned(decision.agent),
                ]
                .join(" "),
            );
        })
        .build()
        .unwrap();
    let taken = || std::mem::take(&mut *told.lock().unwrap());
    let ask = |guards: &[&Gate<Person>], token: Option<&str>, allowed: bool, id: &str| {
        let head = PlainHead::get("/me?x=1").from("192.0.2.9".parse().unwrap());
        let head = token.into_iter().fold(head, |head, token| head.with("authorization", format!("Bearer {token}")));
        let head = head.with("user-agent", "curl/8").with("x-request-id", id).received_by(&gate);
        for guard in guards {
            match head.at(guard) {
                Admission::Decided(Verdict::Admitted(grant)) => {
                    assert_eq!(grant.allow_if(allowed).is_ok(), allowed);
                }
                Admission::Decided(_) => break,
                _ => panic!("nothing here waits"),
            }
        }
        assert!(taken().is_empty(), "told before the response left");
        drop(head);
        taken()
    };
    let admin = gate.require(role("admin"));
    let known = "192.0.2.9 GET /me 7f-1 curl/8";
    for (guards, token, allowed, expected) in [
        (&[&gate][..], None, true, "no_credential - -"),
        (&[&gate], Some("wrong"), true, "bad_credential bearer -"),
        (&[&gate], Some("emily-token"), true, "admitted bearer emily"),
        (&[&gate, &gate, &gate], Some("emily-token"), true, "admitted bearer emily"),
        (&[&gate, &admin], Some("emily-token"), true, "forbidden bearer emily"),
        (&[&gate], Some("emily-token"), false, "forbidden bearer emily"),
    ] {
        assert_eq!(ask(guards, token, allowed, "7f-1"), [format!("{expected} {known}")]);
    }
    for id in ["a b", "", "\u{e4}", &"x".repeat(129)] {
        assert_eq!(ask(&[&gate], None, true, id), ["no_credential - - 192.0.2.9 GET /me - curl/8"], "{id:?}");
    }
    // What is decided when the response has left is told then.
    let head = PlainHead::get("/").with("authorization", "Bearer emily-token").received_by(&gate);
    let Admission::Decided(Verdict::Admitted(grant)) = head.at(&gate) else { panic!("admitted") };
    drop(head);
    assert!(taken().is_empty(), "the grant lives, and may be gone back on");
    assert!(grant.allow_if(false).is_err());
    drop(grant);
    assert_eq!(taken(), ["forbidden bearer emily - GET / - -"]);
}

#[test]
fn a_guard_further_out_weakens_none_further_in() {
    let gate = gate();
    let known = [("authorization", "Bearer emily-token")];
    for (inner, enforced, fields, reason) in [
        (gate.require(role("admin")), gate.clone(), &known, Some(Reason::Forbidden)),
        (gate.require(role("member")), gate.require(role("admin")), &known, Some(Reason::Forbidden)),
        (gate.require(role("member")), gate.require(scope("reports:read")), &known, None),
        (gate.only(["basic"]).unwrap(), gate.clone(), &known, Some(Reason::NoCredential)),
        (gate.only(["basic"]).unwrap(), gate.only(["bearer"]).unwrap(), &known, Some(Reason::Misconfigured)),
        (gate.clone(), gate.only(["basic"]).unwrap(), &known, Some(Reason::NoCredential)),
        (gate.clone(), gate.only(["bearer"]).unwrap(), &known, None),
    ] {
        let head = with(fields).received_by(&gate);
        Guard::in_front(&enforced).put_in_force(head.exchange().unwrap(), None);
        let guard = Guard::for_somebody::<Anyone>(&inner, head.exchange());
        let Admission::Decided(verdict) = guard.admit(&head, head.exchange()) else { panic!("nothing here waits") };
        match verdict {
            Verdict::Rejected(rejection) => assert_eq!(Some(rejection.reason()), reason, "{inner:?} in {enforced:?}"),
            Verdict::Admitted(_) => assert_eq!(None, reason, "{inner:?} in {enforced:?}"),
            Verdict::Anonymous => panic!("anonymous"),
        }
    }
}

#[test]
fn a_gate_looks_at_credentials_of_a_length_that_makes_sense() {
    for (bytes, fits) in
        [(0, false), (1023, false), (1024, true), (8192, true), (65_536, true), (65_537, false), (usize::MAX, false)]
    {
        let built = people().accept(Bearer, tokens()).credentials_up_to(bytes).build();
        let Ok(gate) = built else {
            assert!(!fits, "{bytes}");
            assert!(built.unwrap_err().to_string().contains("choose from 1024 to 65536"), "{bytes}");
            continue;
        };
        assert!(fits, "{bytes}");
        for (length, status) in [(bytes, 401), (bytes + 1, 431)] {
            let head = PlainHead::get("/").with("authorization", format!("Bearer {}", "x".repeat(length)));
            assert_eq!(refused(&gate, head).status(), status, "{bytes}");
        }
    }
}
