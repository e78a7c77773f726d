//! Issuers that are late, down, slow, huge, or say something else than they should.

use std::time::Duration;

use countersign::{
    Bearer, Gate, Grant,
    adapter::Verdict,
    jose::{JwtAlgorithm, JwtSigner},
    testing::PlainHead,
    verifier::{
        jwt::JwtVerifier,
        remote::{HttpResponse, RemoteIssuer},
    },
};
use serde_json::{Value, json};

use crate::issuer::*;

#[tokio::test(start_paused = true)]
async fn an_app_starts_without_its_issuer_and_recovers_without_a_restart_j14() {
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    issuer.is_down();
    let service = Service::of(&issuer).await;
    assert_eq!(service.says(&token(&signer)).await, "no answer");
    let health = service.remote.health();
    assert_eq!((health.keys, health.fetched, health.failures), (0, None, 1));
    assert!(health.error.unwrap().contains("nobody is there"));
    issuer.has(set_of(&[&signer]));
    service.pass(3).await;
    assert_eq!(service.says_now(&token(&signer)), "verified");
    let health = service.remote.health();
    assert_eq!((health.keys, health.failures, health.error), (1, 0, None));
}

#[tokio::test(start_paused = true)]
async fn the_first_requests_wait_for_the_first_keys() {
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    issuer.opens(false);
    let service = Service::of(&issuer).await;
    assert_eq!(service.says_now(&token(&signer)), "waits");
    let token = token(&signer);
    let (waited, ()) = tokio::join!(service.says(&token), async {
        issuer.opens(true);
    });
    assert_eq!(waited, "verified");
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_count_in_an_outage_up_to_their_bound_j14() {
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    let service = Service::set_up(&issuer, |builder| builder.kept_for(Duration::from_secs(600))).await;
    issuer.is_down();
    service.pass(590).await;
    assert_eq!(service.says_now(&token(&signer)), "verified");
    // Nobody can tell whether a token by another key is good.
    assert_eq!(service.says(&token(&fresh())).await, "no answer");
    service.pass(20).await;
    assert_eq!(service.says(&token(&signer)).await, "no answer");
    assert_eq!(service.remote.health().keys, 0);
    issuer.has(set_of(&[&signer]));
    service.pass(70).await;
    assert_eq!(service.says_now(&token(&signer)), "verified");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_key_set_changes_nothing_j14() {
    let signer = fresh();
    let good = set_of(&[&signer]);
    let issuer = Issuer::with(good.clone());
    let service = Service::of(&issuer).await;
    let text = good.to_string();
    let json =
        |status, body: String| Some(HttpResponse::new(status, body).with_field("content-type", "application/json"));
    let huge = format!(r#"{{"keys":[],"more":"{}"}}"#, "a".repeat(600 << 10));
    let answers: Vec<Option<HttpResponse>> = vec![
        json(500, r#"{"keys":[]}"#.to_owned()),
        json(404, r#"{"keys":[]}"#.to_owned()),
        json(204, String::new()),
        json(301, r#"{"keys":[]}"#.to_owned()).map(|answer| answer.with_field("location", "https://other.example")),
        json(200, "[]".to_owned()),
        json(200, r#"{"keys":{}}"#.to_owned()),
        json(200, text[..text.len() - 1].to_owned()),
        json(200, String::new()),
        json(200, huge),
        Some(HttpResponse::new(200, vec![0xFF; 10]).with_field("content-type", "application/json")),
        Some(HttpResponse::new(200, r#"{"keys":[]}"#).with_field("content-type", "text/html")),
        Some(HttpResponse::new(200, r#"{"keys":[]}"#)),
        None,
    ];
    for (row, answer) in answers.into_iter().enumerate() {
        issuer.answers(move |url| if url == KEYS { answer.clone() } else { Some(document()) });
        let failures = service.remote.health().failures;
        service.pass(4).await;
        assert_eq!(service.says(&token(&fresh())).await, "no answer", "row {row}");
        assert!(service.remote.health().failures > failures, "row {row}");
        assert_eq!(service.says_now(&token(&signer)), "verified", "row {row}");
    }
    // An empty set is an answer: all keys are withdrawn.
    issuer.has(json!({ "keys": [] }));
    service.pass(60).await;
    assert_eq!(service.says(&token(&signer)).await, "unjudged");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_does_not_name_itself_byte_for_byte_has_no_keys() {
    let signer = fresh();
    for (named, expected) in [
        (json!(ISSUER), "verified"),
        (json!("https://issuer.example/"), "no answer"),
        (json!("https://other.example"), "no answer"),
        (json!([ISSUER]), "no answer"),
        (Value::Null, "no answer"),
    ] {
        let issuer = Issuer::with(json!({}));
        let set = set_of(&[&signer]);
        let document = json!({ "issuer": named, "jwks_uri": KEYS });
        issuer.answers(move |url| Some(json_of(if url == KEYS { &set } else { &document })));
        let service = Service::of(&issuer).await;
        assert_eq!(service.says(&token(&signer)).await, expected, "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_of_oauth_alone_is_found_too() {
    let signer = fresh();
    let issuer = Issuer::with(json!({}));
    let set = set_of(&[&signer]);
    issuer.answers(move |url| match url {
        KEYS => Some(json_of(&set)),
        "https://issuer.example/.well-known/oauth-authorization-server" => Some(document()),
        _ => Some(HttpResponse::new(404, "")),
    });
    let service = Service::of(&issuer).await;
    assert_eq!(service.says_now(&token(&signer)), "verified");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_panics_is_an_outage() {
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    let service = Service::of(&issuer).await;
    issuer.answers(|_| panic!("an application's own client"));
    service.pass(4).await;
    assert_eq!(service.says(&token(&fresh())).await, "no answer");
    issuer.has(set_of(&[&signer]));
}

#[tokio::test(start_paused = true)]
async fn a_slow_issuer_keeps_nobody_waiting_for_ever_j14() {
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    let service = Service::of(&issuer).await;
    issuer.opens(false);
    service.pass(4).await;
    let since = tokio::time::Instant::now();
    assert_eq!(service.says(&token(&fresh())).await, "no answer");
    assert!(since.elapsed() <= Duration::from_secs(5), "{:?}", since.elapsed());
    assert_eq!(service.says_now(&token(&signer)), "verified");
}

#[tokio::test(start_paused = true)]
async fn one_key_that_cannot_be_used_costs_the_others_nothing() {
    // J11, J12: a malformed key, keys for other things, two under one id.
    let (signer, twice) = (fresh(), [fresh().with_id("twice"), fresh().with_id("twice")]);
    let mut set = set_of(&[&signer, &twice[0], &twice[1]]);
    let odd = [
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "c2hvcnQ", "kid": 7 }),
        json!({ "kty": "oct", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", "alg": "HS256", "kid": "h" }),
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "r" }),
        json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "e" }),
        Value::Null,
    ];
    set["keys"].as_array_mut().unwrap().splice(0..0, odd);
    let service = Service::of(&Issuer::with(set)).await;
    assert_eq!(service.says_now(&token(&signer)), "verified");
    let health = service.remote.health();
    assert_eq!((health.keys, health.skipped), (1, 7));
    for signer in &twice {
        assert_eq!(service.says(&token(signer)).await, "unjudged");
    }
    let secret = countersign::Secret::new("0123456789abcdef0123456789abcdef");
    let forged = JwtSigner::secret(JwtAlgorithm::Hs256, &secret).unwrap().with_id("h");
    assert_eq!(service.says_now(&token(&forged)), "refused");
}

#[tokio::test(start_paused = true)]
async fn a_key_without_an_id_fits_alone_and_its_successor_is_asked_for() {
    let (old, new) = (fresh(), fresh());
    let nameless = |signer: &JwtSigner| {
        let mut set = set_of(&[signer]);
        set["keys"][0].as_object_mut().unwrap().remove("kid");
        set
    };
    let issuer = Issuer::with(nameless(&old));
    let service = Service::of(&issuer).await;
    assert_eq!(service.says_now(&token(&old)), "verified");
    issuer.has(nameless(&new));
    service.pass(4).await;
    assert_eq!(service.says(&token(&new)).await, "verified");
    assert_eq!(service.says(&token(&old)).await, "unjudged");
}

async fn grant(gate: &Gate<()>, token: &str) -> Option<Grant<()>> {
    let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(gate);
    match head.verdict_at(gate).await {
        Verdict::Admitted(grant) => Some(grant),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_ends_what_it_verified_and_nothing_else() {
    const OTHER: &str = "https://other.example";
    let (first, second) = (fresh(), fresh());
    let issuer = Issuer::with(set_of(&[&first, &second]));
    let service = Service::of(&issuer).await;
    // Another issuer has the same key, and keeps it.
    let elsewhere = Issuer::with(json!({}));
    let set = set_of(&[&first]);
    elsewhere.answers(move |url| {
        Some(json_of(&if url == KEYS { set.clone() } else { json!({ "issuer": OTHER, "jwks_uri": KEYS }) }))
    });
    let other = RemoteIssuer::named(OTHER).through(elsewhere).revoking(&service.cache).timed_by(service.clock.clone());
    let other = other.start().unwrap();
    other.asked().await;
    let verifier = JwtVerifier::trusting(people(&service.remote)).and_trusting(people(&other));
    let verifier = verifier.timed_by(service.clock.clone()).principal_by(|_, verified| verified.into()).unwrap();
    let gate = Gate::in_realm("people").accept(Bearer, verifier).cached(service.cache.clone()).build().unwrap();
    let mut theirs = claims();
    theirs["iss"] = OTHER.into();
    let tokens = [token(&first), token(&second), first.sign(&theirs).unwrap()];
    let grants = [grant(&gate, &tokens[0]).await, grant(&gate, &tokens[1]).await, grant(&gate, &tokens[2]).await];
    let grants = grants.map(Option::unwrap);
    issuer.has(set_of(&[&second]));
    service.pass(300).await;
    assert_eq!([0, 1, 2].map(|row| grants[row].still_stands()), [false, true, true]);
    assert!(grant(&gate, &tokens[0]).await.is_none());
    for token in &tokens[1..] {
        assert!(grant(&gate, token).await.is_some());
    }
}
