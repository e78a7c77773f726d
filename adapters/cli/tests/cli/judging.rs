//! Whether keys accept a token or a cookie, and why not: in the library's own words.

use crate::run::{file, new_path, run, run_with};

/// Of PyJWT, for `sub` 5, from 1700000000 to 1700000600.
const PYJWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI1IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA2MDB9.8960ePTw5zMsvWWlcnOFGiWRpAfHsLWAzZFWKUE-fDo";
const PYJWT_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Of the documentation of signed cookies, for `session`, from 1700000000 to 1700043200.
const COOKIE: &str =
    "1.TewA-gOU.1700000000.1700043200.czNzczEwbi1pZC0wMDAx.s2H6PxPUlmn8j4v3oC7BTRvjSQcz9G1xhcgHqhMGdrw";
const RING: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[test]
fn a_token_of_a_stranger_is_judged_at_the_moment_that_is_named() {
    let secret = file("secret", PYJWT_SECRET);
    let other = file("secret", "fedcba9876543210fedcba9876543210");
    let rows: [(&[&str], i32, &str); 7] = [
        (&["--key", &secret, "--at", "1700000300"], 0, ""),
        (&["--key", &secret, "--at", "1700000629"], 0, ""),
        (&["--key", &secret, "--at", "1700000640"], 1, r#"its "exp" was 40 s ago"#),
        (&["--key", &other, "--at", "1700000300"], 1, "its signature is wrong"),
        (&["--key", &secret, "--at", "1700000300", "--issuer", "https://a.example"], 1, r#"its "iss" names nobody"#),
        (&["--key", &secret, "--at", "1700000300", "--audience", "people"], 1, r#"its "aud" names nobody"#),
        (&["--key", &secret, "--at", "1700000300", "--type", "at+jwt"], 1, r#"its "typ" is none that is taken"#),
    ];
    for (arguments, code, why) in rows {
        let ran = run_with(PYJWT, &[&["explain", "--json", "--alg", "HS256"], arguments].concat());
        let json = ran.json();
        assert_eq!((ran.code, json["accepted"].as_bool()), (code, Some(code == 0)), "{arguments:?}: {json}");
        assert!(json["why"].to_string().replace('\\', "").contains(why), "{arguments:?}: {json}");
        let lines = run_with(PYJWT, &[&["explain", "--alg", "HS256"], arguments].concat());
        assert!(lines.code == code && lines.out.contains(why), "{arguments:?}: {lines:?}");
    }
}

#[test]
fn a_key_that_is_not_in_the_set_is_named() {
    let (ours, theirs) = (new_path("a.pem"), new_path("b.pem"));
    for path in [&ours, &theirs] {
        run(&["signing-key", "new", "--alg", "ES256", "--out", path]);
    }
    let set = file("jwks.json", &run(&["signing-key", "jwks", &ours]).out);
    let token = run(&["token", "mint", "--key", &theirs, "--subject", "emily"]).out;
    let ran = run_with(&token, &["explain", "--jwks", &set]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("has no key") && ran.out.contains("for ES256"), "{ran:?}");
    assert_eq!(run_with(&token, &["explain", "--key", &theirs]).code, 0, "a private PEM judges too");
}

#[test]
fn a_cookie_is_judged_under_its_name() {
    let ring = file("ring", RING);
    let other = file("ring", "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE");
    let line = format!("Cookie: theme=dark; __Host-session={COOKIE}");
    let set_cookie = format!("Set-Cookie: session={COOKIE}; Path=/; HttpOnly");
    let rows: [(&str, &[&str], i32, &str); 8] = [
        (COOKIE, &["--key-ring", &ring, "--name", "session", "--at", "1700000000"], 0, ""),
        (COOKIE, &["--key-ring", &ring, "--name", "__Host-session", "--at", "1700000000"], 0, ""),
        (&line, &["--key-ring", &ring, "--at", "1700043199"], 0, ""),
        (&set_cookie, &["--key-ring", &ring, "--at", "1700043199"], 0, ""),
        (&line, &["--key-ring", &ring, "--at", "1700043240"], 1, "it ended 40 s ago"),
        (COOKIE, &["--key-ring", &ring, "--name", "other", "--at", "1700000000"], 1, "its MAC is wrong"),
        (&line, &["--key-ring", &ring, "--purpose", "csrf", "--at", "1700000000"], 1, "its MAC is wrong"),
        (
            &line,
            &["--key-ring", &other, "--at", "1700000000"],
            1,
            "its MAC is wrong, or of a key that is not in the ring",
        ),
    ];
    for (text, arguments, code, why) in rows {
        let ran = run_with(text, &[&["explain", "--json"], arguments].concat());
        let json = ran.json();
        assert_eq!((ran.code, json["accepted"].as_bool()), (code, Some(code == 0)), "{arguments:?}: {json}");
        assert!(json["why"].to_string().contains(why), "{json}");
        assert!(!ran.out.contains("czNzczEwbi1pZC0wMDAx") && !ran.out.contains("s3ss10n"), "the value is not shown");
        assert_eq!(json["key_is_in_the_ring"].as_bool(), Some(!arguments.contains(&other.as_str())), "{json}");
    }
    assert_eq!(run_with(COOKIE, &["explain", "--key-ring", &ring]).code, 2, "the name must be known");
}

#[test]
fn keys_that_judge_nothing_are_a_mistake() {
    let (secret, ring) = (file("secret", PYJWT_SECRET), file("ring", RING));
    for (text, arguments) in [
        ("$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW", &["--key", &secret, "--alg", "HS256"][..]),
        (COOKIE, &["--key", &secret, "--alg", "HS256"]),
        (PYJWT, &["--key-ring", &ring]),
        (PYJWT, &["--key", &secret]),
        (PYJWT, &["--key", &ring, "--alg", "ES256"]),
        (PYJWT, &["--jwks", "/no/such/file"]),
    ] {
        let ran = run_with(text, &[&["explain"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(!ran.err.contains(PYJWT_SECRET) && !ran.err.contains(RING), "{ran:?}");
    }
}
