//! Which keys are taken, and for what.

use super::*;

#[test]
fn j6_the_algorithm_comes_from_the_key() {
    let workshop = workshop();
    // One verifier may hold keys of several families.
    let all = verifier(ALGORITHMS.map(|algorithm| workshop.key(algorithm).with_id(algorithm.name())));
    for signed in ALGORITHMS {
        for named in ALGORITHMS {
            let token = workshop.token(signed, &header_of(named), &good_claims().to_string());
            assert_eq!(accepts(&all, &token), signed == named, "{signed} named {named}");
        }
    }
    // CVE-2022-29217: the public key as the secret of an HMAC, in every text that it has.
    let public = workshop.public_pem(JwtAlgorithm::Rs256);
    let jwk = workshop.jwk(JwtAlgorithm::Rs256).to_string();
    let signed = format!("{}.{}", b64(header_of(HS256)), b64(good_claims().to_string()));
    for secret in [public.as_bytes(), public.trim_end().as_bytes(), jwk.as_bytes()] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        let forged = format!("{signed}.{}", b64(aws_lc_rs::hmac::sign(&key, signed.as_bytes())));
        assert!(!accepts(&verifier([workshop.key(JwtAlgorithm::Rs256)]), &forged));
    }
    let ed = workshop.token(JwtAlgorithm::EdDsa, r#"{"alg":"Ed25519"}"#, &good_claims().to_string());
    assert!(accepts(&all, &ed), "the name of RFC 9864");
}

