//! Routes of actix-web, asked as somebody.

use std::time::{Duration, SystemTime};

use actix_web::{
    http::Method,
    test::{TestRequest, init_service, try_call_service},
};
use countersign::{Verified, testing};
use tested_handlers::{Gates, User, actix_app::app};

#[actix_web::test]
async fn each_route_is_for_whom_it_says() {
    let gates = Gates::build().unwrap(); // as the app runs with them
    let app = init_service(app(gates.clone())).await;
    for (scheme, role, minutes, method, path, status) in [
        ("bearer", "member", 0, Method::GET, "/me", 200),
        ("cookie", "admin", 0, Method::GET, "/salaries", 200),
        ("cookie", "member", 0, Method::GET, "/salaries", 403),
        ("bearer", "admin", 0, Method::GET, "/salaries", 401),
        ("cookie", "member", 4, Method::POST, "/password", 200),
        ("cookie", "member", 6, Method::POST, "/password", 403),
    ] {
        let signed_in = SystemTime::now() - Duration::from_secs(minutes * 60);
        let emily = Verified::new(User::called("emily")).with_subject("emily").with_roles([role]);
        let credential = testing::credential(&gates.all, scheme, emily.authenticated_at(signed_in)).unwrap();
        let request = TestRequest::with_uri(path).method(method).insert_header(credential).to_request();
        let response = try_call_service(&app, request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{scheme} {role} {minutes} {path}");
    }
}
