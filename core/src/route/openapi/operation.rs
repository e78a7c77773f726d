//! What is known of one route, and how it gets into a document.

use serde_json::{Map, Value, json};

use super::{Documented, add, member, problem};

#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) method: String,
    pub(super) security: Value,
    pub(super) responses: Responses,
    parameters: Vec<String>,
    /// What is said where the app says nothing.
    members: Map<String, Value>,
}

/// Answers by their status.
#[derive(Debug, Clone, Default)]
pub(super) struct Responses(Map<String, Value>);

impl Operation {
    /// Of a method and a pattern, which nothing guards.
    pub(super) fn of(route: &str) -> Self {
        let (method, pattern) = route.trim().split_once(' ').unwrap_or(("GET", route.trim()));
        Self::at(method, pattern.trim())
    }

    pub(super) fn at(method: &str, pattern: &str) -> Self {
        let (path, parameters) = path_of(pattern);
        let (method, security) = (method.to_ascii_lowercase(), json!([]));
        Self { path, method, security, responses: Responses::default(), parameters, members: Map::new() }
    }

    pub(super) fn says(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// Writes it into what the app says of this route, in the words of OpenAPI 3.0 where that is `old`.
    pub(super) fn write_into(&self, found: &mut Value, old: bool) {
        if let Value::Object(found) = found {
            found.insert("security".to_owned(), self.security.clone());
        }
        let in_words = |value: &Value| if old { in_old_words(value) } else { value.clone() };
        for (name, value) in &self.members {
            add(found, name, in_words(value));
        }
        self.add_parameters(found);
        let responses = member(found, "responses");
        for (status, response) in &self.responses.0 {
            add(responses, status, in_words(response));
        }
        // An operation must have one response at least (OpenAPI 3.0).
        if responses.as_object().is_some_and(Map::is_empty) {
            add(responses, "default", json!({ "description": "as the app answers" }));
        }
    }

    /// Those of the path that nobody speaks of yet: a document without them is not valid.
    fn add_parameters(&self, operation: &mut Value) {
        if self.parameters.is_empty() {
            return;
        }
        let Value::Object(operation) = operation else { return };
        let Value::Array(known) = operation.entry("parameters").or_insert_with(|| json!([])) else { return };
        for name in &self.parameters {
            let is_this = |known: &Value| known["name"] == **name && known["in"] == "path";
            if !known.iter().any(is_this) {
                known.push(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
            }
        }
    }
}

impl Responses {
    /// Says of this status what it means, and what it brings beside what was said before.
    pub(super) fn put(&mut self, status: u16, says: &str, fields: &[&str], content: Option<(&str, Value)>) {
        let response = self.0.entry(status.to_string()).or_insert_with(|| json!({}));
        response["description"] = says.into();
        for field in fields {
            member(response, "headers")[*field] = json!({ "schema": { "type": "string" } });
        }
        if let Some((media, schema)) = content {
            member(response, "content")[media] = json!({ "schema": schema });
        }
    }

    /// A refusal of this status, with the fields that it always has.
    pub(super) fn refuse(&mut self, status: u16, says: &str) {
        let fields: &[&str] = match status {
            401 => &["WWW-Authenticate"],
            429 | 503 => &["Retry-After"],
            _ => &[],
        };
        self.put(status, says, fields, Some(problem::content()));
    }

    /// What the guard of a route may answer in place of the route.
    pub(super) fn guard(&mut self, documented: &Documented) {
        self.refuse(400, "A credential cannot be read, or several were sent.");
        self.refuse(401, "No credential was sent, or it is not good.");
        if let Some(policy) = &documented.policy {
            self.refuse(403, &format!("The caller may not: it takes {policy}."));
        } else if documented.cross_site {
            self.refuse(403, "A page of another site asked.");
        }
        if documented.throttled {
            self.refuse(429, "Too many wrong tries.");
        }
        self.refuse(431, "A credential is too long.");
        self.refuse(503, "It could not be found out who the caller is.");
    }
}

/// A pattern as OpenAPI writes it, and the names in it.
pub(super) fn path_of(pattern: &str) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let pattern = pattern.split('?').next().unwrap_or_default();
    let segments = pattern.split('/').map(|segment| {
        let braced = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let angled = segment.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        let Some(within) = braced.or(angled) else { return segment.to_owned() };
        let name = within.trim_start_matches('*').trim_end_matches("..");
        let name = name.split(':').next().unwrap_or(name);
        names.push(name.to_owned());
        format!("{{{name}}}")
    });
    let path = segments.collect::<Vec<_>>().join("/");
    (path, names)
}

/// `"type": ["string", "null"]` is `"nullable": true` before OpenAPI 3.1.
fn in_old_words(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut written: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), in_old_words(value))).collect();
            if let Some([kind, Value::String(null)]) = members.get("type").and_then(Value::as_array).map(Vec::as_slice)
                && null == "null"
            {
                written.insert("type".to_owned(), kind.clone());
                written.insert("nullable".to_owned(), true.into());
            }
            written.into()
        }
        Value::Array(values) => values.iter().map(in_old_words).collect(),
        _ => value.clone(),
    }
}
