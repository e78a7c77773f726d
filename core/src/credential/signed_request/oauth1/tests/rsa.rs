//! Consumers that sign by RSA, against what oauthlib made with the key `test-key-rsa-pss` of RFC 9421 (PKCS#1 v1.5 draws no random numbers).

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;

const PEM: &str = include_str!("test-key-rsa-pss.pem");
const NAME: &str = "test-key-rsa-pss";
const URL: &str = "http://example.com/oauth1?a=1";
const BY_SHA1: &str = concat!(
    "IWrNZRcHkd8G8K7IFnl%2FFuZn3wiyEjmvbzyRGDPJPTrnBePd18TlKCpeRfoIgZmCqJdlABQ6t%2BxGCQRy%2FBhNeyfaAbL%2BGGknRAkSBJ",
    "5c6rCb4xFX6G6klHiNyWPd8M17hbKfOENxYAZIAoei079vGFmLMPt57UVsIkwbbmWGhjXhl7i0qmfspeqVUAtxqgBJA9qtNDvtm4M28UDNJVhu",
    "jePkPUeBMYJFOWmZhbhzESpj6jCTD8lL8XhpZDsmfTiwTB5M8lFIa7hw2axIi4KPMmfMQuWwpAgXLqiNM4j6qHgx8vkFPpOAvi8DE%2BH27Apq",
    "OU5MlRyBCn%2FlTTDnXYoVkg%3D%3D",
);
const BY_SHA256: &str = concat!(
    "blWC0COcmOfLem%2BEKFfkqfrFn7AcmCRe1D5ZW0qaBqtyN5c%2BnFF2eObJuLrESjLQT%2BZQSJgrU8ziYE%2FKZtYNgd%2BRvVypErUoInlX",
    "5BCxnBUaZoXGYzVYEKzByet2Vl7oAqDFk%2FbSWuaHLoMDiRuGwkYtrDt0VGPL%2FtFCNlJBnsBnX16iCpLAz0UE2XQXNZ7tgckqjxZ7MCOK5j",
    "UYsb9BUy8qQhtHsUWNyA8PbgIcY0fNtioErgZDUVBOdl5B%2F%2FwDYhQze7MGzZNpoILhBmFeBkwt%2Bg1NyEYG1lQPwlgfDzook9cWytR7CF",
    "ihD3B60kYgFRdFja8f5FM5CBWG0wMjVg%3D%3D",
);

/// The public half.
const PUBLIC: &str = concat!(
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x",
    "28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd1",
    "1nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm",
    "+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB",
);

fn public() -> Secret {
    Secret::new(STANDARD.decode(PUBLIC).unwrap())
}

fn house() -> House {
    let stored = StoredSecret::new(public(), Verified::new("alice"));
    house_of(MemorySecrets::new().with(&OAuth1::rsa_signer(NAME, None), stored), TIME)
}

/// What oauthlib sends, with this signature.
fn sent(method: &str, signature: &str) -> String {
    format!(
        "OAuth oauth_nonce=\"7d8f3e4a\", oauth_timestamp=\"1700000000\", oauth_version=\"1.0\", oauth_signature_method=\"{method}\", oauth_consumer_key=\"{NAME}\", oauth_signature=\"{signature}\""
    )
}

#[tokio::test]
async fn what_a_stranger_signed_by_rsa_is_let_in_and_nothing_else_of_that_consumer() {
    let at_the_door = house();
    let by_public = |signer: OAuth1Signer| signer.with_nonce("n").authorization("GET", URL, &at(TIME));
    let as_mac = || OAuth1Signer::new(NAME, public());
    for (authorization, status) in [
        (sent("RSA-SHA1", BY_SHA256), 401),
        (sent("RSA-SHA256", BY_SHA1), 401),
        (sent("HMAC-SHA256", BY_SHA256), 401),
        // Whoever knows the public key can make these.
        (by_public(as_mac()), 401),
        (by_public(as_mac().by_sha256()), 401),
        (by_public(as_mac()).replace("HMAC-SHA1", "RSA-SHA1"), 401),
        (sent("RSA-SHA1", &BY_SHA1.replacen("I", "J", 1)), 401),
        (sent("RSA-SHA1", BY_SHA1), 200),
        (sent("RSA-SHA1", BY_SHA1), 401),
    ] {
        assert_eq!(at_the_door.status(get("/oauth1?a=1", &authorization)).await, status, "{authorization}");
    }
    assert_eq!(house().status(get("/oauth1?a=1", &sent("RSA-SHA256", BY_SHA256))).await, 200);
    assert_eq!(house().status(get("/oauth1?a=2", &sent("RSA-SHA256", BY_SHA256))).await, 401);
}

#[tokio::test]
async fn what_is_signed_by_rsa_here_is_what_a_stranger_makes() {
    let signer = OAuth1Signer::with_rsa_key(NAME, PEM).unwrap().with_nonce("7d8f3e4a").with("oauth_version", "1.0");
    for signer in [signer.clone(), signer.by_sha256()] {
        let made = signer.authorization("GET", URL, &at(TIME));
        assert!(made.contains("oauth_signature_method=\"RSA-SHA256\""), "{made}");
        assert!(made.ends_with(&format!("oauth_signature=\"{BY_SHA256}\"")), "{made}");
        assert_eq!(house().asks(get("/oauth1?a=1", &made)).await.unwrap(), "alice");
    }
    let ed = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
    let public = format!("-----BEGIN PUBLIC KEY-----\n{PUBLIC}\n-----END PUBLIC KEY-----\n");
    for pem in ["", "no key", ed, &public, &format!("{PEM}{PEM}")] {
        assert!(OAuth1Signer::with_rsa_key(NAME, pem).is_err(), "{pem}");
    }
}
