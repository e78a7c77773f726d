//! What is asked of an issuer over HTTP, and by whom: [`HttpClient`].

use std::fmt;

use async_trait::async_trait;

use crate::{secret::Secret, unavailable::Unavailable};

/// Sends requests to issuers: [`WebClient`](super::WebClient), or the application's own client.
///
/// An own client **follows no redirect**, has a deadline, and stops reading a body that is longer than the request allows. What is wrong
/// with an answer is judged by who asked.
///
/// # Example
/// ```
/// use countersign::{Unavailable, verifier::remote::{HttpClient, HttpRequest, HttpResponse}};
///
/// /// Serves one key set from memory.
/// #[derive(Debug)]
/// struct Canned(&'static str);
///
/// #[countersign::async_trait]
/// impl HttpClient for Canned {
///     async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unavailable> {
///         assert_eq!(request.method(), "GET");
///         Ok(HttpResponse::new(200, self.0).with_field("content-type", "application/json"))
///     }
/// }
/// ```
#[async_trait]
pub trait HttpClient: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer, or its body is longer than [`longest`](HttpRequest::longest). Never because of a status.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unavailable>;
}

/// What is sent. `Debug` leaves out what may be secret.
#[derive(Clone)]
pub struct HttpRequest {
    method: &'static str,
    url: String,
    fields: Vec<(&'static str, Secret)>,
    body: Option<Secret>,
    longest: usize,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    status: u16,
    fields: Vec<(Box<str>, Box<str>)>,
    body: Vec<u8>,
}

impl HttpRequest {
    pub(super) fn get(url: &str, longest: usize) -> Self {
        let fields = vec![("accept", Secret::new("application/json"))];
        Self { method: "GET", url: url.to_owned(), fields, body: None, longest }
    }

    /// A form, with a credential of ours in `Authorization` where there is one.
    pub(super) fn post_form(url: &str, authorization: Option<Secret>, form: Secret, longest: usize) -> Self {
        let mut asked = Self::get(url, longest);
        asked.fields.push(("content-type", Secret::new("application/x-www-form-urlencoded")));
        asked.fields.extend(authorization.map(|authorization| ("authorization", authorization)));
        Self { method: "POST", body: Some(form), ..asked }
    }

    /// A look with a credential in `Authorization`.
    pub(super) fn get_with(url: &str, authorization: Secret, longest: usize) -> Self {
        let mut asked = Self::get(url, longest);
        asked.fields.push(("authorization", authorization));
        asked
    }

    /// A JSON document.
    pub(super) fn post_json(url: &str, json: Secret, longest: usize) -> Self {
        let mut asked = Self::get(url, longest);
        asked.fields.push(("content-type", Secret::new("application/json")));
        Self { method: "POST", body: Some(json), ..asked }
    }

    /// `GET` or `POST`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Where to. It never holds anything of a token.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The header fields, with names in lower case.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }

    /// The body, if there is one.
    #[must_use]
    pub fn body(&self) -> Option<&Secret> {
        self.body.as_ref()
    }

    /// How many bytes the body of the answer may have.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }
}

impl HttpResponse {
    /// An answer of this status and body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, fields: Vec::new(), body: body.into() }
    }

    /// The same with a header field; `content-type` and `cache-control` are read.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_ascii_lowercase().into(), value.into()));
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }

    /// What an OAuth server says is wrong with a request (RFC 6749 §5.2).
    pub(super) fn error(&self) -> Option<String> {
        let is_error = self.status == 400 && self.field("content-type").is_some_and(is_json);
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok().filter(|_| is_error)?;
        body.get("error")?.as_str().map(str::to_owned)
    }

    /// The JSON in it: of status 200, as JSON says, and not too long.
    pub(super) fn json(&self, longest: usize) -> Result<&[u8], Unavailable> {
        if self.status != 200 {
            return Err(Unavailable::because(format!("it answers {}", self.status)));
        }
        if !self.field("content-type").is_some_and(is_json) {
            return Err(Unavailable::because("it answers with something that is not JSON"));
        }
        if self.body.len() > longest {
            return Err(Unavailable::because("it answers with too much"));
        }
        Ok(&self.body)
    }
}

/// `application/json`, or another type that says by its end that it is JSON (RFC 6839 §3.1).
fn is_json(content_type: &str) -> bool {
    let typ = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    typ.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest").field("method", &self.method).field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_of_status_200_is_no_answer() {
        let with = |status, typ: &str| HttpResponse::new(status, "{}").with_field("Content-Type", typ);
        for (response, good) in [
            (with(200, "application/json"), true),
            (with(200, "Application/JSON; charset=utf-8"), true),
            (with(200, "application/jwk-set+json"), true),
            (with(200, "text/html"), false),
            (with(200, "text/json"), false),
            (with(200, "application/jsonx"), false),
            (with(200, ""), false),
            (HttpResponse::new(200, "{}"), false),
            (with(201, "application/json"), false),
            (with(302, "application/json"), false),
            (with(404, "application/json"), false),
            (with(500, "application/json"), false),
        ] {
            assert_eq!(response.json(2).is_ok(), good, "{response:?}");
            assert!(response.json(1).is_err());
        }
    }
}
