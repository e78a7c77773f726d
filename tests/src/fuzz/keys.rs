//! Keys in whatever form somebody hands them in: read or not, never a panic, and of a set nothing is used that is not listed.

use countersign::jose::{JwtAlgorithm, JwtKey, JwtSigner, KeySet};

use super::input::Input;

const ED25519: &[u8] = br#"j{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs","kid":"a"}"#;
const P256: &[u8] = br#"j{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;
const SET: &[u8] = br#"s{"keys":[{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"},{"kty":"oct","k":"AAAA"}]}"#;
const PEM: &[u8] = b"p-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\nw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n";
const PRIVATE: &[u8] = b"q-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\\n-----END PRIVATE KEY-----";

pub(super) const SEEDS: &[&[u8]] = &[ED25519, P256, SET, PEM, PRIVATE];

pub(super) fn keys(bytes: &[u8]) {
    let mut input = Input::of(bytes);
    let form = input.byte();
    let Ok(text) = std::str::from_utf8(input.rest()) else { return };
    match form {
        b's' => {
            if let Ok(set) = KeySet::parse(text) {
                let all = serde_json::from_str::<serde_json::Value>(text).expect("it was read as JSON");
                let listed = all["keys"].as_array().map_or(0, Vec::len);
                let told = set.len() + set.skipped().len();
                assert!(told <= listed && (told == 0) == (listed == 0), "a key is used, or it is said why not");
            }
        }
        b'p' => drop(JwtKey::pem(JwtAlgorithm::Es256, text)),
        b'q' => drop(JwtSigner::pem(text)),
        _ => drop(JwtKey::jwk(text)),
    }
}
