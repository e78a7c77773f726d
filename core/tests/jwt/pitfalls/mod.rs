//! Letters J of PITFALLS.md, as far as keys are given.

mod claims;
mod keys;
mod secrets;
mod trust;

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

fn fresh_p256() -> String {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref())
}
