//! Letters J of PITFALLS.md, as far as keys are given.

use std::{sync::Arc, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign::{
    Answer, Secret, Verify,
    jose::{JwtAlgorithm, JwtKey, JwtSetupError, JwtSigner, KeySet},
    principal::{Handle, HandleKind},
    testing::ManualClock,
    verifier::{
        Kept,
        jwt::{JwtVerifier, JwtVerifierBuilder, TrustedIssuer},
    },
};
use serde_json::{Value, json};

use crate::workshop::*;

const HS256: JwtAlgorithm = JwtAlgorithm::Hs256;

fn hs256() -> JwtVerifier<Value> {
    verifier([workshop().key(HS256)])
}

fn token(claims: &str) -> String {
    workshop().token(HS256, &header_of(HS256), claims)
}

fn headed(header: &str) -> String {
    workshop().token(HS256, header, &good_claims().to_string())
}

#[test]
fn a_good_token_of_every_algorithm_is_accepted_and_no_other_key_verifies_it() {
    let workshop = workshop();
    for algorithm in ALGORITHMS {
        let token = workshop.token(algorithm, &header_of(algorithm), &good_claims().to_string());
        assert!(accepts(&verifier([workshop.key(algorithm)]), &token), "{algorithm}");
        for other in ALGORITHMS.into_iter().filter(|other| *other != algorithm) {
            assert!(!accepts(&verifier([workshop.key(other)]), &token), "{algorithm} {other}");
        }
        let by_jwk = match algorithm.name().starts_with("HS") {
            true => json!({ "kty": "oct", "alg": algorithm.name(), "k": b64(SECRET) }),
            false => workshop.jwk(algorithm),
        };
        assert!(accepts(&verifier([JwtKey::jwk(&by_jwk.to_string()).unwrap()]), &token), "{algorithm}");
    }
}

#[test]
fn j1_what_is_configured_is_required() {
    let verifier = hs256();
    assert!(accepts(&verifier, &token(&good_claims().to_string())));
    for name in ["iss", "aud", "exp"] {
        assert!(!accepts(&verifier, &token(&claims_without(name))), "{name}");
    }
    assert!(accepts(&verifier, &token(&claims_without("sub"))), "nobody asked for a subject");
    // Whoever forgets the audience is told at start-up, and not by the first token of another service.
    let forgotten = TrustedIssuer::named(ISSUER).key(workshop().key(HS256));
    let error = JwtVerifier::trusting(forgotten.clone()).principal::<Value>().err();
    assert_eq!(error, Some(JwtSetupError::NoAudience { issuer: ISSUER.into() }));
    let any = at_now(JwtVerifier::trusting(forgotten.any_audience())).principal::<Value>().unwrap();
    assert!(accepts(&any, &token(&claims_without("aud"))) && accepts(&any, &token(&claims_with("aud", json!("x")))));
    assert!(!accepts(&any, &token(&claims_with("aud", json!(7)))));
}

#[test]
fn j2_j3_a_registered_claim_of_the_wrong_type_is_refused() {
    // CVE-2026-25537
    let verifier = hs256();
    let odd = [json!(null), json!(true), json!({}), json!([]), json!(""), json!("1700000600"), json!(-1), json!(1e300)];
    for name in ["exp", "nbf", "iss", "aud", "iat", "sub", "jti", "scope", "scp"] {
        for value in &odd {
            let fits = match name {
                "jti" => value.is_string(),
                "sub" => value.is_string() && *value != json!(""),
                "scope" | "scp" => value.is_string() || *value == json!([]),
                _ => false,
            };
            let token = token(&claims_with(name, value.clone()));
            assert_eq!(accepts(&verifier, &token), fits, "{name} {value}");
        }
    }
    for iss in [json!([ISSUER]), json!([ISSUER, "other"]), json!({ "0": ISSUER })] {
        assert!(!accepts(&verifier, &token(&claims_with("iss", iss.clone()))), "{iss}");
    }
    for (aud, good) in [
        (json!("people"), true),
        (json!(["people"]), true),
        (json!(["other", "people"]), true),
        (json!(["other"]), false),
        (json!("People"), false),
        (json!("people "), false),
        (json!("people/admin"), false),
        (json!(["people", 7]), false),
        (json!([["people"]]), false),
        (json!({ "people": true }), false),
    ] {
        assert_eq!(accepts(&verifier, &token(&claims_with("aud", aud.clone()))), good, "{aud}");
    }
    for claims in
        ["[]", "null", "7", "\"\"", "", "{", "{}x", "[1700000600,0,\"emily\",\"https://issuer.example\",\"people\"]"]
    {
        assert!(!accepts(&verifier, &token(claims)), "{claims:?}");
    }
}

#[test]
fn an_issuer_is_itself_and_no_part_of_it() {
    // CVE-2024-53861: substrings.
    let verifier = hs256();
    for iss in [
        "",
        "h",
        "https://issuer.exampl",
        "https://issuer.example/",
        "HTTPS://issuer.example",
        "https://issuer.example,x",
    ] {
        assert!(!accepts(&verifier, &token(&claims_with("iss", json!(iss)))), "{iss}");
    }
}

#[test]
fn j4_both_times_are_checked_with_half_a_minute_of_leeway() {
    let verifier = hs256();
    for (name, value, good) in [
        ("exp", json!(NOW - 29), true),
        ("exp", json!(NOW - 30), false),
        ("exp", json!(NOW - 31), false),
        ("exp", json!(0), false),
        ("exp", json!(NOW as f64 - 29.5), true),
        ("exp", json!(NOW as f64 + 0.25), true),
        ("exp", json!(1e11), true),
        ("exp", json!(u64::MAX), false),
        ("nbf", json!(NOW + 30), true),
        ("nbf", json!(NOW + 31), false),
        ("nbf", json!(NOW as f64 + 30.5), false),
        ("nbf", json!(0), true),
        ("nbf", json!(u64::MAX), false),
        ("iat", json!(NOW + 3600), true),
    ] {
        assert_eq!(accepts(&verifier, &token(&claims_with(name, value.clone()))), good, "{name} {value}");
    }
    let strict = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])).leeway(Duration::ZERO));
    let strict = strict.principal::<Value>().unwrap();
    for (exp, good) in [(NOW + 1, true), (NOW, false)] {
        assert_eq!(accepts(&strict, &token(&claims_with("exp", json!(exp)))), good, "{exp}");
    }
    for leeway in [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(1_000_000_000_000)] {
        let lenient = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])).leeway(leeway));
        let lenient = lenient.principal::<Value>().unwrap();
        for exp in [NOW + 1, NOW - 1, 1] {
            assert!(accepts(&lenient, &token(&claims_with("exp", json!(exp)))), "{exp} {leeway:?}");
        }
    }
}

