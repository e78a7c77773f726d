//! The gate's answer when it does not admit: [`Rejection`], and how it reads on the wire.
//!
//! A refusal is `application/problem+json` (RFC 9457), says nothing that helps an attacker, and is never stored
//! (`Cache-Control: no-store`). A 401 carries one `WWW-Authenticate` field for each scheme that would have been taken; RFC 6750's
//! `error` parameters go to the Bearer challenge alone. Of several reasons the first in this order counts: 431, 400, 401 or
//! 429 or 503, 403 for another site's request, 403 of a policy.
//!
//! An app may put its own page in place of the JSON: see [`GateBuilder::refusals`](crate::GateBuilder::refusals). Status and
//! header fields are not the page's to change.

use std::{fmt, time::Duration};

use crate::{
    challenge::Challenge,
    principal::Scopes,
    reply::Reply,
    request::{Occurrence, RequestHead, field},
};

/// Why a request was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A credential is longer than the gate reads: 431.
    TooLarge,
    /// Two credentials, or one twice: 400, `invalid_request`.
    Ambiguous,
    /// None of the schemes was used: 401.
    NoCredential,
    /// The credential is malformed, wrong, expired, revoked, or not confirmed: 401.
    BadCredential,
    /// Too many wrong passwords: 429.
    TooManyTries,
    /// The verifier could not find out: 503.
    Unavailable,
    /// A good cookie on a request that another site made: 403.
    CrossSite,
    /// A policy does not permit it: 403.
    Forbidden,
    /// The credential was not issued with the scope it takes: 403, `insufficient_scope`.
    MissingScope,
    /// The app is set up wrongly: 500. The log says what to do.
    Fault,
}

impl Reason {
    /// The status code.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Ambiguous => 400,
            Self::NoCredential | Self::BadCredential => 401,
            Self::CrossSite | Self::Forbidden | Self::MissingScope => 403,
            Self::TooManyTries => 429,
            Self::TooLarge => 431,
            Self::Fault => 500,
            Self::Unavailable => 503,
        }
    }

    /// A short name that never changes, for counters and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Ambiguous => "ambiguous",
            Self::NoCredential => "no_credential",
            Self::BadCredential => "bad_credential",
            Self::TooManyTries => "too_many_tries",
            Self::Unavailable => "unavailable",
            Self::CrossSite => "cross_site",
            Self::Forbidden => "forbidden",
            Self::MissingScope => "missing_scope",
            Self::Fault => "fault",
        }
    }

    /// Every reason, for counters.
    pub(crate) const ALL: [Self; 10] = [
        Self::TooLarge,
        Self::Ambiguous,
        Self::NoCredential,
        Self::BadCredential,
        Self::TooManyTries,
        Self::Unavailable,
        Self::CrossSite,
        Self::Forbidden,
        Self::MissingScope,
        Self::Fault,
    ];

    fn detail(self) -> &'static str {
        match self {
            Self::TooLarge => "The credential is longer than 8 KiB.",
            Self::Ambiguous => "The request holds more than one credential; send one, once.",
            Self::NoCredential => "This takes a credential.",
            Self::BadCredential => "The credential is not valid.",
            Self::TooManyTries => "Too many attempts; try again later.",
            Self::Unavailable => "The credential cannot be verified at the moment; try again later.",
            Self::CrossSite => "The request was made by another site.",
            Self::Forbidden => "The caller may not do this.",
            Self::MissingScope => "The credential was not issued for this.",
            Self::Fault => "The service is set up wrongly.",
        }
    }

    fn oauth_error(self) -> Option<&'static str> {
        match self {
            Self::Ambiguous => Some("invalid_request"),
            Self::MissingScope => Some("insufficient_scope"),
            _ => None,
        }
    }
}

/// Why and how a request was not admitted.
///
/// `Debug` and `Display` name the reason and nothing of the request: some frameworks print them.
pub struct Rejection(Box<Parts>);

pub(crate) struct Parts {
    pub(crate) reason: Reason,
    pub(crate) challenges: Vec<Challenge>,
    pub(crate) error: Option<&'static str>,
    pub(crate) missing: Option<Scopes>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) clear_cookies: Vec<String>,
    pub(crate) sign_in: Option<String>,
    pub(crate) page: Option<Page>,
}

impl Rejection {
    pub(crate) fn new(reason: Reason) -> Self {
        Self(Box::new(Parts {
            reason,
            challenges: Vec::new(),
            error: reason.oauth_error(),
            missing: None,
            retry_after: None,
            clear_cookies: Vec::new(),
            sign_in: None,
            page: None,
        }))
    }

    pub(crate) fn parts(&mut self) -> &mut Parts {
        &mut self.0
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The status code of the reply: that of the reason, or 303 where a browser is sent to sign in.
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.0.sign_in.is_some() { 303 } else { self.0.reason.status() }
    }

    /// What the client is told to do, in order.
    #[must_use]
    pub fn challenges(&self) -> &[Challenge] {
        &self.0.challenges
    }

    /// The scopes that were missing.
    #[must_use]
    pub fn missing_scopes(&self) -> Option<&Scopes> {
        self.0.missing.as_ref()
    }

