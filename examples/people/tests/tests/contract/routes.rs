//! What each route answers.

use super::*;

#[test]
fn everybody_may_see_what_is_for_everybody() {
    everywhere(|talk| {
        let health =
            talk.expect(200, &Request::get("/health").with("Authorization", "Basic !!").with("Authorization", "x"));
        assert_eq!(health.text(), "{\"status\":\"ok\"}");
        assert_eq!(health.field("content-type"), Some("application/json"));
        assert_eq!(talk.expect(200, &Request::get("/whoami")).text(), "{\"caller\":null}");
        let metrics = talk.expect(200, &Request::get("/metrics"));
        assert!(metrics.field("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
        for line in metrics.text().lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("countersign_") && value.parse::<u64>().is_ok(), "{line}");
        }
        is_problem(&talk.expect(404, &Request::get("/nowhere")), None);
        is_problem(&talk.expect(404, &Request::get("/me/nothing")), None);
        for path in ["/health/", "//health", "/me//basic", "/me/basic/", "/users/", "/users//"] {
            is_problem(&talk.expect(404, &Request::get(path)), None);
        }
        is_problem(&talk.expect(404, &Request::post("/nowhere")), None);
    });
}

#[test]
fn a_wrong_method_is_told_with_the_right_ones() {
    everywhere(|talk| {
        for (method, target, allowed) in [
            ("PUT", "/me", "get head"),
            ("POST", "/", "get head"),
            ("DELETE", "/health", "get head"),
            ("DELETE", "/reports", "get head post"),
            ("PUT", "/session", "delete get head post"),
            ("POST", "/sessions", "get head"),
            ("GET", "/sessions/x", "delete"),
            ("GET", "/photos/1/link", "post"),
            ("GET", "/sessions/x/end", "post"),
            ("GET", "/session/end", "post"),
            ("DELETE", "/keys", "get head post"),
            ("GET", "/keys/x", "delete"),
            ("GET", "/users/emily/invite/emma", "post"),
            ("OPTIONS", "/me", "get head"),
            ("PUT", "/users/emily", "get head"),
            ("PUT", "/photos/1", "get head"),
        ] {
            let status = if talk.service().is_rocket() { 404 } else { 405 };
            // Before any credential is looked at: 405 comes first.
            let request = Request::new(method, target).with("Authorization", "Basic !!");
            let response = talk.ask_unrecorded(target, &request);
            assert_eq!(response.status(), status, "{method} {target}");
            is_problem(&response, None);
            if status == 405 {
                assert_eq!(response.members("allow").join(" "), allowed, "{method} {target}");
            }
        }
    });
}

#[test]
fn a_path_with_an_empty_part_is_none() {
    everywhere(|talk| {
        for (method, target) in [
            ("GET", "//"),
            ("GET", "//me"),
            ("GET", "/me/"),
            ("GET", "/me//basic"),
            ("GET", "/users/"),
            ("POST", "/users//invite/emma"),
            ("POST", "/users/emily/invite/"),
            ("DELETE", "/users//tokens"),
            ("POST", "/sessions//end"),
            ("DELETE", "/sessions/"),
            ("DELETE", "/keys/"),
            ("POST", "/photos//link"),
            ("GET", "/photos/1/"),
        ] {
            let response = talk.expect(404, &Request::new(method, target));
            is_problem(&response, None);
            talk.expect(404, &Request::new(method, target).with("Authorization", jacob()));
            let page = talk.expect(404, &Request::new(method, target).with("Accept", "text/html"));
            is_page(&page, "There is nothing under this path.");
        }
    });
}

