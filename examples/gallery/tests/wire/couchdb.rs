//! CouchDB's session, and the word of its proxy.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign::{Secret, credential::cookie::foreign::CouchDb};
use countersign_conformance::wire::{Request, Response};
use serde_json::{Value, json};

use crate::service::{Gallery, caller, name};

const SECRET: &str = "92de07df7e7a3fe14808cef90a7cc0d9";
const SHA1: &str = "cm9vdDo1MEJCRkYwMjpF0LgUnZ1vOUsL_ogxXxaYfRuL_Q";
const SHA256: &str = "cm9vdDo1MEJCRkYwMjoqg2qiwhAGL5AXmXIugqbWGhkAyTttyuWzTKpF5QGfPw";

/// A gallery whose clock stands so many seconds after the vectors were signed.
fn at(after: i64) -> Gallery {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    Gallery::start(&["--clock-offset", &(0x50BB_FF02 + after - now).to_string()])
}

fn ask(gallery: &Gallery, value: &str) -> Response {
    gallery.with_cookie("/couchdb", &format!("AuthSession={value}"))
}

#[test]
fn what_couchdb_signed_is_let_in_and_renewed_when_it_has_some_age() {
    for (after, status, renewed) in
        [(5, 200, false), (100, 200, true), (590, 200, true), (601, 401, false), (-30, 200, false), (-90, 401, false)]
    {
        let gallery = at(after);
        for value in [SHA1, SHA256] {
            let response = ask(&gallery, value);
            assert_eq!(response.status(), status, "{after} {value}");
            assert_eq!(response.field("set-cookie").is_some(), renewed, "{after}");
            if status == 200 {
                assert_eq!(caller(&response), json!({ "name": "root", "scheme": "couchdb" }));
            } else {
                assert_eq!(
                    response.field("www-authenticate"),
                    Some("Cookie realm=\"gallery\", cookie-name=\"AuthSession\"")
                );
            }
            if let Some(cookie) = response.field("set-cookie") {
                let value = cookie
                    .strip_prefix("AuthSession=")
                    .and_then(|rest| rest.strip_suffix("; Path=/; HttpOnly; SameSite=Lax"));
                assert_eq!(name(&ask(&gallery, value.expect(cookie))), "root");
            }
        }
    }
}

#[test]
fn a_salt_is_one_users_alone() {
    let gallery = Gallery::start(&[]);
    let couch = CouchDb::lasting(Duration::from_secs(600));
    let sealed = |user: &str, salt: &str| couch.seal(user, &Secret::new(SECRET), &Secret::new(salt), SystemTime::now());
    let (root, emma) = ("3b8d0b0b0b2f4a7cbe8e2a4f4d7b1c2e", "00000000000000000000000000000007");
    for (user, salt, status) in [
        ("root", root, 200),
        ("emma", emma, 200),
        ("emma", root, 401),
        ("root", "", 401),
        ("emily", root, 401),
        ("emily", "", 401),
        ("nobody", root, 401),
    ] {
        assert_eq!(ask(&gallery, &sealed(user, salt)).status(), status, "{user} {salt}");
    }
}

#[test]
fn a_session_is_begun_by_form_or_json_and_cleared() {
    let gallery = Gallery::start(&[]);
    let form = "application/x-www-form-urlencoded";
    let post = || Request::post("/couchdb/_session");
    for (request, user) in [
        (post().with_body(form, "name=root&password=password"), "root"),
        (post().with_json(r#"{"name":"emily","password":"emily:s3cret"}"#), "emily"),
    ] {
        let response = gallery.expect(200, &request);
        let document: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(document, json!({ "ok": true, "name": user, "roles": [] }));
        let cookie = response.field("set-cookie").unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        let value = cookie.split(';').next().unwrap();
        assert_eq!(name(&gallery.with_cookie("/couchdb", value)), user);
    }
    for (request, status) in [
        (post().with_body(form, "name=root&password=wrong"), 401),
        (post().with_body(form, "name=nobody&password=password"), 401),
        (post().with_body(form, "name=root"), 400),
        (post().with_body("text/plain", "name=root&password=password"), 415),
        (post().with_body(form, "x".repeat(70_000)), 413),
        (post().with_body(form, "name=root&password=password").with("Sec-Fetch-Site", "cross-site"), 403),
        (Request::get("/couchdb/_session"), 405),
    ] {
        let response = gallery.expect(status, &request);
        assert!(response.field("set-cookie").is_none());
        assert_eq!(response.field("www-authenticate").is_some(), status == 401);
    }
    let ended = gallery.expect(200, &Request::new("DELETE", "/couchdb/_session"));
    assert_eq!(ended.text(), r#"{"ok":true}"#);
    assert!(
        ended.field("set-cookie").unwrap().starts_with("AuthSession=; ")
            && ended.field("set-cookie").unwrap().ends_with("; Max-Age=0")
    );
    for (name, value) in
        [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "http://elsewhere.example")]
    {
        let asked = gallery.expect(403, &Request::new("DELETE", "/couchdb/_session").with(name, value));
        assert!(asked.field("set-cookie").is_none(), "{name}: {value}");
    }
}

#[test]
fn a_proxy_says_who_it_is_and_nothing_of_roles() {
    let gallery = Gallery::start(&[]);
    // HMAC-SHA256 and HMAC-SHA1 of `emma` by `the_secret`.
    let sha256 = token_by_openssl("emma");
    let ask = |fields: &[(&str, &str)]| {
        let request =
            fields.iter().fold(Request::get("/couchdb-proxy"), |request, (name, value)| request.with(name, value));
        gallery.ask(&request)
    };
    let (user, token) = ("X-Auth-CouchDB-UserName", "X-Auth-CouchDB-Token");
    assert_eq!(caller(&ask(&[(user, "emma"), (token, &sha256)])), json!({ "name": "emma", "scheme": "couchdb-proxy" }));
    let with_roles = ask(&[(user, "emma"), (token, &sha256), ("X-Auth-CouchDB-Roles", "_admin")]);
    assert_eq!(caller(&with_roles), json!({ "name": "emma", "scheme": "couchdb-proxy" }));
    let fields = [format!("{user}: emma"), format!("{token}: {sha256}")];
    assert_eq!(gallery.ask_from("127.0.0.1", "/couchdb-proxy", &fields), 200);
    assert_eq!(gallery.ask_from("127.0.0.2", "/couchdb-proxy", &fields), 401);
    let rows: [(&[(&str, &str)], u16); 6] = [
        (&[(user, "root"), (token, &sha256)], 401),
        (&[(user, "emma")], 401),
        (&[(token, &sha256)], 401),
        (&[], 401),
        (&[(user, "emma"), (user, "emma"), (token, &sha256)], 400),
        (&[(user, "foo"), (token, "3f0786e96b20b0102b77f1a49c041be6977cfb3bf78c41a12adc121cd9b4e68a")], 401),
    ];
    for (fields, status) in rows {
        let response = ask(fields);
        assert_eq!(response.status(), status, "{fields:?}");
        if status == 401 {
            assert_eq!(response.field("www-authenticate"), Some("CouchDB-Proxy realm=\"gallery\""));
        }
    }
}

/// As openssl makes it.
fn token_by_openssl(user: &str) -> String {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", "the_secret", "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(user.as_bytes()).unwrap();
    let said = String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap();
    said.split(' ').next().unwrap().to_owned()
}
