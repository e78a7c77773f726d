//! What a browser is shown, line by line.

use super::*;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[test]
fn whoever_reloads_a_failed_sign_in_is_sent_to_the_page() {
    everywhere(|talk| {
        for request in [
            Request::get("/session"),
            Request::new("HEAD", "/session"),
            Request::get("/session").with("Accept", BROWSER),
            Request::get("/session").with("Authorization", "Basic !!").with("Cookie", "session=dead"),
        ] {
            let response = talk.ask("reloaded", &request);
            assert_eq!((response.status(), response.field("location")), (303, Some("/")));
            assert_eq!(response.field("set-cookie"), None, "nothing of it is looked at");
        }
    });
}

fn is_page(response: &Response, detail: &str) {
    let text = response.text();
    assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"), "{text}");
    assert_eq!(response.field("cache-control"), Some("no-store"), "{text}");
    assert!(response.field("content-security-policy").is_some());
    assert!(text.starts_with("<!doctype html>") && text.contains(detail), "{text}");
}

#[test]
fn a_browser_is_shown_each_refusal_as_a_page_of_the_same_status_and_fields() {
    everywhere(|talk| {
        let rocket = talk.service().is_rocket();
        let session = talk.session("emily", "emily:s3cret");
        let admin = basic("jacob", "jacob-is-admin");
        let long = "a".repeat(8 * 1024 + 1);
        let rows = [
            ("404", 404, Request::get("/nowhere"), "There is nothing under this path."),
            ("404 of a photo", 404, by(&session)("/photos/9"), "There is no such photo."),
            (
                "404 of a user",
                404,
                Request::get("/users/nobody").with("Authorization", &admin),
                "There is no such user.",
            ),
            ("404 of a key", 404, Request::new("DELETE", "/keys/x").with("Cookie", &session), "There is no such key."),
            ("404 of a session", 404, end_by_form("x").with("Cookie", &session), "There is no such session."),
            (
                "409",
                409,
                Request::post("/users/emily/invite/emma").with("Cookie", &session),
                "They are friends already",
            ),
            ("403", 403, by(&session)("/admin/stats"), "The caller may not do this."),
            ("403 of a scope", 403, Request::post("/reports").with("Cookie", &session), "was not issued for this"),
            (
                "403 of another site",
                403,
                Request::post("/users/emily/invite/jacob")
                    .with("Cookie", &session)
                    .with("Sec-Fetch-Site", "cross-site"),
                "The request was made by another site.",
            ),
            (
                "403 of another site's sign-in",
                403,
                Request::post("/session").with("Sec-Fetch-Site", "cross-site"),
                "The request was made by another site.",
            ),
            ("400", 400, by(&format!("{session}; {session}"))("/me"), "more than one credential"),
            ("431", 431, by(&format!("session={long}"))("/me"), "too long"),
            ("401 of a password", 401, Request::get("/me").with("Authorization", basic("emily", "no")), "is not valid"),
            ("401 of a form", 401, Request::post("/reports"), "This takes a credential."),
            ("415", 415, Request::post("/session").with_body("text/plain", "x"), "Send a form"),
            ("415 of a report", 415, Request::post("/reports").with("Authorization", &admin), "Send JSON"),
            (
                "400 of a report",
                400,
                Request::post("/reports").with("Authorization", &admin).with_json("{"),
                "cannot be read",
            ),
            (
                "413",
                413,
                Request::post("/session").with_json(&" ".repeat(64 * 1024 + 1)),
                "The body is longer than 64 KiB.",
            ),
        ];
        for (what, status, request, detail) in rows {
            let plain = talk.ask_unrecorded(what, &request);
            assert_eq!(plain.status(), status, "{what}: {}", plain.text());
            assert_eq!(plain.field("content-type"), Some("application/problem+json"), "{what}");
            for script in [("Sec-Fetch-Mode", "cors"), ("X-Requested-With", "XMLHttpRequest")] {
                let asked = request.clone().with("Accept", BROWSER).with(script.0, script.1);
                let response = talk.ask_unrecorded(what, &asked);
                let kind = response.field("content-type");
                assert_eq!((response.status(), kind), (status, Some("application/problem+json")), "{what}: {script:?}");
            }
            for mode in [None, Some("navigate")] {
                let asked = mode.iter().fold(request.clone().with("Accept", BROWSER), |request, mode| {
                    request.with("Sec-Fetch-Mode", mode)
                });
                let page = talk.ask(what, &asked);
                assert_eq!(page.status(), status, "{what}: {}", page.text());
                is_page(&page, detail);
                let kept = |response: &Response| {
                    let mut fields: Vec<_> = response
                        .all_fields()
                        .filter(|(name, _)| !matches!(name.as_str(), "content-type" | "content-length" | "date"))
                        .map(|(name, value)| format!("{name}: {value}"))
                        .collect();
                    fields.sort();
                    fields
                };
                assert_eq!(kept(&page), kept(&plain), "{what}");
            }
        }
        let other_method = Request::new("PUT", "/me").with("Accept", BROWSER);
        let response = talk.ask_unrecorded("another method", &other_method);
        assert_eq!(response.status(), if rocket { 404 } else { 405 });
        is_page(&response, if rocket { "There is nothing under this path." } else { "This path has no such method." });
        assert_eq!(response.field("allow").is_some(), !rocket);
        let head = talk.ask("HEAD", &Request::new("HEAD", "/nowhere").with("Accept", BROWSER));
        assert_eq!((head.status(), head.field("content-type")), (404, Some("text/html; charset=utf-8")));
    });
}

