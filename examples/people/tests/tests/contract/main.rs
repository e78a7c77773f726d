//! The example service's contract, line by line, held with each framework's service and compared.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod credentials;
mod guesses;
mod hashes;
mod minted;
mod network;
mod origins;
mod routes;
mod sign_in;

use std::collections::BTreeSet;

use countersign_conformance::wire::{Request, Response};
use people_tests::{Talk, basic, everywhere, everywhere_with, json};

fn emily() -> String {
    basic("emily", "emily:s3cret")
}

fn emma() -> String {
    basic("emma", "pässwörd-emma")
}

fn jacob() -> String {
    basic("jacob", "jacob-is-admin")
}

fn get_as(target: &str, authorization: &str) -> Request {
    Request::get(target).with("Authorization", authorization)
}

fn post_as(target: &str, authorization: &str) -> Request {
    Request::post(target).with("Authorization", authorization)
}

fn token(talk: &mut Talk, authorization: &str, wish: &str) -> serde_json::Value {
    json(&talk.expect(200, &post_as("/tokens", authorization).with_json(wish)))
}

fn challenges(response: &Response) -> Vec<&str> {
    response.fields("www-authenticate").map(|challenge| challenge.split(' ').next().unwrap()).collect()
}

fn is_problem(response: &Response, error: Option<&str>) {
    let text = response.text();
    assert_eq!(response.field("content-type"), Some("application/problem+json"), "{text}");
    assert_eq!(response.field("cache-control"), Some("no-store"), "{text}");
    let document = json(response);
    assert_eq!(document["status"], response.status(), "{text}");
    for member in ["type", "title", "detail"] {
        assert!(document[member].is_string(), "{member}: {text}");
    }
    assert_eq!(document["error"].as_str(), error, "{text}");
}

/// A refusal as a browser shows it.
fn is_page(response: &Response, detail: &str) {
    let text = response.text();
    assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"), "{text}");
    assert_eq!(response.field("cache-control"), Some("no-store"), "{text}");
    assert!(text.starts_with("<!doctype html>") && text.contains(detail), "{text}");
}
