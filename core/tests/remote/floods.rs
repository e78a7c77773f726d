//! Tokens by keys that nobody has: how often the issuer is asked, and what becomes of everybody else.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{jose::JwtSigner, verifier::jwt::JwtVerifier, verifier::remote::RemoteIssuer};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{issuer::*, log::Log};

/// A token of the right issuer under any key id.
fn forged(id: &str) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "EdDSA", "kid": id });
    format!("{}.{}.{}", part(&header), part(&claims()), URL_SAFE_NO_PAD.encode([7; 64]))
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_unknown_ids_ask_once_in_three_seconds_and_nobody_else_waits_j13() {
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    let service = Service::of(&issuer).await;
    let good = token(&signer);
    let before = issuer.fetches();
    for second in 0..10 {
        for id in 0..10_000 {
            let forged = forged(&format!("{second}-{id}"));
            assert_ne!(service.says(&forged).await, "verified");
        }
        assert_eq!(service.says_now(&good), "verified");
        service.pass(1).await;
    }
    let fetches = issuer.fetches() - before;
    assert!((3..=4).contains(&fetches), "{fetches}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_that_wait_together_ask_once_and_known_keys_do_not_wait() {
    let (old, new) = (fresh(), fresh());
    let issuer = Issuer::with(set_of(&[&old]));
    let service = Arc::new(Service::of(&issuer).await);
    service.pass(4).await;
    let before = issuer.fetches();
    issuer.opens(false);
    issuer.has(set_of(&[&old, &new]));
    let mut waiting = JoinSet::new();
    for number in 0..1000 {
        let (service, token) = (Arc::clone(&service), token(&new));
        let forged = forged(&number.to_string());
        waiting.spawn(async move { (service.says(&token).await, service.says(&forged).await) });
    }
    service.settle().await;
    // The issuer is being asked, and has not answered.
    assert_eq!(service.says_now(&token(&old)), "verified");
    assert_eq!(service.says_now(&token(&new)), "waits");
    issuer.opens(true);
    while let Some(said) = waiting.join_next().await {
        assert_eq!(said.unwrap(), ("verified", "unjudged"));
    }
    assert_eq!(issuer.fetches() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_taken_within_five_seconds_also_during_a_flood_j13() {
    let (old, new) = (fresh(), fresh());
    let issuer = Issuer::with(set_of(&[&old]));
    let service = Service::of(&issuer).await;
    service.pass(10).await;
    // The flood has just had the issuer asked when it rotates.
    assert_eq!(service.says(&forged("a")).await, "unjudged");
    issuer.has(set_of(&[&old, &new]));
    assert_eq!(service.says(&token(&new)).await, "unjudged");
    for second in 1..=5 {
        service.pass(1).await;
        assert_eq!(service.says(&token(&old)).await, "verified");
        let _ = service.says(&forged("b")).await;
        if service.says(&token(&new)).await == "verified" {
            assert_eq!(second, 3);
            return;
        }
    }
    panic!("the new key is not taken");
}

#[tokio::test(start_paused = true)]
async fn only_who_names_the_issuer_has_it_asked() {
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    let service = Service::of(&issuer).await;
    service.pass(4).await;
    let before = issuer.asked().len();
    let with = |name: &str, value: serde_json::Value| {
        let mut other = claims();
        other[name] = value;
        fresh().sign(&other).unwrap()
    };
    let secret = countersign::Secret::new("0123456789abcdef0123456789abcdef");
    let symmetric = JwtSigner::secret(countersign::jose::JwtAlgorithm::Hs256, &secret).unwrap();
    for token in [
        with("iss", json!("https://other.example")),
        with("iss", json!("https://issuer.example/")),
        with("iss", json!([ISSUER])),
        with("iss", json!(null)),
        token(&symmetric),
        "a.b.c".to_owned(),
    ] {
        assert_eq!(service.says_now(&token), "refused", "{token}");
    }
    assert_eq!(issuer.asked().len(), before);
}

#[tokio::test(start_paused = true)]
async fn keys_of_one_issuer_are_never_tried_for_another() {
    const OTHER: &str = "https://other.example";
    let (ours, theirs) = (fresh(), fresh());
    let issuer = Issuer::with(set_of(&[&ours]));
    let service = Service::of(&issuer).await;
    let elsewhere = Issuer::with(json!({}));
    let set = set_of(&[&theirs]);
    elsewhere.answers(move |url| {
        Some(json_of(&if url == KEYS { set.clone() } else { json!({ "issuer": OTHER, "jwks_uri": KEYS }) }))
    });
    let other = RemoteIssuer::named(OTHER).through(elsewhere).timed_by(service.clock.clone()).start().unwrap();
    other.asked().await;
    let verifier = JwtVerifier::trusting(people(&service.remote)).and_trusting(people(&other));
    let verifier = verifier.timed_by(service.clock.clone()).principal_by(|_, verified| verified.into()).unwrap();
    for (signer, issuer, expected) in [
        (&ours, ISSUER, "verified"),
        (&theirs, OTHER, "verified"),
        (&ours, OTHER, "unjudged"),
        (&theirs, ISSUER, "unjudged"),
        (&ours, "https://third.example", "refused"),
    ] {
        let mut claims = claims();
        claims["iss"] = issuer.into();
        let answer = countersign::Verify::verify(&verifier, read(&signer.sign(&claims).unwrap())).await;
        assert_eq!(said::<()>(&answer), expected, "{issuer}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stranger_wrote_reaches_no_address_and_no_log_but_escaped_and_why_it_was_refused_does_j15() {
    let log = Log::at(tracing::Level::TRACE);
    let signer = fresh();
    let issuer = Issuer::with(set_of(&[&signer]));
    let service = Service::of(&issuer).await;
    service.pass(4).await;
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let evil = "MARK/../../etc\n\u{1b}[31m";
    for header in [
        json!({ "alg": "EdDSA", "kid": evil }),
        json!({ "alg": "EdDSA", "kid": evil, "jku": "https://evil.example/MARK", "x5u": "https://evil.example/MARK" }),
        json!({ "alg": "EdDSA", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs" }, "x5c": ["MARK"] }),
        json!({ "alg": "MARK", "kid": evil }),
        json!({ "alg": "EdDSA", "typ": "MARK" }),
    ] {
        let mut claims = claims();
        claims["MARK"] = "MARK".into();
        let token = format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode([7; 64]));
        assert_ne!(service.says(&token).await, "verified");
        service.pass(4).await;
    }
    let mut late = claims();
    (late["exp"], late["sub"]) = (json!(1), json!("MARK"));
    assert_eq!(service.says_now(&signer.sign(&late).unwrap()), "refused");
    let log = log.text();
    // The one word of a stranger is the key's name, escaped.
    let named = r#"no key "MARK/../../etc\n\x1b[31m" for EdDSA"#;
    assert!(log.contains(named), "{log}");
    let rest = log.replace(named, "");
    assert!(!rest.contains("MARK") && !rest.contains("etc") && !rest.contains("eyJ"), "{log}");
    for why in
        ["no key that it can have been signed with", "its header is malformed", "\"typ\\\" is none", "\"exp\\\" was"]
    {
        assert!(log.contains(why), "{why}: {log}");
    }
    let addresses = ["https://issuer.example/.well-known/openid-configuration", KEYS];
    assert!(issuer.asked().iter().all(|url| addresses.contains(&url.as_str())), "{:?}", issuer.asked());
}

#[tokio::test(start_paused = true)]
async fn the_set_is_renewed_in_the_background_as_its_cache_control_says_within_bounds() {
    for (said, fetches) in [("", 1..=1), ("max-age=60", 4..=5), ("max-age=1", 9..=11), ("max-age=86400", 1..=1)] {
        let signer = fresh();
        let issuer = Issuer::with(json!({}));
        let set = set_of(&[&signer]);
        issuer.answers(move |url| match url {
            KEYS => Some(json_of(&set).with_field("cache-control", said)),
            _ => Some(document()),
        });
        let service = Service::of(&issuer).await;
        let before = issuer.fetches();
        service.pass(300).await;
        let made = issuer.fetches() - before;
        assert!(fetches.contains(&made), "{said}: {made}");
        assert_eq!(issuer.asked().len(), made + before + 1, "the document is asked for once");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_nobody_has_any_more_is_not_asked() {
    let issuer = Issuer::with(set_of(&[&fresh()]));
    let service = Service::of(&issuer).await;
    let Service { clock, remote, verifier, .. } = service;
    drop((remote, verifier));
    let before = issuer.asked().len();
    clock.advance(Duration::from_secs(4000));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(issuer.asked().len(), before);
}
