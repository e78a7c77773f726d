use super::*;
use crate::testing::PlainHead;

type Fields<'a> = &'a [(&'a str, &'a str)];

fn passes(trusted: &[&str], head: PlainHead, fields: Fields<'_>) -> bool {
    let mut origins = TrustedOrigins::default();
    trusted.iter().for_each(|origin| origins.add(Origin::parse(origin).unwrap()));
    let head = fields.iter().fold(head, |head, (name, value)| head.with(name, value));
    !origins.another_site_made(&head.view())
}

fn post() -> PlainHead {
    PlainHead::new("POST", "/").with("host", "a.example")
}

#[test]
fn that_host_and_origin_never_agree_is_said_once() {
    for (agreed_at, said) in [(None, vec![20]), (Some(5), vec![]), (Some(25), vec![20])] {
        let agreement = Agreement::default();
        let told: Vec<_> = (1..=50).filter(|turn| agreement.note(agreed_at == Some(*turn))).collect();
        assert_eq!(told, said, "{agreed_at:?}");
    }
}

#[test]
fn fetch_metadata_decides_and_an_origin_where_there_is_none() {
    const SITE: &str = "sec-fetch-site";
    let rows: [(Fields<'_>, bool); 26] = [
        (&[], true),
        (&[(SITE, "same-origin")], true),
        (&[(SITE, "none")], true),
        (&[(SITE, "same-site")], false),
        (&[(SITE, "cross-site")], false),
        (&[(SITE, "")], false),
        (&[(SITE, "Same-Origin")], false),
        (&[(SITE, "same-origin, cross-site")], false),
        // Beside it, an origin is not looked at.
        (&[(SITE, "same-origin"), ("origin", "null")], true),
        (&[(SITE, "none"), ("origin", "null")], true),
        (&[(SITE, "same-origin"), ("origin", "https://elsewhere.example")], true),
        (&[(SITE, "cross-site"), ("origin", "null")], false),
        (&[(SITE, "cross-site"), ("origin", "http://a.example")], false),
        (&[(SITE, "same-site"), ("origin", "http://a.example")], false),
        // Twice is refused, whatever it says.
        (&[(SITE, "same-origin"), (SITE, "same-origin")], false),
        (&[(SITE, "none"), (SITE, "same-origin"), ("origin", "http://a.example")], false),
        (&[("origin", "http://a.example"), ("origin", "http://a.example")], false),
        (&[(SITE, "same-origin"), ("origin", "http://a.example"), ("origin", "http://a.example")], false),
        (&[(SITE, "same-origin"), ("origin", "null"), ("origin", "null")], false),
        // Without it, an origin must be ours.
        (&[("origin", "http://a.example")], true),
        (&[("origin", "HTTP://A.EXAMPLE")], true),
        (&[("origin", "http://b.example")], false),
        (&[("origin", "http://a.example.b.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", "")], false),
        (&[("origin", "http://a.example, http://a.example")], false),
    ];
    for (fields, expected) in rows {
        assert_eq!(passes(&[], post(), fields), expected, "{fields:?}");
    }
}

#[test]
fn an_origin_is_ours_by_host_and_port() {
    for (origin, host, secure, expected) in [
        ("http://a.example", "a.example:80", false, true),
        ("http://a.example:80", "a.example", false, true),
        ("http://a.example:8080", "a.example:8080", false, true),
        ("http://a.example:8080", "a.example", false, false),
        ("http://a.example", "a.example:8080", false, false),
        ("https://a.example", "a.example", true, true),
        ("https://a.example", "a.example:443", true, true),
        ("https://a.example:443", "a.example", true, true),
        ("https://a.example:8443", "a.example:8443", true, true),
        ("https://a.example:80", "a.example", true, false),
        // A proxy that nobody declared has ended TLS.
        ("https://a.example", "a.example", false, true),
        ("https://a.example", "a.example:80", false, false),
        // Whoever can answer for the plain site must not act for those of the other.
        ("http://a.example", "a.example", true, false),
        ("http://a.example:443", "a.example", true, false),
        ("http://a.example:8443", "a.example:8443", true, false),
        ("http://[::1]:3000", "[::1]:3000", false, true),
        ("http://[::1]", "[0:0::1]:80", false, true),
        ("http://[::1]", "[::2]", false, false),
        ("http://127.0.0.1:3000", "127.0.0.1:3000", false, true),
        ("http://localhost:3000", "127.0.0.1:3000", false, false),
        ("ftp://a.example", "a.example", false, false),
        ("http://", "", false, false),
        ("http://a.example", "", false, false),
        ("http://a.example/", "a.example", false, false),
        ("http://u@a.example", "a.example", false, false),
        ("a.example", "a.example", false, false),
    ] {
        let head = PlainHead::new("POST", "/").with("host", host);
        let head = if secure { head.over_tls() } else { head };
        assert_eq!(passes(&[], head, &[("origin", origin)]), expected, "{origin} at {host}, TLS: {secure}");
    }
    assert!(!passes(&[], PlainHead::new("POST", "/"), &[("origin", "http://a.example")]), "no host at all");
}

#[test]
fn a_trusted_origin_may_act_and_no_other() {
    let trusted = ["https://app.example", "HTTPS://Other.Example:443", "http://localhost:5173", "app://local"];
    for (origin, expected) in [
        ("https://app.example", true),
        ("https://app.example:443", true),
        ("https://APP.example", true),
        ("https://other.example", true),
        ("http://localhost:5173", true),
        ("app://local", true),
        ("http://app.example", false),
        ("https://app.example:444", false),
        ("http://app.example:443", false),
        ("https://app.example/", false),
        ("https://sub.app.example", false),
        ("https://app.example.evil.example", false),
        ("http://localhost", false),
        ("app://local:1", false),
        ("null", false),
        ("", false),
    ] {
        for site in ["cross-site", "same-site", "whatever"] {
            let fields = [("origin", origin), ("sec-fetch-site", site)];
            assert_eq!(passes(&trusted, post(), &fields), expected, "{origin} {site}");
        }
        assert_eq!(passes(&trusted, post(), &[("origin", origin)]), expected, "{origin}");
        let twice = [("origin", origin), ("origin", origin)];
        assert!(!passes(&trusted, post(), &twice), "{origin} twice");
        let twice = [("origin", origin), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "cross-site")];
        assert!(!passes(&trusted, post(), &twice), "{origin}, a site twice");
    }
    assert!(!passes(&trusted, post(), &[("sec-fetch-site", "cross-site")]), "no origin is none of them");
    assert!(passes(&trusted, post(), &[("origin", "http://a.example")]), "and the app's own still may");
}

