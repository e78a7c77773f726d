//! Hashing passwords, and holding them against hashes of ours and of others.

use crate::run::{file, run_with};

#[test]
fn a_hash_is_made_and_verified() {
    for (cost, begins) in [
        ("default", "$argon2id$v=19$m=19456,t=2,p=1$"),
        ("fast", "$argon2id$v=19$m=256,t=1,p=1$"),
        ("m=1024,t=2,p=2", "$argon2id$v=19$m=1024,t=2,p=2$"),
    ] {
        let made = run_with("pässwörd-emma\n", &["hash", "--cost", cost]);
        let hash = made.out.trim_end();
        assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
        assert!(hash.starts_with(begins), "{hash}");
        for (password, code) in
            [("pässwörd-emma\n", 0), ("pässwörd-emma", 0), ("pässwörd-emma\r\n", 0), ("pässwörd-emma \n", 1), ("", 1)]
        {
            assert_eq!(run_with(password, &["verify", hash]).code, code, "{password:?}");
            assert_eq!(run_with(password, &["verify", "--file", &file("hash", &made.out)]).code, code, "{password:?}");
        }
    }
}

/// As PHP, passlib, Django and argon2-cffi wrote them: see core's `verifier::password::read`.
#[test]
fn hashes_of_others_are_verified() {
    for hash in [
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQtMTZieXRlcw$0pfJshWVK9qBlax1BjmZAAyRSFEBCP6c5xcLPGMuIpQ",
        "$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW",
        "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW",
        "$scrypt$ln=10,r=8,p=1$c29tZXNhbHQtMTZieXRlcw$6iw/iPQCH3IHIJ+UYU+PcboVpJjKMf4xEGkpDbtjFs4",
        "$pbkdf2-sha256$1000$c29tZXNhbHQtMTZieXRlcw$QXyw82/1jOE74HTkY1NrfjuHOelCoKF0OXEElL6.IkM",
        "pbkdf2_sha256$1000$djangosalt12$rXGYVUoEArKtxDE0veWOU9rcbX8wDhaDHlKOpQQVPkI=",
    ] {
        assert_eq!(run_with("open sesame", &["verify", hash]).code, 0, "{hash}");
        let wrong = run_with("open sesam", &["--json", "verify", hash]);
        assert_eq!((wrong.code, wrong.json()["right"].as_bool()), (1, Some(false)), "{hash}");
    }
}

#[test]
fn what_is_no_hash_ends_with_2_and_what_says_that_there_is_none_with_1() {
    for (hash, code) in [
        ("", 2),
        ("s3cret", 2),
        ("$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA", 2),
        ("$6$salt$hash", 2),
        ("!", 1),
        ("*", 1),
        ("!$argon2id$v=19$m=256,t=1,p=1$c29tZXNhbHQ$hash", 1),
    ] {
        let ran = run_with("s3cret", &["verify", hash]);
        assert_eq!(ran.code, code, "{hash:?}: {ran:?}");
        assert!(!ran.out.contains("s3cret") && !ran.err.contains("s3cret"), "{ran:?}");
    }
}

#[test]
fn a_cost_is_measured_beside_the_hash() {
    let ran = run_with("s3cret", &["hash", "--cost", "fast", "--measure"]);
    assert_eq!(ran.out.lines().count(), 1, "the hash alone can be piped on: {ran:?}");
    assert!(ran.err.contains("memory kib: 256") && ran.err.contains("milliseconds: "), "{ran:?}");
    let json = run_with("s3cret", &["hash", "--cost", "fast", "--measure", "--json"]).json();
    assert!(json["milliseconds"].as_f64().is_some_and(|time| time > 0.0), "{json}");
    assert_eq!(
        (json["memory_kib"].as_u64(), json["passes"].as_u64(), json["lanes"].as_u64()),
        (Some(256), Some(1), Some(1))
    );
    assert!(json["hash"].as_str().is_some_and(|hash| hash.starts_with("$argon2id$")), "{json}");
}

#[test]
fn a_password_that_no_server_takes_is_not_hashed() {
    assert_eq!(run_with(&"a".repeat(1024), &["hash", "--cost", "fast"]).code, 0);
    let ran = run_with(&"a".repeat(1025), &["hash", "--cost", "fast"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(run_with(&"a".repeat(1025), &["hash", "--json"]).json()["error"].is_string());
}