#[test]
fn j7_j11_a_set_yields_what_can_verify_and_nothing_else() {
    let workshop = workshop();
    let base = |algorithm| workshop.jwk(algorithm);
    let with = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        jwk
    };
    let zeros = |jwk: &Value, name: &str, zeros: usize| {
        let number = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        json!(b64([vec![0; zeros], number].concat()))
    };
    let (es, ed, rs) = (JwtAlgorithm::Es256, JwtAlgorithm::EdDsa, JwtAlgorithm::Rs256);
    let rows = [
        (base(es), true),
        (base(ed), true),
        (base(rs), true),
        (with(base(es), "use", json!("sig")), true),
        (with(base(es), "use", json!("enc")), false),
        (with(base(es), "use", json!("other")), false),
        (with(base(es), "use", json!(7)), false),
        (with(base(es), "key_ops", json!(["verify"])), true),
        (with(base(es), "key_ops", json!(["sign", "verify"])), true),
        (with(base(es), "key_ops", json!(["encrypt"])), false),
        (with(base(es), "key_ops", json!([])), false),
        (with(base(es), "alg", json!("ES256")), true),
        (with(base(es), "alg", json!("ES384")), false),
        (with(base(es), "alg", json!("RS256")), false),
        (with(base(es), "alg", json!("HS256")), false),
        (with(base(es), "alg", json!("ECDH-ES")), false),
        (with(base(es), "crv", json!("P-384")), false),
        (with(base(es), "crv", json!("P-521")), false),
        (with(base(es), "crv", json!("secp256k1")), false),
        (with(base(es), "crv", json!("Ed25519")), false),
        (with(base(es), "x", json!("AAAA")), false),
        (with(base(es), "y", base(es)["x"].clone()), false),
        (with(base(es), "x", json!(format!("{}=", base(es)["x"].as_str().unwrap()))), false),
        (with(base(es), "kty", json!("RSA")), false),
        (with(base(es), "kid", json!("a")), true),
        (with(base(es), "kid", json!(7)), false),
        (with(base(ed), "alg", json!("EdDSA")), true),
        (with(base(ed), "alg", json!("Ed25519")), true),
        (with(base(ed), "crv", json!("X25519")), false),
        (with(base(ed), "crv", json!("Ed448")), false),
        (with(base(ed), "crv", json!("P-256")), false),
        (with(base(rs), "alg", json!("PS512")), true),
        (with(base(rs), "alg", json!("RSA-OAEP")), false),
        (with(base(rs), "e", json!("AQ")), false),
        (with(base(rs), "e", json!("AQAA")), false),
        (with(base(rs), "e", json!("")), false),
        // Zeros in front of a number do not count, whether they are of its sign (Jenkins) or of a field's width.
        (with(base(rs), "n", zeros(&base(rs), "n", 1)), true),
        (with(base(rs), "n", zeros(&base(rs), "n", 64)), true),
        (with(base(rs), "e", json!("AAEAAQ")), true),
        (with(base(rs), "e", json!("AAAA")), false),
        (with(base(es), "x", zeros(&base(es), "x", 1)), true),
        (with(base(es), "y", zeros(&base(es), "y", 16)), true),
        (with(base(ed), "x", zeros(&base(ed), "x", 1)), false),
        (with(base(rs), "n", json!(b64([0xFF; 128]))), false),
        (with(base(rs), "n", json!(b64([[0; 128], [0xFF; 128]].concat()))), false),
        (with(base(rs), "n", json!(b64([0xFF; 2048]))), false),
        (with(base(rs), "n", json!("")), false),
        (json!({ "kty": "oct", "alg": "HS256", "k": b64(SECRET) }), false),
        (json!({ "kty": "oct", "k": b64(SECRET) }), false),
        (json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" }), false),
        (json!({}), false),
        (json!(null), false),
        (json!([]), false),
        (json!("key"), false),
    ];
    let es384 = with(base(JwtAlgorithm::Es384), "kid", json!("good"));
    let token = workshop.token(JwtAlgorithm::Es384, r#"{"alg":"ES384","kid":"good"}"#, &good_claims().to_string());
    for (jwk, good) in rows {
        let set = KeySet::parse(&json!({ "keys": [jwk, es384] }).to_string()).unwrap();
        assert_eq!((set.len(), set.skipped().len()), if good { (2, 0) } else { (1, 1) }, "{jwk}");
        assert!(set.skipped().iter().all(|skipped| skipped.position() == 0));
        // The other key stands.
        let trusted = TrustedIssuer::named(ISSUER).audience("people").keys(set);
        assert!(accepts(&at_now(JwtVerifier::trusting(trusted)).principal::<Value>().unwrap(), &token), "{jwk}");
    }
    for text in ["", "null", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":"x"}"#, r#"{"keys":[]} x"#] {
        assert_eq!(KeySet::parse(text).err(), Some(JwtSetupError::KeySet), "{text:?}");
    }
    let empty = TrustedIssuer::named(ISSUER).audience("people").keys(KeySet::parse(r#"{"keys":[]}"#).unwrap());
    assert_eq!(
        JwtVerifier::trusting(empty).principal::<Value>().err(),
        Some(JwtSetupError::NoKey { issuer: ISSUER.into() })
    );
}

#[test]
fn a_number_with_zeros_in_front_is_the_same_key() {
    let workshop = workshop();
    let longer = |jwk: &Value, names: [&str; 2]| {
        let mut longer = jwk.clone();
        for name in names {
            let number = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
            longer[name] = json!(b64([[0].as_slice(), &number].concat()));
        }
        longer
    };
    for (algorithm, names) in [(JwtAlgorithm::Rs256, ["n", "e"]), (JwtAlgorithm::Es256, ["x", "y"])] {
        let jwk = workshop.jwk(algorithm);
        let (one, other) =
            (JwtKey::jwk(&jwk.to_string()).unwrap(), JwtKey::jwk(&longer(&jwk, names).to_string()).unwrap());
        assert_eq!(one.thumbprint(), other.thumbprint(), "{algorithm}");
        let token = workshop.token(algorithm, &header_of(algorithm), &good_claims().to_string());
        assert!(accepts(&verifier([other]), &token), "{algorithm}");
        let set = json!({ "keys": [jwk, longer(&jwk, names)] }).to_string();
        assert_eq!(KeySet::parse(&set).unwrap().len(), 1, "{algorithm}: the same key twice is one key");
    }
    // A coordinate that happens to begin with zeros, which some leave out.
    let (signer, jwk) = (0..10_000)
        .find_map(|_| {
            let signer = JwtSigner::pem(&fresh_p256()).unwrap();
            let jwk = serde_json::from_str::<Value>(&signer.jwks_json()).unwrap()["keys"][0].clone();
            let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
            (x[0] == 0).then_some((signer, jwk))
        })
        .unwrap();
    let mut short = jwk.clone();
    let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    short["x"] = json!(b64(&x[1..]));
    let key = JwtKey::jwk(&short.to_string()).unwrap();
    assert_eq!(key.thumbprint(), signer.key().thumbprint());
    assert!(accepts(&verifier([key]), &signer.sign(&good_claims()).unwrap()));
}

#[test]
fn an_rsa_key_without_an_algorithm_takes_the_one_that_is_said() {
    let workshop = workshop();
    let rsa = |algorithm: &JwtAlgorithm| matches!(&algorithm.name()[..2], "RS" | "PS");
    let mut jwk = workshop.jwk(JwtAlgorithm::Rs256);
    let named = jwk.to_string();
    jwk.as_object_mut().unwrap().remove("alg");
    let (unnamed, es) = (jwk.to_string(), workshop.jwk(JwtAlgorithm::Es256).to_string());
    assert_eq!(JwtKey::jwk(&unnamed).unwrap().algorithm(), JwtAlgorithm::Rs256, "unless it is said");
    for algorithm in ALGORITHMS.into_iter().filter(rsa) {
        let token = workshop.token(algorithm, &header_of(algorithm), &good_claims().to_string());
        let key = JwtKey::jwk_with(algorithm, &unnamed).unwrap();
        assert!(accepts(&verifier([key]), &token), "{algorithm}");
        let set = KeySet::parse_with(algorithm, &json!({ "keys": [jwk] }).to_string()).unwrap();
        let trusted = TrustedIssuer::named(ISSUER).audience("people").keys(set);
        assert!(accepts(&at_now(JwtVerifier::trusting(trusted)).principal::<Value>().unwrap(), &token), "{algorithm}");
        // What a key says of itself stands.
        assert_eq!(JwtKey::jwk_with(algorithm, &named).unwrap().algorithm(), JwtAlgorithm::Rs256);
        assert_eq!(JwtKey::jwk_with(algorithm, &es).unwrap().algorithm(), JwtAlgorithm::Es256);
    }
    for algorithm in ALGORITHMS.into_iter().filter(|algorithm| !rsa(algorithm)) {
        assert!(JwtKey::jwk_with(algorithm, &unnamed).is_err(), "{algorithm}");
        assert!(KeySet::parse_with(algorithm, r#"{"keys":[]}"#).is_err(), "{algorithm}");
    }
}

#[test]
fn a_text_in_place_of_another_is_told_what_it_is() {
    let jwk = workshop().jwk(JwtAlgorithm::EdDsa).to_string();
    let pem = workshop().public_pem(JwtAlgorithm::EdDsa);
    for (error, says) in [
        (JwtKey::jwk(&pem).unwrap_err(), "JwtKey::pem"),
        (JwtKey::jwk(&format!("{{\"keys\":[{jwk}]}}")).unwrap_err(), "KeySet::parse"),
        (JwtKey::pem(JwtAlgorithm::EdDsa, &jwk).unwrap_err(), "JwtKey::jwk"),
        (KeySet::parse(&jwk).unwrap_err(), "JwtKey::jwk"),
        (KeySet::parse(&pem).unwrap_err(), "JwtKey::pem"),
    ] {
        assert!(error.to_string().contains(says), "{error} / {says}");
    }
}

#[test]
fn j8_a_short_key_is_caught_when_it_is_loaded() {
    for length in [0, 1, 16, 31, 33, 64] {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(vec![7; length]) }).to_string();
        assert!(JwtKey::jwk(&jwk).is_err(), "{length}");
    }
    // The key as DER is no `x`, though the cryptography would read it.
    let spki = pem_body(&workshop().public_pem(JwtAlgorithm::EdDsa));
    assert!(JwtKey::jwk(&json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(spki) }).to_string()).is_err());
    // A key that a token brings along is never looked at, whatever it is.
    let own = workshop().jwk(JwtAlgorithm::EdDsa);
    let header =
        json!({ "alg": "EdDSA", "jwk": own, "jku": "https://attacker.example/jwks.json", "x5u": 7, "x5c": ["!"] });
    let token = workshop().token(JwtAlgorithm::EdDsa, &header.to_string(), &good_claims().to_string());
    let other = JwtSigner::fresh().unwrap().key();
    assert!(!accepts(&verifier([other]), &token));
    assert!(accepts(&verifier([workshop().key(JwtAlgorithm::EdDsa)]), &token), "nor does it do harm");
    let short = json!({ "alg": "EdDSA", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "AA" } }).to_string();
    let token = workshop().token(JwtAlgorithm::EdDsa, &short, &good_claims().to_string());
    assert!(accepts(&verifier([workshop().key(JwtAlgorithm::EdDsa)]), &token));
}

fn pem_body(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).unwrap()
}

#[test]
fn j17_rsa_is_not_that_of_pure_rust() {
    // RUSTSEC-2023-0071: it tells a private key by its time. Nothing here, not even an example, brings it along.
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    let brings = |name: &str| lock.contains(&format!("\nname = \"{name}\"\n"));
    assert!(brings("aws-lc-rs") && brings("jsonwebtoken"));
    assert!(!brings("rsa") && !brings("crypto-bigint"));
}
