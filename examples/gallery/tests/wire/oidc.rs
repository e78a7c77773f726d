//! Sessions by ID tokens, and their end by the issuer's word.

use countersign_conformance::wire::{Request, Response};
use serde_json::{Value, json};

use crate::{
    service::{Gallery, caller},
    tokens::{claims, now, signed_as},
};

const CLIENT: &str = "gallery-client";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const FORM: &str = "application/x-www-form-urlencoded";

fn post(gallery: &Gallery, path: &str, name: &str, token: &str) -> Response {
    gallery.ask(&Request::post(path).with_body(FORM, format!("{name}={token}")))
}

/// The cookie of a session of this subject with this id.
pub(crate) fn sign_in(gallery: &Gallery, subject: &str, session: &str) -> String {
    let token = signed_as("JWT", &claims(CLIENT, &json!({ "sub": subject, "sid": session, "nonce": "n" })));
    let response = post(gallery, "/oidc/sign-in", "id_token", &token);
    assert_eq!(response.status(), 204, "{}", response.text());
    let cookie = response.field("set-cookie").expect("a cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("oidc_session="));
    cookie
}

pub(crate) fn is_signed_in(gallery: &Gallery, cookie: &str) -> bool {
    let response = gallery.with_cookie("/oidc", cookie);
    if response.status() == 200 {
        assert_eq!(caller(&response)["scheme"], "oidc");
    } else {
        assert_eq!(response.field("www-authenticate"), Some("Cookie realm=\"gallery\", cookie-name=\"oidc_session\""));
    }
    response.status() == 200
}

fn logout_claims(id: &str, more: &Value) -> Value {
    let mut of = json!({ "sub": null, "jti": id, "iat": now(), "events": { EVENT: {} } });
    of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims(CLIENT, &of)
}

pub(crate) fn log_out(gallery: &Gallery, id: &str, more: &Value) -> Response {
    post(gallery, "/backchannel-logout", "logout_token", &signed_as("logout+jwt", &logout_claims(id, more)))
}

#[test]
fn what_a_logout_token_names_is_over_and_nothing_else() {
    let gallery = Gallery::start(&[]);
    let rows = [
        (json!({ "sid": "s1" }), [false, true, true]),
        (json!({ "sub": "emma" }), [false, false, true]),
        (json!({ "sub": "emma", "sid": "s1" }), [false, true, true]),
        (json!({ "sub": "emily", "sid": "s1" }), [true, true, true]),
        (json!({ "sub": "emily" }), [true, true, false]),
        (json!({ "sid": "unknown" }), [true, true, true]),
        (json!({ "sub": "nobody" }), [true, true, true]),
    ];
    for (number, (more, left)) in rows.into_iter().enumerate() {
        let cookies = [("emma", "s1"), ("emma", "s2"), ("emily", "s3")].map(|(who, id)| sign_in(&gallery, who, id));
        let response = log_out(&gallery, &format!("row {number}"), &more);
        assert_eq!((response.status(), response.body()), (200, &b""[..]), "{more}");
        assert_eq!(response.field("cache-control"), Some("no-store"));
        assert_eq!(cookies.each_ref().map(|cookie| is_signed_in(&gallery, cookie)), left, "{more}");
        assert_eq!(log_out(&gallery, &format!("end {number}"), &json!({ "sub": "emma" })).status(), 200);
        assert_eq!(log_out(&gallery, &format!("end too {number}"), &json!({ "sub": "emily" })).status(), 200);
    }
}

#[test]
fn what_is_no_logout_token_ends_nothing() {
    let gallery = Gallery::start(&[]);
    let cookie = sign_in(&gallery, "emma", "s1");
    let emma = |more: Value| {
        let mut of = json!({ "sub": "emma" });
        of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        logout_claims("an id", &of)
    };
    let rows = [
        ("a nonce", signed_as("logout+jwt", &emma(json!({ "nonce": "n" })))),
        ("no event", signed_as("logout+jwt", &emma(json!({ "events": null })))),
        ("events in a list", signed_as("logout+jwt", &emma(json!({ "events": [EVENT] })))),
        ("events in a text", signed_as("logout+jwt", &emma(json!({ "events": EVENT })))),
        ("another event", signed_as("logout+jwt", &emma(json!({ "events": { "x": {} } })))),
        ("an event that is no object", signed_as("logout+jwt", &emma(json!({ "events": { EVENT: true } })))),
        ("an event in a list", signed_as("logout+jwt", &emma(json!({ "events": { EVENT: [] } })))),
        ("nobody", signed_as("logout+jwt", &emma(json!({ "sub": null })))),
        ("an empty session", signed_as("logout+jwt", &emma(json!({ "sid": "" })))),
        ("a session that is no text", signed_as("logout+jwt", &emma(json!({ "sid": 1 })))),
        ("no id", signed_as("logout+jwt", &emma(json!({ "jti": null })))),
        ("an empty id", signed_as("logout+jwt", &emma(json!({ "jti": "" })))),
        ("no time", signed_as("logout+jwt", &emma(json!({ "iat": null })))),
        ("an old one", signed_as("logout+jwt", &emma(json!({ "iat": now() - 310 })))),
        ("one ahead", signed_as("logout+jwt", &emma(json!({ "iat": now() + 90 })))),
        ("no end", signed_as("logout+jwt", &emma(json!({ "exp": null })))),
        ("one that has ended", signed_as("logout+jwt", &emma(json!({ "exp": now() - 60 })))),
        ("another issuer", signed_as("logout+jwt", &emma(json!({ "iss": "https://other.example" })))),
        ("another audience", signed_as("logout+jwt", &emma(json!({ "aud": "gallery" })))),
        ("another type", signed_as("at+jwt", &emma(json!({})))),
        ("an ID token", signed_as("JWT", &claims(CLIENT, &json!({ "sid": "s1" })))),
        ("nothing", String::new()),
        ("none at all", "a.b.c".to_owned()),
    ];
    let refused = |what: &str, response: Response| {
        assert_eq!((response.status(), response.field("content-type")), (400, Some("application/json")), "{what}");
        assert_eq!(response.field("cache-control"), Some("no-store"), "{what}");
        let document: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(document["error"], "invalid_request", "{what}");
        assert!(document["error_description"].is_string(), "{what}");
    };
    for (what, token) in rows {
        refused(what, post(&gallery, "/backchannel-logout", "logout_token", &token));
    }
    let unsigned = signed_as("logout+jwt", &emma(json!({})));
    let (text, _) = unsigned.rsplit_once('.').unwrap();
    refused("no signature", post(&gallery, "/backchannel-logout", "logout_token", &format!("{text}.")));
    let good = signed_as("logout+jwt", &logout_claims("good", &json!({ "sub": "emma" })));
    let twice = format!("logout_token={good}&logout_token={good}");
    refused("two", gallery.ask(&Request::post("/backchannel-logout").with_body(FORM, twice)));
    refused(
        "JSON",
        gallery.ask(&Request::post("/backchannel-logout").with_json(&json!({ "logout_token": good }).to_string())),
    );
    assert!(is_signed_in(&gallery, &cookie), "nothing is over");
    assert_eq!(post(&gallery, "/backchannel-logout", "logout_token", &good).status(), 200);
    assert!(!is_signed_in(&gallery, &cookie));
    refused("the same again", post(&gallery, "/backchannel-logout", "logout_token", &good));
}

#[test]
fn what_is_no_id_token_begins_nothing() {
    let gallery = Gallery::start(&[]);
    let good = || claims(CLIENT, &json!({ "sid": "s1" }));
    let with = |more: Value| {
        claims(CLIENT, &{
            let mut of = json!({ "sid": "s1" });
            of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            of
        })
    };
    let rows = [
        ("no session", signed_as("JWT", &claims(CLIENT, &json!({})))),
        ("no user of ours", signed_as("JWT", &with(json!({ "sub": "nobody" })))),
        ("another audience", signed_as("JWT", &with(json!({ "aud": "gallery" })))),
        ("an event", signed_as("JWT", &with(json!({ "events": { EVENT: {} } })))),
        ("an event of nothing", signed_as("JWT", &with(json!({ "events": {} })))),
        ("a logout token", signed_as("logout+jwt", &with(json!({ "events": { EVENT: {} } })))),
        ("its type", signed_as("logout+jwt", &good())),
        (
            "bound to a key",
            signed_as("JWT", &with(json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }))),
        ),
        ("over", signed_as("JWT", &with(json!({ "exp": now() - 60 })))),
        ("nothing", "x".to_owned()),
    ];
    for (what, token) in rows {
        let response = post(&gallery, "/oidc/sign-in", "id_token", &token);
        assert_eq!(response.status(), 401, "{what}");
        assert_eq!(
            response.field("www-authenticate"),
            Some("Cookie realm=\"gallery\", cookie-name=\"oidc_session\""),
            "{what}"
        );
        assert_eq!(response.field("set-cookie"), None, "{what}");
    }
    assert_eq!(post(&gallery, "/oidc/sign-in", "token", "x").status(), 400);
    let token = signed_as("JWT", &good());
    let elsewhere = Request::post("/oidc/sign-in").with("Sec-Fetch-Site", "cross-site");
    gallery.expect(403, &elsewhere.with_body(FORM, format!("id_token={token}")));
    gallery.expect(415, &Request::post("/oidc/sign-in").with_json(&json!({ "id_token": token }).to_string()));
    assert_eq!(post(&gallery, "/oidc/sign-in", "id_token", &token).status(), 204);
    let cookie = sign_in(&gallery, "emma", "s1");
    assert_eq!(gallery.with_cookie("/oidc", &format!("{cookie}; {cookie}")).status(), 400);
}
