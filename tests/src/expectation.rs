//! What must come back.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    lab::Reply,
    service::page_of,
    wire::{Response, readable},
};

/// The challenges of the gate, in its order.
pub(crate) const BASIC: &str = r#"Basic realm="people", charset="UTF-8""#;
pub(crate) const BEARER: &str = r#"Bearer realm="people""#;
pub(crate) const COOKIE: &str = r#"Cookie realm="people", cookie-name="session""#;
pub(crate) const KEY: &str = r#"ApiKey realm="people", header="X-API-Key""#;
pub(crate) const ALL: [&str; 4] = [BASIC, BEARER, COOKIE, KEY];
/// What a script is told.
pub(crate) const WITHOUT_BASIC: [&str; 3] = [BEARER, COOKIE, KEY];

/// The fields of an answer that the adapters must agree upon; whatever else a framework adds is its own affair.
const COMPARED: [&str; 12] = [
    "www-authenticate",
    "content-type",
    "cache-control",
    "retry-after",
    "referrer-policy",
    "set-cookie",
    "location",
    "allow",
    "upgrade",
    "sec-websocket-accept",
    "access-control-allow-origin",
    "access-control-allow-headers",
];

/// A refusal, to the letter.
#[derive(Debug, Clone)]
#[must_use]
pub(crate) struct Refusal {
    status: u16,
    challenges: Vec<String>,
    code: Option<&'static str>,
    retry: bool,
}

impl Refusal {
    fn of(status: u16) -> Self {
        Self { status, challenges: Vec::new(), code: None, retry: false }
    }

    /// Nobody, where somebody is wanted: these challenges, and no word of an error.
    pub(crate) fn unasked(challenges: &[&str]) -> Self {
        Self { challenges: challenges.iter().map(|text| (*text).to_owned()).collect(), ..Self::of(401) }
    }

    /// A wrong credential that was no bearer token.
    pub(crate) fn wrong(challenges: &[&str]) -> Self {
        Self::unasked(challenges)
    }

