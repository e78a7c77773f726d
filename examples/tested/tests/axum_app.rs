//! Routes of axum, asked as somebody.

use std::time::{Duration, SystemTime};

use axum::{body::Body, http::Request};
use countersign::{Verified, testing};
use tested_handlers::{Gates, User, axum_app::app};
use tower::ServiceExt;

#[tokio::test]
async fn each_route_is_for_whom_it_says() {
    let gates = Gates::build().unwrap(); // as the app runs with them
    let app = app(gates.clone());
    for (scheme, role, minutes, method, path, status) in [
        ("bearer", "member", 0, "GET", "/me", 200),
        ("cookie", "admin", 0, "GET", "/salaries", 200),
        ("cookie", "member", 0, "GET", "/salaries", 403),
        ("bearer", "admin", 0, "GET", "/salaries", 401),
        ("cookie", "member", 4, "POST", "/password", 200),
        ("cookie", "member", 6, "POST", "/password", 403),
    ] {
        let signed_in = SystemTime::now() - Duration::from_secs(minutes * 60);
        let emily = Verified::new(User::called("emily")).with_subject("emily").with_roles([role]);
        let credential = testing::credential(&gates.all, scheme, emily.authenticated_at(signed_in));
        let (name, value) = credential.unwrap();
        let request = Request::builder().method(method).uri(path).header(name, value);
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{scheme} {role} {minutes} {path}");
    }
}
