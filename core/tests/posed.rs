//! Being somebody in a test: what counts for a real credential counts for one that a test was given.

#![cfg(debug_assertions)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, Bearer, CredentialCache, Gate, Handle, KeyRing, SignedCookie, Verified,
    adapter::{Guard, Verdict},
    credential::CookieCredential,
    gate::policy::{Anyone, role, scope, signed_in_within},
    testing::{self, ManualClock, PlainHead},
    verifier::{TokenTable, verify_now_with},
};

fn gate(cache: &CredentialCache) -> Gate<&'static str> {
    let nobody = verify_now_with(|_: &CookieCredential| Answer::<&'static str>::Refused);
    Gate::in_realm("people")
        .accept(Bearer, TokenTable::new().with("a-long-random-token", Verified::new("daniel").with_subject("daniel")))
        .accept(SignedCookie::named("session", KeyRing::random()), nobody)
        .cached(cache.clone())
        .build()
        .unwrap()
}

fn emily() -> Verified<&'static str> {
    Verified::new("emily").with_subject("emily").with_roles(["admin"])
}

/// Whom the guard lets in, or how it refuses.
async fn seen(gate: &Gate<&'static str>, guard: &Gate<&'static str>, head: PlainHead) -> Result<&'static str, u16> {
    match head.received_by(gate).verdict_at(guard).await {
        Verdict::Admitted(grant) => Ok(*grant),
        Verdict::Anonymous => Ok("nobody"),
        Verdict::Rejected(rejection) => Err(rejection.status()),
    }
}

#[tokio::test]
async fn each_demand_of_a_route_is_judged() {
    let gate = gate(&CredentialCache::default());
    let hour = Duration::from_secs(3600);
    let long_ago = SystemTime::now() - hour;
    let only = |scheme| gate.only([scheme]).unwrap();
    let scopes = "reports:write".parse().unwrap();
    let post = || PlainHead::new("POST", "/a").with("host", "people.example");
    for (scheme, verified, guard, head, expected) in [
        ("cookie", emily(), gate.clone(), post(), Ok("emily")),
        ("cookie", emily(), only("cookie"), post(), Ok("emily")),
        ("cookie", emily(), only("bearer"), post(), Err(401)),
        ("bearer", emily(), only("bearer"), post(), Ok("emily")),
        ("cookie", emily(), gate.require(role("admin")), post(), Ok("emily")),
        ("cookie", emily(), gate.require(role("treasurer")), post(), Err(403)),
        ("cookie", emily().with_scopes(scopes), gate.require(scope("reports:write")), post(), Ok("emily")),
        ("cookie", emily(), gate.require(scope("reports:write")), post(), Err(403)),
        (
            "cookie",
            emily().authenticated_at(SystemTime::now()),
            gate.require(signed_in_within(hour / 2)),
            post(),
            Ok("emily"),
        ),
        ("cookie", emily().authenticated_at(long_ago), gate.require(signed_in_within(hour / 2)), post(), Err(403)),
        // What browsers send by themselves is judged as such, and what programs send is not.
        ("cookie", emily(), gate.clone(), post().with("origin", "https://evil.example"), Err(403)),
        ("bearer", emily(), gate.clone(), post().with("origin", "https://evil.example"), Ok("emily")),
        ("cookie", emily(), gate.or_anonymous(), post(), Ok("emily")),
        ("cookie", emily(), only("bearer").or_anonymous(), post(), Ok("nobody")),
        ("cookie", emily().ending_at(long_ago), gate.clone(), post(), Err(401)),
        // It stands in front of whatever else there is.
        ("cookie", emily(), gate.clone(), post().with("authorization", "Bearer a-long-random-token"), Ok("emily")),
    ] {
        let shown = format!("{scheme} {} {head:?}", guard.summary());
        let (name, value) = testing::credential(&gate, scheme, verified).unwrap();
        assert_eq!(seen(&gate, &guard, head.with(name, value)).await, expected, "{shown}");
    }
    assert!(testing::credential(&gate, "digest", emily()).unwrap_err().to_string().contains("has no scheme"));
}

#[tokio::test]
async fn nobody_else_is_let_in() {
    let cache = CredentialCache::default();
    let (here, elsewhere) = (gate(&cache), gate(&cache));
    let (name, value) = testing::credential(&here, "bearer", emily()).unwrap();
    let get = |value: &str| PlainHead::get("/a").with(name, value);
    assert_eq!(seen(&here, &here, get(&value)).await, Ok("emily"));
    assert_eq!(seen(&elsewhere, &elsewhere, get(&value)).await, Err(401), "a gate that was not told of it");
    for other in ["", "emily", &value[1..], &value.to_uppercase(), &format!("{value}0")] {
        assert_eq!(seen(&here, &here, get(other)).await, Err(401), "{other:?}");
    }
    assert_eq!(seen(&here, &here, get(&value).with(name, &value)).await, Err(401), "twice");
    assert_ne!(value, testing::credential(&here, "bearer", emily()).unwrap().1);
}

#[tokio::test]
async fn who_is_revoked_is_out() {
    let cache = CredentialCache::default();
    let gate = gate(&cache);
    let (name, value) = testing::credential(&gate, "cookie", emily()).unwrap();
    let head = || PlainHead::get("/a").with(name, &value);
    let grant = testing::grant_of(&gate, "cookie", emily());
    assert_eq!(seen(&gate, &gate, head()).await, Ok("emily"));
    assert!(grant.still_stands());
    cache.revoke(Handle::subject("emily"));
    assert_eq!(seen(&gate, &gate, head()).await, Err(401));
    assert!(!grant.still_stands() && grant.ask_again().is_err());
}

#[tokio::test]
async fn a_guard_further_in_sees_the_same() {
    let gate = gate(&CredentialCache::default());
    let (name, value) = testing::credential(&gate, "cookie", emily()).unwrap();
    let head = PlainHead::get("/a").with(name, value).with("authorization", "Bearer a-long-random-token");
    let head = head.received_by(&gate);
    let Verdict::Admitted(outer) = head.verdict_at(&gate).await else { panic!("refused") };
    Guard::in_front(&gate).put_in_force(head.exchange().unwrap(), Some(&outer));
    let guard = Guard::for_somebody::<Anyone>(&gate, head.exchange());
    let countersign::adapter::Admission::Decided(Verdict::Admitted(inner)) = guard.admit(&head, head.exchange()) else {
        panic!("refused")
    };
    assert_eq!((*outer, *inner, inner.scheme()), ("emily", "emily", "cookie"));
}

#[test]
fn a_grant_ends_by_the_clock_of_its_gate() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let clock = Arc::new(ManualClock::at(start));
    let gate = Gate::in_realm("people").accept(Bearer, TokenTable::<&'static str>::new()).timed_by(clock.clone());
    let gate = gate.build().unwrap();
    let grant = testing::grant_of(&gate, "bearer", emily().ending_at(start + Duration::from_secs(60)));
    assert!(grant.still_stands());
    clock.advance(Duration::from_secs(60));
    assert!(!grant.still_stands());
}
