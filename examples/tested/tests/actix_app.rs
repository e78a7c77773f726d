//! Routes of actix-web, asked as somebody.

use actix_web::test::{TestRequest, init_service, try_call_service};
use countersign::{Verified, testing};
use tested_handlers::{Gates, User, actix_app::app};

#[actix_web::test]
async fn each_route_is_for_whom_it_says() {
    let gates = Gates::build().unwrap(); // as the app runs with them
    let app = init_service(app(gates.clone())).await;
    for (scheme, role, path, status) in [
        ("bearer", "member", "/me", 200),
        ("cookie", "admin", "/salaries", 200),
        ("cookie", "member", "/salaries", 403),
        ("bearer", "admin", "/salaries", 401),
    ] {
        let emily = Verified::new(User::called("emily")).with_subject("emily").with_roles([role]);
        let credential = testing::credential(&gates.all, scheme, emily).unwrap();
        let request = TestRequest::get().uri(path).insert_header(credential).to_request();
        let response = try_call_service(&app, request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{scheme} {role} {path}");
    }
}
