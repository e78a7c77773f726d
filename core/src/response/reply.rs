//! A whole response without a framework: what a refusal or an endpoint of this crate answers, for an adapter to copy.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::Page;

/// Status, header fields in order, and body.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Reply {
    status: u16,
    fields: Vec<ReplyField>,
    body: Vec<u8>,
    /// What it tells the client, if it is a problem document.
    problem: Option<Box<str>>,
}

/// The name of a field, in lower case, and its value.
pub type ReplyField = (&'static str, Cow<'static, str>);

impl Reply {
    /// A reply without fields and body.
    pub fn new(status: u16) -> Self {
        Self { status, fields: Vec::with_capacity(4), body: Vec::new(), problem: None }
    }

    /// The same with another status.
    pub fn status_is(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a field behind those that are there. The value is printable ASCII: anything else becomes `?`.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value: String = value.into();
        let clean = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let value =
            if clean { value } else { value.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect() };
        self.fields.push((name, value.into()));
        self
    }

    /// The same with a value that is no request's.
    pub(crate) fn with_fixed(mut self, name: &'static str, value: &'static str) -> Self {
        self.fields.push((name, Cow::Borrowed(value)));
        self
    }

    /// A problem document in the body.
    pub(crate) fn with_problem(self, document: Vec<u8>) -> Self {
        let mut reply = self.with_fixed("content-type", "application/problem+json");
        reply.body = document;
        reply
    }

    /// Sets the body and its type.
    pub fn with_body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut reply = self.with("content-type", content_type);
        reply.body = body.into();
        reply
    }

    /// Adds a member to a body that is a JSON object, unless it has one of this name, such as `access_token`. Any other body stays what it is,
    /// and so does this one if the value cannot be written as JSON.
    pub fn with_member(mut self, name: &str, value: impl Serialize) -> Self {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(&self.body) else { return self };
        let Ok(value) = serde_json::to_value(value) else { return self };
        members.entry(name).or_insert(value);
        self.body = Value::Object(members).to_string().into_bytes();
        self
    }

    /// A problem document (RFC 9457) with this sentence for the client, not to be stored. `error` is the OAuth code, where
    /// there is one.
    pub fn problem(status: u16, detail: &str, error: Option<&str>) -> Self {
        let body = super::problem::problem(status, detail, error);
        let reply = Self::new(status).with_fixed("cache-control", "no-store").with_problem(body);
        Self { problem: Some(detail.into()), ..reply }
    }

    /// What it tells the client, if it is a [problem document](Self::problem) that no page took the place of.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// The same status and fields with this page in place of the document.
    pub(crate) fn shown_as(mut self, page: &Page) -> Self {
        self.fields.retain(|(name, _)| *name != "content-type");
        self.problem = None;
        self.with_body(&page.content_type, page.body.clone())
    }

    /// A JSON document.
    pub(crate) fn json(status: u16, document: &Value) -> Self {
        Self::new(status).with_body("application/json", document.to_string())
    }

    /// The status code, between 200 and 599.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The fields, names in lower case, in order; a name may stand more than once.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, &**value))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Status, fields and body, taken out.
    #[must_use]
    pub fn into_parts(self) -> (u16, Vec<ReplyField>, Vec<u8>) {
        (self.status, self.fields, self.body)
    }

    /// The body, taken out.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

impl std::fmt::Debug for Reply {
    /// Leaves values and body out: a reply may hold a cookie or a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("Reply").field("status", &self.status).field("fields", &names).finish_non_exhaustive()
    }
}
