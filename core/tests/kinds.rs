//! What a kind of credential says of itself, and what a gate makes of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

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

#[test]
fn one_gate_takes_two_of_a_kind_under_two_names() {
    let gate = Gate::in_realm("r")
        .accept(Basic.called("people"), PasswordTable::new().with("emily", "s3cret", Verified::new("emily")))
        .accept(Bearer.called("access"), token("one", "emily"))
        .accept(Bearer::with_keyword("Token").called("old"), token("two", "emma"))
        .accept(ApiKey::in_header("X-API-Key"), token("three", "jacob"))
        .accept(ApiKey::in_header("X-Partner").called("partner"), token("four", "a partner"))
        .accept(QueryParam::named("access_token").called("link"), token("five", "emily"))
        .accept(QueryParam::named("ticket").called("ticket"), token("six", "emma"))
        .accept(cookie("session"), always("emily"))
        .accept(cookie("staff").called("staff"), always("the staff"))
        .build()
        .unwrap();
    let rows = [
        (with(&[("authorization", "Basic ZW1pbHk6czNjcmV0")]), "emily", "people"),
        (with(&[("authorization", "Bearer one")]), "emily", "access"),
        (with(&[("authorization", "Token two")]), "emma", "old"),
        (with(&[("x-api-key", "three")]), "jacob", "api-key"),
        (with(&[("x-partner", "four")]), "a partner", "partner"),
        (PlainHead::get("/?access_token=five"), "emily", "link"),
        (PlainHead::get("/?ticket=six"), "emma", "ticket"),
        (with(&[("cookie", &sent("session"))]), "emily", "cookie"),
        (with(&[("cookie", &sent("staff"))]), "the staff", "staff"),
    ];
    for (head, person, scheme) in rows {
        assert_eq!(answer(&gate, head), by(person, scheme), "{scheme}");
    }
    // Each is a scheme of its own: for `only`, and for what is remembered.
    let partners = gate.only(["partner"]).unwrap();
    assert_eq!(answer(&partners, with(&[("x-api-key", "three")])), Err(Reason::NoCredential));
    assert_eq!(answer(&gate, with(&[("x-partner", "three")])), Err(Reason::BadCredential));
}

#[test]
fn two_cookies_of_one_gate_are_told_apart_by_only() {
    let gate = Gate::in_realm("r")
        .accept(cookie("session"), always("emily"))
        .accept(cookie("staff").called("staff"), always("the staff"))
        .build()
        .unwrap();
    let both = || with(&[("cookie", &format!("{}; {}", sent("session"), sent("staff")))]);
    for (scheme, person) in [("cookie", "emily"), ("staff", "the staff")] {
        assert_eq!(answer(&gate.only([scheme]).unwrap(), both()), by(person, scheme));
    }
    assert_eq!(answer(&gate, both()), Err(Reason::Ambiguous));
}

#[test]
fn a_name_is_a_short_token_and_given_once() {
    let build = |names: &[&str]| {
        let accept = |builder: countersign::gate::GateBuilder<Person>, name: &&str| {
            builder.accept(Badge::in_field("X-Badge").called(name), token("t", "emily"))
        };
        names.iter().fold(Gate::in_realm("r"), accept).build().map(drop)
    };
    assert_eq!(build(&["a", "b-2", "c.d_e"]), Ok(()));
    for name in ["", "two words", "ä", "a\"b", &"x".repeat(65)] {
        let faults = build(&[name]).unwrap_err();
        assert!(faults.to_string().contains("cannot be the name of a scheme"), "{faults}");
    }
    let twice: BuildError = build(&["a", "b", "a"]).unwrap_err();
    assert!(twice.to_string().contains("\"a\" is accepted twice") && twice.iter().count() == 1, "{twice}");
}

/// A value and its signature in two cookies, or a keyword and a header field: whatever the parts stand in.
struct Pair {
    name: &'static str,
    signature: &'static str,
}

impl Extract for Pair {
    type Credential = (Vec<u8>, Vec<u8>);

