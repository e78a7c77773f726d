//! Access tokens of other issuers: what of them is taken, and what holds while their issuer rotates, is down, or is asked for nonsense.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod issuer;

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_conformance::wire::{Connection, Request, Response};
use people_tests::{
    FRAMEWORKS, Issuer, Provider, Service, Talk, everywhere_with, json, now, private_keys, public_set, signed_by_jose,
    signed_by_pyjwt,
};
use serde_json::{Value, json};

fn with_token(target: &str, token: &str) -> Request {
    Request::get(target).with("Authorization", format!("Bearer {token}"))
}

fn claims(issuer: &str) -> Value {
    json!({ "iss": issuer, "aud": "people", "sub": "emily", "scope": "reports:read", "exp": now() + 600 })
}

fn header(key: &Value) -> Value {
    json!({ "alg": key["alg"], "kid": key["kid"], "typ": "at+jwt" })
}

/// What a service says to a token, over a connection of its own.
fn status(service: &Service, token: &str) -> u16 {
    let request = with_token("/me", token);
    let mut connection = Connection::open(service.address()).unwrap();
    connection.say(&request.bytes());
    connection.answer(&request).map_or(0, |response| response.status())
}

/// Until this holds, for so long at most; how long it took.
fn until(most: Duration, holds: impl Fn() -> bool) -> Duration {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < most, "it does not hold after {most:?}");
        thread::sleep(Duration::from_millis(50));
    }
    since.elapsed()
}

#[test]
fn tokens_of_jose_and_pyjwt_are_taken_whatever_they_are_signed_with() {
    let keys = private_keys(&["RS256", "PS256", "ES256", "ES384", "EdDSA"]);
    let issuer = Issuer::with(public_set(&keys));
    let asked: Vec<_> = keys.iter().map(|key| (header(key), key, claims(&issuer.name()))).collect();
    let tokens = [signed_by_jose(&asked), signed_by_pyjwt(&asked)].concat();
    assert_eq!(tokens.len(), 10);
    everywhere_with(&["--issuer", &issuer.name()], |talk| {
        for token in &tokens {
            let me = json(&talk.expect(200, &with_token("/me", token)));
            assert_eq!(me["name"], "emily");
            assert_eq!((&me["roles"], &me["scopes"]), (&json!([]), &json!(["reports:read"])));
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let forged: String = signature.chars().rev().collect();
            talk.expect(401, &with_token("/me", &format!("{signed}.{forged}")));
        }
    });
}

