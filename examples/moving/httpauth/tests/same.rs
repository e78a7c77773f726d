//! The same requests to both apps, and the same answers, but where the row says otherwise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use actix_web::{
    App,
    http::{Method, header},
    test,
};
use countersign_actix_web::GateExt;
use moving_httpauth::{TOKEN, after, before};

/// What is sent, what both answer, and where the second is deliberately otherwise, what it answers and why.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], u16, Option<(u16, &'a str)>);

const RIGHT: &str = "Basic ZW1pbHk6czNjcmV0"; // emily:s3cret
const WRONG: &str = "Basic ZW1pbHk6d3Jvbmc="; // emily:wrong
const UNKNOWN: &str = "Basic bm9ib2R5OnMzY3JldA=="; // nobody:s3cret

#[actix_web::test]
async fn what_was_let_in_is_let_in_and_what_was_refused_is_refused() {
    let gate = after::gate().unwrap();
    let old = test::init_service(App::new().configure(before::routes)).await;
    let new = App::new().configure(|config| after::routes(&gate, config).unwrap()).wrap(gate.attach());
    let new = test::init_service(new).await;

    let (token, lower, wrong) = (format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"), "Bearer another".to_owned());
    let twice = "a request with two credentials is no choice of the server's";
    let case = "names of schemes have no case (RFC 9110 §11.1)";
    let rows: &[Row<'_>] = &[
        ("GET", "/health", &[], 200, None),
        ("GET", "/health", &[WRONG], 200, None),
        ("GET", "/me", &[], 401, None),
        ("GET", "/me", &[RIGHT], 200, None),
        ("GET", "/me", &[WRONG], 401, None),
        ("GET", "/me", &[UNKNOWN], 401, None),
        ("GET", "/me", &[&token], 401, None),
        ("GET", "/me", &["Basic !"], 401, None),
        ("POST", "/reports", &[], 401, None),
        ("POST", "/reports", &[&token], 201, None),
        ("POST", "/reports", &[&wrong], 401, None),
        ("POST", "/reports", &[RIGHT], 401, None),
        ("GET", "/me", &[RIGHT, WRONG], 200, Some((400, twice))),
        ("GET", "/me", &["basic ZW1pbHk6czNjcmV0"], 401, Some((200, case))),
        ("POST", "/reports", &[&lower], 401, Some((201, case))),
    ];
    for (method, path, sent, status, otherwise) in rows {
        let ask = || {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = test::TestRequest::with_uri(path).method(method).peer_addr("192.0.2.1:4000".parse().unwrap());
            sent.iter().fold(request, |request, value| request.append_header((header::AUTHORIZATION, *value)))
        };
        let was = test::call_service(&old, ask().to_request()).await;
        let is = test::call_service(&new, ask().to_request()).await;
        assert_eq!(was.status(), *status, "before: {method} {path} {sent:?}");
        let (expected, why) = otherwise.unwrap_or((*status, "as before"));
        assert_eq!(is.status(), expected, "after: {method} {path} {sent:?}: {why}");
        if expected == 401 {
            assert_eq!(
                was.headers().get(header::WWW_AUTHENTICATE).map(scheme_of),
                is.headers().get(header::WWW_AUTHENTICATE).map(scheme_of)
            );
        }
        if *path == "/me" && expected == 200 {
            assert_eq!(test::read_body(is).await, "emily");
        }
    }
}

fn scheme_of(challenge: &header::HeaderValue) -> &str {
    challenge.to_str().unwrap().split(' ').next().unwrap()
}

#[actix_web::test]
async fn who_guesses_is_held_up_now() {
    let gate = after::gate().unwrap();
    let old = test::init_service(App::new().configure(before::routes)).await;
    let new = App::new().configure(|config| after::routes(&gate, config).unwrap()).wrap(gate.attach());
    let new = test::init_service(new).await;
    let ask = || {
        let request = test::TestRequest::with_uri("/me").peer_addr("192.0.2.1:4000".parse().unwrap());
        request.insert_header((header::AUTHORIZATION, WRONG)).to_request()
    };
    for guess in 1..=6 {
        let was = test::call_service(&old, ask()).await.status();
        let is = test::call_service(&new, ask()).await.status();
        assert_eq!((was.as_u16(), is.as_u16()), (401, if guess <= 5 { 401 } else { 429 }), "guess {guess}");
    }
}
