//! A session that an app begins by a call, in each framework.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use actix_web::test::{TestRequest, init_service, try_call_service};
use axum::{body::Body, http::Request};
use rocket::{http::Header, local::asynchronous::Client};
use tested_handlers::{Gates, actix_app, axum_app, rocket_app};
use tower::ServiceExt;

/// The pair to send back, of a `Set-Cookie` value.
fn pair(set: &str) -> String {
    assert!(set.starts_with("session=") && set.contains("; HttpOnly; SameSite=Lax; Path=/; Max-Age="), "{set}");
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn in_axum() {
    let app = axum_app::app(Gates::build().unwrap());
    let ask = |path: &str, cookie: Option<&str>| {
        let request = cookie.iter().fold(Request::get(path), |request, cookie| request.header("cookie", *cookie));
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask("/me", None).await.unwrap().status(), 401);
    let begun = ask("/callback", None).await.unwrap();
    let field = |name| begun.headers().get(name).unwrap().to_str().unwrap();
    assert_eq!((begun.status().as_u16(), field("location")), (303, "/me"));
    assert_eq!(ask("/me", Some(&pair(field("set-cookie")))).await.unwrap().status(), 200);
}

#[actix_web::test]
async fn in_actix_web() {
    let app = init_service(actix_app::app(Gates::build().unwrap())).await;
    let get = |path: &str| TestRequest::get().uri(path);
    assert_eq!(try_call_service(&app, get("/me").to_request()).await.unwrap().status(), 401);
    let begun = try_call_service(&app, get("/callback").to_request()).await.unwrap();
    let field = |name| begun.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!((begun.status().as_u16(), field("location").as_str()), (303, "/me"));
    let known = get("/me").insert_header(("cookie", pair(&field("set-cookie")))).to_request();
    assert_eq!(try_call_service(&app, known).await.unwrap().status(), 200);
}

#[rocket::async_test]
async fn in_rocket() {
    let client = Client::untracked(rocket_app::app(&Gates::build().unwrap())).await.unwrap();
    assert_eq!(client.get("/me").dispatch().await.status().code, 401);
    let begun = client.get("/callback").dispatch().await;
    let field = |name| begun.headers().get_one(name).unwrap();
    assert_eq!((begun.status().code, field("location")), (303, "/me"));
    let known = client.get("/me").header(Header::new("cookie", pair(field("set-cookie"))));
    assert_eq!(known.dispatch().await.status().code, 200);
}
