//! Problem documents (RFC 9457).

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
