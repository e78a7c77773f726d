//! What a gate is built of, and what cannot be built.

use super::*;

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
fn what_cannot_work_cannot_be_built() {
    let faults = Gate::<Person>::in_realm("a\r\nb").build().unwrap_err();
    assert_eq!(faults.iter().count(), 2, "{faults}");
    let twice = Gate::in_realm("x").accept(Bearer, tokens()).accept(Bearer, tokens()).build().unwrap_err();
    assert!(twice.to_string().contains("accepted twice"), "{twice}");
    let names = Gate::in_realm("x")
        .accept(ApiKey::in_header("x key").or_keyword("a b"), tokens())
        .accept(QueryParam::named(""), tokens());
    assert_eq!(names.build().unwrap_err().iter().count(), 3);
    let faults_of_page =
        |path| Gate::in_realm("x").accept(Bearer, tokens()).sign_in_at(path).build().unwrap_err().iter().count();
    assert_eq!((faults_of_page("//evil"), faults_of_page("/")), (2, 1), "nobody would be sent there");
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