#[test]
fn an_origin_is_scheme_host_and_port_and_nothing_else() {
    for (text, spelt) in [
        ("https://app.example", "https://app.example"),
        ("HTTPS://App.Example:0443", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("http://app.example:443", "http://app.example:443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://app.example.", "https://app.example."),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ] {
        assert_eq!(Origin::parse(text).map(|origin| origin.to_string()).as_deref(), Ok(spelt), "{text}");
    }
    for text in [
        "",
        "null",
        "*",
        "app.example",
        "//app.example",
        "://app.example",
        "https:app.example",
        "https://",
        "file://",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?",
        "https://app.example#",
        "https://user@app.example",
        "https://*.example",
        "https://app.example:",
        "https://app.example:*",
        "https://app.example:+1",
        "https://app.example:65536",
        "https://app.example:1:2",
        "https://127.1",
        "https://[::1",
        "https://::1",
        "https://bücher.example",
        "https://app.example https://other.example",
        " https://app.example",
        "https://app.example\n",
        "1https://app.example",
    ] {
        let error = Origin::parse(text).unwrap_err().to_string();
        assert!(error.contains("write scheme, host and port and nothing else"), "{text}: {error}");
    }
}

#[test]
fn what_may_change_something_is_asked() {
    for (method, upgrade, expected) in [
        ("GET", None, false),
        ("HEAD", None, false),
        ("OPTIONS", None, false),
        ("TRACE", None, false),
        ("POST", None, true),
        ("DELETE", None, true),
        ("get", None, true),
        ("CONNECT", None, true),
        ("GET", Some("websocket"), true),
        ("GET", Some("h2c, WebSocket"), true),
        ("GET", Some("h2c"), false),
    ] {
        let head = PlainHead::new(method, "/");
        let head = upgrade.into_iter().fold(head, |head, upgrade| head.with("upgrade", upgrade));
        assert_eq!(may_change_something(&head.view()), expected, "{method} {upgrade:?}");
    }
}
