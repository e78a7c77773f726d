//! Cookies of others that name whose key they are by, that stand in two cookies, or that are sealed.

use std::time::Duration;

use countersign::{
    Gate, Secret, Verified,
    credential::cookie::foreign::{AuthJs, CookieRsPrivate, CookieSession, CouchDb, ForeignCookie},
    store::{MemorySecrets, StoredSecret},
    verifier::CouchDbSessions,
};
use serde_json::json;

use super::{KEY, NOW, all, at, clock, gate_of, get, refused};

const SALT: &str = "3b8d0b0b0b2f4a7cbe8e2a4f4d7b1c2e";
const UNSEALED: &str = "no secret that is known sealed it, or not for this cookie";

#[tokio::test]
async fn couchdb() {
    let couch = CouchDb::lasting(Duration::from_secs(600));
    let salts = MemorySecrets::new().with("emma", StoredSecret::new(Secret::new(SALT), Verified::new("emma")));
    let gate = Gate::in_realm("house")
        .accept(
            ForeignCookie::named("AuthSession", couch.clone()).timed_by(clock()),
            CouchDbSessions::signed_by(Secret::new(KEY), salts),
        )
        .timed_by(clock())
        .build()
        .unwrap();
    let sealed = |user: &str, secret: &str, seconds: u64| {
        couch.seal(user, &Secret::new(secret), &Secret::new(SALT), at(seconds))
    };
    let wrong = "its signature is wrong, or its name is not known";
    let mut results = Vec::new();
    for (value, why) in [
        (sealed("emma", KEY, NOW - 640), "it ended 40 s ago"),
        (sealed("emma", KEY, NOW + 100), "it was signed in 100 s"),
        (sealed("emma", "another secret", NOW), wrong),
        (sealed("em\x1bma", KEY, NOW), wrong),
        ("e30".to_owned(), "a credential was not read"),
    ] {
        let head = get("/a").with("cookie", format!("AuthSession={value}"));
        results.push(refused(&gate, vec![head], why).await);
    }
    all(results);
}

#[tokio::test]
async fn cookie_session() {
    let session = CookieSession::signed_by(Secret::new(KEY));
    let gate = gate_of(ForeignCookie::named("c", session.clone()).timed_by(clock()));
    let (value, signature) = session.seal("c", &json!({ "user": "emma" }));
    let (_, of_another) = session.seal("d", &json!({ "user": "emma" }));
    let mut results = Vec::new();
    for (cookies, why) in [
        (format!("c={value}"), "its signature is missing, which is a cookie of its own, <name>.sig"),
        (format!("c={value}; c.sig={of_another}"), "no secret that is known signed it, or not for this cookie"),
        (format!("c={value}x; c.sig={signature}"), "no secret that is known signed it, or not for this cookie"),
    ] {
        results.push(refused(&gate, vec![get("/a").with("cookie", cookies)], why).await);
    }
    all(results);
}

#[tokio::test]
async fn auth_js() {
    let (ours, theirs) = (AuthJs::sealed_by(Secret::new(KEY)), AuthJs::sealed_by(Secret::new("of somebody else")));
    let gate = gate_of(ForeignCookie::named("c", ours.clone()).timed_by(clock()));
    let sealed = |by: &AuthJs, name: &str, claims| by.seal(name, claims, at(NOW + 60)).unwrap();
    let plain = || json!({ "sub": "emma" });
    let mut results = Vec::new();
    for (value, why) in [
        (ours.seal("c", plain(), at(NOW - 55)).unwrap(), "it ended 40 s ago"),
        (sealed(&ours, "c", json!({ "sub": "emma", "nbf": NOW + 100 })), "it begins in 100 s"),
        (sealed(&ours, "c", json!({ "sub": "emma", "iat": NOW + 100 })), "it was signed in 100 s"),
        (sealed(&theirs, "c", plain()), UNSEALED),
        (sealed(&ours, "d", plain()), UNSEALED),
    ] {
        results.push(refused(&gate, vec![get("/a").with("cookie", format!("c={value}"))], why).await);
    }
    all(results);
}

#[tokio::test]
async fn private_cookies_of_the_crate_cookie() {
    let private = |key: &str| CookieRsPrivate::derived_from(&Secret::new(key));
    let gate = gate_of(ForeignCookie::named("c", private(KEY)).timed_by(clock()));
    let mut results = Vec::new();
    for sealed in [private(KEY).seal("d", "emma"), private(&KEY.to_uppercase()).seal("c", "emma")] {
        let head = get("/a").with("cookie", format!("c={}", sealed.unwrap()));
        results.push(refused(&gate, vec![head], UNSEALED).await);
    }
    all(results);
}
