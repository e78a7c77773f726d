//! Under which spans the log shows a request: each line that is about one tells its path and its id.

use tracing::Span;

use super::why::quoted_up_to;
use crate::request::{Occurrence, RequestView, field};

/// The longest path that is shown, in bytes.
const LONGEST_PATH: usize = 256;

/// The longest id of a request that is taken for one, in bytes.
const LONGEST_ID: usize = 128;

/// What a gate decides, and what it waits for meanwhile.
pub(crate) fn admit(realm: &str, request: &RequestView<'_>) -> Span {
    tracing::debug_span!(
        target: "countersign",
        "admit",
        realm,
        path = %path_of(request),
        request_id = request_id_of(request),
        subject = tracing::field::Empty,
    )
}

/// What an endpoint does. Shown as soon as warnings are, since it is done seldom, and warnings are what it has to say.
#[cfg(feature = "mint")]
pub(crate) fn endpoint(realm: &str, request: &RequestView<'_>) -> Span {
    tracing::warn_span!(
        target: "countersign",
        "endpoint",
        realm,
        method = %quoted_up_to(request.method().as_bytes(), 32),
        path = %path_of(request),
        request_id = request_id_of(request),
    )
}

/// Method and path, where no span shows them.
pub(crate) fn named(request: &RequestView<'_>) -> String {
    format!("{} {}", quoted_up_to(request.method().as_bytes(), 32).trim_matches('"'), path_of(request))
}

/// The path as it was sent, escaped and without the query.
pub(crate) fn path_of(request: &RequestView<'_>) -> String {
    quoted_up_to(request.path().as_bytes(), LONGEST_PATH)
}

/// What `X-Request-Id` said, if it is one.
pub(crate) fn request_id_of<'r>(request: &RequestView<'r>) -> Option<&'r str> {
    match request.only(&field::X_REQUEST_ID) {
        Occurrence::Once(sent) => id_of(sent),
        Occurrence::Absent | Occurrence::Repeated => None,
    }
}

/// An id of a request as it may be shown in a log.
fn id_of(sent: &[u8]) -> Option<&str> {
    let fits = (1..=LONGEST_ID).contains(&sent.len()) && sent.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(sent).ok().filter(|_| fits)
}