#[test]
fn who_asks_for_a_websocket_is_answered_without_one() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let began = std::time::Instant::now();
        for (status, request) in [
            (200, Request::get("/me").with("Cookie", &session)),
            (200, Request::get("/.well-known/jwks.json")),
            (303, Request::new("HEAD", "/session")),
            (200, Request::get("/keys").with("Cookie", &session)),
            (201, Request::post("/keys").with("Cookie", &session).with_json(r#"{"name":"a key"}"#)),
            (
                201,
                Request::post("/keys").with("Cookie", &session).with_chunks("application/json", &[br#"{"name":"b"}"#]),
            ),
            (201, post_as("/reports", &jacob()).with_json(r#"{"title":"t"}"#)),
            (204, Request::new("DELETE", "/session").with("Cookie", &session)),
        ] {
            talk.expect(status, &request.with("Connection", "Upgrade").with("Upgrade", "websocket"));
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "a body that there is not is waited for");
    });
}

#[test]
fn users_are_seen_by_themselves_their_friends_and_admins() {
    everywhere(|talk| {
        for (caller, subject, status) in [
            (emily(), "emily", 200),
            (emma(), "emily", 200),
            (jacob(), "emily", 200),
            (emily(), "emma", 200),
            (emily(), "jacob", 403),
            (emily(), "nobody", 403),
            (jacob(), "nobody", 404),
            (emily(), "Emily", 403),
            (emily(), "%65mily", 200),
            (emily(), "emily%20", 403),
            (emily(), "emily%00", 403),
            (emily(), "%2e", 403),
            (jacob(), "a%2Fb", 404),
        ] {
            let response = talk.expect(status, &get_as(&format!("/users/{subject}"), &caller));
            match status {
                200 => assert_eq!(json(&response)["friends"][0], if subject == "emma" { "emily" } else { "emma" }),
                _ => is_problem(&response, None),
            }
        }
        assert_eq!(talk.expect(200, &get_as("/users/jacob", &jacob())).text(), r#"{"name":"jacob","friends":[]}"#);
        // A narrowed key has no roles.
        let narrow =
            talk.key(&jacob(), r#"{"name":"n","scopes":["reports:read"]}"#)["key"].as_str().unwrap().to_owned();
        talk.expect(403, &Request::get("/users/emily").with("X-API-Key", &narrow));
        talk.expect(403, &Request::get("/admin/stats").with("X-API-Key", &narrow));
        let whole = talk.key(&jacob(), r#"{"name":"w"}"#)["key"].as_str().unwrap().to_owned();
        talk.expect(200, &Request::get("/users/emily").with("X-API-Key", &whole));
        talk.expect(200, &Request::get("/admin/stats").with("X-API-Key", &whole));
        // Not UTF-8: nobody, whatever the framework makes of it.
        for (caller, status) in [(emily(), 403), (jacob(), 404)] {
            let odd = talk.ask_unrecorded("%FF", &get_as("/users/%FF", &caller));
            assert_eq!(odd.status(), status);
        }
    });
}

#[test]
fn invitations_stand_once() {
    everywhere(|talk| {
        let invite = |from: &str, to: &str| format!("/users/{from}/invite/{to}");
        talk.expect(401, &Request::post(&invite("emily", "jacob")));
        let made = talk.expect(201, &post_as(&invite("emily", "jacob"), &emily()));
        assert_eq!(made.text(), r#"{"from":"emily","to":"jacob"}"#);
        is_problem(&talk.expect(409, &post_as(&invite("emily", "jacob"), &emily())), None);
        is_problem(&talk.expect(409, &post_as(&invite("emily", "emma"), &emily())), None);
        is_problem(&talk.expect(404, &post_as(&invite("emily", "nobody"), &emily())), None);
        is_problem(&talk.expect(403, &post_as(&invite("emma", "jacob"), &emily())), None);
        talk.expect(201, &post_as(&invite("emma", "jacob"), &jacob()));
        talk.expect(404, &post_as(&invite("nobody", "emily"), &jacob()));
        talk.expect(403, &post_as(&invite("nobody", "emily"), &emily()));
        let odd = talk.ask_unrecorded("%FF", &post_as(&invite("%FF", "emily"), &emily()));
        assert_eq!(odd.status(), 403);
        let odd = talk.ask_unrecorded("%FF", &post_as(&invite("emily", "%FF"), &emily()));
        assert!(matches!(odd.status(), 403 | 404));
        // Either way round is an invitation of its own.
        talk.expect(201, &post_as(&invite("jacob", "emily"), &jacob()));
    });
}

#[test]
fn reports_take_scopes_and_json() {
    everywhere(|talk| {
        assert_eq!(talk.expect(200, &get_as("/reports", &emily())).text(), r#"{"reports":[]}"#);
        let write = |authorization: &str| post_as("/reports", authorization);
        let made = talk.expect(201, &write(&jacob()).with_json(r#"{"title":"Größe \"1\""}"#));
        assert_eq!(json(&made), serde_json::json!({ "id": 1, "title": "Größe \"1\"" }));
        talk.expect(201, &write(&jacob()).with_body("Application/JSON; charset=utf-8", r#"{"title":"b","more":[1]}"#));
        let listed = json(&talk.expect(200, &get_as("/reports", &emily())));
        assert_eq!(listed["reports"].as_array().unwrap().len(), 2);

        let refused = talk.expect(403, &write(&emily()).with_json(r#"{"title":"b"}"#));
        is_problem(&refused, Some("insufficient_scope"));
        // The guard decides before the body is read, or waited for.
        let waiting = write(&emily()).with_json(r#"{"title":"b"}"#).without_its_body();
        if !talk.service().is_rocket() {
            // Rocket itself reads the beginning of each body before anything of ours runs.
            assert_eq!(talk.ask_unrecorded("body not sent", &waiting).status(), 403);
        }
        talk.expect(401, &Request::post("/reports").with_body("text/plain", "x"));

        is_problem(&talk.expect(415, &write(&jacob()).with_body("text/plain", r#"{"title":"b"}"#)), None);
        talk.expect(415, &write(&jacob()).with_body("application/x-www-form-urlencoded", "title=b"));
        talk.expect(415, &write(&jacob()));
        talk.expect(415, &write(&jacob()).with_body("application/json; charset=latin1", r#"{"title":"b"}"#));
        for body in [
            "",
            "{",
            "{}",
            "[]",
            r#"["b"]"#,
            "null",
            r#"{"title":1}"#,
            r#"{"title":null}"#,
            r#"{"title":"b"} x"#,
            r#"{"title":"\u0000"}"#,
            r#"{"title":"a","title":"b"}"#,
        ] {
            is_problem(&talk.expect(400, &write(&jacob()).with_json(body)), Some("invalid_request"));
        }
        let binary = write(&jacob()).with_body("application/json", b"{\"title\":\"\xff\"}");
        is_problem(&talk.expect(400, &binary), Some("invalid_request"));
        let fits = format!(r#"{{"title":"{}"}}"#, "x".repeat(64 * 1024 - 12));
        assert_eq!(fits.len(), 64 * 1024);
        talk.expect(201, &write(&jacob()).with_json(&fits));
        is_problem(&talk.expect(413, &write(&jacob()).with_json(&format!("{fits} "))), None);
        let chunks = [fits.as_bytes(), b" "];
        is_problem(&talk.expect(413, &write(&jacob()).with_chunks("application/json", &chunks)), None);
        talk.expect(201, &write(&jacob()).with_chunks("application/json", &[b"{\"title\":", b"\"chunks\"}"]));
    });
}

#[test]
fn photos_are_small_pictures() {
    everywhere(|talk| {
        for id in ["1", "2", "3"] {
            let photo = talk.expect(200, &get_as(&format!("/photos/{id}"), &emily()));
            assert_eq!(photo.field("content-type"), Some("image/png"));
            assert!(photo.body().starts_with(b"\x89PNG\r\n\x1a\n"));
            let head = talk.expect(200, &Request::new("HEAD", &format!("/photos/{id}")).with("Authorization", emily()));
            assert_eq!((head.body(), head.field("content-length")), (&b""[..], photo.field("content-length")));
        }
        for id in ["0", "4", "01", "%31%00", "x"] {
            is_problem(&talk.expect(404, &get_as(&format!("/photos/{id}"), &emily())), None);
        }
    });
}

#[test]
fn admins_see_what_happened() {
    everywhere(|talk| {
        talk.expect(401, &Request::get("/admin/stats"));
        talk.expect(403, &get_as("/admin/stats", &emily()));
        let stats = json(&talk.expect(200, &get_as("/admin/stats", &jacob())));
        assert_eq!(stats["verifications"]["basic"], 2);
        assert_eq!(stats["rejections"], 2);
        let again = json(&talk.expect(200, &get_as("/admin/stats", &jacob())));
        assert_eq!(again["verifications"]["basic"], 2, "a cached request adds none");
        assert_eq!(again["cache"]["hits"].as_u64().unwrap(), stats["cache"]["hits"].as_u64().unwrap() + 1);
    });
    everywhere_with(&["--cache-ttl", "0"], |talk| {
        talk.expect(200, &get_as("/me", &emily()));
        talk.expect(200, &get_as("/me", &emily()));
        let stats = json(&talk.expect(200, &get_as("/admin/stats", &jacob())));
        assert_eq!((&stats["verifications"]["basic"], &stats["cache"]["entries"]), (&3.into(), &0.into()));
    });
}

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    everywhere(|talk| {
        for request in [
            Request::get("/"),
            Request::get("/me"),
            Request::get("/nowhere"),
            Request::get("/health"),
            Request::new("PUT", "/me"),
            Request::new("PURGE", "/me"),
        ] {
            let response = talk.ask_unrecorded("fields", &request);
            assert_eq!(response.field("x-content-type-options"), Some("nosniff"));
            assert!(response.field("content-security-policy").is_some());
            for field in ["server", "x-powered-by", "x-frame-options", "permissions-policy"] {
                assert_eq!(response.field(field), None, "{field}");
            }
        }
    });
}
