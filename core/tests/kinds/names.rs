//! Several of a kind, each under a name of its own.

use super::*;

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
