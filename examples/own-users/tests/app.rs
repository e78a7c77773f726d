//! The app as a client sees it, and the how-to that shows its table.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use http_body_util::BodyExt;
use own_users::app;
use tower::ServiceExt;

struct Client {
    app: Router,
    cookie: Option<String>,
}

impl Client {
    async fn ask(&mut self, method: &str, path: &str, form: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "own.example");
        if !form.is_empty() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in self.cookie.iter().map(|cookie| ("cookie", cookie.as_str())).chain(fields.iter().copied())
        {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let response: Response<Body> = self.app.clone().oneshot(request).await.unwrap();
        if let Some(set) = response.headers().get("set-cookie") {
            self.cookie = set.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn people_sign_up_change_their_password_and_sign_out_everywhere() {
    let file = std::env::temp_dir().join(format!("own-users-{}.db", std::process::id()));
    let app = app(&format!("sqlite:{}?mode=rwc", file.display())).await.unwrap();
    let client = |app: &Router| Client { app: app.clone(), cookie: None };
    let (mut emily, mut phone, mut other) = (client(&app), client(&app), client(&app));

    assert_eq!(emily.ask("GET", "/me", "", &[]).await.0, 401);
    let elsewhere = [("origin", "https://evil.example")];
    assert_eq!(emily.ask("POST", "/sign-up", "name=emily&password=first-one", &elsewhere).await.0, 403);
    assert_eq!(emily.ask("POST", "/sign-up", "name=emily&password=first-one", &[]).await.0, 303);
    assert_eq!(other.ask("POST", "/sign-up", "name=emily&password=mine-now", &[]).await.0, 409);
    assert_eq!(emily.ask("GET", "/me", "", &[]).await, (200, "emily".into()));

    assert_eq!(phone.ask("POST", "/session", "username=emily&password=first-one", &[]).await.0, 204);
    assert_eq!(phone.ask("GET", "/me", "", &[]).await.0, 200);
    let (status, key) = phone.ask("POST", "/keys", "", &[]).await;
    assert_eq!(status, 201);
    assert_eq!(other.ask("GET", "/me", "", &[("x-api-key", &key)]).await, (200, "emily".into()));

    assert_eq!(emily.ask("POST", "/password", "old=wrong&new=second-one", &[]).await.0, 401);
    assert_eq!(emily.ask("POST", "/password", "old=first-one&new=second-one", &[]).await.0, 204);
    assert_eq!(emily.ask("GET", "/me", "", &[]).await.0, 200, "this browser has a new session");
    assert_eq!(phone.ask("GET", "/me", "", &[]).await.0, 401, "though the cache knew it");
    phone.cookie = None;
    assert_eq!(phone.ask("POST", "/session", "username=emily&password=first-one", &[]).await.0, 401);
    assert_eq!(phone.ask("POST", "/session", "username=emily&password=second-one", &[]).await.0, 204);

    assert_eq!(phone.ask("POST", "/sign-out-everywhere", "", &elsewhere).await.0, 403);
    assert_eq!(emily.ask("GET", "/me", "", &[]).await.0, 200);
    assert_eq!(phone.ask("POST", "/sign-out-everywhere", "", &[]).await.0, 303);
    assert_eq!(phone.cookie.as_deref(), Some("session="), "this browser forgets it too");
    assert_eq!(emily.ask("GET", "/me", "", &[]).await.0, 401);
    let page = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
    let (status, body) = emily.ask("GET", "/me", "", &page).await;
    assert!(status == 401 && body.starts_with("<h1>No: "), "{body}");
    let _ = std::fs::remove_file(file);
}

#[tokio::test]
async fn the_page_on_another_subdomain_acts_and_no_other_does() {
    let app = app("sqlite::memory:").await.unwrap();
    for (origin, status, is_named) in [("https://app.example.com", 303, true), ("https://evil.example", 403, false)] {
        let preflight = Request::builder()
            .method("OPTIONS")
            .uri("/sign-up")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(preflight).await.unwrap();
        let allowed = |response: &Response<Body>| response.headers().get("access-control-allow-origin").cloned();
        assert_eq!(
            (response.status().as_u16(), allowed(&response).is_some_and(|named| named == origin)),
            (200, is_named)
        );

        let mut client = Client { app: app.clone(), cookie: None };
        let fields = [("origin", origin), ("sec-fetch-site", "same-site")];
        assert_eq!(client.ask("POST", "/sign-up", "name=emily&password=first-one", &fields).await.0, status);
        assert_eq!(client.cookie.is_some(), is_named);
    }
}

#[test]
fn a_table_of_users_takes_a_page() {
    assert!(include_str!("../src/users.rs").lines().count() <= 90);
}
