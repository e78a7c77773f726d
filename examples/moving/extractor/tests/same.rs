//! The same requests to both apps, and the same answers, but where the row says otherwise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use jsonwebtoken::{EncodingKey, Header, encode};
use moving_extractor::{AUDIENCE, ISSUER, after, before};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &[u8] = b"\x8e\x1f\x60\xb2\x7c\x95\x03\xda\x44\xe9\x2b\x71\xf6\x0d\xa8\x5c\x93\x37\xce\x18\x82\x6a\xfb\x50\x29\xd4\x0b\xb7\x66\xa1\x3d\xf8";

/// What is sent, what both answer, and where the second is deliberately otherwise, what it answers and why.
type Row = (&'static str, &'static str, Vec<String>, (u16, &'static str), Option<((u16, &'static str), &'static str)>);

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token of emily's that lives for ten minutes, with these claims in place of its own; without those that are null.
fn token(changed: &Value, secret: &[u8]) -> String {
    let mut claims =
        json!({ "sub": "emily", "iss": ISSUER, "aud": AUDIENCE, "exp": seconds() + 600, "scope": "reports:read" });
    for (name, value) in changed.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret)).unwrap()
}

/// What nobody signed: the same claims behind a header that asks for no signature.
fn unsigned() -> String {
    let signed = token(&json!({}), SECRET);
    let claims = signed.split('.').nth(1).unwrap();
    format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.") // {"alg":"none","typ":"JWT"}
}

async fn ask(app: &Router, method: &str, path: &str, sent: &[String]) -> (u16, String, bool) {
    let request = Request::builder().method(method).uri(path).header("host", "reports.example");
    let request = sent.iter().fold(request, |request, value| request.header("authorization", value));
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, challenged) = (response.status().as_u16(), response.headers().contains_key("www-authenticate"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap(), challenged)
}

#[tokio::test]
async fn the_same_tokens_open_the_same_doors() {
    let (old, new) = (before::app(SECRET), after::app(SECRET).unwrap());
    let bearer = |token: String| vec![format!("Bearer {token}")];
    let changed = |claims: Value| bearer(token(&claims, SECRET));
    let good = || bearer(token(&json!({}), SECRET));
    let writes = || token(&json!({ "scope": "reports:read reports:write" }), SECRET);
    let twice = "a request with two credentials is no choice of the server's";
    let rows: Vec<Row> = vec![
        ("GET", "/", vec![], (200, "hello, stranger"), None),
        ("GET", "/", good(), (200, "hello, emily"), None),
        ("GET", "/me", vec![], (401, ""), None),
        ("GET", "/me", good(), (200, "emily"), None),
        ("POST", "/reports", good(), (403, ""), None),
        ("POST", "/reports", bearer(writes()), (201, "report by emily"), None),
        ("GET", "/me", bearer(unsigned()), (401, ""), None),
        ("GET", "/me", bearer(token(&json!({}), b"another secret of thirty-two bytes")), (401, ""), None),
        ("GET", "/me", changed(json!({ "exp": seconds() - 3600 })), (401, ""), None),
        ("GET", "/me", changed(json!({ "exp": null })), (401, ""), None),
        ("GET", "/me", changed(json!({ "iss": "https://evil.example" })), (401, ""), None),
        ("GET", "/me", changed(json!({ "aud": "another" })), (401, ""), None),
        ("GET", "/me", changed(json!({ "sub": null })), (401, ""), None),
        ("GET", "/me", vec!["Basic ZW1pbHk6czNjcmV0".into()], (401, ""), None),
        ("GET", "/me", vec!["Bearer a.b.c".into()], (401, ""), None),
        (
            "GET",
            "/",
            vec!["Bearer a.b.c".into()],
            (200, "hello, stranger"),
            Some(((401, ""), "a wrong token makes nobody anonymous")),
        ),
        ("GET", "/me", [good(), good()].concat(), (200, "emily"), Some(((400, ""), twice))),
        (
            "GET",
            "/me",
            vec![format!("bearer {}", token(&json!({}), SECRET))],
            (401, ""),
            Some(((200, "emily"), "names of schemes have no case (RFC 9110 §11.1)")),
        ),
        (
            "GET",
            "/me",
            changed(json!({ "exp": seconds() - 45 })),
            (200, "emily"),
            Some(((401, ""), "clocks may be 30 seconds apart, not 60")),
        ),
        (
            "GET",
            "/me",
            changed(json!({ "nbf": seconds() + 3600 })),
            (200, "emily"),
            Some(((401, ""), "a token that is not good yet is not good")),
        ),
        (
            "GET",
            "/me",
            changed(json!({ "iss": null })),
            (200, "emily"),
            Some(((401, ""), "what is configured must be there")),
        ),
        (
            "GET",
            "/me",
            changed(json!({ "aud": null })),
            (200, "emily"),
            Some(((401, ""), "what is configured must be there")),
        ),
    ];
    for (method, path, sent, answer, otherwise) in &rows {
        let (was, is) = (ask(&old, method, path, sent).await, ask(&new, method, path, sent).await);
        let (expected, why) = otherwise.unwrap_or((*answer, "as before"));
        for (which, got, (status, body)) in [("before", &was, *answer), ("after", &is, expected)] {
            assert_eq!(got.0, status, "{which}: {method} {path} {sent:?}: {why}: {}", got.1);
            // What a refusal says is each one's own.
            assert!(body.is_empty() || got.1 == body, "{which}: {method} {path} {sent:?}: {}", got.1);
            assert!(got.2 || status != 401, "{which}: a 401 says how to ask");
        }
    }
}
