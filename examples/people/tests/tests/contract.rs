//! The example service's contract, line by line, held with each framework's service and compared.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use countersign_conformance::wire::{Request, Response};
use people_tests::{Talk, basic, everywhere, everywhere_with, json};

fn emily() -> String {
    basic("emily", "emily:s3cret")
}

fn emma() -> String {
    basic("emma", "pässwörd-emma")
}

fn jacob() -> String {
    basic("jacob", "jacob-is-admin")
}

fn get_as(target: &str, authorization: &str) -> Request {
    Request::get(target).with("Authorization", authorization)
}

fn post_as(target: &str, authorization: &str) -> Request {
    Request::post(target).with("Authorization", authorization)
}

fn token(talk: &mut Talk, authorization: &str, wish: &str) -> serde_json::Value {
    json(&talk.expect(200, &post_as("/tokens", authorization).with_json(wish)))
}

fn challenges(response: &Response) -> Vec<&str> {
    response.fields("www-authenticate").map(|challenge| challenge.split(' ').next().unwrap()).collect()
}

fn is_problem(response: &Response, error: Option<&str>) {
    let text = response.text();
    assert_eq!(response.field("content-type"), Some("application/problem+json"), "{text}");
    assert_eq!(response.field("cache-control"), Some("no-store"), "{text}");
    let document = json(response);
    assert_eq!(document["status"], response.status(), "{text}");
    for member in ["type", "title", "detail"] {
        assert!(document[member].is_string(), "{member}: {text}");
    }
    assert_eq!(document["error"].as_str(), error, "{text}");
}

/// A refusal as a browser shows it.
fn is_page(response: &Response, detail: &str) {
    let text = response.text();
    assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"), "{text}");
    assert_eq!(response.field("cache-control"), Some("no-store"), "{text}");
    assert!(text.starts_with("<!doctype html>") && text.contains(detail), "{text}");
}

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
fn each_scheme_names_its_caller() {
    everywhere(|talk| {
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let session = talk.session("emily", "emily:s3cret");
        let token = token(talk, &emily(), "{}")["access_token"].as_str().unwrap().to_owned();
        let credentials = [
            ("basic", "Authorization", emily()),
            ("bearer", "Authorization", format!("Bearer {token}")),
            ("bearer", "Authorization", format!("bEARER  {token}")),
            ("cookie", "Cookie", session),
            ("api-key", "X-API-Key", key.clone()),
            ("api-key", "Authorization", format!("Token {key}")),
            ("api-key", "Authorization", format!("tOKEN   {key}")),
        ];
        for (scheme, field, value) in &credentials {
            let me = talk.expect(200, &Request::get("/me").with(field, value));
            let caller = json(&me);
            assert_eq!((&caller["name"], &caller["scheme"]), (&"emily".into(), &(*scheme).into()));
            assert_eq!((&caller["roles"], &caller["scopes"]), (&["member"][..].into(), &["reports:read"][..].into()));
            assert_eq!(caller["expires_at"].is_null(), matches!(*scheme, "basic" | "api-key"));
            let private = matches!(*scheme, "cookie" | "api-key").then_some("private");
            assert_eq!(me.field("cache-control"), private);
            assert!(me.members("vary").iter().any(|name| name.eq_ignore_ascii_case(field)), "{:?}", me.members("vary"));
            let who = talk.expect(200, &Request::get("/whoami").with(field, value));
            assert_eq!(json(&who)["caller"], caller);
            for only in ["basic", "bearer", "query", "cookie", "api-key"] {
                let status = if only == *scheme { 200 } else { 401 };
                let alone = talk.expect(status, &Request::get(&format!("/me/{only}")).with(field, value));
                assert_eq!(alone.field("set-cookie"), None, "what is not taken is not refused");
            }
            let head = talk.expect(200, &Request::new("HEAD", "/me").with(field, value));
            assert_eq!(head.body(), b"");
        }
    });
}

