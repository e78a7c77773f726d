//! Other sites.

use super::*;

#[test]
fn another_site_acts_for_nobody() {
    everywhere(|talk| {
        let session = talk.session("jacob", "jacob-is-admin");
        let token = token(talk, &jacob(), "{}")["access_token"].as_str().unwrap().to_owned();
        let host = "conformance.example";
        let key = talk.key(&jacob(), r#"{"name":"on purpose"}"#)["key"].as_str().unwrap().to_owned();
        let rows: [(&[(&str, String)], bool); 15] = [
            (&[], true),
            (&[("Sec-Fetch-Site", "same-origin".into())], true),
            (&[("Sec-Fetch-Site", "none".into())], true),
            (&[("Sec-Fetch-Site", "same-site".into())], false),
            (&[("Sec-Fetch-Site", "cross-site".into())], false),
            (&[("Sec-Fetch-Site", "same-origin".into()), ("Sec-Fetch-Site", "same-origin".into())], false),
            (&[("Sec-Fetch-Site", "same-origin".into()), ("Origin", "null".into())], true),
            (&[("Sec-Fetch-Site", "same-origin".into()), ("Origin", "http://evil.example".into())], true),
            (&[("Sec-Fetch-Site", "cross-site".into()), ("Origin", format!("http://{host}"))], false),
            (&[("Origin", format!("http://{host}"))], true),
            (&[("Origin", format!("HTTP://{}:80", host.to_uppercase()))], true),
            (&[("Origin", format!("http://{host}:81"))], false),
            (&[("Origin", "http://evil.example".into())], false),
            (&[("Origin", "null".into())], false),
            (&[("Origin", format!("http://{host}")), ("Origin", format!("http://{host}"))], false),
        ];
        for (fields, passes) in rows {
            let with =
                |request: Request| fields.iter().fold(request, |request, (name, value)| request.with(name, value));
            let status = if passes { 201 } else { 403 };
            let act = with(Request::post("/reports").with("Cookie", &session).with_json(r#"{"title":"x"}"#));
            let response = talk.expect(status, &act);
            if !passes {
                is_problem(&response, None);
                assert_eq!(challenges(&response), Vec::<&str>::new());
            }
            talk.expect(200, &with(Request::get("/me").with("Cookie", &session)));
            let sign_in = r#"{"username":"emily","password":"emily:s3cret"}"#;
            talk.expect(if passes { 204 } else { 403 }, &with(Request::post("/session").with_json(sign_in)));
            // A browser repeats a name and password by itself; what a client sends on purpose is not its doing.
            let by_name = talk.expect(status, &with(post_as("/reports", &jacob()).with_json(r#"{"title":"x"}"#)));
            assert_eq!(by_name.text().contains("The request was made by another site."), !passes);
            talk.expect(200, &with(get_as("/me", &jacob())));
            let by_token = post_as("/reports", &format!("Bearer {token}")).with_json(r#"{"title":"x"}"#);
            talk.expect(201, &with(by_token));
            let by_key = Request::post("/reports").with("X-API-Key", &key).with_json(r#"{"title":"x"}"#);
            talk.expect(201, &with(by_key));
            // What would change the protocol may change anything, though it is a GET.
            let upgrade = |request: Request| with(request.with("Upgrade", "websocket"));
            let status = if passes { 200 } else { 403 };
            talk.expect(status, &upgrade(get_as("/me", &jacob())));
            talk.expect(status, &upgrade(Request::get("/me").with("Cookie", &session)));
            talk.expect(200, &upgrade(get_as("/me", &format!("Bearer {token}"))));
            if !passes {
                talk.expect(403, &with(Request::new("DELETE", "/session").with("Cookie", &session)));
                talk.expect(403, &with(Request::post("/session/end").with("Cookie", &session)));
            }
        }
        talk.expect(200, &Request::get("/me").with("Cookie", &session));
    });
}

#[test]
fn another_site_is_refused_after_401_and_before_a_policy() {
    everywhere(|talk| {
        let invite = |authorization: &str| {
            post_as("/users/jacob/invite/emma", authorization).with("Sec-Fetch-Site", "cross-site")
        };
        for (authorization, status) in [(jacob(), 403), (emily(), 403), (basic("jacob", "wrong"), 401)] {
            let refused = talk.expect(status, &invite(&authorization));
            is_problem(&refused, None);
            assert_eq!(refused.text().contains("The request was made by another site."), status == 403);
        }
        talk.expect(401, &Request::post("/users/jacob/invite/emma").with("Sec-Fetch-Site", "cross-site"));
        let by_policy = talk.expect(403, &post_as("/users/jacob/invite/emma", &emily()));
        assert!(by_policy.text().contains("The caller may not do this."));
        // It would be 409 had one of these come to stand.
        talk.expect(201, &post_as("/users/jacob/invite/emma", &jacob()));
        // Before the body is looked at, and its type.
        talk.expect(403, &Request::post("/session").with("Sec-Fetch-Site", "cross-site"));
        let nonsense = Request::post("/session").with_body("text/plain", "x");
        talk.expect(403, &nonsense.with("Origin", "http://evil.example"));
    });
}

#[test]
fn a_trusted_origin_acts_for_our_users() {
    let flags = ["--trusted-origin", "HTTPS://App.example:443", "--trusted-origin", "http://localhost:5173"];
    everywhere_with(&flags, |talk| {
        let session = talk.session("jacob", "jacob-is-admin");
        for (origin, passes) in [
            ("https://app.example", true),
            ("https://app.example:443", true),
            ("http://localhost:5173", true),
            ("http://conformance.example", false),
            ("http://app.example", false),
            ("https://app.example:444", false),
            ("https://app.example/", false),
            ("https://sub.app.example", false),
            ("http://localhost", false),
            ("null", false),
        ] {
            let with = |request: Request| request.with("Origin", origin).with("Sec-Fetch-Site", "cross-site");
            let report = |request: Request| with(request).with_json(r#"{"title":"x"}"#);
            let status = if passes { 201 } else { 403 };
            talk.expect(status, &report(Request::post("/reports").with("Cookie", &session)));
            talk.expect(status, &report(post_as("/reports", &jacob())));
            let twice = report(post_as("/reports", &jacob())).with("Origin", origin);
            talk.expect(403, &twice);
            let sign_in =
                with(Request::post("/session")).with_json(r#"{"username":"emily","password":"emily:s3cret"}"#);
            talk.expect(if passes { 204 } else { 403 }, &sign_in);
        }
        let own = Request::post("/reports").with("Cookie", &session).with("Origin", "http://conformance.example");
        talk.expect(201, &own.with_json(r#"{"title":"x"}"#));
    });
}

/// Rocket would make it a request of that method.
#[test]
fn a_form_does_not_choose_its_method() {
    everywhere(|talk| {
        let session = talk.session("jacob", "jacob-is-admin");
        let form = |target: &str, body: &str| {
            Request::post(target).with("Cookie", &session).with_body("application/x-www-form-urlencoded", body)
        };
        talk.expect(415, &form("/reports", "_method=GET"));
        talk.expect(415, &form("/session", "_method=delete").with("Content-Type", "x/y"));
        talk.expect(403, &form("/session", "_method=GET").with("Sec-Fetch-Site", "cross-site"));
        // Nor does one that was not posted become one that was.
        for method in ["PUT", "PATCH"] {
            let request = Request::new(method, "/session/end")
                .with("Cookie", &session)
                .with_body("application/x-www-form-urlencoded", "_method=DELETE");
            let status = if talk.service().is_rocket() { 404 } else { 405 };
            assert_eq!(talk.ask_unrecorded(method, &request).status(), status, "{method}");
        }
        talk.expect(200, &Request::get("/me").with("Cookie", &session));
        talk.expect(204, &form("/session", "_method=DELETE&username=emily&password=emily%3As3cret"));
    });
}
