//! What a text is, without keys: and that nothing secret of it is shown.

use crate::run::{Ran, file, new_path, run, run_with};

const PUBLIC_JWK: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"2026","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn explained(text: &str) -> Ran {
    run_with(text, &["explain", "--json"])
}

#[test]
fn each_kind_is_known_and_no_secret_is_shown() {
    let key = new_path("key.pem");
    run(&["signing-key", "new", "--alg", "ES256", "--out", &key]);
    let pem = std::fs::read_to_string(&key).unwrap();
    let secret_of_pem = pem.lines().nth(1).unwrap().to_owned();
    let api_key = run(&["key", "new", "--prefix", "ppl_", "--json"]).json()["key"].as_str().unwrap().to_owned();
    let ring = run(&["key-ring", "new"]).out;
    let private_jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let rows: [(String, &str, i32, &str); 19] = [
        (pem, "a private key", 0, &secret_of_pem),
        (private_jwk.into(), "a private key as a JWK", 0, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
        (PUBLIC_JWK.into(), "a public key as a JWK", 0, "—"),
        (format!(r#"{{"keys":[{PUBLIC_JWK},{{"kty":"oct","k":"c2VjcmV0"}}]}}"#), "a set of keys", 0, "c2VjcmV0"),
        (r#"{"keys":[]}"#.into(), "a set of keys", 1, "—"),
        (api_key.clone(), "an API key or opaque token of this library", 0, &api_key),
        (format!("X-Api-Key: {api_key}"), "an API key", 0, &api_key),
        (format!("Authorization: Bearer {api_key}"), "an API key", 0, &api_key),
        (ring.clone(), "a key ring", 0, ring.trim_end()),
        ("Authorization: Basic ZW1pbHk6czNjcmV0".into(), "a name and a password", 0, "s3cret"),
        ("basic ZW1pbHk6czNjcmV0".into(), "a name and a password", 0, "s3cret"),
        ("Authorization: Basic ZW1pbHk6czNjcmV0=".into(), "a name and a password", 1, "s3cret"),
        (
            r#"Authorization: Digest username="Mufasa", realm="a", response="6629fae49393a05397450978507c4ef1""#.into(),
            "a credential that is made for one request",
            0,
            "6629fae4",
        ),
        (
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQtMTZieXRlcw$0pfJshWVK9qBlax1BjmZAAyRSFEBCP6c5xcLPGMuIpQ".into(),
            "a password hash",
            0,
            "0pfJshWVK9",
        ),
        ("$6$salt$hash".into(), "a password hash", 1, "salt"),
        ("!".into(), "what stands for no password", 0, "—"),
        (r#"WWW-Authenticate: Bearer realm="people", error="invalid_token""#.into(), "a challenge", 0, "—"),
        (r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"no"}"#.into(), "a refusal", 0, "—"),
        ("17|KxKxKxKxKxKxKxKx".into(), "a token that says nothing by itself", 0, "17|Kx"),
    ];
    for (text, kind, code, secret) in rows {
        let ran = explained(&text);
        let json = ran.json();
        assert_eq!(ran.code, code, "{text}: {json}");
        assert!(json["kind"].as_str().is_some_and(|said| said.starts_with(kind)), "{text}: {json}");
        // Of a file too, and in lines for people.
        let lines = run(&["explain", "--file", &file("text", &text)]);
        assert_eq!(lines.code, code, "{text}");
        assert!(!ran.out.contains(secret) && !lines.out.contains(secret), "{text}: {}", ran.out);
    }
}

#[test]
fn what_is_wrong_with_a_key_is_said() {
    for (text, why) in [
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, "\"x\" must have 32 bytes"),
        (r#"{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}"#, "its \"use\" is not \"sig\""),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "the key is encrypted"),
    ] {
        let ran = explained(text);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.json()["why"].as_str().is_some_and(|said| said.contains(why)), "{ran:?}");
    }
}

#[test]
fn what_a_token_says_is_told_and_cannot_move_the_cursor() {
    // {"alg":"EdDSA","kid":"\u001b[2Jk7"} . {"sub":"a\nb","exp":1700000000,"cnf":{"jkt":"x"}}
    let token = "eyJhbGciOiJFZERTQSIsImtpZCI6Ilx1MDAxYlsySms3In0.eyJzdWIiOiJhXG5iIiwiZXhwIjoxNzAwMDAwMDAwLCJjbmYiOnsiamt0IjoieCJ9fQ.c2ln";
    let lines = run_with(token, &["explain", "--at", "1700000040"]);
    assert_eq!(lines.code, 0, "nothing was held against it");
    for said in [
        "algorithm: EdDSA",
        "key id: \\u{1b}[2Jk7",
        "subject: a\\nb",
        "end: ended 40 s ago (2023-11-14T22:13:20Z)",
        "bound: by \"cnf\"",
        "signature: not checked",
    ] {
        assert!(lines.out.contains(said), "{said}: {}", lines.out);
    }
    assert!(!lines.out.contains('\u{1b}'));
    let sealed = format!("{}.a.b.c.d", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0");
    assert_eq!(explained(&sealed).json()["encryption"].as_str(), Some("A256GCM"));
}

#[test]
fn what_is_nothing_known_ends_with_2() {
    for text in [
        "",
        " \n",
        "hello",
        "two words that are nothing",
        "Cookie: theme=dark",
        "Authorization: Bearer",
        "{}",
        "[]",
        "\u{0}",
    ] {
        let ran = run_with(text, &["explain"]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{text:?}: {ran:?}");
        assert!(ran.err.starts_with("countersign: "), "{ran:?}");
    }
}

#[test]
fn an_argument_is_explained_too() {
    let ran = run(&["explain", PUBLIC_JWK]);
    assert!(ran.code == 0 && ran.out.contains("thumbprint: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"), "{ran:?}");
}
