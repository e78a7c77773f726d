//! Keys, rings and tokens that are made: strangers and the library read them.

use std::{fs, process::Command};

use countersign::{KeyRing, secret::TokenPrefix};

use crate::run::{file, new_path, run, run_with};

#[test]
fn an_api_key_fits_its_digest() {
    let json = run(&["key", "new", "--prefix", "ppl_", "--json"]).json();
    let (key, digest) = (json["key"].as_str().unwrap(), json["digest"].as_str().unwrap());
    let prefix: TokenPrefix = "ppl_".parse().unwrap();
    assert_eq!(prefix.digest(key.as_bytes()).unwrap().to_hex(), digest);
    assert_ne!(run(&["key", "new", "--prefix", "ppl_", "--json"]).json()["key"].as_str(), Some(key));
    let lines = run(&["key", "new", "--prefix", "ppl_"]).out;
    assert!(lines.starts_with("key: ppl_") && lines.contains("\ndigest: "), "{lines}");
}

#[test]
fn a_ring_is_made_and_turned() {
    let path = new_path("ring.txt");
    let made = run(&["key-ring", "new", "--out", &path, "--json"]).json();
    let first = fs::read_to_string(&path).unwrap();
    let ring = KeyRing::parse(&first).unwrap();
    assert_eq!(made["ids"][0].as_str(), ring.ids().next().as_deref());
    assert_eq!(run(&["key-ring", "new", "--out", &path]).code, 2, "a ring that is there is not overwritten");
    assert_eq!(fs::read_to_string(&path).unwrap(), first);

    fs::write(&path, format!("# of the people service\n\n{first}")).unwrap();
    assert_eq!(run(&["key-ring", "rotate", &path]).code, 0);
    let second = fs::read_to_string(&path).unwrap();
    assert!(second.ends_with(&format!("# of the people service\n\n{first}")), "{second}");
    let turned = KeyRing::parse(&second).unwrap();
    assert_eq!((turned.len(), turned.ids().nth(1)), (2, ring.ids().next()));

    let kept = run(&["key-ring", "rotate", &path, "--keep", "2", "--json"]).json();
    let third = KeyRing::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((third.len(), third.ids().nth(1)), (2, turned.ids().next()), "the oldest is taken away");
    assert_eq!(kept["taken_away"].as_u64(), Some(1));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_what_is_made() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (ring, key) = (new_path("ring.txt"), new_path("key.pem"));
    run(&["key-ring", "new", "--out", &ring]);
    run(&["signing-key", "new", "--out", &key]);
    assert_eq!((mode(&ring), mode(&key)), (0o600, 0o600));
    fs::set_permissions(&ring, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run(&["key-ring", "rotate", &ring]).code, 0);
    assert_eq!(mode(&ring), 0o640, "who could read it still can");
}

#[test]
fn what_is_no_ring_stays_as_it_is() {
    for text in ["", "short", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"] {
        let path = file("ring.txt", text);
        let ran = run(&["key-ring", "rotate", &path]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(
            fs::read_dir(std::path::Path::new(&path).parent().unwrap()).unwrap().count(),
            1,
            "nothing lies around"
        );
    }
}

#[test]
fn openssl_reads_every_signing_key() {
    for (alg, says) in [
        ("EdDSA", "ED25519"),
        ("ES256", "NIST CURVE: P-256"),
        ("ES384", "NIST CURVE: P-384"),
        ("RS256", "Private-Key: (2048 bit"),
        ("PS256", "No PSS parameter restrictions"),
    ] {
        let path = new_path("key.pem");
        let made = run(&["signing-key", "new", "--alg", alg, "--bits", "2048", "--out", &path, "--json"]).json();
        assert_eq!(made["algorithm"].as_str(), Some(alg), "{made}");
        let read = Command::new("openssl").args(["pkey", "-noout", "-text", "-in", &path]).output().unwrap();
        let text = String::from_utf8(read.stdout).unwrap();
        assert!(read.status.success() && text.contains(says), "{alg}: {text}");

        let set = run(&["signing-key", "jwks", &path]).out;
        let key = &serde_json::from_str::<serde_json::Value>(&set).unwrap()["keys"][0];
        assert_eq!((key["alg"].as_str(), key["kid"].as_str()), (Some(alg), made["key_id"].as_str()), "{set}");
        assert!(key.get("d").is_none(), "nothing private is shown: {set}");
    }
}

#[test]
fn a_signing_key_is_turned_and_what_the_old_one_signed_stays_good() {
    for alg in ["EdDSA", "ES256", "PS256", "RS256"] {
        let path = new_path("signing.pem");
        let made = run(&["signing-key", "new", "--alg", alg, "--bits", "2048", "--out", &path, "--json"]).json();
        let first = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("# of the people service\n{first}")).unwrap();
        let mint = |key: &str| {
            let wish = ["token", "mint", "--key", key, "--issuer", "https://people.example", "--audience", "people"];
            run(&[&wish[..], &["--subject", "emily"]].concat()).out
        };
        let old_token = mint(&path);
        let turned = run(&["signing-key", "rotate", &path, "--bits", "2048", "--json"]).json();
        assert_eq!(turned["algorithm"].as_str(), Some(alg), "{turned}");
        assert_eq!((turned["keys"].as_u64(), turned["taken_away"].as_u64()), (Some(2), Some(0)), "{turned}");
        assert_ne!(turned["key_id"], made["key_id"]);
        let second = fs::read_to_string(&path).unwrap();
        assert!(second.ends_with(&format!("# of the people service\n{first}")), "{alg}");
        let set: serde_json::Value = serde_json::from_str(&run(&["signing-key", "jwks", &path]).out).unwrap();
        let ids: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
        assert_eq!(ids, [turned["key_id"].clone(), made["key_id"].clone()], "{alg}");

        let judge = |token: &str| {
            let set = file("jwks.json", &run(&["signing-key", "jwks", &path]).out);
            let issuer = ["--issuer", "https://people.example", "--audience", "people"];
            run_with(token, &[&["explain", "--jwks", &set][..], &issuer].concat()).code
        };
        let new_token = mint(&path);
        assert_eq!((judge(&old_token), judge(&new_token)), (0, 0), "{alg}");
        let again = run(&["signing-key", "rotate", &path, "--bits", "2048", "--keep", "2", "--json"]).json();
        assert_eq!((again["keys"].as_u64(), again["taken_away"].as_u64()), (Some(2), Some(1)), "{again}");
        assert_eq!((judge(&old_token), judge(&new_token)), (1, 0), "{alg}: the oldest is gone");
    }
}

