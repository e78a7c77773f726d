//! A conversation with one service, and its transcript.

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_conformance::wire::{Connection, Request, Response};
use serde_json::Value;

use crate::{
    service::{FRAMEWORKS, Service},
    store::Store,
};

/// A conversation.
#[derive(Debug)]
pub struct Talk {
    service: Service,
    transcript: Vec<String>,
}

/// `Authorization: Basic` of this name and password.
#[must_use]
pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// Holds this conversation with each service, and compares what they said; with the store that `PEOPLE_STORE` in the environment names
/// (`postgres` or `redis`), where it names one, and then with one service.
///
/// # Panics
/// When a service says something else than the first.
pub fn everywhere(conversation: impl Fn(&mut Talk)) {
    everywhere_with(&[], conversation);
}

/// The same with services that were given these flags.
///
/// # Panics
/// When a service says something else than the first.
pub fn everywhere_with(flags: &[&str], conversation: impl Fn(&mut Talk)) {
    let (mut first, store): (Option<Vec<String>>, _) = (None, Store::chosen());
    for framework in store.frameworks() {
        let started = store.start();
        let of_store = started.flags();
        let all: Vec<&str> = flags.iter().copied().chain(of_store.iter().map(String::as_str)).collect();
        let mut talk = Talk::with(Service::start(framework, &all));
        conversation(&mut talk);
        let Some(expected) = &first else {
            first = Some(talk.transcript);
            continue;
        };
        for (expected, said) in expected.iter().zip(&talk.transcript) {
            let differing = differing(expected, said);
            assert!(differing.is_empty(), "{framework} differs from {}:\n{differing}", FRAMEWORKS[0]);
        }
        assert_eq!(expected.len(), talk.transcript.len());
    }
}

impl Talk {
    /// A conversation with this service alone.
    #[must_use]
    pub fn with(service: Service) -> Self {
        Self { service, transcript: Vec::new() }
    }

    /// Ends the conversation.
    #[must_use]
    pub fn into_service(self) -> Service {
        self.service
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Asks over a connection of its own, and writes down what comes back.
    ///
    /// # Panics
    /// When nothing comes back.
    pub fn ask(&mut self, what: &str, request: &Request) -> Response {
        let response = self.ask_unrecorded(what, request);
        self.transcript.push(format!("{what}\n{}", comparable(&response)));
        response
    }

    /// Asks without writing it down, for what a framework may answer by itself.
    ///
    /// # Panics
    /// When nothing comes back.
    pub fn ask_unrecorded(&mut self, what: &str, request: &Request) -> Response {
        let mut connection = Connection::open(self.service.address()).expect("it listens");
        connection.say(&request.bytes());
        match connection.answer(request) {
            Ok(response) => {
                assert_ne!(response.status(), 500, "{}: {what}", self.service.framework());
                response
            }
            Err(failure) => panic!("{}: {what}: {failure}", self.service.framework()),
        }
    }

    /// Asks, and expects this status.
    ///
    /// # Panics
    /// When another comes back.
    pub fn expect(&mut self, status: u16, request: &Request) -> Response {
        let bytes = request.bytes();
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let what = String::from_utf8_lossy(line).into_owned();
        let response = self.ask(&what, request);
        assert_eq!(response.status(), status, "{}: {what}\n{}", self.service.framework(), response.text());
        response
    }

    /// Signs a user in, and gives the value for `Cookie`.
    ///
    /// # Panics
    /// When the user is not signed in.
    pub fn session(&mut self, name: &str, password: &str) -> String {
        let body = serde_json::json!({ "username": name, "password": password }).to_string();
        let response = self.expect(204, &Request::post("/session").with_json(&body));
        let cookie = response.field("set-cookie").expect("a session").to_owned();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Makes a key, and gives its document.
    ///
    /// # Panics
    /// When none is made.
    pub fn key(&mut self, authorization: &str, wish: &str) -> Value {
        let request = Request::post("/keys").with("Authorization", authorization).with_json(wish);
        json(&self.expect(201, &request))
    }
}

/// The body as JSON.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn json(response: &Response) -> Value {
    serde_json::from_slice(response.body()).expect("a JSON document")
}

/// Everything of an answer that may not differ between frameworks. What is random, or tells the time, is masked; the order of
/// fields of different names means nothing (RFC 9110 §5.3).
fn comparable(response: &Response) -> String {
    let mut fields: Vec<String> = response
        .all_fields()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "connection"))
        .map(|(name, value)| match name.as_str() {
            "allow" => format!("allow: {:?}", response.members("allow")),
            "set-cookie" => format!("set-cookie: {}", without_value(value)),
            _ => format!("{name}: {value}"),
        })
        .collect();
    fields.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
    let body = match serde_json::from_slice::<Value>(response.body()) {
        Ok(mut document) => {
            mask(&mut document);
            document.to_string()
        }
        // The page says until when a session lasts, and by which path each device is ended.
        Err(_) => response
            .text()
            .lines()
            .map(without_id)
            .map(|line| if line.contains(" UTC") { without_digits(&line) } else { line })
            .collect::<Vec<_>>()
            .join("\n"),
    };
    format!("{}\n{}\n\n{body}", response.status(), fields.join("\n"))
}

/// The lines in which two texts differ, under the first line.
fn differing(expected: &str, said: &str) -> String {
    if expected == said {
        return String::new();
    }
    let only = |mark: char, these: &str, those: &str| {
        let other: Vec<&str> = those.lines().collect();
        let lines = these.lines().filter(|line| !other.contains(line));
        lines.map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    let first = expected.lines().next().unwrap_or_default();
    format!("{first}\n{}{}", only('-', expected, said), only('+', said, expected))
}

fn without_digits(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect()
}

/// Without the id of a session, and the characters by which a key is recognised.
fn without_id(line: &str) -> String {
    for (mark, end) in [("action=\"/sessions/", '/'), ("<small>ppl_", ',')] {
        if let Some((before, after)) = line.split_once(mark)
            && let Some((_, after)) = after.split_once(end)
        {
            return format!("{before}{mark}…{end}{after}");
        }
    }
    line.to_owned()
}

fn without_value(cookie: &str) -> String {
    let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    format!("{name}={};{attributes}", if value.is_empty() { "" } else { "…" })
}

fn mask(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), &*value) {
                    ("key" | "prefix" | "url" | "access_token" | "refresh_token" | "kid" | "x", Value::String(_)) => {
                        *value = "…".into()
                    }
                    ("id", Value::String(_)) => *value = "…".into(),
                    ("expires_at" | "created_at" | "last_used_at", Value::String(time)) => {
                        *value = without_digits(time).into();
                    }
                    _ => mask(value),
                }
            }
        }
        _ => {}
    }
}