#[test]
fn a_wrong_password_shows_the_page_with_a_message_and_the_name_kept() {
    everywhere(|talk| {
        let form = |body: &str| {
            Request::post("/session").with("Accept", BROWSER).with_body("application/x-www-form-urlencoded", body)
        };
        let wrong = talk.expect(401, &form("username=em%22%3E%3Cb%3E&password=s3cret-typo&next=/me"));
        is_page(&wrong, "That name and password do not go together.");
        let text = wrong.text();
        assert!(text.contains("name=\"username\" value=\"em&quot;&gt;&lt;b&gt;\""), "{text}");
        assert!(text.contains("name=\"next\" value=\"/me\"") && !text.contains("s3cret-typo"), "{text}");
        let challenges: Vec<_> = wrong.fields("www-authenticate").collect();
        assert_eq!(challenges, [r#"Cookie realm="people", cookie-name="session""#]);
        // A script is answered as anybody else.
        let script = talk.expect(401, &form("username=emily&password=no").with("Sec-Fetch-Mode", "cors"));
        assert_eq!(script.field("content-type"), Some("application/problem+json"));
        let script = talk.expect(204, &form("username=emily&password=emily%3As3cret").with("Sec-Fetch-Mode", "cors"));
        assert!(script.field("location").is_none());
        for _ in 0..4 {
            talk.expect(401, &form("username=emily&password=no"));
        }
        let throttled = talk.ask_unrecorded("throttled", &form("username=emily&password=emily%3As3cret"));
        assert_eq!(throttled.status(), 429);
        is_page(&throttled, "Too many attempts.");
        assert!(throttled.text().contains("value=\"emily\"") && throttled.field("retry-after").is_some());
    });
}

#[test]
fn the_page_never_redirects_and_never_refuses() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let clears = |response: &Response| {
            response.fields("set-cookie").filter(|cookie| cookie.starts_with("session=;")).count()
        };
        let long = format!("session={}", "a".repeat(9 * 1024));
        for (what, cookie) in [
            ("garbage", "session=dead"),
            ("empty", "session="),
            ("doubled", &format!("{session}; {session}")),
            ("too long", &long),
            ("tampered", &format!("{session}x")),
        ] {
            for accept in [BROWSER, "application/json"] {
                let page = talk.ask(what, &by(cookie)("/").with("Accept", accept));
                assert_eq!((page.status(), clears(&page)), (200, 1), "{what}");
                assert!(page.text().contains("Sign in to see who you are"), "{what}");
            }
        }
        // Whatever else a request carries.
        let odd = [
            by(&session)("/").with("Authorization", "Basic !!"),
            by(&session)("/").with("Authorization", "a").with("Authorization", "b"),
            by(&session)("/").with("X-API-Key", "x").with("X-API-Key", "y"),
            by(&session)("/?access_token=x&access_token=y"),
            by(&session)("/").with("Sec-Fetch-Site", "cross-site"),
        ];
        for (number, request) in odd.iter().enumerate() {
            let page = talk.ask(&format!("odd {number}"), request);
            assert_eq!((page.status(), clears(&page)), (200, 0), "{number}");
            assert!(page.text().contains("Hello, emily"), "{number}: {}", page.text());
        }
        let nobody = talk.expect(200, &Request::get("/").with("Authorization", emily()));
        assert!(nobody.text().contains("Sign in to see who you are"));
        assert_eq!(talk.expect(200, &Request::new("HEAD", "/").with("Cookie", &session)).body(), b"");
    });
}

#[test]
fn the_page_shows_devices_with_a_button_each_and_keys() {
    everywhere(|talk| {
        let other = device(talk, "<Tele>phone");
        let session = talk.session("emily", "emily:s3cret");
        let key = talk.key(&emily(), r#"{"name":"back<up>"}"#);
        let listed = sessions(&talk.expect(200, &by(&session)("/sessions")));
        let page = talk.expect(200, &by(&session)("/")).text();
        for session in &listed {
            assert!(page.contains(&format!("action=\"/sessions/{}/end\"", id(session))), "{page}");
        }
        assert!(page.contains("&lt;Tele&gt;phone") && page.contains("back&lt;up&gt;"), "{page}");
        assert!(page.matches("(this one)").count() == 1 && page.contains(key["prefix"].as_str().unwrap_or("ppl_")));
        assert!(!page.contains(key["key"].as_str().unwrap()), "a key is shown once");
        let browser = end_by_form(id(&listed[1])).with("Cookie", &session).with("Accept", BROWSER);
        assert_eq!(talk.ask("a button", &browser).status(), 303);
        talk.expect(401, &by(&other)("/me"));
        assert!(!talk.expect(200, &by(&session)("/")).text().contains("&lt;Tele&gt;phone"));
    });
}
