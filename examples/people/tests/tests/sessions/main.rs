//! The devices on which somebody is signed in, and what a browser is shown, line by line, held with each framework's service and compared.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod devices;
mod pages;

use std::{thread, time::Duration};

use countersign_conformance::wire::{Request, Response};
use people_tests::{FRAMEWORKS, Postgres, Service, Talk, basic, everywhere, everywhere_with, json};
use serde_json::Value;

fn emily() -> String {
    basic("emily", "emily:s3cret")
}

fn emma() -> String {
    basic("emma", "pässwörd-emma")
}

fn by(cookie: &str) -> impl Fn(&str) -> Request {
    move |target| Request::get(target).with("Cookie", cookie)
}

#[test]
fn many_who_sign_in_at_once_all_have_their_session() {
    for framework in FRAMEWORKS {
        let service = Service::start(framework, &[]);
        let address = service.address();
        let signing_in: Vec<_> = (0..8)
            .map(|_| {
                thread::spawn(move || {
                    let request =
                        Request::post("/session").with_json(r#"{"username":"emily","password":"emily:s3cret"}"#);
                    let mut connection = countersign_conformance::wire::Connection::open(address).unwrap();
                    connection.say(&request.bytes());
                    connection.answer(&request).unwrap().status()
                })
            })
            .collect();
        assert!(signing_in.into_iter().all(|status| status.join().unwrap() == 204), "{framework}");
        thread::sleep(Duration::from_millis(10));
        let mut talk = Talk::with(service);
        let listed = talk.expect(200, &Request::get("/sessions").with("Authorization", emily()));
        assert_eq!(sessions(&listed).len(), 8);
    }
}

fn sessions(response: &Response) -> Vec<Value> {
    assert_eq!(response.field("content-type"), Some("application/json"));
    json(response)["sessions"].as_array().unwrap().clone()
}

/// Signs emily in by this agent.
fn device(talk: &mut Talk, agent: &str) -> String {
    let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
    let response = talk.expect(204, &Request::post("/session").with("User-Agent", agent).with_json(body));
    response.field("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

fn id(session: &Value) -> &str {
    session["id"].as_str().unwrap()
}

fn end_by_form(id: &str) -> Request {
    Request::post(&format!("/sessions/{id}/end")).with_body("application/x-www-form-urlencoded", "")
}
