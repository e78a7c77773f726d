//! Addresses: throttling and proxies.

use super::*;

#[test]
fn guessing_is_slow() {
    everywhere(|talk| {
        for _ in 0..3 {
            talk.expect(401, &get_as("/me", &basic("emily", "wrong")));
        }
        for _ in 0..2 {
            talk.expect(401, &Request::post("/session").with_json(r#"{"username":"emily","password":"no"}"#));
        }
        // The right one as well, by whichever way.
        for request in [
            get_as("/me", &emily()),
            get_as("/whoami", &emily()),
            Request::post("/session").with_json(r#"{"username":"emily","password":"emily:s3cret"}"#),
        ] {
            let later = talk.ask_unrecorded("throttled", &request);
            assert_eq!(later.status(), 429);
            is_problem(&later, None);
            let wait: u32 = later.field("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait) && challenges(&later).is_empty());
        }
        talk.expect(200, &get_as("/me", &emma()));
    });
}

#[test]
fn a_password_that_is_too_long_uses_up_no_tries_of_a_name() {
    everywhere(|talk| {
        for number in 0..8 {
            let password = format!("{number}{}", "x".repeat(1_100));
            talk.expect(401, &get_as("/me", &basic("emily", &password)));
            let body = serde_json::json!({ "username": "emily", "password": password });
            talk.expect(401, &Request::post("/session").with_json(&body.to_string()));
        }
        talk.expect(200, &get_as("/me", &emily()));
        for name in ["emily", "EMILY", " emily", "ｅｍｉｌｙ", "Emily"] {
            talk.expect(401, &get_as("/me", &basic(name, "wrong")));
        }
        assert_eq!(
            talk.ask_unrecorded("throttled", &get_as("/me", &emily())).status(),
            429,
            "one name, five spellings"
        );
    });
}

#[test]
fn a_trusted_proxy_says_who_and_how() {
    everywhere_with(&["--trust-proxy", "127.0.0.0/8"], |talk| {
        let tls = |request: Request| request.with("X-Forwarded-Proto", "https").with("X-Forwarded-For", "192.0.2.7");
        let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
        let begun = talk.expect(204, &tls(Request::post("/session").with_json(body)));
        let cookie = begun.field("set-cookie").unwrap().to_owned();
        assert!(cookie.starts_with("__Host-session=") && cookie.ends_with("; Secure"), "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        talk.expect(200, &tls(Request::get("/me").with("Cookie", pair)));
        let refused =
            talk.expect(401, &tls(Request::get("/me/cookie").with("Cookie", pair.trim_start_matches("__Host-"))));
        assert_eq!(
            refused.fields("www-authenticate").collect::<Vec<_>>(),
            [r#"Cookie realm="people", cookie-name="__Host-session""#]
        );
        let act = |origin: &str| {
            tls(Request::new("DELETE", "/session")
                .with("Cookie", pair)
                .with("X-Forwarded-Host", "people.example")
                .with("Origin", origin))
        };
        talk.expect(403, &act("https://conformance.example"));
        talk.expect(403, &act("http://people.example:443"));
        talk.expect(204, &act("https://people.example"));
        // The other family is never read.
        let other =
            talk.expect(204, &Request::post("/session").with("Forwarded", "proto=https;for=192.0.2.7").with_json(body));
        assert!(other.field("set-cookie").unwrap().starts_with("session="));
        for address in 1..=60 {
            let guess = get_as("/me", &basic("emily", "wrong")).with("X-Forwarded-For", format!("192.0.2.{address}"));
            assert_eq!(talk.ask_unrecorded("each from its own address", &guess).status(), 401);
        }
    });
    everywhere(|talk| {
        let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
        let begun = talk.expect(204, &Request::post("/session").with("X-Forwarded-Proto", "https").with_json(body));
        assert!(begun.field("set-cookie").unwrap().starts_with("session="), "nobody is trusted unless told");
    });
    everywhere_with(&["--trust-proxy", "127.0.0.1", "--proxy-header", "forwarded"], |talk| {
        let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
        let request = Request::post("/session").with("Forwarded", "for=192.0.2.7;proto=https").with_json(body);
        assert!(talk.expect(204, &request).field("set-cookie").unwrap().starts_with("__Host-session="));
    });
}

/// What a client wrote stands to the left of what the proxy appended, and reaches into nothing of it.
#[test]
fn a_proxy_is_believed_from_the_right() {
    const SIGN_IN: &str = r#"{"username":"emily","password":"emily:s3cret"}"#;
    fn begins_over_tls(talk: &mut Talk, fields: &[(&str, &str)]) -> bool {
        let request = fields.iter().fold(Request::post("/session"), |request, (name, value)| request.with(name, value));
        talk.expect(204, &request.with_json(SIGN_IN)).field("set-cookie").unwrap().starts_with("__Host-session=")
    }
    fn guess(talk: &mut Talk, field: &str, value: &str) -> u16 {
        let request = get_as("/me", &basic("emma", "wrong")).with(field, value);
        talk.ask_unrecorded("a wrong password", &request).status()
    }
    // Written as IPv6, and the same network.
    let trusted = ["--trust-proxy", "::ffff:127.0.0.0/104", "--trust-proxy", "10.0.0.0/8"];
    everywhere_with(&[&trusted[..], &["--proxy-header", "forwarded"]].concat(), |talk| {
        for (sent, tls) in [
            ("for=9.9.9.9;proto=https", true),
            (r#"for=1.1.1.1;host="evil, for=9.9.9.9;host=x;proto=https"#, true),
            (r#"for="1.1.1.1, for=9.9.9.9;proto=https"#, true),
            (r#"for=1.2.3.4;proto=https;x=", for=203.0.113.7;proto=http"#, false),
            (r#"for=1.2.3.4;proto=https;x="\", for=203.0.113.7"#, false),
            (r#"for=1.2.3.4;proto=http;host="a, for=9.9.9.9;proto=https"#, true),
            (r#"proto=http;proto="https"#, false),
            ("proto=https", true),
            ("for=unknown;proto=wss", true),
            ("for=_hidden;proto=https", true),
            ("for=9.9.9.9;proto=ws", false),
            ("for=6.6.6.6;proto=http, for=9.9.9.9;proto=https, for=10.0.0.2;proto=http", true),
        ] {
            assert_eq!(begins_over_tls(talk, &[("Forwarded", sent)]), tls, "{sent}");
        }
        // However the client calls itself, it is the one that the proxy saw.
        for nth in 1..=8 {
            let status = guess(talk, "Forwarded", &format!(r#"for=1.2.3.{nth};x=", for=203.0.113.7;proto=http"#));
            assert_eq!(status, if nth <= 5 { 401 } else { 429 }, "{nth}");
        }
        assert_eq!(guess(talk, "Forwarded", "for=203.0.113.8"), 401);
        let act = |host: &str| {
            post_as("/reports", &jacob())
                .with("Forwarded", format!("host=\"evil, for=9.9.9.9;proto=https;host={host}"))
                .with("Origin", "https://people.example")
                .with_json(r#"{"title":"x"}"#)
        };
        talk.expect(201, &act("people.example"));
        talk.expect(201, &act("\"people.example:443\""));
        talk.expect(403, &act("other.example"));
    });
    everywhere_with(&trusted, |talk| {
        const FOR: &str = "X-Forwarded-For";
        const PROTO: &str = "X-Forwarded-Proto";
        for (fields, tls) in [
            (&[(FOR, "9.9.9.9, 10.0.0.2"), (PROTO, "https, http")][..], true),
            (&[(FOR, "9.9.9.9, 10.0.0.2"), (PROTO, "http, https")], false),
            (&[(FOR, "6.6.6.6, 9.9.9.9"), (PROTO, "https, http")], false),
            (&[(FOR, "6.6.6.6"), (FOR, "9.9.9.9"), (PROTO, "https"), (PROTO, "http")], false),
            (&[(FOR, "9.9.9.9, 10.0.0.2"), (PROTO, "https")], true),
            (&[(PROTO, "https, http")], false),
            (&[(PROTO, "http, wss")], true),
            (&[(FOR, "9.9.9.9"), (PROTO, "ws")], false),
            (&[(FOR, "9.9.9.9"), ("X-Forwarded-Port", "443")], false),
        ] {
            assert_eq!(begins_over_tls(talk, fields), tls, "{fields:?}");
        }
        for nth in 1..=8 {
            let status = guess(talk, FOR, &format!("1.2.3.{nth}, garbage, 203.0.113.7:1{nth}"));
            assert_eq!(status, if nth <= 5 { 401 } else { 429 }, "{nth}");
        }
        let act = |host: &str| {
            post_as("/reports", &jacob())
                .with(FOR, "9.9.9.9, 10.0.0.2")
                .with(PROTO, "https, http")
                .with("X-Forwarded-Host", host)
                .with("Origin", "https://app.example")
                .with_json(r#"{"title":"x"}"#)
        };
        talk.expect(201, &act("app.example, inner"));
        talk.expect(201, &act("app.example"));
        talk.expect(403, &act("evil.example, app.example, inner.example, inner"));
        talk.expect(403, &act("inner, app.example"));
    });
}
