//! Routes of Rocket, asked as somebody.

use countersign::{Verified, testing};
use rocket::{http::Header, local::asynchronous::Client};
use tested_handlers::{Gates, User, rocket_app::app};

#[rocket::async_test]
async fn each_route_is_for_whom_it_says() {
    let gates = Gates::build().unwrap(); // as the app runs with them
    let client = Client::untracked(app(&gates)).await.unwrap();
    for (scheme, role, path, status) in [
        ("bearer", "member", "/me", 200),
        ("cookie", "admin", "/salaries", 200),
        ("cookie", "member", "/salaries", 403),
        ("bearer", "admin", "/salaries", 401),
    ] {
        let emily = Verified::new(User::called("emily")).with_subject("emily").with_roles([role]);
        let (name, value) = testing::credential(&gates.all, scheme, emily).unwrap();
        let response = client.get(path).header(Header::new(name, value)).dispatch().await;
        assert_eq!(response.status().code, status, "{scheme} {role} {path}");
    }
}