#[test]
fn tokens_are_issued_and_narrowed() {
    everywhere(|talk| {
        let issued = talk.expect(200, &post_as("/tokens", &jacob()));
        assert_eq!(issued.field("cache-control"), Some("no-store"));
        let document = json(&issued);
        assert_eq!((&document["token_type"], &document["expires_in"]), (&"Bearer".into(), &600.into()));
        assert_eq!(document["scope"], "reports:read reports:write");
        let whole = format!("Bearer {}", document["access_token"].as_str().unwrap());
        let caller = json(&talk.expect(200, &get_as("/me", &whole)));
        assert_eq!(caller["roles"], serde_json::json!(["member", "admin"]));
        talk.expect(200, &get_as("/admin/stats", &whole));
        talk.expect(200, &get_as("/users/emily", &whole));

        let narrow = token(talk, &jacob(), r#"{"scope":"reports:write"}"#);
        let narrow = format!("Bearer {}", narrow["access_token"].as_str().unwrap());
        let caller = json(&talk.expect(200, &get_as("/me", &narrow)));
        assert_eq!(
            (&caller["roles"], &caller["scopes"]),
            (&serde_json::json!([]), &serde_json::json!(["reports:write"]))
        );
        talk.expect(403, &get_as("/admin/stats", &narrow));
        talk.expect(201, &post_as("/reports", &narrow).with_json(r#"{"title":"x"}"#));
        let missing = talk.expect(403, &get_as("/reports", &narrow));
        is_problem(&missing, Some("insufficient_scope"));
        let wanted = r#"Bearer realm="people", error="insufficient_scope", scope="reports:read""#;
        assert_eq!(missing.fields("www-authenticate").collect::<Vec<_>>(), [wanted]);

        is_problem(
            &talk.expect(400, &post_as("/tokens", &emily()).with_json(r#"{"scope":"reports:write"}"#)),
            Some("invalid_scope"),
        );
        talk.expect(400, &post_as("/tokens", &emily()).with_json("["));
        talk.expect(415, &post_as("/tokens", &emily()).with_body("text/plain", "{}"));
        talk.expect(401, &post_as("/tokens", &whole));
        talk.expect(401, &Request::post("/tokens"));
        let session = talk.session("emily", "emily:s3cret");
        talk.expect(200, &Request::post("/tokens").with("Cookie", &session));
        talk.expect(403, &Request::post("/tokens").with("Cookie", &session).with("Origin", "http://evil.example"));

        let keys = json(&talk.expect(200, &Request::get("/.well-known/jwks.json")));
        assert_eq!(keys["keys"][0]["kty"], "OKP");
        assert!(keys["keys"][0].get("d").is_none());

        let mut broken = whole.clone();
        broken.pop();
        for wrong in [broken.as_str(), "Bearer", "Bearer a b", "Bearer x.y.z"] {
            let refused = talk.expect(401, &get_as("/me", wrong));
            is_problem(&refused, Some("invalid_token"));
            let bearer = refused.fields("www-authenticate").nth(1).unwrap();
            assert!(
                bearer.starts_with(r#"Bearer realm="people", error="invalid_token", error_description=""#),
                "{bearer}"
            );
            assert_eq!(challenges(&refused), ["Basic", "Bearer", "Cookie", "ApiKey"]);
        }
        talk.expect(200, &get_as("/keys", &whole));
    });
}

#[test]
fn a_body_full_of_scopes_is_refused_at_once() {
    let distinct: Vec<String> = (0..10_600).map(|number| format!("{number:05}")).collect();
    let tokens = serde_json::json!({ "scope": distinct.join(" ") }).to_string();
    let keys = serde_json::json!({ "name": "x", "scopes": &distinct[..7_900] }).to_string();
    let often = serde_json::json!({ "scope": "x ".repeat(31_000) }).to_string();
    for body in [&tokens, &keys, &often] {
        assert!((62_000..64 * 1024).contains(&body.len()), "{}", body.len());
    }
    everywhere(|talk| {
        for (path, body) in [("/tokens", &tokens), ("/keys", &keys), ("/tokens", &often)] {
            is_problem(&talk.expect(400, &post_as(path, &emily()).with_json(body)), Some("invalid_scope"));
        }
        let often = serde_json::json!({ "scope": "reports:read ".repeat(4_800) }).to_string();
        assert_eq!(token(talk, &emily(), &often)["scope"], "reports:read");
    });
}

#[test]
fn a_token_in_the_query_is_for_reading_alone() {
    everywhere(|talk| {
        let token = token(talk, &jacob(), "{}")["access_token"].as_str().unwrap().to_owned();
        let ask = |method: &str, path: &str| Request::new(method, &format!("{path}access_token={token}"));
        let me = talk.ask("in the query", &ask("GET", "/me?"));
        let caller = json(&me);
        assert_eq!((me.status(), &caller["scheme"]), (200, &"query".into()));
        assert_eq!((me.field("cache-control"), me.field("referrer-policy")), (Some("private"), Some("no-referrer")));
        assert_eq!(talk.ask("head", &ask("HEAD", "/me?a=b&")).status(), 200);
        assert_eq!(talk.ask("alone", &ask("GET", "/me/query?")).status(), 200);
        assert_eq!(talk.ask("not taken", &ask("GET", "/me/bearer?")).status(), 401);
        let refused = talk.expect(401, &Request::get("/me/query"));
        assert_eq!(refused.fields("www-authenticate").collect::<Vec<_>>(), [r#"Bearer realm="people""#]);
        assert_eq!(talk.ask("post", &ask("POST", "/reports?").with_json(r#"{"title":"x"}"#)).status(), 401);
        for (what, request) in [
            ("twice", ask("GET", &format!("/me?access_token={token}&"))),
            ("and a header", ask("GET", "/me?").with("Authorization", format!("Bearer {token}"))),
            ("and a key", ask("GET", "/me?").with("X-API-Key", "x")),
        ] {
            let ambiguous = talk.ask(what, &request);
            assert_eq!((ambiguous.status(), challenges(&ambiguous)), (400, vec!["Bearer"]), "{what}");
            is_problem(&ambiguous, Some("invalid_request"));
        }
        talk.expect(401, &Request::get("/me?access_token="));
        talk.expect(401, &Request::get("/me?access_token=x"));
        talk.expect(200, &Request::get("/health?access_token=x"));
        let browser = talk.ask("a browser", &ask("GET", "/admin/stats?").with("Accept", "text/html"));
        assert_eq!(browser.status(), 200);
        let sent =
            talk.expect(303, &Request::get("/me/cookie?a=b&access_token=secret&c=d").with("Accept", "text/html"));
        assert_eq!(sent.field("location"), Some("/?next=/me/cookie%3Fa%3Db%26c%3Dd"), "the credential is not sent on");
    });
}

#[test]
fn who_sends_nothing_is_told_what_to_send() {
    everywhere(|talk| {
        let refused = talk.expect(401, &Request::get("/me"));
        is_problem(&refused, None);
        assert_eq!(
            refused.fields("www-authenticate").collect::<Vec<_>>(),
            [
                r#"Basic realm="people", charset="UTF-8""#,
                r#"Bearer realm="people""#,
                r#"Cookie realm="people", cookie-name="session""#,
                r#"ApiKey realm="people", header="X-API-Key""#,
            ]
        );
        for (path, expected) in [
            ("/me/basic", &["Basic"][..]),
            ("/me/bearer", &["Bearer"]),
            ("/me/query", &["Bearer"]),
            ("/me/cookie", &["Cookie"]),
            ("/me/api-key", &["ApiKey"]),
            ("/keys", &["Basic", "Bearer", "Cookie"]),
            ("/users/emily", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/users/nobody", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/admin/stats", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/reports", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/photos/9", &["Basic", "Bearer", "Cookie", "ApiKey"]),
        ] {
            assert_eq!(challenges(&talk.expect(401, &Request::get(path))), expected, "{path}");
        }
        let script = talk.expect(401, &Request::get("/me").with("Sec-Fetch-Mode", "cors"));
        assert_eq!(challenges(&script), ["Bearer", "Cookie", "ApiKey"]);
        let script = talk.expect(401, &Request::get("/me").with("X-Requested-With", "XMLHttpRequest"));
        assert_eq!(challenges(&script), ["Bearer", "Cookie", "ApiKey"]);
        let script = talk.expect(401, &Request::get("/me/basic").with("Sec-Fetch-Mode", "cors"));
        assert_eq!(challenges(&script), ["Basic"]);
        // An unknown scheme counts as absent.
        talk.expect(200, &get_as("/whoami", "Negotiate abc"));
    });
}

#[test]
fn a_wrong_credential_is_refused_everywhere() {
    everywhere(|talk| {
        let wrong = [
            ("Authorization", basic("emily", "wrong")),
            ("Authorization", basic("nobody", "wrong")),
            ("Authorization", "Basic !!!".to_owned()),
            ("Authorization", "Basic".to_owned()),
            ("Authorization", "Token x".to_owned()),
            ("X-API-Key", "ppl_x".to_owned()),
            ("Cookie", "session=x".to_owned()),
        ];
        let mut bodies = BTreeSet::new();
        for (field, value) in &wrong {
            // Five wrong passwords of one name would be told otherwise.
            for path in ["/whoami", "/users/emily", "/admin/stats", "/photos/1"] {
                let refused = talk.expect(401, &Request::get(path).with(field, value));
                is_problem(&refused, None);
                bodies.insert(refused.text());
                assert_eq!(challenges(&refused), ["Basic", "Bearer", "Cookie", "ApiKey"], "{path} {value}");
                let cleared = refused.field("set-cookie");
                assert_eq!(
                    cleared.is_some_and(|cookie| cookie.starts_with("session=;") && cookie.contains("Max-Age=0")),
                    *field == "Cookie"
                );
            }
            talk.expect(200, &Request::get("/health").with(field, value));
        }
        assert_eq!(bodies.len(), 1, "an unknown name and a wrong password read alike: {bodies:?}");
    });
}

#[test]
fn two_credentials_are_one_too_many() {
    everywhere(|talk| {
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let session = talk.session("emily", "emily:s3cret");
        for path in ["/me", "/whoami", "/reports", "/me/basic"] {
            let twice = talk.expect(400, &get_as(path, &emily()).with("Authorization", emily()));
            is_problem(&twice, Some("invalid_request"));
            assert_eq!(challenges(&twice), if path == "/me/basic" { &[][..] } else { &["Bearer"] });
            talk.expect(400, &get_as(path, "Whatever").with("Authorization", "Else"));
        }
        for path in ["/me", "/whoami"] {
            talk.expect(400, &get_as(path, &emily()).with("X-API-Key", &key));
            talk.expect(400, &Request::get(path).with("X-API-Key", &key).with("X-API-Key", &key));
            talk.expect(400, &get_as(path, &format!("Token {key}")).with("X-API-Key", &key));
            let doubled = format!("{session}; {session}");
            is_problem(&talk.expect(400, &Request::get(path).with("Cookie", &doubled)), Some("invalid_request"));
            // Beside an explicit credential a cookie is not looked at.
            talk.expect(200, &get_as(path, &emily()).with("Cookie", &doubled));
            talk.expect(200, &get_as(path, &emily()).with("Cookie", "session=garbage"));
        }
        // What a route does not take counts as absent.
        talk.expect(200, &get_as("/me/basic", &emily()).with("X-API-Key", "x"));
        talk.expect(200, &Request::get("/health").with("Authorization", "a").with("Authorization", "b"));
    });
}

#[test]
fn a_credential_over_8_kib_is_not_read() {
    everywhere(|talk| {
        let long = "a".repeat(8 * 1024 + 1);
        for (field, value) in [
            ("Authorization", format!("Basic {long}")),
            ("Authorization", format!("Token {long}")),
            ("X-API-Key", long.clone()),
            ("Cookie", format!("session={long}")),
        ] {
            let refused = talk.expect(431, &Request::get("/whoami").with(field, &value));
            is_problem(&refused, None);
            assert_eq!(challenges(&refused), Vec::<&str>::new());
        }
        talk.expect(401, &get_as("/me", &format!("Basic {}", "a".repeat(8 * 1024))));
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
fn a_session_begins_and_ends() {
    everywhere(|talk| {
        let sign_in = |body: &str| Request::post("/session").with_json(body);
        let good = r#"{"username":"emma","password":"pässwörd-emma"}"#;
        let begun = talk.expect(204, &sign_in(good));
        let cookie = begun.field("set-cookie").unwrap().to_owned();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=43200");
        let again = talk.expect(204, &sign_in(good));
        assert_ne!(again.field("set-cookie"), Some(cookie.as_str()), "C7: a fresh identifier at every sign-in");

        talk.expect(200, &Request::get("/me").with("Cookie", pair));
        let ended = talk.expect(204, &Request::new("DELETE", "/session").with("Cookie", pair));
        assert!(ended.field("set-cookie").unwrap().starts_with("session=;"));
        talk.expect(401, &Request::get("/me").with("Cookie", pair));
        talk.expect(401, &Request::new("DELETE", "/session").with("Cookie", pair));
        talk.expect(401, &Request::new("DELETE", "/session"));
        talk.expect(401, &Request::new("DELETE", "/session").with("Authorization", emily()));

        let pair = talk.session("emma", "pässwörd-emma");
        let ended = talk.expect(303, &Request::post("/session/end").with("Cookie", &pair));
        assert_eq!(ended.field("location"), Some("/"));
        talk.expect(401, &Request::get("/me").with("Cookie", &pair));

        // Signing in anew ends the session that the browser brought along.
        let old = talk.session("emma", "pässwörd-emma");
        talk.expect(204, &sign_in(good).with("Cookie", &old));
        talk.expect(401, &Request::get("/me").with("Cookie", &old));

        let refused = talk.expect(401, &sign_in(r#"{"username":"emma","password":"wrong"}"#));
        is_problem(&refused, None);
        assert_eq!(
            refused.fields("www-authenticate").collect::<Vec<_>>(),
            [r#"Cookie realm="people", cookie-name="session""#]
        );
        let unknown = talk.expect(401, &sign_in(r#"{"username":"nobody","password":"wrong"}"#));
        assert_eq!(unknown.text(), refused.text());
        for body in ["", "{}", r#"["emma","x"]"#, r#"{"username":"emma"}"#, r#"{"username":1,"password":"x"}"#] {
            is_problem(&talk.expect(400, &sign_in(body)), Some("invalid_request"));
        }
        is_problem(&talk.expect(415, &Request::post("/session")), None);
        talk.expect(415, &Request::post("/session").with_body("text/plain", good));
        is_problem(&talk.expect(413, &sign_in(&" ".repeat(64 * 1024 + 1))), None);
        // No guard, so nothing of it is looked at.
        talk.expect(204, &sign_in(good).with("Authorization", "Basic !!").with("Authorization", "x"));
        // A tampered cookie, and one under the name of TLS, which this is not.
        let pair = talk.session("emma", "pässwörd-emma");
        talk.expect(401, &Request::get("/me").with("Cookie", format!("{pair}x")));
        talk.expect(200, &Request::get("/whoami").with("Cookie", format!("__Host-{pair}")));
        talk.expect(200, &Request::get("/me").with("Cookie", format!("odd=\"; {pair}; other=1")));
    });
}

#[test]
fn browsers_sign_in_with_a_form() {
    everywhere(|talk| {
        const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let form = |body: &str| {
            Request::post("/session").with("Accept", BROWSER).with_body("application/x-www-form-urlencoded", body)
        };
        let good = "username=emily&password=emily%3As3cret";
        // C10
        for (next, place) in [
            ("", "/"),
            ("&next=%2Fme%3Fa%3Db", "/me?a=b"),
            ("&next=/reports", "/reports"),
            ("&next=//evil.example", "/"),
            ("&next=/%5Cevil.example", "/"),
            ("&next=/%09/evil.example", "/"),
            ("&next=/%0D%0Ax:y", "/"),
            ("&next=https://evil.example", "/"),
            ("&next=javascript:alert(1)", "/"),
            ("&next=evil", "/"),
            ("&next=%20/me", "/"),
        ] {
            let response = talk.expect(303, &form(&format!("{good}{next}")));
            assert_eq!(response.field("location"), Some(place), "{next}");
            assert!(response.field("set-cookie").unwrap().starts_with("session="));
        }
        let wrong = talk.expect(401, &form("username=emily&password=no&next=/me"));
        assert_eq!(challenges(&wrong), ["Cookie"]);
        assert!(wrong.field("content-type").unwrap().starts_with("text/html"));
        assert!(
            wrong.text().contains("do not go together") && wrong.text().contains("value=\"/me\""),
            "{}",
            wrong.text()
        );
        assert_eq!(wrong.field("cache-control"), Some("no-store"));
        is_page(&talk.expect(400, &form("username=emily")), "The body cannot be read");
        talk.expect(204, &Request::post("/session").with_body("application/x-www-form-urlencoded", good));

        // A browser that is nobody is sent to sign in, and comes back to where it was going.
        let sent = talk.expect(303, &Request::get("/reports?page=2").with("Accept", BROWSER));
        assert_eq!(sent.field("location"), Some("/?next=/reports%3Fpage%3D2"));
        assert_eq!(
            talk.expect(303, &Request::new("HEAD", "/me").with("Accept", BROWSER)).field("location"),
            Some("/?next=/me")
        );
        let dead = talk.expect(303, &Request::get("/me").with("Accept", BROWSER).with("Cookie", "session=dead"));
        assert!(dead.field("set-cookie").unwrap().starts_with("session=;"));
        talk.expect(401, &get_as("/me", &basic("emily", "no")).with("Accept", BROWSER));
        talk.expect(401, &Request::get("/me/basic").with("Accept", BROWSER));
        talk.expect(401, &Request::post("/reports").with("Accept", BROWSER));
        talk.expect(403, &get_as("/admin/stats", &emily()).with("Accept", BROWSER));

        // The page never redirects.
        let page = talk.expect(200, &Request::get("/?next=/me%22%3E").with("Accept", BROWSER));
        assert!(page.text().contains("value=\"/me&quot;&gt;\""), "{}", page.text());
        assert!(page.field("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(page.field("set-cookie"), None);
        let page = talk.expect(200, &Request::get("/").with("Cookie", "session=dead").with("Accept", BROWSER));
        assert!(page.text().contains("Sign in") && page.field("set-cookie").unwrap().starts_with("session=;"));
        let session = talk.session("emily", "emily:s3cret");
        let page = talk.expect(200, &Request::get("/").with("Cookie", &session));
        assert!(page.text().contains("Hello, emily"));
        assert!(page.members("vary").contains(&"cookie".to_owned()));
        talk.expect(200, &Request::new("HEAD", "/"));
    });
}

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

#[test]
fn keys_are_made_listed_and_deleted() {
    everywhere(|talk| {
        let made = talk.key(&emily(), r#"{"name":"one","scopes":["reports:read"],"expires_in":3600}"#);
        let key = made["key"].as_str().unwrap();
        assert!(key.starts_with("ppl_") && made["expires_at"].as_str().unwrap().ends_with('Z'), "{made}");
        let session = talk.session("emily", "emily:s3cret");
        let second =
            json(&talk.expect(
                201,
                &Request::post("/keys").with("Cookie", &session).with_json(r#"{"name":"two","scopes":[]}"#),
            ));
        let listed = talk.expect(200, &get_as("/keys", &emily()));
        assert!(!listed.text().contains(key), "shown once");
        let keys = json(&listed)["keys"].clone();
        let names: Vec<_> =
            keys.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, ["one", "two"]);
        let members: Vec<_> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["created_at", "expires_at", "id", "last_used_at", "name", "prefix", "scopes"]);
        assert_eq!(talk.expect(200, &Request::new("HEAD", "/keys").with("Authorization", emily())).body(), b"");

        talk.expect(200, &Request::get("/me").with("X-API-Key", key));
        talk.expect(401, &Request::get("/keys").with("X-API-Key", key));
        talk.expect(401, &Request::post("/keys").with("X-API-Key", key).with_json(r#"{"name":"x"}"#));
        talk.expect(403, &Request::get("/reports").with("X-API-Key", second["key"].as_str().unwrap()));
        is_problem(
            &talk.expect(400, &post_as("/keys", &emily()).with_json(r#"{"name":"x","scopes":["reports:write"]}"#)),
            Some("invalid_scope"),
        );
        for wish in [
            "{}",
            r#"["x"]"#,
            r#"{"name":1}"#,
            r#"{"name":"x","expires_in":0}"#,
            r#"{"name":"x","expires_in":-1}"#,
            r#"{"name":"x","scopes":"reports:read"}"#,
        ] {
            talk.expect(400, &post_as("/keys", &emily()).with_json(wish));
        }
        talk.expect(415, &post_as("/keys", &emily()).with_body("text/plain", "{}"));
        let path = format!("/keys/{}", made["id"].as_str().unwrap());
        for (authorization, path, status) in [
            (emma(), path.as_str(), 404),
            (jacob(), &path, 404),
            (emily(), "/keys/nothing", 404),
            (emily(), "/keys/%00", 404),
            (emily(), &path, 204),
            (emily(), &path, 404),
        ] {
            let what = format!("delete {status}");
            let response = talk.ask(&what, &Request::new("DELETE", path).with("Authorization", authorization));
            assert_eq!(response.status(), status, "{}", response.text());
        }
        talk.expect(401, &Request::get("/whoami").with("X-API-Key", key));
        talk.expect(201, &post_as("/keys", &emily()).with_json(&format!(r#"{{"name":"{}"}}"#, "ä".repeat(100))));
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

/// A browser is who loads a page: what a script asks for is read by the script, whatever it prefers.
#[test]
fn a_script_that_prefers_html_is_no_browser() {
    everywhere(|talk| {
        let sign_in = |name: &str, password: &str| {
            let body = format!("username={name}&password={password}&next=/me");
            Request::post("/session").with_body("application/x-www-form-urlencoded", body)
        };
        for (field, value, is_script) in [
            ("Sec-Fetch-Mode", "navigate", false),
            ("X-Requested-With", "com.example.browser", false),
            ("Sec-Fetch-Mode", "cors", true),
            ("Sec-Fetch-Mode", "same-origin", true),
            ("X-Requested-With", "XMLHttpRequest", true),
        ] {
            let with = |request: Request| request.with("Accept", "text/html,*/*;q=0.8").with(field, value);
            let me = talk.expect(if is_script { 401 } else { 303 }, &with(Request::get("/me")));
            assert_eq!(me.field("location"), (!is_script).then_some("/?next=/me"), "{field}: {value}");
            let wrong = talk.expect(401, &with(sign_in("emma", "wrong")));
            let kind = if is_script { "application/problem+json" } else { "text/html; charset=utf-8" };
            assert_eq!(wrong.field("content-type"), Some(kind), "{field}: {value}");
            let begun = talk.expect(if is_script { 204 } else { 303 }, &with(sign_in("emily", "emily%3As3cret")));
            assert_eq!(begun.field("location"), (!is_script).then_some("/me"), "{field}: {value}");
        }
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
        talk.expect(200, &Request::get("/me").with("Cookie", &session));
        talk.expect(204, &form("/session", "_method=DELETE&username=emily&password=emily%3As3cret"));
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

/// A conversation is told by its transcript.
#[test]
fn the_cookie_of_a_session_is_good_in_its_service_alone() {
    everywhere(|talk: &mut Talk| {
        let session = talk.session("emily", "emily:s3cret");
        assert!(session.starts_with("session=1."), "{session}");
        let moved = session.replacen("session=", "other=", 1);
        // C1
        talk.expect(401, &Request::get("/me").with("Cookie", moved));
    });
}