#[test]
fn a_grant_ends_when_its_token_would_be_refused() {
    let token = token(&good_claims().to_string());
    let ends = accepted(&hs256(), &token).unwrap().ends().unwrap();
    assert_eq!(ends, at(NOW + 630), "exp and the leeway");
    for (now, good) in [(ends - Duration::from_secs(1), true), (ends, false)] {
        let builder = JwtVerifier::trusting(issuer([workshop().key(HS256)])).timed_by(Arc::new(ManualClock::at(now)));
        assert_eq!(accepts(&builder.principal::<Value>().unwrap(), &token), good, "{now:?}");
    }
    // A principal's function cannot put it off.
    let later = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])))
        .principal_by(|_, _| countersign::Verified::new(()).ending_at(at(NOW * 2)).into())
        .unwrap();
    assert_eq!(accepted(&later, &token).unwrap().ends(), Some(ends));
}

#[test]
fn j5_extensions_and_foreign_types_are_refused() {
    let verifier = hs256();
    for (header, good) in [
        (json!({ "alg": "HS256" }), true),
        (json!({ "alg": "HS256", "typ": "JWT" }), true),
        (json!({ "alg": "HS256", "typ": "jwt" }), true),
        (json!({ "alg": "HS256", "typ": "application/JWT" }), true),
        (json!({ "alg": "HS256", "typ": "at+jwt" }), true),
        (json!({ "alg": "HS256", "typ": "Application/AT+JWT" }), true),
        (json!({ "alg": "HS256", "typ": "logout+jwt" }), false),
        (json!({ "alg": "HS256", "typ": "dpop+jwt" }), false),
        (json!({ "alg": "HS256", "typ": "secevent+jwt" }), false),
        (json!({ "alg": "HS256", "typ": "application/" }), false),
        (json!({ "alg": "HS256", "typ": "application/application/jwt" }), false),
        (json!({ "alg": "HS256", "typ": "text/jwt" }), false),
        (json!({ "alg": "HS256", "typ": "" }), false),
        (json!({ "alg": "HS256", "typ": null }), false),
        (json!({ "alg": "HS256", "typ": ["JWT"] }), false),
        (json!({ "alg": "HS256", "crit": ["exp"], "exp": NOW + 600 }), false),
        (json!({ "alg": "HS256", "crit": ["b64"], "b64": true }), false),
        (json!({ "alg": "HS256", "crit": [] }), false),
        (json!({ "alg": "HS256", "crit": null }), false),
        (json!({ "alg": "HS256", "crit": "exp" }), false),
        (json!({ "alg": "HS256", "x": 1, "cty": "anything" }), true),
    ] {
        assert_eq!(accepts(&verifier, &headed(&header.to_string())), good, "{header}");
    }
    let narrow = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])).types(["application/at+JWT"]));
    let narrow = narrow.principal::<Value>().unwrap();
    for (typ, good) in [(json!("at+jwt"), true), (json!("application/at+jwt"), true), (json!("JWT"), false)] {
        assert_eq!(accepts(&narrow, &headed(&json!({ "alg": "HS256", "typ": typ }).to_string())), good, "{typ}");
    }
    assert!(!accepts(&narrow, &headed(r#"{"alg":"HS256"}"#)));
}

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

#[test]
fn j10_a_secret_is_as_long_as_its_hash_and_random() {
    let varied = |length: usize| Secret::new((0..length).map(|byte| byte as u8).collect::<Vec<_>>());
    for (algorithm, needed) in [(HS256, 32), (JwtAlgorithm::Hs384, 48), (JwtAlgorithm::Hs512, 64)] {
        for (bytes, good) in [(0, false), (8, false), (needed - 1, false), (needed, true), (200, true)] {
            assert_eq!(JwtKey::secret(algorithm, &varied(bytes)).is_ok(), good, "{algorithm} {bytes}");
            assert_eq!(JwtSigner::secret(algorithm, &varied(bytes)).is_ok(), good, "{algorithm} {bytes}");
        }
    }
    assert_eq!(JwtKey::secret(HS256, &Secret::new([0; 64])).err(), Some(JwtSetupError::SecretPredictable));
    assert!(JwtKey::secret(JwtAlgorithm::Es256, &varied(64)).is_err());
    let short = json!({ "kty": "oct", "alg": "HS256", "k": b64("hunter2") });
    assert!(JwtKey::jwk(&short.to_string()).is_err());
    let unnamed = json!({ "kty": "oct", "k": b64(SECRET) });
    assert!(JwtKey::jwk(&unnamed.to_string()).is_err(), "a secret without an algorithm has none");
}

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

fn pem_body(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).unwrap()
}

fn fresh_p256() -> String {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref())
}

