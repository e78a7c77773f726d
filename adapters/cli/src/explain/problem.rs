//! The body of a refusal: a problem document (RFC 9457), or an OAuth error.

use countersign::jose::JwtAlgorithm;
use serde_json::Value;

use crate::{fault::Fault, report::Report};

/// `None` if it is none.
pub(super) fn explain(text: &str, _: Option<JwtAlgorithm>) -> Option<Result<Report, Fault>> {
    let body: Value = serde_json::from_str(text).ok()?;
    let status = body.get("status").and_then(Value::as_u64);
    let error = body.get("error").and_then(Value::as_str);
    let meaning = match (status, error) {
        (None, None) => return None,
        (Some(400), _) | (None, Some("invalid_request")) => "a credential cannot be read, or several were sent at once",
        (Some(401), _) | (None, Some("invalid_token")) => {
            "no credential was sent, or it is wrong, has ended, or was revoked"
        }
        (Some(403), _) | (None, Some("insufficient_scope")) => {
            "the caller is known, and may not do this, or a page of another site asked"
        }
        (Some(413), _) => "the body is longer than may be read before its signature is checked",
        (Some(429), _) => "too many wrong tries: Retry-After says when the next one counts",
        (Some(431), _) => "the credential, or its fields, are too long",
        (Some(500), _) => "the service is put together wrongly: its log says at ERROR what to write",
        (Some(503), _) => "it could not be found out: a store or an issuer has no answer, which the log says at WARN",
        _ => "another refusal",
    };
    Some(Ok(Report::of_kind("a refusal")
        .with_any("status", status)
        .with_any("error", error)
        .with_any("detail", body.get("detail").or_else(|| body.get("error_description")).cloned())
        .with("meaning", meaning)
        .with("why", "the client never learns it; the service's log says it with RUST_LOG=countersign=debug")))
}
