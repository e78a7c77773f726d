//! Problem documents (RFC 9457).

use std::io::Write;

/// A problem document (RFC 9457) of this status.
pub(crate) fn problem(status: u16, detail: &str, error: Option<&str>) -> Vec<u8> {
    let mut text = Vec::with_capacity(192);
    // Writing into memory does not fail, and titles hold nothing that would have to be escaped.
    let title = title(status);
    let _ = write!(text, r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"#);
    let _ = serde_json::to_writer(&mut text, detail);
    if let Some(error) = error {
        text.extend_from_slice(br#","error":"#);
        let _ = serde_json::to_writer(&mut text, error);
    }
    text.push(b'}');
    text
}

/// The status's phrase (RFC 9110 §15, RFC 6585).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
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
