//! Which key verifies whose tokens.

use super::*;

#[test]
fn j12_an_id_is_needed_where_several_keys_fit() {
    let workshop = workshop();
    let good = || workshop.key(JwtAlgorithm::Es256);
    let other = || {
        let signer = JwtSigner::pem(&fresh_p256()).unwrap();
        JwtKey::jwk(&serde_json::from_str::<Value>(&signer.jwks_json()).unwrap()["keys"][0].to_string()).unwrap()
    };
    let signed = |kid: Option<&str>| {
        let header = kid.map_or(json!({ "alg": "ES256" }), |kid| json!({ "alg": "ES256", "kid": kid }));
        workshop.token(JwtAlgorithm::Es256, &header.to_string(), &good_claims().to_string())
    };
    let ed = || workshop.key(JwtAlgorithm::EdDsa);
    let rows: [(Vec<JwtKey>, Option<&str>, bool); 11] = [
        (vec![good()], None, true),
        (vec![good()], Some("anything"), true),
        (vec![good().with_id("a")], None, true),
        (vec![good().with_id("a")], Some("a"), true),
        (vec![good().with_id("a")], Some("b"), false),
        (vec![good().with_id("a"), ed().with_id("a")], Some("a"), true),
        (vec![good().with_id("a"), other().with_id("b")], None, false),
        (vec![good().with_id("a"), other().with_id("b")], Some("a"), true),
        (vec![good().with_id("a"), other().with_id("b")], Some("b"), false),
        (vec![good().with_id("a"), other().with_id("b")], Some("c"), false),
        (vec![good().with_id("a"), ed()], None, true),
    ];
    for (index, (keys, kid, fits)) in rows.into_iter().enumerate() {
        assert_eq!(accepts(&verifier(keys), &signed(kid)), fits, "row {index}");
    }
    for kid in [json!(null), json!(7), json!(["a"])] {
        let header = json!({ "alg": "ES256", "kid": kid }).to_string();
        let token = workshop.token(JwtAlgorithm::Es256, &header, &good_claims().to_string());
        assert!(!accepts(&verifier([good()]), &token), "{kid}");
    }
    // Two given keys that no token tells apart do not start; in a set, both are passed over.
    for twice in [[good(), other().with_id("a")].map(|key| key.with_id("a")), [good(), good()]] {
        let error = JwtVerifier::trusting(issuer(twice)).principal::<Value>().err();
        assert!(matches!(error, Some(JwtSetupError::KeyTwice { .. })), "{error:?}");
    }
    let mut jwks = [workshop.jwk(JwtAlgorithm::Es256), workshop.jwk(JwtAlgorithm::EdDsa)];
    jwks.iter_mut().for_each(|jwk| jwk["kid"] = json!("a"));
    let mut another: Value = serde_json::from_str(&JwtSigner::pem(&fresh_p256()).unwrap().jwks_json()).unwrap();
    another["keys"][0]["kid"] = json!("a");
    let set = |keys: Value| KeySet::parse(&json!({ "keys": keys }).to_string()).unwrap();
    assert_eq!(set(json!([jwks[0], jwks[1], another["keys"][0]])).len(), 1, "only the Ed25519 key is left");
    assert_eq!(set(json!([jwks[0], jwks[0]])).len(), 1, "the same key twice is one key");
}

#[test]
fn issuers_share_no_keys() {
    let (ours, theirs) = (JwtSigner::fresh().unwrap().with_id("1"), JwtSigner::fresh().unwrap().with_id("1"));
    let both = at_now(
        JwtVerifier::trusting(ours.trusted("https://ours.example").audience("people"))
            .and_trusting(theirs.trusted("https://theirs.example").audience("api")),
    );
    let both = both.principal::<Value>().unwrap();
    for (signer, iss, aud, good) in [
        (&ours, json!("https://ours.example"), "people", true),
        (&theirs, json!("https://theirs.example"), "api", true),
        (&theirs, json!("https://ours.example"), "people", false),
        (&ours, json!("https://theirs.example"), "api", false),
        (&theirs, json!("https://theirs.example"), "people", false),
        (&ours, json!("https://third.example"), "people", false),
        (&ours, json!(["https://ours.example"]), "people", false),
        (&ours, json!(null), "people", false),
    ] {
        let token = signer.sign(&json!({ "iss": iss, "aud": aud, "exp": NOW + 60 })).unwrap();
        assert_eq!(accepts(&both, &token), good, "{iss} {aud}");
    }
    let unnamed = || TrustedIssuer::unnamed().key(theirs.key()).any_audience();
    for (first, second) in [
        (ours.trusted("https://ours.example").audience("people"), ours.trusted("https://ours.example").any_audience()),
        (unnamed(), unnamed()),
    ] {
        let error = JwtVerifier::trusting(first).and_trusting(second).principal::<Value>().err();
        assert!(matches!(error, Some(JwtSetupError::IssuerTwice { .. })), "{error:?}");
    }
    let unnamed = at_now(JwtVerifier::trusting(TrustedIssuer::unnamed().audience("people").key(ours.key())));
    let token = ours.sign(&json!({ "aud": "people", "exp": NOW + 60 })).unwrap();
    assert!(accepts(&unnamed.principal::<Value>().unwrap(), &token));
}

#[test]
fn keys_are_changed_while_the_verifier_is_in_use() {
    let signer = JwtSigner::fresh().unwrap();
    let verifier = at_now(JwtVerifier::trusting(signer.trusted("https://ours.example").any_audience()));
    let verifier = verifier.principal::<Value>().unwrap();
    let token = || signer.sign(&json!({ "iss": "https://ours.example", "exp": NOW + 60 })).unwrap();
    let first = token();
    let newer = JwtSigner::fresh().unwrap();
    signer.replace_with(&newer.clone().and_older(signer.key()));
    let second = token();
    assert!(accepts(&verifier, &first) && accepts(&verifier, &second));
    signer.replace_with(&newer);
    assert!(!accepts(&verifier, &first) && accepts(&verifier, &second));
    assert_eq!(signer.jwks_json().matches("Ed25519").count(), 1);
    // What is built upon it is another one.
    let named = signer.clone().with_id("mine");
    assert!(named.key().id() == Some("mine") && signer.key().id() != Some("mine"));
}