    fn scheme(&self) -> &str {
        "pair"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.cookies(self.name).for_each(|raw| occurrences.add_part(0, raw));
        request.cookies(self.signature).for_each(|raw| occurrences.add_part(1, raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
        Some((raw.whole().to_vec(), raw.part(1)?.to_vec()))
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Cookie").with("cookie-name", self.name)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }
}

/// Takes each pair whose second part is the first one reversed, and counts how often it is asked.
struct Mirror(Arc<AtomicUsize>);

#[countersign::async_trait]
impl Verify<(Vec<u8>, Vec<u8>)> for Mirror {
    type Principal = Person;

    async fn verify(&self, pair: (Vec<u8>, Vec<u8>)) -> Answer<Person> {
        self.verify_now(&pair).unwrap_or(Answer::Refused)
    }

    fn verify_now(&self, (value, signature): &(Vec<u8>, Vec<u8>)) -> Option<Answer<Person>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let fits = !value.is_empty() && value.iter().rev().eq(signature);
        Some(if fits { Verified::new("emily").into() } else { Answer::Refused })
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

fn pairs() -> (Gate<Person>, Arc<AtomicUsize>) {
    let calls = Arc::<AtomicUsize>::default();
    let kind = Pair { name: "session", signature: "session.sig" };
    let gate = Gate::in_realm("r").accept(kind, Mirror(Arc::clone(&calls))).cached(CredentialCache::default());
    (gate.build().unwrap(), calls)
}

#[test]
fn a_credential_of_two_parts_is_one_and_each_part_stands_once() {
    let (half, over) = ("x".repeat(4096), "x".repeat(4097));
    let both = |value: &str, signature: &str| format!("session={value}; session.sig={signature}");
    let rows = [
        (both("abc", "cba"), by("emily", "pair")),
        ("session.sig=cba; other=1; session=abc".to_owned(), by("emily", "pair")),
        (both("abc", "abc"), Err(Reason::BadCredential)),
        (both("", ""), Err(Reason::BadCredential)),
        ("session=abc".to_owned(), Err(Reason::BadCredential)),
        ("session.sig=cba".to_owned(), Err(Reason::BadCredential)),
        (String::new(), Err(Reason::NoCredential)),
        (format!("{}; session=abc", both("abc", "cba")), Err(Reason::Ambiguous)),
        (format!("{}; session.sig=cba", both("abc", "cba")), Err(Reason::Ambiguous)),
        (format!("{0}; {0}", both("abc", "cba")), Err(Reason::Ambiguous)),
        // 8 KiB is for all parts together.
        (both(&half, &half), by("emily", "pair")),
        (both(&half, &over), Err(Reason::TooLarge)),
    ];
    for (line, expected) in rows {
        let (gate, _) = pairs();
        for _ in 0..2 {
            assert_eq!(answer(&gate, with(&[("cookie", &line)])), expected, "{line:.40}");
        }
    }
}

#[test]
fn parts_are_remembered_as_parts() {
    let (gate, calls) = pairs();
    let ask = |value: &str, signature: &str| {
        let line = format!("session={value}; session.sig={signature}");
        let known = calls.load(Ordering::Relaxed);
        let admitted = answer(&gate, with(&[("cookie", &line)])).is_ok();
        (admitted, calls.load(Ordering::Relaxed) - known)
    };
    assert_eq!(ask("aba", "aba"), (true, 1));
    assert_eq!(ask("aba", "aba"), (true, 0), "known");
    for (value, signature) in [("abaa", "ba"), ("ab", "aaba"), ("abaaba", ""), ("", "abaaba")] {
        assert_eq!(ask(value, signature), (false, 1), "the same bytes, divided elsewhere: {value} {signature}");
    }
}

#[test]
fn finding_a_known_pair_allocates_nothing() {
    let (gate, _) = pairs();
    let head = || with(&[("cookie", "session=abc; session.sig=cba")]).received_by(&gate);
    for _ in 0..100 {
        let _ = head().at(&gate);
    }
    let allocating = (0..640).filter(|_| {
        let head = head();
        allocation_counter::measure(|| drop(head.at(&gate))).count_total > 0
    });
    // The cache tidies up in one read of 64 at most.
    assert!(allocating.count() <= 10);
}

/// A token that is good for one method and one target.
struct Once(&'static [Covers]);

/// What a credential of [`Once`] says it is good for, and what its request is.
#[derive(Clone, Debug, PartialEq)]
struct For(String, String);

impl Extract for Once {
    type Credential = For;

    fn scheme(&self) -> &str {
        "once"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Once", request).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        self.0.to_vec()
    }

    fn read(&self, raw: Raw<'_>) -> Option<For> {
        let covered = raw.covered();
        let is = format!("{} {}", covered.method()?, covered.target()?);
        Some(For(std::str::from_utf8(raw.whole()).ok()?.to_owned(), is))
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Once")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

/// Lets its answers be kept for as long as anybody likes, and counts how often it is asked.
struct Counting {
    calls: Arc<AtomicUsize>,
    waits: bool,
    /// What to do before each answer.
    meanwhile: Box<dyn Fn() + Send + Sync>,
}

#[countersign::async_trait]
impl Verify<For> for Counting {
    type Principal = Person;

    async fn verify(&self, credential: For) -> Answer<Person> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.answer(&credential)
    }

    fn verify_now(&self, credential: &For) -> Option<Answer<Person>> {
        if self.waits {
            return None;
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Some(self.answer(credential))
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

impl Counting {
    fn answer(&self, For(said, is): &For) -> Answer<Person> {
        (self.meanwhile)();
        if said == is { Verified::new("emily").revocable_by(Handle::subject("emily")).into() } else { Answer::Refused }
    }
}

fn once(
    waits: bool,
    meanwhile: impl Fn(&CredentialCache) + Send + Sync + 'static,
) -> (Gate<Person>, CredentialCache, Arc<AtomicUsize>) {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let (counted, shared) = (Arc::clone(&calls), cache.clone());
    let verifier = Counting { calls: counted, waits, meanwhile: Box::new(move || meanwhile(&shared)) };
    let gate = Gate::in_realm("r").accept(Once(&[Covers::Method, Covers::Target]), verifier).cached(cache.clone());
    (gate.build().unwrap(), cache, calls)
}

fn status(verdict: &Verdict<Person>) -> u16 {
    match verdict {
        Verdict::Admitted(_) => 200,
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => rejection.status(),
    }
}

#[tokio::test]
async fn what_covers_its_request_is_verified_for_each_request_and_once_for_its_guards() {
    for waits in [false, true] {
        let (gate, _, calls) = once(waits, |_| ());
        let head = || PlainHead::get("/a?x=1").with("authorization", "Once GET /a?x=1").received_by(&gate);
        let first = head();
        for _ in 0..3 {
            assert_eq!(status(&first.verdict_at(&gate).await), 200);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1, "guards of one request share its answer");
        assert_eq!(status(&head().verdict_at(&gate).await), 200);
        assert_eq!(calls.load(Ordering::Relaxed), 2, "another request does not");
        let other = PlainHead::new("DELETE", "/a?x=1").with("authorization", "Once GET /a?x=1").received_by(&gate);
        assert_eq!(status(&other.verdict_at(&gate).await), 401);
        assert_eq!(calls.load(Ordering::Relaxed), 3, "nor one of another method");
    }
}

#[tokio::test]
async fn nobody_joins_the_verification_of_what_covers_its_request() {
    let (gate, _, calls) = once(true, |_| ());
    let head = || PlainHead::get("/a").with("authorization", "Once GET /a").received_by(&gate);
    let (one, two) = (head(), head());
    let (one, two) = tokio::join!(one.verdict_at(&gate), two.verdict_at(&gate));
    assert_eq!((status(&one), status(&two), calls.load(Ordering::Relaxed)), (200, 200, 2));
}

#[tokio::test]
async fn what_covers_its_request_is_never_begun_again() {
    for waits in [false, true] {
        let (gate, _, calls) = once(waits, |cache| cache.revoke(Handle::subject("emily")));
        let head = PlainHead::get("/a").with("authorization", "Once GET /a").received_by(&gate);
        assert_eq!((status(&head.verdict_at(&gate).await), calls.load(Ordering::Relaxed)), (503, 1), "{waits}");

        let (gate, cache, calls) = once(waits, |_| ());
        let head = PlainHead::get("/a").with("authorization", "Once GET /a").received_by(&gate);
        assert_eq!(status(&head.verdict_at(&gate).await), 200);
        cache.revoke(Handle::subject("emily"));
        assert_eq!(status(&head.verdict_at(&gate).await), 503, "{waits}");
        assert_eq!(calls.load(Ordering::Relaxed), 1, "{waits}");
    }
}

/// A token that says what the body is.
struct Written(Arc<AtomicUsize>);

impl Extract for Written {
    type Credential = String;

    fn scheme(&self) -> &str {
        "written"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Written", request).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<String> {
        String::from_utf8(raw.whole().to_vec()).ok()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Written")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }
}

impl Confirm for Written {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        self.0.fetch_add(1, Ordering::Relaxed);
        let shown = binding.proof::<String>().is_some_and(|text| Some(text.as_bytes()) == request.body());
        Box::pin(async move { if shown { Confirmation::shown() } else { Confirmation::not_shown() } })
    }

    fn needs_body(&self, _: &Binding, _: &RequestView<'_>) -> bool {
        true
    }
}

/// A gate that takes it, the cache with which to revoke, and how often a body was judged.
fn written() -> (Gate<Person>, CredentialCache, Arc<AtomicUsize>) {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let verifier = verify_now_with(|text: &String| match text.as_str() {
        "wrong" => Answer::Refused,
        text => Verified::new("emily")
            .revocable_by(Handle::subject("emily"))
            .bound_to(Binding::Proof(Proof::of(text.to_owned())))
            .into(),
    });
    let gate = Gate::in_realm("r")
        .accept(Written(Arc::clone(&calls)), verifier)
        .cached(cache.clone())
        .covering_bodies_up_to(8);
    (gate.build().unwrap(), cache, calls)
}

fn of_written(text: &str, body: &str, gate: &Gate<Person>) -> PlainHead {
    PlainHead::new("POST", "/").with("authorization", format!("Written {text}")).with_body(body).received_by(gate)
}

#[tokio::test]
async fn a_covered_body_is_judged_when_the_head_is_good_and_once() {
    let (gate, _, calls) = written();
    for (text, body, expected, judged) in [
        ("rain", "rain", 200, 1),
        ("rain", "sun", 401, 1),
        ("rain", "", 401, 1),
        ("wrong", "wrong", 401, 0),
        ("12345678", "12345678", 200, 1),
        ("123456789", "123456789", 413, 0),
    ] {
        let before = calls.load(Ordering::Relaxed);
        let head = of_written(text, body, &gate);
        assert_eq!(status(&head.verdict_at(&gate).await), expected, "{text} {body}");
        if expected == 200 {
            // A guard further in that cannot read the body needs not.
            let Admission::Decided(verdict) = head.at(&gate) else { panic!("known by now") };
            assert_eq!(status(&verdict), 200);
        }
        assert_eq!(calls.load(Ordering::Relaxed) - before, judged, "{text} {body}");
    }
}

#[tokio::test]
async fn what_is_revoked_while_its_body_comes_does_not_pass() {
    let (gate, cache, _) = written();
    let head = of_written("rain", "rain", &gate);
    let guard = Guard::in_front(&gate);
    let Admission::Body(unread) = guard.admit(&head, head.exchange()) else { panic!("it covers the body") };
    assert_eq!(unread.longest(), 8);
    cache.revoke(Handle::subject("emily"));
    let Admission::Decided(verdict) = guard.conclude_with_body(unread, Ok(b"rain"), &head, head.exchange()) else {
        panic!("it is over")
    };
    assert_eq!(status(&verdict), 503, "it is never begun again");

    let head = of_written("sun", "sun", &gate);
    let Admission::Body(unread) = guard.admit(&head, head.exchange()) else { panic!("it covers the body") };
    let Admission::Pending(pending) = guard.conclude_with_body(unread, Ok(b"sun"), &head, head.exchange()) else {
        panic!("it is confirmed")
    };
    cache.revoke(Handle::subject("emily"));
    let Admission::Decided(verdict) = head.concluded_at(&gate, pending.await) else { panic!("it is over") };
    assert_eq!(status(&verdict), 503);
}

#[tokio::test]
async fn a_body_that_one_gate_asked_for_is_not_shown_to_another() {
    let ((one, ..), (other, ..)) = (written(), written());
    let head = of_written("rain", "rain", &one);
    let Admission::Body(unread) = Guard::in_front(&one).admit(&head, head.exchange()) else { panic!("a body") };
    let admission = Guard::in_front(&other).conclude_with_body(unread, Ok(b"rain"), &head, head.exchange());
    let Admission::Decided(verdict) = admission else { panic!("decided") };
    assert_eq!(status(&verdict), 500);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_says_why() {
    for (why, expected) in [(Unreadable::TooLong, 413), (Unreadable::TooSlow, 408), (Unreadable::BrokenOff, 400)] {
        let (gate, ..) = written();
        let head = of_written("rain", "rain", &gate);
        let guard = Guard::in_front(&gate);
        let Admission::Body(unread) = guard.admit(&head, head.exchange()) else { panic!("it covers the body") };
        let admission = guard.conclude_with_body(unread, Err(why), &head, head.exchange());
        let Admission::Decided(verdict) = admission else { panic!("decided") };
        assert_eq!(status(&verdict), expected);
    }
}

#[test]
fn a_kind_that_covers_the_body_and_judges_none_cannot_be_built() {
    let verifier = verify_now_with(|_: &For| Answer::from(Verified::new("emily")));
    let faults = Gate::in_realm("r").accept(Once(&[Covers::Method, Covers::Body]), verifier).build().unwrap_err();
    assert!(faults.to_string().contains("covers the body, and has nothing that would judge it"), "{faults}");
}

#[test]
fn of_two_cookies_the_one_that_the_gate_prefers_counts() {
    let long = "x".repeat(8 * 1024 + 1);
    let gate = |preferring: &[&str]| {
        Gate::in_realm("r")
            .accept(Bearer, token("t", "by token"))
            .accept(cookie("session"), always("emily"))
            .accept(cookie("staff").called("staff"), always("the staff"))
            .accept(cookie("third").called("third"), always("the third"))
            .preferring(preferring.iter().copied())
            .build()
            .unwrap()
    };
    let (session, staff, third) = (sent("session"), sent("staff"), sent("third"));
    let lines = |cookies: &[&str]| cookies.join("; ");
    let both = lines(&[&session, &staff]);
    let rows: [(&[&str], String, Answered); 13] = [
        (&[], both.clone(), Err(Reason::Ambiguous)),
        (&["staff"], both.clone(), Err(Reason::Ambiguous)),
        (&["staff", "cookie"], both.clone(), by("the staff", "staff")),
        (&["cookie", "staff"], both.clone(), by("emily", "cookie")),
        (&["staff", "cookie"], session.clone(), by("emily", "cookie")),
        (&["staff", "cookie"], lines(&[&session, &staff, &third]), Err(Reason::Ambiguous)),
        (&["third", "staff"], lines(&[&session, &staff, &third]), Err(Reason::Ambiguous)),
        (&["third", "staff", "cookie"], lines(&[&session, &staff, &third]), by("the third", "third")),
        // What is preferred decides, right or wrong.
        (&["staff", "cookie"], lines(&[&session, "staff=wrong"]), Err(Reason::BadCredential)),
        (&["staff", "cookie"], lines(&[&session, &staff, &staff]), Err(Reason::Ambiguous)),
        (&["staff", "cookie"], lines(&[&session, &format!("staff={long}")]), Err(Reason::TooLarge)),
        (&["cookie", "staff"], lines(&[&session, &format!("staff={long}")]), by("emily", "cookie")),
        (&["cookie", "staff"], lines(&[&session, &staff, &staff]), by("emily", "cookie")),
    ];
    for (preferring, line, expected) in rows {
        let head = with(&[("cookie", &line)]);
        assert_eq!(answer(&gate(preferring), head), expected, "{preferring:?} {line:.60}");
        let beside = with(&[("cookie", &line), ("authorization", "Bearer t")]);
        assert_eq!(answer(&gate(preferring), beside), by("by token", "bearer"), "{preferring:?}");
    }
    let narrowed = gate(&["staff", "cookie"]).only(["cookie", "bearer"]).unwrap();
    assert_eq!(answer(&narrowed, with(&[("cookie", &both)])), by("emily", "cookie"));
}

#[test]
fn what_cannot_be_preferred_is_said_at_start() {
    let rows: [(&[&str], &str); 3] = [
        (&["staff"], "\"staff\" is preferred and not accepted"),
        (&["cookie", "cookie"], "preferred twice"),
        (&["bearer", "cookie"], "\"bearer\" cannot be preferred"),
    ];
    for (preferring, sentence) in rows {
        let gate = Gate::in_realm("r").accept(Bearer, token("t", "emily")).accept(cookie("a"), always("emily"));
        let faults = gate.preferring(preferring.iter().copied()).build().unwrap_err();
        assert!(faults.to_string().contains(sentence) && faults.iter().count() == 1, "{faults}");
    }
}

/// A client's certificate.
struct Certificate;

impl Extract for Certificate {
    type Credential = Vec<u8>;

    fn scheme(&self) -> &str {
        "certificate"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.certificate().into_iter().for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<Vec<u8>> {
        Some(raw.whole().to_vec())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Certificate")]
    }

    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn on(&self) -> On {
        On::Connection
    }
}

#[test]
fn a_certificate_counts_where_the_request_carries_nothing_else() {
    let good = |der: &Vec<u8>| if der.starts_with(b"emma") { Verified::new("emma").into() } else { Answer::Refused };
    let gate = Gate::in_realm("r")
        .accept(Certificate, verify_now_with(good))
        .accept(Certificate.called("another"), verify_now_with(good))
        .accept(Bearer, token("t", "emily"))
        .accept(cookie("session"), always("emily"))
        .build()
        .unwrap();
    let session = sent("session");
    let long = format!("emma{}", "x".repeat(9000));
    type Row<'r> = (&'r [(&'r str, &'r str)], &'r str, Answered);
    let rows: [Row<'_>; 10] = [
        (&[], "emma", by("emma", "certificate")),
        (&[], "other", Err(Reason::BadCredential)),
        (&[], &long, by("emma", "certificate")),
        (&[("authorization", "Unknown x")], "emma", by("emma", "certificate")),
        (&[("authorization", "Bearer t")], "emma", by("emily", "bearer")),
        (&[("authorization", "Bearer wrong")], "emma", Err(Reason::BadCredential)),
        (&[("cookie", &session)], "emma", by("emily", "cookie")),
        (&[("cookie", "session=wrong")], "emma", Err(Reason::BadCredential)),
        (&[("cookie", "session=a; session=b")], "emma", Err(Reason::Ambiguous)),
        (&[("authorization", "Bearer t"), ("authorization", "Unknown x")], "emma", Err(Reason::Ambiguous)),
    ];
    for (fields, certificate, expected) in rows {
        assert_eq!(answer(&gate, with(fields).with_certificate(certificate)), expected, "{fields:?} {certificate:.9}");
    }
    let by_certificate = gate.only(["another"]).unwrap();
    let head = with(&[("authorization", "Bearer t")]).with_certificate("emma");
    assert_eq!(answer(&by_certificate, head), by("emma", "another"), "what is not taken counts as absent");
    // A browser shows it by itself, so that another site's page must not act with it.
    let post = PlainHead::new("POST", "/").with_certificate("emma").with("sec-fetch-site", "cross-site");
    assert_eq!(answer(&gate, post), Err(Reason::CrossSite));
    assert_eq!(answer(&gate, PlainHead::get("/")), Err(Reason::NoCredential));
}

/// Asks as Digest and Hawk do, with a number as nonce.
struct Asks {
    challenges: fn(nonce: usize) -> Vec<Challenge>,
    asked: AtomicUsize,
}

impl Extract for Asks {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "asks"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Asks", request).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read(raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        (self.challenges)(self.asked.fetch_add(1, Ordering::Relaxed))
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

fn asking(challenges: fn(usize) -> Vec<Challenge>) -> Result<Gate<Person>, BuildError> {
    let asks = Asks { challenges, asked: AtomicUsize::new(0) };
    Gate::in_realm("r").accept(Bearer, token("t", "emily")).accept(asks, token("t", "emily")).build()
}

#[test]
fn a_kind_asks_in_several_ways_and_anew_each_time() {
    let gate = asking(|nonce| {
        let digest = |algorithm: &str| Challenge::new("Digest").with_token("algorithm", algorithm);
        let nonce = nonce.to_string();
        vec![
            digest("SHA-256").with("nonce", &*nonce),
            digest("MD5").with("nonce", &*nonce),
            Challenge::new("Hawk").without_realm(),
        ]
    })
    .unwrap();
    // Twice while it is built.
    for nonce in 2..5 {
        let written = |head: PlainHead| match decided(&gate, head) {
            Verdict::Rejected(rejection) => rejection.challenges().iter().map(Challenge::to_string).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            written(with(&[("authorization", "Asks wrong")])),
            [
                "Bearer realm=\"r\"".to_owned(),
                format!("Digest realm=\"r\", algorithm=SHA-256, nonce=\"{nonce}\""),
                format!("Digest realm=\"r\", algorithm=MD5, nonce=\"{nonce}\""),
                "Hawk".to_owned(),
            ]
        );
    }
}

#[test]
fn what_is_no_challenge_is_said_at_start() {
    assert!(asking(|_| Vec::new()).is_ok(), "there may be no way to ask");
    for challenges in [
        (|_| vec![Challenge::new("two words")]) as fn(usize) -> Vec<Challenge>,
        |_| vec![Challenge::new("X"), Challenge::new("X").with("a b", "c")],
        |_| vec![Challenge::new("X").with_token("algorithm", "SHA 256")],
        |_| vec![Challenge::new("X").with("realm", "mine")],
    ] {
        let faults = asking(challenges).unwrap_err();
        assert!(faults.to_string().contains("the scheme \"asks\" has a challenge"), "{faults}");
        assert_eq!(faults.iter().count(), 1, "{faults}");
    }
}

/// A token that must not travel in the clear, good until it is void.
struct Sealed(Arc<Void>);

#[derive(Default)]
struct Void {
    tokens: Mutex<Vec<Vec<u8>>>,
    is_away: AtomicBool,
    told: AtomicUsize,
    verified: AtomicUsize,
    cache: CredentialCache,
}

impl Extract for Sealed {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "sealed"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Sealed", request).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read(raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Sealed")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn needs_secure_channel(&self) -> bool {
        true
    }

    fn seen_in_the_clear(&self, token: TokenCredential) -> Option<Voiding> {
        let void = Arc::clone(&self.0);
        Some(Box::pin(async move {
            void.told.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if void.is_away.load(Ordering::Relaxed) {
                return Err(Unavailable::because("away"));
            }
            void.tokens.lock().unwrap().push(token.token().expose().to_vec());
            void.cache.revoke(Handle::subject("emily"));
            Ok(())
        }))
    }
}

struct Unvoided(Arc<Void>);

#[countersign::async_trait]
impl Verify<TokenCredential> for Unvoided {
    type Principal = Person;

    async fn verify(&self, token: TokenCredential) -> Answer<Person> {
        self.0.verified.fetch_add(1, Ordering::Relaxed);
        let is_void = self.0.tokens.lock().unwrap().iter().any(|void| token.token().matches(void));
        let emily = || Verified::new("emily").revocable_by(Handle::subject("emily")).into();
        if is_void { Answer::Refused } else { emily() }
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

fn sealed() -> (Gate<Person>, Arc<Void>) {
    let void = Arc::<Void>::default();
    let gate = Gate::in_realm("r")
        .accept(Sealed(Arc::clone(&void)), Unvoided(Arc::clone(&void)))
        .accept(ApiKey::in_header("X-API-Key"), token("k", "by key"))
        .accept(cookie("session"), always("by cookie"))
        .cached(void.cache.clone())
        .behind(Proxies::trusting(["10.0.0.1"]).unwrap())
        .build()
        .unwrap();
    (gate, void)
}

async fn reason(gate: &Gate<Person>, head: PlainHead) -> Option<Reason> {
    match head.received_by(gate).verdict_at(gate).await {
        Verdict::Admitted(_) => None,
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => Some(rejection.reason()),
    }
}

#[tokio::test]
async fn a_secret_that_was_seen_in_the_clear_is_void_from_then_on() {
    let (gate, void) = sealed();
    let sent = || with(&[("authorization", "Sealed abc")]);
    for _ in 0..2 {
        assert_eq!(reason(&gate, sent().over_tls()).await, None);
    }
    assert_eq!(void.verified.load(Ordering::Relaxed), 1, "it is known");
    assert_eq!(reason(&gate, sent()).await, Some(Reason::InTheClear));
    assert_eq!(reason(&gate, sent().over_tls()).await, Some(Reason::BadCredential));
    let rejection = match sent().received_by(&gate).verdict_at(&gate).await {
        Verdict::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    };
    assert_eq!((rejection.status(), rejection.challenges().len()), (403, 0));
}

#[tokio::test]
async fn nothing_in_the_clear_is_verified_whatever_stands_beside_it() {
    let session = sent("session");
    let long = format!("Sealed {}", "x".repeat(8 * 1024 + 1));
    type Row<'r> = (&'r [(&'r str, &'r str)], Option<Reason>, usize);
    let rows: [Row<'_>; 9] = [
        (&[("authorization", "Sealed abc"), ("x-api-key", "k")], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed abc"), ("cookie", &session)], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed abc"), ("authorization", "Unknown x")], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed !")], Some(Reason::InTheClear), 0),
        (&[("authorization", "Sealed abc"), ("x-forwarded-proto", "https")], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed abc"), ("authorization", "Sealed abc")], Some(Reason::Ambiguous), 0),
        (&[("authorization", &long)], Some(Reason::TooLarge), 0),
        (&[("x-api-key", "k")], None, 0),
        (&[], Some(Reason::NoCredential), 0),
    ];
    for (fields, expected, told) in rows {
        let (gate, void) = sealed();
        assert_eq!(reason(&gate, with(fields)).await, expected, "{fields:?}");
        assert_eq!((void.told.load(Ordering::Relaxed), void.verified.load(Ordering::Relaxed)), (told, 0), "{fields:?}");
        if expected == Some(Reason::InTheClear) {
            assert_eq!(reason(&gate.or_anonymous(), with(fields)).await, expected, "{fields:?}");
        }
    }
    // What a trusted proxy says of the channel counts, and what another says does not.
    for (peer, expected) in [("10.0.0.1", None), ("10.0.0.2", Some(Reason::InTheClear))] {
        let head = with(&[("authorization", "Sealed abc"), ("x-forwarded-proto", "https")]);
        assert_eq!(reason(&sealed().0, head.from(peer.parse().unwrap())).await, expected, "{peer}");
    }
}

#[tokio::test]
async fn guards_of_one_request_void_once_and_an_outage_is_503() {
    let (gate, void) = sealed();
    let head = with(&[("authorization", "Sealed abc")]).received_by(&gate);
    for _ in 0..3 {
        assert_eq!(status(&head.verdict_at(&gate).await), 403);
    }
    assert_eq!(void.told.load(Ordering::Relaxed), 1);
    void.is_away.store(true, Ordering::Relaxed);
    assert_eq!(reason(&gate, with(&[("authorization", "Sealed def")])).await, Some(Reason::Unavailable));
}

#[tokio::test]
async fn what_an_app_verifies_by_itself_must_not_have_come_in_the_clear_either() {
    let (gate, void) = sealed();
    let kind = Sealed(Arc::clone(&void));
    for (head, expected) in [
        (PlainHead::get("/").over_tls(), None),
        (PlainHead::get("/"), Some(Reason::InTheClear)),
        (PlainHead::get("/").over_tls(), Some(Reason::BadCredential)),
    ] {
        let from = head.view().client_info();
        let verdict = gate.verify(&kind, TokenCredential::read(b"abc").unwrap(), &from).await;
        assert_eq!(verdict.err().map(|rejection| rejection.reason()), expected);
    }
}

#[tokio::test]
async fn who_hangs_up_does_not_keep_a_secret_from_being_voided() {
    let (gate, void) = sealed();
    let head = with(&[("authorization", "Sealed abc")]).received_by(&gate);
    let Admission::Pending(mut pending) = head.at(&gate) else { panic!("it waits for the store") };
    let waits = std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut pending).poll(context).is_pending())).await;
    drop(pending);
    gate.drained().await;
    assert!(waits && void.tokens.lock().unwrap().len() == 1);
}

/// A kind of an app's own, which says something else than the default wherever it can.
struct Badge(Field);

impl Badge {
    fn in_field(name: &str) -> Self {
        Self(name.parse().unwrap())
    }
}

impl Extract for Badge {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "badge"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.fields(&self.0).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read(raw.whole())
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::FieldNames]
    }

    fn ends(&self, _: &TokenCredential) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Badge")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![self.0.clone()]
    }

    fn on(&self) -> On {
        On::Connection
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }

    fn sender(&self) -> Sender {
        Sender::Client
    }

    fn parameter(&self) -> Option<&str> {
        Some("badge")
    }

    fn needs_secure_channel(&self) -> bool {
        true
    }

    fn seen_in_the_clear(&self, _: TokenCredential) -> Option<Voiding> {
        Some(Box::pin(async { Ok(()) }))
    }

    fn clear(&self, _: &RequestView<'_>) -> Option<String> {
        Some("badge=".to_owned())
    }
}

#[test]
fn another_name_changes_nothing_else() {
    let called = Badge::in_field("X-Badge").called("other");
    let (head, other) = (PlainHead::get("/").with("x-badge", "abc"), Badge::in_field("X-Badge"));
    let mut occurrences = Occurrences::default();
    called.locate(&head.view(), &mut occurrences);
    assert_eq!((called.scheme(), occurrences.count()), ("other", 1));
    let credential = called.read(b"abc".into()).unwrap();
    assert_eq!(called.covers(), other.covers());
    assert_eq!(called.ends(&credential), other.ends(&credential));
    assert_eq!(called.challenges(&head.view()), other.challenges(&head.view()));
    assert_eq!(called.fields(), other.fields());
    assert_eq!((called.on(), called.rank(), called.sender()), (other.on(), other.rank(), other.sender()));
    assert!(called.needs_secure_channel() && called.seen_in_the_clear(credential).is_some());
    assert_eq!(called.parameter(), other.parameter());
    assert_eq!(called.clear(&head.view()), other.clear(&head.view()));
    assert_eq!(called.check(), other.check());
    assert!(Called::clock(&Extract::called(cookie("a"), "b")).is_some());
    assert!(!Bearer::with_keyword("").called("other").check().is_empty());
}
