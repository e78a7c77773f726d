//! The gate's rules, without a framework.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod browsers;
mod guards;
mod policies;
mod schemes;
mod setup;

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
    adapter::{Admission, Guard, Verdict},
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

demand!(WritesReports: scope("reports:write"));
demand!(ByKey: only ["api-key"]);
demand!(ReadsByKey: only ["api-key"], scope("reports:read"));
demand!(Misspelt: only ["api-kye"]);

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

/// What a guard in a handler's signature says.
fn demanded<D: Demand<Person>>(gate: &Gate<Person>, head: PlainHead) -> Result<(), Reason> {
    let head = head.received_by(gate);
    let guard = Guard::for_somebody::<D>(gate, head.exchange());
    let Admission::Decided(verdict) = guard.admit(&head, head.exchange()) else { panic!("nothing here waits") };
    guard.granted(verdict).map(drop).map_err(|rejection| rejection.reason())
}
