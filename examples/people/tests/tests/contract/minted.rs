//! Tokens and keys.

use super::*;

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