#[test]
fn a_strangers_token_is_that_user_with_what_both_say_and_without_roles() {
    let keys = private_keys(&["ES256"]);
    let issuer = Issuer::with(public_set(&keys));
    let end = now() + 600;
    let of = |sub: &str, scope: Value| json!({ "iss": issuer.name(), "aud": ["other", "people"], "sub": sub, "scope": scope, "exp": end });
    let rows = [
        of("emily", json!("reports:read reports:write admin")),
        of("jacob", json!("reports:read reports:write")),
        of("jacob", json!("reports:write")),
        of("jacob", json!("")),
    ];
    let tokens = signed_by_jose(&rows.map(|claims| (header(&keys[0]), &keys[0], claims)));
    everywhere_with(&["--issuer", &issuer.name()], |talk| {
        let me = json(&talk.expect(200, &with_token("/me/bearer", &tokens[0])));
        let at = me["expires_at"].as_str().unwrap().to_owned();
        assert_eq!(
            me,
            json!({ "name": "emily", "scheme": "bearer", "roles": [], "scopes": ["reports:read"], "expires_at": at })
        );
        // The end is that of the token: `exp`, without leeway.
        let seconds = std::process::Command::new("date").args(["-u", "-d", &at, "+%s"]).output().unwrap();
        assert_eq!(String::from_utf8(seconds.stdout).unwrap().trim(), end.to_string());
        let query = json(&talk.expect(200, &Request::get(&format!("/me/query?access_token={}", tokens[0]))));
        assert_eq!((&query["name"], &query["scheme"]), (&json!("emily"), &json!("query")));
        let jacob = json(&talk.expect(200, &with_token("/me", &tokens[1])));
        assert_eq!((&jacob["roles"], &jacob["scopes"]), (&json!([]), &json!(["reports:read", "reports:write"])));
        talk.expect(403, &with_token("/admin/stats", &tokens[1]));
        talk.expect(200, &with_token("/reports", &tokens[1]));
        let refused = talk.expect(403, &with_token("/reports", &tokens[2]));
        assert!(
            refused.field("www-authenticate").unwrap().contains(r#"error="insufficient_scope", scope="reports:read""#)
        );
        assert_eq!(json(&talk.expect(200, &with_token("/me", &tokens[3])))["scopes"], json!([]));
        // Where a bearer token is not taken, it is not looked at.
        let request = Request::post("/tokens").with("Authorization", format!("Bearer {}", tokens[1]));
        talk.expect(401, &request);
    });
}

#[test]
fn what_a_token_must_say_is_required_and_nothing_else() {
    let keys = private_keys(&["ES256", "ES256", "RS256"]);
    let foreign = private_keys(&["ES256"]);
    let issuer = Issuer::with(public_set(&keys));
    let (one, other, only) = (&keys[0], &keys[1], &keys[2]);
    let with = |name: &str, value: Value| {
        let mut claims = claims(&issuer.name());
        claims[name] = value;
        if claims[name].is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
        claims
    };
    let headed = |key: &Value, name: &str, value: Value| {
        let mut header = header(key);
        header[name] = value;
        if header[name].is_null() {
            header.as_object_mut().unwrap().remove(name);
        }
        header
    };
    let good = || claims(&issuer.name());
    let rows: Vec<(&str, Value, &Value, Value, u16)> = vec![
        ("good", header(one), one, good(), 200),
        ("exp in the leeway", header(one), one, with("exp", json!(now() - 2)), 200),
        ("exp long over", header(one), one, with("exp", json!(now() - 60)), 401),
        ("no exp", header(one), one, with("exp", Value::Null), 401),
        ("exp as text", header(one), one, with("exp", json!((now() + 600).to_string())), 401),
        ("nbf in the leeway", header(one), one, with("nbf", json!(now() + 20)), 200),
        ("nbf ahead", header(one), one, with("nbf", json!(now() + 300)), 401),
        ("iat ahead", header(one), one, with("iat", json!(now() + 300)), 200),
        ("another audience", header(one), one, with("aud", json!("other")), 401),
        ("an audience that begins alike", header(one), one, with("aud", json!("people2")), 401),
        ("no audience", header(one), one, with("aud", Value::Null), 401),
        ("another issuer", header(one), one, with("iss", json!("http://127.0.0.1:1")), 401),
        ("our own name as issuer", header(one), one, with("iss", json!("people")), 401),
        ("a slash more", header(one), one, with("iss", json!(format!("{}/", issuer.name()))), 401),
        ("a list of issuers", header(one), one, with("iss", json!([issuer.name()])), 401),
        ("no issuer", header(one), one, with("iss", Value::Null), 401),
        ("nobody", header(one), one, with("sub", json!("nobody")), 401),
        ("another case", header(one), one, with("sub", json!("Emily")), 401),
        ("no subject", header(one), one, with("sub", Value::Null), 401),
        ("no scope", header(one), one, with("scope", Value::Null), 200),
        ("no typ", headed(one, "typ", Value::Null), one, good(), 200),
        ("typ JWT", headed(one, "typ", json!("JWT")), one, good(), 200),
        ("typ jwt", headed(one, "typ", json!("jwt")), one, good(), 200),
        ("typ with application", headed(one, "typ", json!("application/at+JWT")), one, good(), 200),
        ("typ of a logout token", headed(one, "typ", json!("logout+jwt")), one, good(), 401),
        ("typ of a proof", headed(one, "typ", json!("dpop+jwt")), one, good(), 401),
        ("no kid where two fit", headed(one, "kid", Value::Null), one, good(), 401),
        ("no kid where one fits", headed(only, "kid", Value::Null), only, good(), 200),
        ("the kid of another key", headed(one, "kid", other["kid"].clone()), one, good(), 401),
        ("another algorithm of the key", headed(only, "alg", json!("PS256")), only, good(), 401),
        ("a key of nobody", header(&foreign[0]), &foreign[0], good(), 401),
        ("a key of nobody under a known kid", headed(&foreign[0], "kid", one["kid"].clone()), &foreign[0], good(), 401),
    ];
    // jose signs with a key what the key says alone.
    let signing: Vec<Value> = rows
        .iter()
        .map(|(_, header, key, ..)| {
            let mut key = (*key).clone();
            key["alg"] = header["alg"].clone();
            key
        })
        .collect();
    let asked: Vec<_> = rows
        .iter()
        .zip(&signing)
        .map(|((_, header, _, claims, _), key)| (header.clone(), key, claims.clone()))
        .collect();
    let tokens = signed_by_jose(&asked);
    everywhere_with(&["--issuer", &issuer.name()], |talk| {
        for ((what, _, _, _, expected), token) in rows.iter().zip(&tokens) {
            let response = talk.ask(what, &with_token("/me", token));
            assert_eq!(response.status(), *expected, "{what}: {}", response.text());
            if *expected == 401 {
                is_invalid(&response);
            }
        }
    });
}

fn is_invalid(response: &Response) {
    let bearer = response.fields("www-authenticate").find(|challenge| challenge.starts_with("Bearer"));
    let bearer = bearer.unwrap();
    assert!(bearer.contains(r#"error="invalid_token", error_description=""#), "{bearer}");
    for told in ["kid", "iss", "aud", "nbf", "signature"] {
        assert!(!bearer.contains(told), "{bearer}");
    }
}

#[test]
fn revoking_a_user_voids_tokens_of_strangers_by_iat_and_one_token_can_be_given_back() {
    let keys = private_keys(&["ES256"]);
    let issuer = Issuer::with(public_set(&keys));
    let name = issuer.name();
    let issued = |iat: Option<u64>, jti: Option<&str>| {
        let mut claims = claims(&name);
        iat.into_iter().for_each(|iat| claims["iat"] = iat.into());
        jti.into_iter().for_each(|jti| claims["jti"] = jti.into());
        (header(&keys[0]), &keys[0], claims)
    };
    let asked = [
        issued(Some(now() - 60), Some("old")),
        issued(None, Some("undated")),
        issued(Some(now() + 3600), Some("new")),
        issued(Some(now() + 3600), Some("given back")),
        // Without an id.
        issued(Some(now() + 3600), None),
    ];
    let tokens = signed_by_jose(&asked);
    everywhere_with(&["--issuer", &name], |talk| {
        for token in &tokens {
            talk.expect(200, &with_token("/me", token));
        }
        for token in &tokens[3..] {
            let bearer = format!("Bearer {token}");
            talk.expect(204, &Request::new("DELETE", "/tokens").with("Authorization", bearer));
            talk.expect(401, &with_token("/me", token));
        }
        talk.expect(200, &with_token("/me", &tokens[0]));
        let emily = people_tests::basic("emily", "emily:s3cret");
        talk.expect(204, &Request::new("DELETE", "/users/emily/tokens").with("Authorization", emily));
        for (token, expected) in tokens.iter().zip([401, 401, 200, 401, 401]) {
            talk.expect(expected, &with_token("/me", token));
        }
    });
}

#[test]
fn several_issuers_are_trusted_each_for_its_own_and_the_audience_can_be_named() {
    let keys = private_keys(&["EdDSA", "EdDSA"]);
    let issuers = [Issuer::with(public_set(&keys[..1])), Issuer::with(public_set(&keys[1..]))];
    let names = [issuers[0].name(), issuers[1].name()];
    let of = |issuer: &str, audience: &str| {
        let mut claims = claims(issuer);
        claims["aud"] = audience.into();
        claims
    };
    let asked = [
        (header(&keys[0]), &keys[0], of(&names[0], "api")),
        (header(&keys[1]), &keys[1], of(&names[1], "api")),
        (header(&keys[0]), &keys[0], of(&names[1], "api")),
        (header(&keys[1]), &keys[1], of(&names[0], "api")),
        (header(&keys[0]), &keys[0], of(&names[0], "people")),
    ];
    let tokens = signed_by_jose(&asked);
    everywhere_with(&["--issuer", &names[0], "--issuer", &names[1], "--audience", "api"], |talk| {
        for (token, expected) in tokens.iter().zip([200, 200, 401, 401, 401]) {
            talk.expect(expected, &with_token("/me", token));
        }
        // Our own tokens are for the audience that they always had.
        let ours = json(&talk.expect(
            200,
            &Request::post("/tokens").with("Authorization", people_tests::basic("emily", "emily:s3cret")),
        ));
        talk.expect(200, &with_token("/me", ours["access_token"].as_str().unwrap()));
        let metrics = talk.ask_unrecorded("/metrics", &Request::get("/metrics"));
        for name in &names {
            assert!(
                metrics.text().contains(&format!("countersign_issuer_keys{{issuer=\"{name}\"}} 1")),
                "{}",
                metrics.text()
            );
        }
    });
}
