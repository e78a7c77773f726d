//! Every refusal's body, as it is unless the app writes its own.

use serde_json::{Value, json};

/// The name of its schema.
pub(super) const PROBLEM: &str = "Problem";

/// A refusal's media type and schema.
pub(super) fn content() -> (&'static str, Value) {
    ("application/problem+json", json!({ "$ref": format!("#/components/schemas/{PROBLEM}") }))
}

pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "error": { "type": "string", "description": "The error code of OAuth, where there is one." }
        }
    })
}
