//! An endpoint of this crate in the words of OpenAPI.

use serde_json::{Map, Value, json};

use super::{Operation, add};
use crate::mint::endpoint::described::{Described, Member, Shape};

/// Writes down all that an endpoint says of itself. What its gate answers stands there already.
pub(super) fn write(described: &Described, operation: &mut Operation) {
    operation.says("summary", described.summary.into());
    let is_guarded = !operation.security.as_array().is_none_or(Vec::is_empty);
    let responses = &mut operation.responses;
    match (&described.takes, is_guarded) {
        (Some(_), _) => responses.refuse(400, "The request or its body cannot be read, or misses a field."),
        (None, false) => responses.refuse(400, "The request cannot be read."),
        (None, true) => {}
    }
    if described.takes.is_some() {
        responses.refuse(408, "The body comes too slowly.");
        responses.refuse(413, "The body is longer than 64 KiB.");
        responses.refuse(415, "The body is of a type that is not read here.");
    }
    if described.asks {
        responses.refuse(503, "Something that has to be asked has no answer.");
    }
    for (status, says) in described.refuses {
        responses.refuse(*status, says);
    }
    for answered in described.answers {
        let content = answered.gives.map(|gives| ("application/json", object(gives)));
        responses.put(answered.status, answered.says, answered.fields, content);
    }
    // Whoever begins something with a sign-in of this crate answers as they like.
    if described.answers.is_empty() {
        responses.put(200, "As the app answers.", &[], None);
    }
    let Some(takes) = &described.takes else { return };
    let schema = object(&takes.members);
    let media = [(takes.json, "application/json"), (takes.form, "application/x-www-form-urlencoded")];
    let media = media.into_iter().filter(|(is_taken, _)| *is_taken);
    let content: Map<String, Value> =
        media.map(|(_, name)| (name.to_owned(), json!({ "schema": schema.clone() }))).collect();
    operation.says("requestBody", json!({ "required": takes.required, "content": content }));
}

fn object(members: &[Member]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|member| (member.name.to_owned(), schema(member.shape))).collect();
    let required: Vec<&str> = members.iter().filter(|member| member.required).map(|member| member.name).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    // An empty list is not valid (OpenAPI 3.0).
    if !required.is_empty() {
        add(&mut object, "required", required.into());
    }
    object
}

fn schema(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Password => json!({ "type": "string", "format": "password" }),
        Shape::Moment => json!({ "type": "string", "format": "date-time" }),
        Shape::Seconds(u64::MAX) => json!({ "type": "integer", "minimum": 1 }),
        Shape::Seconds(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Only(text) => json!({ "type": "string", "enum": [text] }),
        Shape::OrNull(shape) => or_null(schema(*shape)),
        Shape::Each(shape) => json!({ "type": "array", "items": schema(*shape) }),
        Shape::Object(members) => object(members),
        Shape::Whatever => json!({ "type": "object" }),
    }
}

fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    schema
}
