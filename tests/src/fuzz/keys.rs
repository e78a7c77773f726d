//! Keys in whatever form somebody hands them in: read or not, never a panic, and of a set nothing is used that is not listed.

use countersign::jose::{JwtAlgorithm, JwtKey, JwtSigner, KeySet};
use serde_json::Value;

use super::input::Input;

const ED25519: &[u8] = br#"j{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs","kid":"a"}"#;
const P256: &[u8] = br#"j{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;
const SET: &[u8] = br#"s{"keys":[{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"},{"kty":"oct","k":"AAAA"}]}"#;
const PEM: &[u8] = b"p-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\nw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n";
const PRIVATE: &[u8] = b"q-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----";

pub(super) const SEEDS: &[&[u8]] = &[ED25519, P256, SET, PEM, PRIVATE];

pub(super) fn keys(bytes: &[u8]) {
    let mut input = Input::of(bytes);
    let form = input.byte();
    let Ok(text) = std::str::from_utf8(input.rest()) else { return };
    match form {
        b's' => {
            if let Ok(set) = KeySet::parse(text) {
                let all = serde_json::from_str::<Value>(text).expect("it was read as JSON");
                let listed = all["keys"].as_array().map_or(0, Vec::len);
                let told = set.len() + set.skipped().len();
                assert!(told <= listed && (told == 0) == (listed == 0), "a key is used, or it is said why not");
            }
        }
        b'p' => {
            if let Ok(key) = JwtKey::pem(JwtAlgorithm::Es256, text) {
                assert!(text.contains("-----BEGIN PUBLIC KEY-----") || text.contains("-----BEGIN CERTIFICATE-----"));
                assert_eq!(key.algorithm(), JwtAlgorithm::Es256);
            }
        }
        b'q' => {
            if let Ok(signer) = JwtSigner::pem(text) {
                // What it shows of itself is a key that others read, and it is the same key.
                let shown = KeySet::parse(&signer.jwks_json()).expect("a set of keys");
                assert_eq!(shown.len(), 1);
                assert_eq!(shown.keys()[0].thumbprint(), signer.key().thumbprint());
                assert!(!signer.jwks_json().contains("\"d\""));
            }
        }
        _ => jwk(text),
    }
}

/// A key that is read is of the algorithm that its type has, and a set uses it as it is used alone.
fn jwk(text: &str) {
    let read = JwtKey::jwk(text);
    if let Ok(key) = &read {
        let members = serde_json::from_str::<Value>(text).expect("it was read as JSON");
        let of = |name: &str| members[name].as_str().unwrap_or_default();
        let fits = match of("kty") {
            "OKP" => of("crv") == "Ed25519" && key.algorithm() == JwtAlgorithm::EdDsa,
            "EC" => {
                matches!((of("crv"), key.algorithm()), ("P-256", JwtAlgorithm::Es256) | ("P-384", JwtAlgorithm::Es384))
            }
            "RSA" => ["RS", "PS"].contains(&&key.algorithm().name()[..2]),
            "oct" => key.algorithm().name().starts_with("HS"),
            _ => false,
        };
        assert!(fits, "{members} is of {}", key.algorithm().name());
        assert!(members["alg"].is_null() || of("alg") == key.algorithm().name() || of("alg") == "Ed25519", "{members}");
        assert!(members["use"].is_null() || of("use") == "sig", "{members}");
    }
    // Whoever fetches a set has no secrets in it.
    if let Ok(set) = KeySet::parse(&format!("{{\"keys\":[{text}]}}")) {
        let alone = read.is_ok_and(|key| !key.algorithm().name().starts_with("HS"));
        assert!(alone || set.is_empty(), "{text} is read in a set alone");
    }
}