#[test]
fn j16_duplicates_none_and_long_tokens_are_refused() {
    let verifier = hs256();
    let good = good_claims().to_string();
    let twice = |name: &str, value: &str| format!("{},\"{name}\":{value}}}", good.strip_suffix('}').unwrap());
    for (name, value) in [
        ("iss", "\"https://issuer.example\""),
        ("aud", "\"people\""),
        ("exp", "1700000600"),
        ("sub", "\"jacob\""),
        ("s\\u0075b", "\"jacob\""),
    ] {
        assert!(!accepts(&verifier, &token(&twice(name, value))), "{name}");
    }
    assert!(!accepts(&verifier, &token(&twice("role", "1,\"role\":2"))), "any claim");
    assert!(accepts(&verifier, &token(&twice("role", "{\"a\":1,\"b\":2}"))));
    let many: String = (0..300).map(|n| format!(",\"c{n}\":1")).collect();
    assert!(accepts(&verifier, &token(&good.replace('}', &format!("{many}}}")))));
    assert!(!accepts(&verifier, &token(&good.replace('}', &format!("{many},\"c299\":1}}")))), "past the short list");

    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"a"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{}"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "",
    ] {
        let signed = headed(header);
        assert!(!accepts(&verifier, &signed), "{header}");
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        assert!(!accepts(&verifier, &format!("{unsigned}.")), "{header}");
    }
    // RFC 7519 §6.1, an unsecured token; and RFC 7519 A.1, an encrypted one, has five parts.
    assert!(!accepts(
        &verifier,
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    ));
    let good = token(&good);
    for odd in [
        "a.b.c.d.e",
        "a.b",
        "a",
        "..",
        ".",
        "a..c",
        &format!("{good}."),
        &format!(".{good}"),
        &format!("{good}="),
        &format!("{good}.{good}"),
    ] {
        assert!(!accepts(&verifier, odd), "{odd}");
    }

    let filler = |length: usize| token(&claims_with("filler", json!("x".repeat(length))));
    let fits = (49_000..49_200).rev().map(filler).find(|token| token.len() <= 65_536).unwrap();
    assert!(fits.len() > 65_500 && accepts(&verifier, &fits), "{}", fits.len());
    assert!(!accepts(&verifier, &filler(49_200)) && !accepts(&verifier, &filler(1_000_000)));
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
fn what_names_nobody_is_of_whom_has_no_name() {
    let ours = JwtSigner::fresh().unwrap();
    let secret = Secret::new(SECRET);
    let shared = JwtSigner::secret(HS256, &secret).unwrap();
    let nobody = TrustedIssuer::unnamed().audience("people").key(JwtKey::secret(HS256, &secret).unwrap());
    let both =
        at_now(JwtVerifier::trusting(ours.trusted("https://ours.example").audience("people")).and_trusting(nobody));
    let both = both.principal::<Value>().unwrap();
    let signed = |signer: &JwtSigner, more: &str| {
        let claims = format!(r#"{{"aud":"people","exp":{}{more}}}"#, NOW + 60);
        signer.sign(&serde_json::from_str::<Value>(&claims).unwrap()).unwrap()
    };
    for (signer, more, good) in [
        (&shared, "", true),
        (&ours, r#","iss":"https://ours.example""#, true),
        (&ours, "", false),
        (&shared, r#","iss":"https://ours.example""#, false),
        (&shared, r#","iss":"https://other.example""#, false),
        (&shared, r#","iss":"""#, false),
        (&shared, r#","iss":null"#, false),
        (&shared, r#","iss":["https://ours.example"]"#, false),
    ] {
        assert_eq!(accepts(&both, &signed(signer, more)), good, "{signer:?} {more}");
    }
    // Once under each reading of a name that stands there twice: the text is signed as it is.
    for claims in [r#""iss":"https://other.example","iss":"https://ours.example""#, r#""iss":"a","iss":"a""#] {
        let claims = format!(r#"{{{claims},"aud":"people","exp":{}}}"#, NOW + 60);
        let token = workshop().token(HS256, &header_of(HS256), &claims);
        assert!(!accepts(&both, &token), "{token}");
    }
}

#[test]
fn a_secret_that_can_be_guessed_is_taken_by_its_own_call_alone() {
    for (algorithm, secret, short, risky) in [
        (HS256, "secret", false, true),
        (HS256, "", false, false),
        (HS256, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, true),
        (JwtAlgorithm::EdDsa, "secret", false, false),
    ] {
        let secret = Secret::new(secret);
        assert_eq!(JwtKey::secret(algorithm, &secret).is_ok(), short, "{algorithm}");
        assert_eq!(JwtKey::secret_that_can_be_guessed(algorithm, &secret).is_ok(), risky, "{algorithm}");
        assert_eq!(JwtSigner::secret_that_can_be_guessed(algorithm, &secret).is_ok(), risky, "{algorithm}");
    }
    let secret = Secret::new("secret");
    let signer = JwtSigner::secret_that_can_be_guessed(HS256, &secret).unwrap();
    let key = JwtKey::secret_that_can_be_guessed(HS256, &secret).unwrap();
    let verifier = at_now(JwtVerifier::trusting(TrustedIssuer::unnamed().any_audience().key(key)));
    let verifier = verifier.principal::<Value>().unwrap();
    let token = signer.sign(&json!({ "exp": NOW + 60 })).unwrap();
    assert!(accepts(&verifier, &token));
    assert!(signer.jwks_json() == r#"{"keys":[]}"#, "no secret is shown");
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

fn numbered(scopes: usize) -> Vec<String> {
    (0..scopes).map(|number| format!("s{number}")).collect()
}

#[test]
fn scopes_come_of_the_claim_that_is_there() {
    let rows: [(Option<&str>, Value, Option<&str>); 29] = [
        (None, json!({}), Some("")),
        (None, json!({ "scope": "a b" }), Some("a b")),
        (None, json!({ "scope": "" }), Some("")),
        (None, json!({ "scope": ["openid", "api1"] }), Some("openid api1")),
        (None, json!({ "scope": [] }), Some("")),
        (None, json!({ "scope": ["a b"] }), None),
        (None, json!({ "scope": ["a", ""] }), None),
        (None, json!({ "scope": ["a", 7] }), None),
        (None, json!({ "scope": [["a"]] }), None),
        (None, json!({ "scope": { "a": true } }), None),
        (None, json!({ "scope": null, "scp": "a" }), None),
        (None, json!({ "scope": numbered(129) }), None),
        (None, json!({ "scope": ["a"], "scp": ["b"] }), Some("a")),
        (None, json!({ "scope": "a\"b" }), None),
        (None, json!({ "scope": format!("{}a", "a ".repeat(200)) }), Some("a")),
        (None, json!({ "scope": numbered(129).join(" ") }), None),
        (None, json!({ "scp": numbered(129) }), None),
        (None, json!({ "scp": "a b" }), Some("a b")),
        (None, json!({ "scp": ["a", "b"] }), Some("a b")),
        (None, json!({ "scp": ["a b"] }), None),
        (None, json!({ "scp": ["a", 7] }), None),
        (None, json!({ "scope": "a", "scp": ["b"] }), Some("a")),
        (None, json!({ "permissions": ["a"] }), Some("")),
        (Some("permissions"), json!({ "permissions": ["a", "b"] }), Some("a b")),
        (Some("permissions"), json!({ "permissions": "a b" }), Some("a b")),
        (Some("permissions"), json!({ "permissions": 7 }), None),
        (Some("permissions"), json!({ "scope": "a", "scp": "b" }), Some("")),
        (Some("scope"), json!({ "scope": ["a", "b"] }), Some("a b")),
        (Some("scp"), json!({ "scp": ["a"], "scope": "b" }), Some("a")),
    ];
    for (named, more, expected) in rows {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let builder = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])));
        let builder = named.into_iter().fold(builder, JwtVerifierBuilder::scopes_from);
        let verified = accepted(&builder.principal::<Value>().unwrap(), &token(&claims.to_string()));
        let scopes = verified.map(|verified| verified.scopes().to_string());
        assert_eq!(scopes.as_deref(), expected, "{named:?} {more}");
    }
}

#[test]
fn a_grant_is_revocable_by_subject_and_token() {
    let verified = accepted(&hs256(), &token(&claims_with("jti", json!("t-1")))).unwrap();
    assert_eq!(verified.subject(), Some("emily"));
    let expected = [
        Handle::subject("emily"),
        Handle::subject_of(ISSUER, "emily"),
        Handle::of(HandleKind::Token, "t-1"),
        Handle::token_of(ISSUER, "t-1"),
        Handle::issuer(ISSUER),
    ];
    assert_eq!(verified.handles(), expected);
}

#[test]
fn the_application_makes_the_principal_and_may_refuse() {
    #[derive(serde::Deserialize)]
    struct Caller {
        sub: String,
        level: u8,
    }
    let builder = || at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])));
    let typed = builder().principal::<Caller>().unwrap();
    let caller = accepted(&typed, &token(&claims_with("level", json!(3)))).unwrap();
    assert_eq!((caller.principal().sub.as_str(), caller.principal().level), ("emily", 3));
    assert!(!accepts(&typed, &token(&claims_with("level", json!(300)))), "what makes no principal is refused");

    let by_hand = builder()
        .principal_by(|claims, verified| match claims.get::<Option<u8>>("level") {
            Ok(Some(Some(level))) if level > 1 => verified.map(|()| level).with_roles(["member"]).into(),
            Ok(_) => Answer::Refused,
            Err(_) => Answer::Unavailable(countersign::Unavailable::because("ill-typed")),
        })
        .unwrap();
    let verified = accepted(&by_hand, &token(&claims_with("level", json!(2)))).unwrap();
    assert_eq!((*verified.principal(), verified.roles().len()), (2, 1));
    assert_eq!(verified.subject(), Some("emily"), "what was known stays");
    for level in [json!(1), json!(null)] {
        assert!(!accepts(&by_hand, &token(&claims_with("level", level))));
    }
}

#[test]
fn only_what_costs_more_than_a_look_up_is_reused() {
    let workshop = workshop();
    assert_eq!(Verify::<_>::terms(&hs256()).are_kept(), Kept::Never);
    assert_eq!(verifier([workshop.key(JwtAlgorithm::EdDsa)]).terms().are_kept(), Kept::Always);
    assert_eq!(verifier([workshop.key(JwtAlgorithm::EdDsa), workshop.key(HS256)]).terms().are_kept(), Kept::Always);
    let never = JwtVerifier::trusting(issuer([workshop.key(JwtAlgorithm::EdDsa)])).reusable_for(None);
    assert_eq!(never.principal::<Value>().unwrap().terms().are_kept(), Kept::Never);
}

#[test]
fn a_signature_has_one_spelling() {
    let workshop = workshop();
    for algorithm in ALGORITHMS {
        let verifier = verifier([workshop.key(algorithm)]);
        let token = workshop.token(algorithm, &header_of(algorithm), &good_claims().to_string());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let longer = [raw.as_slice(), &[0]].concat();
        let zeros = vec![0; raw.len()];
        for other in [&raw[1..], &raw[..raw.len() - 1], &longer, &zeros, &[0; 1100], &[]] {
            assert!(!accepts(&verifier, &format!("{signed}.{}", b64(other))), "{algorithm} {}", other.len());
        }
        // The bits that base64 leaves over must be zero.
        let odd = signature.len() % 4 != 0;
        let (head, last) = signature.split_at(signature.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let next = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
        assert!(!odd || !accepts(&verifier, &format!("{signed}.{head}{next}")), "{algorithm}");
        // ECDSA as DER (as some libraries write it) is no JWS signature.
        assert!(!accepts(&verifier, &format!("{signed}.{}", b64([&[0x30, 0x44], raw.as_slice()].concat()))));
    }
}

#[test]
fn nothing_secret_is_printed() {
    let key = workshop().key(HS256);
    let printed = format!("{key:?} {:?} {:?}", hs256(), JwtSigner::secret(HS256, &Secret::new(SECRET)).unwrap());
    assert!(!printed.contains("0123456789") && !printed.contains("48, 49"), "{printed}");
    let error = JwtKey::secret(HS256, &Secret::new("hunter2")).unwrap_err();
    assert!(error.to_string().contains("32 random bytes") && !error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn what_is_wrong_at_start_prints_as_a_sentence_from_main_too() {
    let setup = [
        JwtKey::secret(HS256, &Secret::new("hunter2")).unwrap_err(),
        JwtKey::secret(HS256, &Secret::new([0; 64])).unwrap_err(),
        JwtKey::pem(JwtAlgorithm::EdDsa, "").unwrap_err(),
        JwtKey::pem(JwtAlgorithm::EdDsa, &workshop().public_pem(JwtAlgorithm::Es256)).unwrap_err(),
        JwtKey::jwk("").unwrap_err(),
        KeySet::parse("").unwrap_err(),
        JwtSetupError::Generate,
        JwtSetupError::NoKey { issuer: ISSUER.into() },
        JwtSetupError::NoAudience { issuer: ISSUER.into() },
        JwtSetupError::IssuerTwice { issuer: ISSUER.into() },
        JwtSetupError::KeyTwice { issuer: ISSUER.into(), algorithm: HS256 },
    ];
    for error in setup {
        // What `main` prints of the error that it returns.
        let (shown, printed) = (error.to_string(), format!("{:?}", Box::<dyn std::error::Error>::from(error)));
        assert_eq!(printed, shown);
        assert!(shown.contains(' ') && !shown.contains("why:") && !shown.contains(" { "), "{shown}");
    }
    let claims = JwtSigner::fresh().unwrap().sign(&7).unwrap_err();
    assert_eq!(format!("{claims:?}"), claims.to_string());
    let set = KeySet::parse(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#).unwrap();
    assert!(format!("{:?}", set.skipped()).contains("it is symmetric"));
}

#[test]
fn j17_rsa_is_not_that_of_pure_rust() {
    // RUSTSEC-2023-0071: it tells a private key by its time. Nothing here, not even an example, brings it along.
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    let brings = |name: &str| lock.contains(&format!("\nname = \"{name}\"\n"));
    assert!(brings("aws-lc-rs") && brings("jsonwebtoken"));
    assert!(!brings("rsa") && !brings("crypto-bigint"));
}
