//! Signed links to photos, line by line, held with each framework's service and compared.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use countersign_conformance::wire::{Request, Response};
use people_tests::{FRAMEWORKS, Postgres, Service, Talk, basic, everywhere, everywhere_with, json};

fn emily() -> String {
    basic("emily", "emily:s3cret")
}

fn create(id: &str, wish: &str) -> Request {
    Request::post(&format!("/photos/{id}/link")).with_json(wish)
}

/// A link to the first photo, in emily's name.
fn link(talk: &mut Talk) -> String {
    let made = talk.ask("a link", &create("1", r#"{"expires_in":600}"#).with("Authorization", emily()));
    assert_eq!(made.status(), 200, "{}", made.text());
    json(&made)["url"].as_str().unwrap().to_owned()
}

fn challenges(response: &Response) -> Vec<&str> {
    response.fields("www-authenticate").map(|challenge| challenge.split(' ').next().unwrap()).collect()
}

/// Asks with a target that differs between services.
fn ask(talk: &mut Talk, what: &str, request: &Request) -> Response {
    talk.ask(what, request)
}

const ALL: [&str; 4] = ["Basic", "Bearer", "Cookie", "ApiKey"];

#[test]
fn whoever_may_see_a_photo_may_hand_out_a_link_to_it() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let key = talk.key(&emily(), r#"{"name":"k","scopes":[]}"#)["key"].as_str().unwrap().to_owned();
        let token = json(&talk.expect(200, &Request::post("/tokens").with("Authorization", emily())));
        let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        for (field, value) in
            [("Authorization", &emily()), ("Authorization", &token), ("Cookie", &session), ("X-API-Key", &key)]
        {
            for id in ["1", "2", "3"] {
                let made = talk.expect(200, &create(id, r#"{"expires_in":60}"#).with(field, value));
                assert_eq!(made.field("cache-control"), Some("no-store"));
                let document = json(&made);
                let members: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(members, ["expires_at", "url"]);
                assert!(document["expires_at"].as_str().unwrap().ends_with('Z'));
                let url = document["url"].as_str().unwrap();
                assert!(url.starts_with(&format!("/photos/{id}?")), "{url}");
                let photo = ask(talk, "the photo", &Request::get(url));
                assert_eq!((photo.status(), photo.field("content-type")), (200, Some("image/png")));
                assert_eq!(photo.field("cache-control"), Some("private"));
                assert_eq!(photo.field("referrer-policy"), Some("no-referrer"));
                assert_eq!(photo.field("set-cookie"), None);
                let head = ask(talk, "its head", &Request::new("HEAD", url));
                assert_eq!((head.status(), head.body()), (200, &b""[..]));
            }
        }
    });
}

#[test]
fn a_link_is_for_get_and_head_of_its_path_alone() {
    everywhere(|talk| {
        let url = link(talk);
        let (_, query) = url.split_once('?').unwrap();
        for (path, status) in [("/photos/1", 200), ("/photos/2", 401), ("/photos/9", 401), ("/photos/%31", 401)] {
            let response = ask(talk, path, &Request::get(&format!("{path}?{query}")));
            assert_eq!(response.status(), status, "{path}");
            if status == 401 {
                assert_eq!(challenges(&response), ALL, "{path}");
                assert!(!response.text().contains("invalid_token"), "{}", response.text());
                assert_eq!(response.field("referrer-policy"), Some("no-referrer"));
            }
        }
        // Other parameters may stand beside it.
        assert_eq!(ask(talk, "a parameter more", &Request::get(&format!("/photos/1?a=b&{query}&c"))).status(), 200);
        let post = talk.ask_unrecorded("post", &Request::post(&url));
        assert_eq!(post.status(), if talk.service().is_rocket() { 404 } else { 405 });
        // Where it is not taken it counts as absent.
        for path in ["/me", "/reports", "/users/emily", "/me/query", "/sessions"] {
            let response = ask(talk, path, &Request::get(&format!("{path}?{query}")));
            assert_eq!(response.status(), 401, "{path}");
            assert!(!response.text().contains("is not valid"), "{}", response.text());
        }
        let who = ask(talk, "whoami", &Request::get(&format!("/whoami?{query}")));
        assert_eq!((who.status(), who.text().as_str()), (200, "{\"caller\":null}"));
        let me = ask(talk, "beside", &Request::get(&format!("/me?{query}")).with("Authorization", emily()));
        assert_eq!((me.status(), me.field("referrer-policy")), (200, None));
        let again = ask(talk, "no link makes another", &{
            let target = format!("/photos/1/link?{query}");
            Request::post(&target).with_json(r#"{"expires_in":60}"#)
        });
        assert_eq!(again.status(), 401);
    });
}

#[test]
fn a_link_is_an_explicit_credential_like_the_others() {
    everywhere(|talk| {
        let url = link(talk);
        let session = talk.session("emma", "pässwörd-emma");
        let key = talk.key(&emily(), r#"{"name":"k"}"#)["key"].as_str().unwrap().to_owned();
        let (_, pair) = url.split_once('?').unwrap();
        for (what, request) in [
            ("twice", Request::get(&format!("{url}&{pair}"))),
            ("twice, once empty", Request::get(&format!("{url}&link="))),
            ("and a password", Request::get(&url).with("Authorization", emily())),
            ("and a key", Request::get(&url).with("X-API-Key", &key)),
            ("and a token", Request::get(&format!("{url}&access_token=x"))),
            ("and two fields", Request::get(&url).with("Authorization", "a").with("Authorization", "b")),
        ] {
            let refused = ask(talk, what, &request);
            assert_eq!((refused.status(), challenges(&refused)), (400, vec!["Bearer"]), "{what}");
            assert_eq!(json(&refused)["error"], "invalid_request");
            assert_eq!(refused.field("referrer-policy"), Some("no-referrer"));
        }
        // A cookie beside it is not looked at.
        for cookie in [session.as_str(), "session=garbage"] {
            let photo = ask(talk, "and a cookie", &Request::get(&url).with("Cookie", cookie));
            assert_eq!((photo.status(), photo.field("set-cookie")), (200, None));
        }
        // One that is there and wrong is never passed over.
        for wrong in ["", "x", "1.x", &"a".repeat(200)] {
            let target = format!("/photos/1?link={wrong}");
            let refused = ask(talk, "wrong", &Request::get(&target));
            assert_eq!((refused.status(), challenges(&refused)), (401, ALL.to_vec()), "{wrong}");
            let beside = ask(talk, "wrong, and a session", &Request::get(&target).with("Cookie", &session));
            assert_eq!(beside.status(), 401, "{wrong}");
            let browser = ask(talk, "wrong, by a browser", &Request::get(&target).with("Accept", "text/html"));
            assert_eq!((browser.status(), browser.field("content-type")), (401, Some("text/html; charset=utf-8")));
        }
        let long = ask(talk, "too long", &Request::get(&format!("/photos/1?link={}", "a".repeat(8 * 1024 + 1))));
        assert_eq!(long.status(), 431);
        let value = url.len() - pair.len() + "link=".len();
        for position in (value..url.len()).step_by(7) {
            let mut changed = url.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let target = String::from_utf8(changed).unwrap();
            let response = talk.ask_unrecorded("changed", &Request::get(&target));
            assert_eq!(response.status(), 401, "{target}");
        }
    });
}

#[test]
fn a_link_is_asked_for_as_everything_else_is() {
    everywhere(|talk| {
        let asked = |wish: &str| create("1", wish).with("Authorization", emily());
        for wish in [
            "",
            "{}",
            "[60]",
            r#"{"expires_in":0}"#,
            r#"{"expires_in":-1}"#,
            r#"{"expires_in":1.5}"#,
            r#"{"expires_in":"60"}"#,
            r#"{"expires_in":null}"#,
            r#"{"expires_in":1000000000000}"#,
            r#"{"expires_in":99999999999999999999999}"#,
            r#"{"expires_in":60,"expires_in":61}"#,
        ] {
            let refused = talk.expect(400, &asked(wish));
            assert_eq!(json(&refused)["error"], "invalid_request", "{wish}");
        }
        talk.expect(200, &asked(r#"{"expires_in":31536000}"#));
        talk.expect(415, &Request::post("/photos/1/link").with("Authorization", emily()));
        talk.expect(413, &asked(&" ".repeat(64 * 1024 + 1)));
        for id in ["0", "4", "01", "x", "%00", "1%2F2"] {
            let unknown = create(id, r#"{"expires_in":60}"#).with("Authorization", emily());
            assert_eq!(talk.ask_unrecorded(id, &unknown).status(), 404, "{id}");
        }
        let nobody = talk.expect(401, &create("1", r#"{"expires_in":60}"#));
        assert_eq!(challenges(&nobody), ALL);
        talk.expect(401, &create("9", r#"{"expires_in":60}"#));
        let session = talk.session("emily", "emily:s3cret");
        let foreign = create("1", r#"{"expires_in":60}"#).with("Cookie", &session);
        talk.expect(403, &foreign.with("Sec-Fetch-Site", "cross-site"));
    });
}

#[test]
fn a_link_is_void_when_its_subject_is_revoked_and_not_when_a_session_ends() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let made = talk.expect(200, &create("1", r#"{"expires_in":600}"#).with("Cookie", &session));
        let url = json(&made)["url"].as_str().unwrap().to_owned();
        talk.expect(204, &Request::new("DELETE", "/session").with("Cookie", &session));
        assert_eq!(ask(talk, "still good", &Request::get(&url)).status(), 200);
        let emmas = talk
            .ask("emma's", &create("1", r#"{"expires_in":600}"#).with("Authorization", basic("emma", "pässwörd-emma")));
        let emmas = json(&emmas)["url"].as_str().unwrap().to_owned();

        talk.expect(204, &Request::new("DELETE", "/users/emily/tokens").with("Authorization", emily()));
        let refused = ask(talk, "void", &Request::get(&url));
        assert_eq!((refused.status(), challenges(&refused)), (401, ALL.to_vec()));
        assert_eq!(ask(talk, "another's", &Request::get(&emmas)).status(), 200);
        // In the same second, and good.
        let again = link(talk);
        assert_eq!(ask(talk, "a new one", &Request::get(&again)).status(), 200);
        assert_eq!(ask(talk, "the old one", &Request::get(&url)).status(), 401);
    });
}

#[test]
fn a_link_is_good_at_each_copy_with_the_same_keys_and_no_answer_is_no_refusal() {
    let postgres = Postgres::start();
    let secrets = std::env::temp_dir().join(format!("people-links-{}", std::process::id()));
    std::fs::write(&secrets, "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n").unwrap();
    let url = postgres.url();
    let flags = ["--database", &url, "--secret-file", secrets.to_str().unwrap()];
    let mut talks = FRAMEWORKS.map(|framework| Talk::with(Service::start(framework, &flags)));
    let link = link(&mut talks[0]);
    for talk in &mut talks {
        assert_eq!(talk.ask_unrecorded("everywhere", &Request::get(&link)).status(), 200);
    }
    talks[1].expect(204, &Request::new("DELETE", "/users/emily/tokens").with("Authorization", emily()));
    for talk in &mut talks {
        // Nothing of it is remembered, so that every copy knows at once.
        assert_eq!(talk.ask_unrecorded("void", &Request::get(&link)).status(), 401);
    }
    postgres.end();
    for talk in &mut talks {
        let response = talk.ask_unrecorded("no answer", &Request::get(&link));
        assert_eq!(response.status(), 503);
        assert!(response.field("retry-after").is_some() && response.fields("www-authenticate").next().is_none());
    }
    let _ = std::fs::remove_file(secrets);
}

#[test]
fn a_link_that_another_key_signed_opens_nothing() {
    everywhere_with(&[], |talk| {
        let elsewhere = link(&mut Talk::with(Service::start("axum", &[])));
        let refused = talk.ask("another service's", &Request::get(&elsewhere));
        assert_eq!((refused.status(), challenges(&refused)), (401, ALL.to_vec()));
    });
}
