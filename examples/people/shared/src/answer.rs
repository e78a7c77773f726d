//! Replies that belong to no route.

use countersign::Reply;
use serde::{Deserialize, Serialize};

/// A JSON document.
pub(crate) fn json(status: u16, document: &impl Serialize) -> Reply {
    // Nothing here has a key that is not text or a serialiser that fails.
    let body = serde_json::to_vec(document).unwrap_or_default();
    Reply::new(status).with_body("application/json", body)
}

/// 404: there is no such path.
pub fn no_such_path() -> Reply {
    Reply::problem(404, "There is nothing under this path.", None)
}

/// 405, to which the framework adds `Allow`.
pub fn no_such_method() -> Reply {
    Reply::problem(405, "This path has no such method.", None)
}

/// A request that the framework could not read.
pub fn unreadable(status: u16) -> Reply {
    Reply::problem(status, "The request cannot be read.", None)
}

/// 500, which nothing here should ever cause.
pub fn fault() -> Reply {
    Reply::problem(500, "The service has failed.", None)
}

/// 503: the database has no answer.
pub(crate) fn unavailable(error: &impl std::fmt::Display) -> Reply {
    tracing::warn!("the database has no answer: {error}");
    Reply::problem(503, "The service cannot answer at the moment; try again later.", None).with("retry-after", "5")
}

/// The type and the page in place of the body of a refusal, for a browser that [loads a page](countersign::request::Wants::html). The status
/// and all other fields stay what they are.
#[must_use]
pub fn page_of(refusal: &[u8]) -> (&'static str, Vec<u8>) {
    // What is left of a document that cannot be read is its status.
    let document: Problem = serde_json::from_slice(refusal).unwrap_or_default();
    (crate::page::HTML, crate::page::refusal(&document.title, &document.detail).into_bytes())
}

/// Whether a response of this type is a refusal.
#[must_use]
pub fn is_refusal(content_type: Option<&[u8]>) -> bool {
    content_type == Some(b"application/problem+json")
}

#[derive(Deserialize, Default)]
struct Problem {
    title: String,
    detail: String,
}

/// The header fields that every response of the service carries, refusals included.
///
/// Scripts and styles are the page's own, told by their hashes; nothing is loaded from elsewhere, and nobody frames the page.
pub const FIELDS: [(&str, &str); 2] =
    [("content-security-policy", crate::page::POLICY), ("x-content-type-options", "nosniff")];