#[test]
fn a_key_of_another_kind_may_follow_and_what_is_no_key_stays() {
    let path = new_path("signing.pem");
    run(&["signing-key", "new", "--out", &path]);
    let turned = run(&["signing-key", "rotate", &path, "--alg", "es256"]);
    assert!(turned.code == 0 && turned.out.contains("ES256"), "{turned:?}");
    assert!(!turned.out.contains("PRIVATE") && !turned.err.contains("PRIVATE"), "{turned:?}");
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(run(&["signing-key", "rotate", &path, "--keep", "1"]).code, 2, "the old one is needed still");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    for text in ["", "no key\n", &before.replace("BEGIN PRIVATE", "BEGIN PUBLIC")] {
        let path = file("signing.pem", text);
        let ran = run(&["signing-key", "rotate", &path]);
        assert!(ran.code == 2 && ran.err.contains("signing.pem"), "{ran:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(run(&["signing-key", "rotate", "/nowhere/signing.pem"]).code, 2);
}

#[test]
fn a_token_is_minted_and_accepted_by_its_set() {
    for alg in ["EdDSA", "ES256", "ES384", "PS256", "RS256"] {
        let key = new_path("key.pem");
        run(&["signing-key", "new", "--alg", alg, "--bits", "2048", "--out", &key]);
        let set = file("jwks.json", &run(&["signing-key", "jwks", &key]).out);
        let mint = ["token", "mint", "--key", &key, "--issuer", "https://people.example", "--audience", "people"];
        let token =
            run(&[&mint[..], &["--subject", "emily", "--scope", "reports:read", "--scope", "profile"]].concat());
        assert_eq!((token.code, token.err.as_str()), (0, ""), "{token:?}");
        let judge = ["explain", "--json", "--jwks", &set, "--issuer", "https://people.example", "--audience", "people"];
        let accepted = run_with(&token.out, &judge);
        let json = accepted.json();
        assert_eq!((accepted.code, json["accepted"].as_bool()), (0, Some(true)), "{json}");
        assert_eq!(json["grants_subject"].as_str(), Some("emily"));
        assert_eq!(json["algorithm"].as_str(), Some(alg));
        assert_eq!(json["claims"]["scope"].as_str(), Some("reports:read profile"));
        assert!(
            json["end"].as_str().is_some_and(|end| end.starts_with("in 9 min") || end.starts_with("in 10 min")),
            "{json}"
        );
        assert!(!accepted.out.contains(token.out.trim_end().rsplit('.').next().unwrap()), "the signature is not shown");
    }
}

#[test]
fn a_token_by_a_secret_has_the_claims_that_are_said() {
    let secret = file("secret.txt", "0123456789abcdef0123456789abcdef\n");
    let mint =
        ["token", "mint", "--key", &secret, "--alg", "HS256", "--audience", "a", "--audience", "b", "--type", "at+jwt"];
    let claims = ["--claim", r#"roles=["admin"]"#, "--claim", "tenant=acme", "--claim", "level=3"];
    let token = run(&[&mint[..], &claims].concat()).out;
    let judge = ["explain", "--json", "--key", &secret, "--alg", "HS256", "--audience", "b", "--type", "at+jwt"];
    let json = run_with(&token, &judge).json();
    assert_eq!(json["accepted"].as_bool(), Some(true), "{json}");
    let expected = serde_json::json!({ "aud": ["a", "b"], "roles": ["admin"], "tenant": "acme", "level": 3 });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&json["claims"][name], value);
    }
    for wrong in [&["--claim", "roles"][..], &["--claim", "=x"], &["--subject", ""], &["--scope", "a\"b"]] {
        assert_eq!(run(&[&mint[..], wrong].concat()).code, 2, "{wrong:?}");
    }
    let short = file("secret.txt", "hunter2");
    assert_eq!(
        run(&["token", "mint", "--key", &short, "--alg", "HS256"]).code,
        2,
        "a secret that can be guessed signs nothing"
    );
}