    /// After what time another try makes sense, in whole seconds rounded up on the wire.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The whole reply, for an adapter to write.
    pub fn reply(&self) -> Reply {
        let parts = &*self.0;
        let mut reply = Reply::new(self.status()).with("cache-control", "no-store");
        for cookie in &parts.clear_cookies {
            reply = reply.with("set-cookie", cookie);
        }
        if let Some(target) = &parts.sign_in {
            return reply.with("location", target);
        }
        for challenge in &parts.challenges {
            reply = reply.with("www-authenticate", challenge.to_string());
        }
        if let Some(after) = parts.retry_after {
            reply = reply.with("retry-after", after.as_millis().div_ceil(1000).max(1).to_string());
        }
        match &parts.page {
            Some(page) => reply.with_body(&page.content_type, page.body.clone()),
            None => reply.with_body(
                "application/problem+json",
                problem(parts.reason.status(), parts.reason.detail(), parts.error),
            ),
        }
    }
}

impl Clone for Rejection {
    fn clone(&self) -> Self {
        let parts = &*self.0;
        Self(Box::new(Parts {
            reason: parts.reason,
            challenges: parts.challenges.clone(),
            error: parts.error,
            missing: parts.missing.clone(),
            retry_after: parts.retry_after,
            clear_cookies: parts.clear_cookies.clone(),
            sign_in: parts.sign_in.clone(),
            page: parts.page.clone(),
        }))
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection").field("reason", &self.0.reason).finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.reason.detail())
    }
}

impl std::error::Error for Rejection {}

/// A problem document (RFC 9457) of this status.
pub(crate) fn problem(status: u16, detail: &str, error: Option<&str>) -> Vec<u8> {
    let mut text = format!(
        "{{\"type\":\"about:blank\",\"title\":{},\"status\":{status},\"detail\":{}",
        serde_json::Value::from(title(status)),
        serde_json::Value::from(detail)
    );
    if let Some(error) = error {
        text.push_str(&format!(",\"error\":{}", serde_json::Value::from(error)));
    }
    text.push('}');
    text.into_bytes()
}

/// The status's phrase (RFC 9110 §15, RFC 6585).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}

/// An app's own page in place of the JSON of a refusal: a type and bytes, and nothing else to get wrong.
#[derive(Clone)]
pub struct Page {
    content_type: Box<str>,
    body: Vec<u8>,
}

impl Page {
    /// A page of this `Content-Type`.
    #[must_use]
    pub fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { content_type: content_type.into(), body: body.into() }
    }

    /// A page of HTML in UTF-8.
    #[must_use]
    pub fn html(body: impl Into<Vec<u8>>) -> Self {
        Self::new("text/html; charset=utf-8", body)
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// What kind of answer a client can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wants {
    /// `Accept` ranks `text/html` above JSON, as browsers do when they load a page.
    pub html: bool,
    /// A script in a page made the request, so that no browser dialog may pop up: `Sec-Fetch-Mode` is not `navigate`, or
    /// `X-Requested-With` is `XMLHttpRequest`.
    pub script: bool,
}

impl Wants {
    /// Reads `Accept`, `Sec-Fetch-Mode` and `X-Requested-With`.
    #[must_use]
    pub fn of(head: &dyn RequestHead) -> Self {
        let fetched = match head.only(&field::SEC_FETCH_MODE) {
            Occurrence::Absent => false,
            Occurrence::Once(mode) => !mode.eq_ignore_ascii_case(b"navigate"),
            Occurrence::Repeated => true,
        };
        let requested =
            head.fields(&field::X_REQUESTED_WITH).any(|value| value.eq_ignore_ascii_case(b"XMLHttpRequest"));
        Self { html: prefers_html(head), script: fetched || requested }
    }
}

/// Whether `text/html` has a higher weight than JSON. Weights are thousandths (RFC 9110 §12.4.2).
fn prefers_html(head: &dyn RequestHead) -> bool {
    let (mut html, mut json, mut anything) = (None, None, 0);
    for range in head.fields(&field::ACCEPT).flat_map(|line| line.split(|byte| *byte == b',')) {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let media = parts.next().unwrap_or_default();
        let weight =
            parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q="))).map_or(1000, weight);
        let is = |name: &[u8]| media.eq_ignore_ascii_case(name);
        if is(b"text/html") || is(b"application/xhtml+xml") {
            html = html.max(Some(weight));
        } else if is(b"application/json") || is(b"application/problem+json") || is(b"application/*") {
            json = json.max(Some(weight));
        } else if is(b"*/*") {
            anything = weight;
        }
    }
    html.unwrap_or(0) > json.unwrap_or(anything)
}

fn weight(text: &[u8]) -> u32 {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<f32>().ok())
        .filter(|weight| (0.0..=1.0).contains(weight));
    // A weight that cannot be read ranks last.
    number.map_or(0, |weight| (weight * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn browsers_prefer_html_and_nobody_else() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("text/html", true),
            ("TEXT/HTML;q=0.9, */*;q=0.1", true),
            ("*/*", false),
            ("", false),
            ("application/json", false),
            ("text/html, application/json", false),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("text/plain", false),
        ] {
            assert_eq!(Wants::of(&PlainHead::get("/").with("accept", accept)).html, html, "{accept:?}");
        }
        assert!(!Wants::of(&PlainHead::get("/")).html);
    }

    #[test]
    fn scripts_are_told_from_navigation() {
        for (name, value, script) in [
            ("sec-fetch-mode", "navigate", false),
            ("sec-fetch-mode", "cors", true),
            ("sec-fetch-mode", "no-cors", true),
            ("x-requested-with", "XMLHttpRequest", true),
            ("x-requested-with", "other", false),
        ] {
            assert_eq!(Wants::of(&PlainHead::get("/").with(name, value)).script, script, "{name}: {value}");
        }
    }

    #[test]
    fn a_rejection_prints_its_reason_alone() {
        let rejection = Rejection::new(Reason::BadCredential);
        assert_eq!(format!("{rejection:?}"), "Rejection { reason: BadCredential, .. }");
    }
}
