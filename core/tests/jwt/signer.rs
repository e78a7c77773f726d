//! `JwtSigner`: what it signs verifies, rings rotate, and sets show what they must and nothing else.

use std::sync::Arc;

use countersign::{
    Secret,
    jose::{JwtAlgorithm, JwtKey, JwtSetupError, JwtSignError, JwtSigner, KeySet},
    testing::ManualClock,
    verifier::jwt::{JwtVerifier, TrustedIssuer},
};
use serde_json::{Value, json};

use crate::workshop::*;

fn signers() -> Vec<JwtSigner> {
    let workshop = workshop();
    let sign = |algorithm: JwtAlgorithm| match algorithm.name() {
        name if name.starts_with("HS") => JwtSigner::secret(algorithm, &Secret::new(SECRET)),
        name if name.starts_with("RS") || name.starts_with("PS") => {
            JwtSigner::pem_with(algorithm, &workshop.private_pem(algorithm))
        }
        _ => JwtSigner::pem(&workshop.private_pem(algorithm)),
    };
    ALGORITHMS.into_iter().map(|algorithm| sign(algorithm).unwrap()).collect()
}

fn of(signer: &JwtSigner) -> JwtVerifier<Value> {
    at_now(JwtVerifier::trusting(signer.trusted(ISSUER).audience("people"))).principal().unwrap()
}