    /// A wrong bearer token: its challenge says so (RFC 6750 §3.1), and so does the problem document.
    pub(crate) fn wrong_token(challenges: &[&str]) -> Self {
        let mut refusal = Self { code: Some("invalid_token"), ..Self::unasked(challenges) };
        for challenge in refusal.challenges.iter_mut().filter(|challenge| challenge.starts_with("Bearer ")) {
            challenge.push_str(r#", error="invalid_token""#);
        }
        refusal
    }

    /// Two credentials, or one twice, on a route that takes bearer tokens.
    pub(crate) fn ambiguous() -> Self {
        Self {
            challenges: vec![r#"Bearer realm="people", error="invalid_request""#.to_owned()],
            ..Self::ambiguous_without_bearer()
        }
    }

    /// The same on a route that does not.
    pub(crate) fn ambiguous_without_bearer() -> Self {
        Self { code: Some("invalid_request"), ..Self::of(400) }
    }

    /// Known, and not allowed.
    pub(crate) fn forbidden() -> Self {
        Self::of(403)
    }

    /// Known, and without this scope.
    pub(crate) fn missing_scope(scope: &str) -> Self {
        let challenge = format!(r#"Bearer realm="people", error="insufficient_scope", scope="{scope}""#);
        Self { challenges: vec![challenge], code: Some("insufficient_scope"), ..Self::of(403) }
    }

    /// The same with this challenge alone.
    pub(crate) fn challenging(self, challenge: &str) -> Self {
        Self { challenges: vec![challenge.to_owned()], ..self }
    }

    /// A credential over 8 KiB.
    pub(crate) fn too_long() -> Self {
        Self::of(431)
    }

    /// A covered body that is not whole, or has more behind it.
    pub(crate) fn broken_off() -> Self {
        Self { code: Some("invalid_request"), ..Self::of(400) }
    }

    /// A covered body that is too long.
    pub(crate) fn too_long_a_body() -> Self {
        Self::of(413)
    }

    /// No answer from a verifier.
    pub(crate) fn unavailable() -> Self {
        Self { retry: true, ..Self::of(503) }
    }

    /// A mistake of the app.
    pub(crate) fn fault() -> Self {
        Self::of(500)
    }
}

impl Reply<'_> {
    /// 200 with this body, by exactly one handler.
    #[track_caller]
    pub(crate) fn admitted(self, body: &str) -> Self {
        let response = self.response();
        assert_eq!(response.status(), 200, "{}", self.story());
        assert_eq!(response.text(), body, "{}", self.story());
        assert_eq!(response.fields("www-authenticate").count(), 0, "{}", self.story());
        assert_eq!(self.handlers.len(), 1, "{}", self.story());
        self.write_down()
    }

    /// This refusal, and no handler.
    #[track_caller]
    pub(crate) fn refused(self, refusal: &Refusal) -> Self {
        let response = self.response();
        assert_eq!(response.status(), refusal.status, "{}", self.story());
        assert!(self.handlers.is_empty(), "a handler ran: {}", self.story());
        assert_eq!(challenges_of(response), refusal.challenges, "{}", self.story());
        assert_eq!(response.field("cache-control"), Some("no-store"), "{}", self.story());
        assert_eq!(response.field("content-type"), Some("application/problem+json"), "{}", self.story());
        match response.field("retry-after") {
            Some(seconds) if refusal.retry => {
                assert!(seconds.parse().is_ok_and(|seconds: u32| seconds > 0), "{}", self.story());
            }
            other => assert!(other.is_none() && !refusal.retry, "{}", self.story()),
        }
        // The answer to HEAD has the same fields and no body.
        if !self.asked.starts_with("> HEAD ") {
            let problem: Value = serde_json::from_slice(response.body()).expect("a problem is JSON");
            assert_eq!(problem["status"], refusal.status, "{}", self.story());
            assert_eq!(problem["error"].as_str(), refusal.code, "{}", self.story());
            for member in ["type", "title", "detail"] {
                assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {}", self.story());
            }
        }
        self.write_down()
    }

    /// A refusal with the app's own page in place of the JSON.
    #[track_caller]
    pub(crate) fn paged(self, status: u16) -> Self {
        let response = self.response();
        assert_eq!(response.status(), status, "{}", self.story());
        assert!(self.handlers.is_empty(), "a handler ran: {}", self.story());
        assert_eq!(response.field("cache-control"), Some("no-store"), "{}", self.story());
        assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"), "{}", self.story());
        assert_eq!(response.text(), page_of(status), "{}", self.story());
        let _ = challenges_of(response);
        self.write_down()
    }

    /// This JSON, which anybody may read and no handler of the app made.
    #[track_caller]
    pub(crate) fn published(self, document: &Value) -> Self {
        let response = self.response();
        assert_eq!(response.status(), 200, "{}", self.story());
        assert!(self.handlers.is_empty(), "a handler ran: {}", self.story());
        assert_eq!(response.field("content-type"), Some("application/json"), "{}", self.story());
        assert_eq!(response.fields("www-authenticate").count(), 0, "{}", self.story());
        let said: Value = serde_json::from_str(&response.text()).unwrap_or_default();
        assert_eq!(said, *document, "{}", self.story());
        self.write_down()
    }

    /// What an endpoint answers when it has done its work, or says in its own way that it has not: nobody stores it, and no handler of the app ran.
    #[track_caller]
    pub(crate) fn done(self, status: u16) -> Self {
        let response = self.response();
        assert_eq!(response.status(), status, "{}", self.story());
        assert!(self.handlers.is_empty(), "a handler ran: {}", self.story());
        assert_eq!(response.field("cache-control"), Some("no-store"), "{}", self.story());
        assert_eq!(response.fields("www-authenticate").count(), 0, "{}", self.story());
        self.write_down()
    }

    /// A browser on its way to sign in.
    #[track_caller]
    pub(crate) fn sent_to(self, location: &str) -> Self {
        let response = self.response();
        assert_eq!(response.status(), 303, "{}", self.story());
        assert!(self.handlers.is_empty(), "a handler ran: {}", self.story());
        assert_eq!(response.field("location"), Some(location), "{}", self.story());
        assert_eq!(response.field("cache-control"), Some("no-store"), "{}", self.story());
        assert!(response.body().is_empty(), "{}", self.story());
        self.write_down()
    }

    /// No verifier was called.
    #[track_caller]
    pub(crate) fn without_verifying(self) -> Self {
        self.verifying(&[])
    }

    /// Exactly these verifiers were called, each once.
    #[track_caller]
    pub(crate) fn verifying(self, schemes: &[&str]) -> Self {
        assert_eq!(self.verified, schemes, "{}", self.story());
        self
    }

    /// An answer of the framework's own with one of these statuses, and no handler.
    #[track_caller]
    pub(crate) fn left_to_the_framework(self, statuses: &[u16]) -> Self {
        assert!(statuses.contains(&self.response().status()), "{}", self.story());
        assert!(self.handlers.is_empty(), "a handler ran: {}", self.story());
        self.lab.write_down(&self.asked, &format!("< by the framework: one of {statuses:?}\n"));
        self
    }

    /// The framework cannot read this: it answers 4xx or hangs up, and no handler ran.
    #[track_caller]
    pub(crate) fn unreadable(self) -> Self {
        match &self.outcome {
            Ok(response) => assert!((400..500).contains(&response.status()), "{}", self.story()),
            Err(failure) => {
                assert!(matches!(failure, crate::wire::Failure::Closed), "{}", self.story());
            }
        }
        assert!(self.handlers.is_empty(), "a handler ran: {}", self.story());
        self.lab.write_down(&self.asked, "< by the framework: 4xx, or nothing\n");
        self
    }

    /// This field has this value, or is not there.
    #[track_caller]
    pub(crate) fn with_field(self, name: &str, value: Option<&str>) -> Self {
        assert_eq!(self.response().field(name), value, "{name}: {}", self.story());
        self
    }

    /// `Vary` names these fields and no other.
    #[track_caller]
    pub(crate) fn varying_by(self, names: &[&str]) -> Self {
        assert_eq!(vary_of(self.response()), names, "{}", self.story());
        self
    }

    /// The answer.
    #[track_caller]
    pub(crate) fn response(&self) -> &Response {
        match &self.outcome {
            Ok(response) => response,
            Err(failure) => panic!("{failure}, to:\n{}", self.asked),
        }
    }

    fn write_down(self) -> Self {
        self.lab.write_down(&self.asked, &self.answer());
        self
    }

    /// The exchange, for messages.
    fn story(&self) -> String {
        format!("{}{}", self.asked, self.answer())
    }

    /// The answer as the transcript tells it.
    fn answer(&self) -> String {
        let mut text = String::new();
        match &self.outcome {
            Err(failure) => {
                let _ = writeln!(text, "< {failure}");
            }
            Ok(response) => {
                let _ = writeln!(text, "< {}", response.status());
                for name in COMPARED {
                    for value in response.fields(name) {
                        let _ = writeln!(text, "< {name}: {value}");
                    }
                }
                let vary = vary_of(response);
                if !vary.is_empty() {
                    let _ = writeln!(text, "< vary: {}", vary.join(", "));
                }
                if !response.body().is_empty() {
                    let _ = writeln!(text, "< + {}", readable(response.body()));
                }
            }
        }
        if !self.handlers.is_empty() {
            let _ = writeln!(text, "handler: {}", self.handlers.join(", "));
        }
        text
    }
}

/// What an answer varies by, without what CORS layers name, each in its own way.
fn vary_of(response: &Response) -> Vec<String> {
    let mut names = response.members("vary");
    names.retain(|name| name != "origin" && !name.starts_with("access-control-request-"));
    names
}

/// The challenges, one for each field, read by a parser that is not ours and written anew; descriptions left out, since
/// they are for people.
#[track_caller]
fn challenges_of(response: &Response) -> Vec<String> {
    let mut challenges = Vec::new();
    for value in response.fields("www-authenticate") {
        let parsed = http_auth::parse_challenges(value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        let [challenge] = parsed.as_slice() else { panic!("{value:?} is not one challenge") };
        let parameters: Vec<_> = challenge
            .params
            .iter()
            .filter(|(name, _)| *name != "error_description")
            .map(|(name, value)| format!("{name}=\"{}\"", value.to_unescaped()))
            .collect();
        challenges.push(format!("{} {}", challenge.scheme, parameters.join(", ")));
    }
    challenges
}
