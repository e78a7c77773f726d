//! Routes of Rocket, asked as somebody.

use std::time::{Duration, SystemTime};

use countersign::{Verified, testing};
use rocket::{
    http::{Header, Method},
    local::asynchronous::Client,
};
use tested_handlers::{Gates, User, rocket_app::app};

#[rocket::async_test]
async fn each_route_is_for_whom_it_says() {
    let gates = Gates::build().unwrap(); // as the app runs with them
    let client = Client::untracked(app(&gates)).await.unwrap();
    for (scheme, role, minutes, method, path, status) in [
        ("bearer", "member", 0, Method::Get, "/me", 200),
        ("cookie", "admin", 0, Method::Get, "/salaries", 200),
        ("cookie", "member", 0, Method::Get, "/salaries", 403),
        ("bearer", "admin", 0, Method::Get, "/salaries", 401),
        ("cookie", "member", 4, Method::Post, "/password", 200),
        ("cookie", "member", 6, Method::Post, "/password", 403),
    ] {
        let signed_in = SystemTime::now() - Duration::from_secs(minutes * 60);
        let emily = Verified::new(User::called("emily")).with_subject("emily").with_roles([role]);
        let (name, value) = testing::credential(&gates.all, scheme, emily.authenticated_at(signed_in)).unwrap();
        let response = client.req(method, path).header(Header::new(name, value)).dispatch().await;
        assert_eq!(response.status().code, status, "{scheme} {role} {minutes} {path}");
    }
}