fn header(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

#[test]
fn what_is_signed_verifies_here_and_by_the_set() {
    for (signer, algorithm) in signers().iter().zip(ALGORITHMS) {
        assert_eq!(signer.key().algorithm(), algorithm);
        let token = signer.sign(&good_claims()).unwrap();
        assert!(accepts(&of(signer), &token), "{algorithm}");
        assert_eq!(header(&token)["alg"], algorithm.name());
        assert_eq!(header(&token)["typ"], "JWT");
        let set = signer.jwks_json();
        let shown: Value = serde_json::from_str(&set).unwrap();
        if algorithm.name().starts_with("HS") {
            assert_eq!(set, r#"{"keys":[]}"#, "no secret is shown");
            assert_eq!(header(&token)["kid"], Value::Null);
            continue;
        }
        assert_eq!(header(&token)["kid"], json!(signer.key().thumbprint()));
        assert_eq!(shown["keys"][0]["kid"], json!(signer.key().thumbprint()));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(shown["keys"][0][private], Value::Null, "{private}");
        }
        let trusted = TrustedIssuer::named(ISSUER).audience("people").keys(KeySet::parse(&set).unwrap());
        assert!(accepts(&at_now(JwtVerifier::trusting(trusted)).principal::<Value>().unwrap(), &token), "{algorithm}");
    }
}

#[test]
fn the_format_is_fixed() {
    let secret = JwtSigner::secret(JwtAlgorithm::Hs256, &Secret::new("0123456789abcdef0123456789abcdef")).unwrap();
    let token = secret.sign(&json!({ "exp": 1700000600, "sub": "5" })).unwrap();
    assert_eq!(
        token,
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDA2MDAsInN1YiI6IjUifQ.ZQE1SODHZHRUKLO6UpJZUwKcEDMenzo_If__3RtfeHA"
    );
    let named = secret.with_id("2026").with_type("at+jwt");
    assert_eq!(header(&named.sign(&json!({})).unwrap()), json!({ "typ": "at+jwt", "alg": "HS256", "kid": "2026" }));
    let ed = JwtSigner::fresh().unwrap();
    assert_eq!(ed.sign(&good_claims()).unwrap(), ed.sign(&good_claims()).unwrap(), "Ed25519 draws nothing");
    assert_ne!(ed.key().id(), JwtSigner::fresh().unwrap().key().id());
}

#[test]
fn a_ring_signs_with_the_newest_and_verifies_with_all() {
    let workshop = workshop();
    let old = workshop.private_pem(JwtAlgorithm::Es256);
    let new = workshop.private_pem(JwtAlgorithm::EdDsa);
    let (before, after) = (JwtSigner::pem(&old).unwrap(), JwtSigner::pem(&new).unwrap());
    let (old_token, new_token) = (before.sign(&good_claims()).unwrap(), after.sign(&good_claims()).unwrap());
    let public = workshop.public_pem(JwtAlgorithm::Es256);
    for both in [
        JwtSigner::pem(&format!("# newest first\n{new}\n{old}")).unwrap(),
        JwtSigner::pem(&format!("{new}{public}")).unwrap(),
        JwtSigner::pem(&new).unwrap().and_older(before.key()).and_older(before.key()),
    ] {
        assert!(accepts(&of(&both), &old_token) && accepts(&of(&both), &new_token));
        assert_eq!(header(&both.sign(&good_claims()).unwrap())["alg"], "EdDSA");
        let set: Value = serde_json::from_str(&both.jwks_json()).unwrap();
        let kinds: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["kty"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["OKP", "EC"]);
    }
    assert!(!accepts(&of(&after), &old_token), "until the old one is taken away");
    // A changed key of the same kind is told apart by its id.
    let fresh = JwtSigner::fresh().unwrap();
    let rotated = JwtSigner::fresh().unwrap().and_older(fresh.key());
    assert!(accepts(&of(&rotated), &fresh.sign(&good_claims()).unwrap()));
    assert!(accepts(&of(&rotated), &rotated.sign(&good_claims()).unwrap()));
}

#[test]
fn a_key_that_cannot_sign_is_refused_with_what_to_do() {
    let workshop = workshop();
    let public = workshop.public_pem(JwtAlgorithm::EdDsa);
    let private = workshop.private_pem(JwtAlgorithm::EdDsa);
    for (text, says) in [
        (String::new(), "no block"),
        ("-----BEGIN PRIVATE KEY-----\nMC4C\n".into(), "no end"),
        ("-----BEGIN ".into(), "no end"),
        (public.clone(), "in front"),
        (private.replace("PRIVATE", "ENCRYPTED PRIVATE"), "decrypt"),
        (private.replace("PRIVATE", "EC PRIVATE"), "no private key"),
        (private.replace("MC4C", "MC4D"), "no private key"),
        (pem("PRIVATE KEY", b"nonsense"), "no private key"),
        (format!("{private}{}", pem("CERTIFICATE", b"x")), "no public key"),
        (format!("{private}{}", pem("DH PARAMETERS", b"x")), "behind it"),
        (pem("EC PARAMETERS", b"x"), "openssl ecparam"),
        (pem("PRIVATE KEY", b"x").replace("eA==", "e:=="), "encrypted"),
        (pem("PRIVATE KEY", b"x").replace("eA==", "e!=="), "not base64"),
    ] {
        let error = JwtSigner::pem(&text).unwrap_err().to_string();
        assert!(error.contains(says), "{error} / {says}");
    }
    use aws_lc_rs::{
        encoding::{AsDer, Pkcs8V1Der},
        rsa,
        signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair},
    };
    let p521 = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    assert!(JwtSigner::pem(&pem("PRIVATE KEY", p521.to_pkcs8v1().unwrap().as_ref())).is_err());
    let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa3072).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
    assert!(JwtSigner::pem(&pem("PRIVATE KEY", der.as_ref())).is_ok());
    assert!(JwtSigner::pem_with(JwtAlgorithm::Es256, &private).is_err());
    // A verifier takes public keys, of the kind that the algorithm is for.
    assert!(JwtKey::pem(JwtAlgorithm::EdDsa, &private).is_err());
    assert!(JwtKey::pem(JwtAlgorithm::EdDsa, &format!("{public}{public}")).is_err());
    for (algorithm, other) in [
        (JwtAlgorithm::Es256, JwtAlgorithm::Es384),
        (JwtAlgorithm::Es384, JwtAlgorithm::Es256),
        (JwtAlgorithm::Rs256, JwtAlgorithm::EdDsa),
        (JwtAlgorithm::EdDsa, JwtAlgorithm::Rs256),
        (JwtAlgorithm::Hs256, JwtAlgorithm::Rs256),
    ] {
        let error = JwtKey::pem(algorithm, &workshop.public_pem(other)).err();
        assert!(matches!(error, Some(JwtSetupError::WrongKind { .. })), "{algorithm} {other} {error:?}");
    }
}

#[test]
fn a_short_rsa_key_signs_nothing() {
    // 1024 bits, made for this test.
    let error = JwtSigner::pem(include_str!("rsa-1024.pem")).unwrap_err();
    assert!(error.to_string().contains("2048"), "{error}");
}

#[test]
fn claims_are_an_object_and_fit_a_token() {
    let signer = JwtSigner::fresh().unwrap();
    for claims in [json!(null), json!([]), json!("x"), json!(7)] {
        assert_eq!(signer.sign(&claims), Err(JwtSignError::Claims), "{claims}");
    }
    assert!(matches!(signer.sign(&json!({ "x": "x".repeat(7000) })), Err(JwtSignError::TooLong { .. })));
    let longest = (5000..7000).rev().find_map(|length| {
        let mut claims = good_claims();
        claims["x"] = json!("x".repeat(length));
        signer.sign(&claims).ok()
    });
    assert!(accepts(&of(&signer), &longest.unwrap()), "what is signed is short enough to be accepted");
    let elsewhere = JwtVerifier::trusting(signer.trusted(ISSUER).audience("people"))
        .timed_by(Arc::new(ManualClock::at(at(NOW * 2))));
    assert!(!accepts(&elsewhere.principal::<Value>().unwrap(), &signer.sign(&good_claims()).unwrap()));
}
