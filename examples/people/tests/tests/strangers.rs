//! Access tokens of other issuers: what of them is taken, and what holds while their issuer rotates, is down, or is asked for nonsense.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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

#[test]
fn a_service_runs_while_its_issuer_is_down_and_takes_its_tokens_when_it_is_there() {
    let keys = private_keys(&["ES256"]);
    let gone = Issuer::with(Value::Null);
    let (address, name) = (gone.address(), gone.name());
    let token = signed_by_jose(&[(header(&keys[0]), &keys[0], claims(&name))]);
    drop(gone);
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &["--issuer", &name]));
        let unavailable = talk.expect(503, &with_token("/me", &token[0]));
        assert!(unavailable.field("retry-after").is_some() && unavailable.field("www-authenticate").is_none());
        talk.expect(200, &Request::get("/me").with("Authorization", people_tests::basic("emily", "emily:s3cret")));
        talk.expect(401, &with_token("/me", "no-token"));
        let issuer = Issuer::on(address, public_set(&keys));
        let service = talk.into_service();
        until(Duration::from_secs(8), || status(&service, &token[0]) == 200);
        drop(issuer);
        // Known keys go on; whether another is good, nobody can tell.
        assert_eq!(status(&service, &token[0]), 200);
    }
}

/// Requests with these tokens, one after the other over one connection, until it is enough: how many were not let in, and the longest wait.
fn at_full_rate(service: SocketAddr, tokens: &[String], enough: &AtomicBool) -> (Vec<u16>, Duration, usize) {
    let mut connection = Connection::open(service).unwrap();
    let (mut others, mut longest, mut count) = (Vec::new(), Duration::ZERO, 0);
    for token in tokens.iter().cycle() {
        if enough.load(Ordering::SeqCst) {
            break;
        }
        let (since, request) = (Instant::now(), with_token("/me", token));
        connection.say(&request.bytes());
        let status = connection.answer(&request).unwrap().status();
        longest = longest.max(since.elapsed());
        count += 1;
        if status != 200 {
            others.push(status);
        }
    }
    (others, longest, count)
}

#[test]
fn requests_at_full_rate_notice_nothing_of_a_provider_that_is_stopped_rotated_and_started() {
    let keys = private_keys(&["RS256", "RS256"]);
    let (old, both, new) = (&keys[..1], [keys[1].clone(), keys[0].clone()], &keys[1..]);
    let provider = Provider::start(0, old);
    let (port, name) = (provider.port(), provider.issuer().to_owned());
    let service = Service::start(FRAMEWORKS[0], &["--issuer", &name]);
    let address = service.address();
    let first = provider.token("emily", "reports:read", "people");
    until(Duration::from_secs(5), || status(&service, &first) == 200);
    let known: Vec<_> = (0..300)
        .map(|number| {
            let mut claims = claims(&name);
            claims["jti"] = json!(number.to_string());
            (header(&keys[0]), &keys[0], claims)
        })
        .collect();
    let known = signed_by_jose(&known);

    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|_| scope.spawn(|| at_full_rate(address, &known, &enough))).collect();
        drop(provider);
        let unknown = forged(&name, "unknown");
        until(Duration::from_secs(8), || status(&service, &unknown) == 503);
        let provider = Provider::start(port, &both);
        let second = provider.token("jacob", "reports:read", "people");
        let taken = until(Duration::from_secs(8), || status(&service, &second) == 200);
        assert!(taken <= Duration::from_secs(5), "{taken:?}");
        assert_eq!(status(&service, &first), 200);
        enough.store(true, Ordering::SeqCst);
        for running in running {
            let (others, longest, count) = running.join().unwrap();
            assert!(others.is_empty() && count > 100, "{count}: {others:?}");
            assert!(longest < Duration::from_secs(2), "a request with a known key waited for {longest:?}");
        }
        drop(provider);

        // The old key is withdrawn: also for tokens that are remembered as good.
        let provider = Provider::start(port, new);
        let _ = until(Duration::from_secs(8), || {
            status(&service, &forged(&name, "unknown")) == 401 && status(&service, &first) == 401
        });
        assert_eq!(status(&service, &known[0]), 401);
        assert_eq!(status(&service, &second), 200);
        drop(provider);
    });
}

/// A token of this issuer under any key id.
fn forged(issuer: &str, kid: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "ES256", "kid": kid });
    format!("{}.{}.{}", part(&header), part(&claims(issuer)), URL_SAFE_NO_PAD.encode([7; 64]))
}

#[test]
fn a_flood_of_unknown_keys_asks_the_issuer_once_in_three_seconds_and_troubles_nobody() {
    let keys = private_keys(&["ES256"]);
    let issuer = Issuer::with(public_set(&keys));
    let name = issuer.name();
    let known = signed_by_jose(&[(header(&keys[0]), &keys[0], claims(&name))]);
    let service = Service::start(FRAMEWORKS[0], &["--issuer", &name, "--cache-ttl", "0"]);
    let address = service.address();
    until(Duration::from_secs(5), || status(&service, &known[0]) == 200);
    let (before, since) = (issuer.fetches(), Instant::now());
    let (enough, floods) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for flood in 0..4 {
            let (name, enough, floods) = (&name, &enough, &floods);
            scope.spawn(move || {
                let mut connection = Connection::open(address).unwrap();
                while !enough.load(Ordering::SeqCst) {
                    let number = floods.fetch_add(1, Ordering::SeqCst);
                    let request = with_token("/me", &forged(name, &format!("{flood}-{number}")));
                    connection.say(&request.bytes());
                    assert_eq!(connection.answer(&request).unwrap().status(), 401);
                }
            });
        }
        let good = scope.spawn(|| at_full_rate(address, &known, &enough));
        thread::sleep(Duration::from_secs(7));
        enough.store(true, Ordering::SeqCst);
        let (others, longest, count) = good.join().unwrap();
        assert!(others.is_empty() && count > 10, "{count}: {others:?}");
        assert!(longest < Duration::from_secs(2), "a request with a known key waited for {longest:?}");
    });
    let (fetches, most) = (issuer.fetches() - before, since.elapsed().as_secs() as usize / 3 + 1);
    let floods = floods.load(Ordering::SeqCst);
    assert!((1..=most).contains(&fetches) && floods > 100, "{fetches} fetches for {floods} unknown keys");
}
