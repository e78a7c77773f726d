//! The examples of RFC 7515, 7519, 7638 and 8037, and the vectors of FORMATS.md.

use std::sync::Arc;

use countersign::{
    Secret,
    jose::{JwtAlgorithm, JwtKey},
    testing::ManualClock,
    verifier::jwt::{JwtVerifier, TrustedIssuer},
};
use serde_json::{Value, json};

use crate::workshop::*;

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const EXP: u64 = 1_300_819_380;

fn joe(key: JwtKey, now: u64) -> JwtVerifier<Value> {
    let issuer = TrustedIssuer::named("joe").any_audience().key(key);
    JwtVerifier::trusting(issuer).timed_by(Arc::new(ManualClock::at(at(now)))).principal().unwrap()
}

#[test]
fn rfc_7515_a_1_to_a_3_verify() {
    let rows = [
        (
            json!({ "kty": "oct", "alg": "HS256",
                "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" }),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" }),
            "eyJhbGciOiJSUzI1NiJ9",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }),
            "eyJhbGciOiJFUzI1NiJ9",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
    ];
    for (jwk, header, signature) in rows {
        let key = JwtKey::jwk(&jwk.to_string()).unwrap();
        let token = format!("{header}.{CLAIMS}.{signature}");
        let verified = accepted(&joe(key.clone(), EXP - 1), &token).unwrap();
        assert_eq!(verified.principal()["http://example.com/is_root"], true);
        assert!(!accepts(&joe(key.clone(), EXP + 30), &token), "expired");
        let forged: String = signature.chars().rev().collect();
        assert!(!accepts(&joe(key, EXP - 1), &format!("{header}.{CLAIMS}.{}", forged)));
    }
}

#[test]
fn rfc_7515_a_4_is_of_a_curve_that_is_not_taken() {
    let jwk = json!({ "kty": "EC", "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2" });
    assert!(JwtKey::jwk(&jwk.to_string()).unwrap_err().to_string().contains("crv"));
}

#[test]
fn rfc_8037_signs_no_claims_and_its_key_has_the_thumbprint() {
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let key = JwtKey::jwk(&jwk.to_string()).unwrap();
    assert_eq!(key.thumbprint().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    // A.4: a good signature (the unit test of `key` says so) of what is no claims.
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert!(!accepts(&joe(key, EXP), token));
}

#[test]
fn rfc_7638_3_1_is_the_thumbprint() {
    let jwk = json!({ "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" });
    let key = JwtKey::jwk(&jwk.to_string()).unwrap();
    assert_eq!(key.thumbprint().as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    assert_eq!(key.id(), Some("2011-04-29"));
}

#[test]
fn the_vectors_of_pyjwt_itsdangerous_and_play() {
    let secret = |algorithm, secret: &str| JwtKey::secret(algorithm, &Secret::new(secret)).unwrap();
    let trusted = |key| {
        let issuer = TrustedIssuer::unnamed().any_audience().key(key);
        JwtVerifier::trusting(issuer).timed_by(Arc::new(ManualClock::at(at(NOW)))).principal::<Value>().unwrap()
    };
    let pyjwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI1IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA2MDB9.8960ePTw5zMsvWWlcnOFGiWRpAfHsLWAzZFWKUE-fDo";
    let verified = accepted(&trusted(secret(JwtAlgorithm::Hs256, "0123456789abcdef0123456789abcdef")), pyjwt).unwrap();
    assert_eq!(verified.subject(), Some("5"));
    // Play signs claims without an end, which are not taken here.
    let play = "eyJhbGciOiJIUzI1NiJ9.eyJkYXRhIjp7ImhlbGxvIjoid29ybGQifSwibmJmIjowLCJpYXQiOjB9.D4VQdyi9iyT0zwCNOaIJ1tYTtLZd03dktWbaqP6OkSA";
    let key = secret(JwtAlgorithm::Hs256, "vQU@MgnjTohP?w>jpu?X0oqvmz21o[AHP;/rPj?CB><YMFcl?xXfq]6o>1QuNcXU");
    assert!(!accepts(&trusted(key), play));
}
