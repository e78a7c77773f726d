//! What the guards of an app ask for, as a part of its OpenAPI document: out of the declaration that enforces it.
//!
//! - Each kind of credential that a gate takes is a security scheme under its name: `http`, `apiKey` in a header, a cookie or the query, or
//!   `mutualTLS`.
//! - Each route that was written down says which of them it takes, one of them being enough, and whether nobody may come.
//! - It says what else it may answer: 400, 401 with its challenge, 403, 429 where wrong tries are counted, and 503, each with a problem
//!   document (RFC 9457).
//!
//! # Example
//! ```
//! use countersign::{Bearer, Gate, Verified, gate::policy::scope, route::OpenApi, verifier::TokenTable};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::in_realm("people").accept(Bearer, TokenTable::new().with("t", Verified::new("emily"))).build()?;
//! let mut document = OpenApi::default();
//! // .route("/reports/{id}", put(replace).route_layer(document.guarded("PUT /reports/{id}", &gate.require(scope("reports:write"))).enforce()))
//! let guard = document.guarded("PUT /reports/{id}", &gate.require(scope("reports:write")));
//! # let _ = guard;
//!
//! // What utoipa, or whatever else an app has, writes: `ApiDoc::openapi().to_json()?`
//! let own = r#"{"openapi":"3.1.0","info":{"title":"people","version":"1"},"paths":{"/reports/{id}":{"put":{"responses":{"204":{"description":"done"}}}}}}"#;
//! let whole = document.merged_into(own)?;
//! assert!(whole.contains(r#""security":[{"bearer":[]}]"#) && whole.contains(r#""204""#) && whole.contains(r#""503""#));
//! # Ok(()) }
//! ```
//! With utoipa, `serde_json::from_str::<utoipa::openapi::OpenApi>(&whole)` is the document again, for whatever serves it.
//!
//! # What it does not do
//! It does not know what a route takes and gives: the app's own document says that, and wherever both say something of one answer, the app's
//! counts. It does not see a demand that stands in a handler's signature: write its policy down beside the route.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::gate::{
    Gate,
    documented::{Documented, Sent},
};

/// Security schemes, and what each route asks for. See the [module](self).
#[derive(Debug, Clone, Default)]
pub struct OpenApi {
    schemes: BTreeMap<Box<str>, Value>,
    operations: Vec<Operation>,
}

/// A document that nothing can be put into.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("this is no OpenAPI document of version 3: it must be a JSON object with \"openapi\" and \"paths\"")]
#[non_exhaustive]
pub struct NotOpenApi;

crate::sentence::prints_its_sentence!(NotOpenApi);

#[derive(Debug, Clone)]
struct Operation {
    path: String,
    method: String,
    parameters: Vec<String>,
    members: Map<String, Value>,
    responses: Map<String, Value>,
}

/// The name of the schema of a problem document.
const PROBLEM: &str = "Problem";

impl OpenApi {
    /// Writes down that this gate guards this route, a method and a pattern such as `GET /users/{name}`, and hands the gate back, to be enforced
    /// there. Patterns are those of the framework: `{name}`, `{name:[a-z]+}`, `{*rest}`, `<name>` or `<rest..>`.
    #[must_use]
    pub fn guarded<P: Send + Sync + 'static>(&mut self, route: &str, gate: &Gate<P>) -> Gate<P> {
        let documented = gate.documented();
        self.schemes.extend(documented.schemes.iter().map(|(name, sent)| (name.clone(), scheme(sent))));
        let mut operation = Operation::of(route);
        let each = documented.schemes.iter().map(|(name, _)| json!({ &**name: [] }));
        let nobody = documented.anonymous.then(|| json!({}));
        operation.members.insert("security".to_owned(), nobody.into_iter().chain(each).collect());
        operation.responses = responses(&documented);
        self.operations.push(operation);
        gate.clone()
    }

    /// Writes down that nothing guards this route.
    pub fn public(&mut self, route: &str) {
        let mut operation = Operation::of(route);
        operation.members.insert("security".to_owned(), json!([]));
        self.operations.push(operation);
    }

    /// A document of its own, of OpenAPI 3.1, with nothing in it but this.
    #[must_use]
    pub fn to_json(&self, title: &str, version: &str) -> String {
        let mut document = json!({ "openapi": "3.1.0", "info": { "title": title, "version": version }, "paths": {} });
        self.merge(&mut document);
        document.to_string()
    }

    /// An app's own document with this put into it. What the app says itself of a route, a response, a schema or a scheme stays as it is, but
    /// for `security`, which is what the guard asks for.
    ///
    /// # Errors
    /// When it is no OpenAPI document.
    pub fn merged_into(&self, document: &str) -> Result<String, NotOpenApi> {
        let mut document: Value = serde_json::from_str(document).map_err(|_| NotOpenApi)?;
        let is_one = document.get("openapi").and_then(Value::as_str).is_some_and(|version| version.starts_with("3."));
        let has_paths = document.get("paths").is_none_or(Value::is_object);
        let has_parts = document.get("components").is_none_or(|parts| {
            let is_object = |name: &str| parts.get(name).is_none_or(Value::is_object);
            parts.is_object() && is_object("schemas") && is_object("securitySchemes")
        });
        if !(is_one && has_paths && has_parts) {
            return Err(NotOpenApi);
        }
        self.merge(&mut document);
        Ok(document.to_string())
    }

    fn merge(&self, document: &mut Value) {
        let schemas = member(member(document, "components"), "schemas");
        add(schemas, PROBLEM, problem_schema());
        let schemes = member(member(document, "components"), "securitySchemes");
        for (name, scheme) in &self.schemes {
            add(schemes, name, scheme.clone());
        }
        for operation in &self.operations {
            let path = member(member(document, "paths"), &operation.path);
            let found = member(path, &operation.method);
            if let Value::Object(found) = found {
                found.extend(operation.members.clone());
            }
            operation.add_parameters(found);
            let responses = member(found, "responses");
            for (status, response) in &operation.responses {
                add(responses, status, response.clone());
            }
            // An operation must have one response at least (OpenAPI 3.0).
            if responses.as_object().is_some_and(Map::is_empty) {
                add(responses, "default", json!({ "description": "as the app answers" }));
            }
        }
    }
}

impl Operation {
    fn of(route: &str) -> Self {
        let (method, pattern) = route.trim().split_once(' ').unwrap_or(("GET", route.trim()));
        let (path, parameters) = path_of(pattern.trim());
        let method = method.to_ascii_lowercase();
        Self { path, method, parameters, members: Map::new(), responses: Map::new() }
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

/// A pattern as OpenAPI writes it, and the names in it.
fn path_of(pattern: &str) -> (String, Vec<String>) {
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

fn scheme(sent: &Sent) -> Value {
    match sent {
        Sent::Authorization(keyword) => json!({ "type": "http", "scheme": keyword }),
        Sent::Header(name) => json!({ "type": "apiKey", "in": "header", "name": name }),
        Sent::Cookie(name) => json!({ "type": "apiKey", "in": "cookie", "name": name }),
        Sent::Query(name) => json!({ "type": "apiKey", "in": "query", "name": name }),
        Sent::Certificate => json!({ "type": "mutualTLS" }),
    }
}

/// What the guard of a route may answer in place of the route.
fn responses(documented: &Documented) -> Map<String, Value> {
    let text = || json!({ "schema": { "type": "string" } });
    let challenge = json!({ "WWW-Authenticate": text() });
    let wait = json!({ "Retry-After": text() });
    let mut all = vec![
        (400, "A credential cannot be read, or several were sent.", None),
        (401, "No credential was sent, or it is not good.", Some(challenge.clone())),
    ];
    let forbidden = match &documented.policy {
        Some(policy) => Some(format!("The caller may not: it takes {policy}.")),
        None => documented.cross_site.then(|| "A page of another site asked.".to_owned()),
    };
    if let Some(why) = &forbidden {
        all.push((403, why, None));
    }
    if documented.throttled {
        all.push((429, "Too many wrong tries.", Some(wait.clone())));
    }
    all.push((503, "It could not be found out who the caller is.", Some(wait)));
    let written = all.into_iter().map(|(status, description, headers): (u16, &str, Option<Value>)| {
        let content =
            json!({ "application/problem+json": { "schema": { "$ref": format!("#/components/schemas/{PROBLEM}") } } });
        let mut response = json!({ "description": description, "content": content });
        if let (Some(headers), Value::Object(response)) = (headers, &mut response) {
            response.insert("headers".to_owned(), headers);
        }
        (status.to_string(), response)
    });
    written.collect()
}

/// Every refusal's body, as it is unless the app writes its own.
fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "error": { "type": "string", "description": "The error code of RFC 6750, where there is one." }
        }
    })
}

/// The member of this name, made where there is none.
fn member<'v>(of: &'v mut Value, name: &str) -> &'v mut Value {
    if !of.is_object() {
        *of = json!({});
    }
    let found = &mut of[name];
    if found.is_null() {
        *found = json!({});
    }
    found
}

/// What is there already stays.
fn add(object: &mut Value, name: &str, value: Value) {
    if !object.is_object() {
        *object = json!({});
    }
    if let Value::Object(members) = object {
        members.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ApiKey, Basic, Bearer, KeyRing, QueryParam, SignedCookie, Verified,
        credential::CookieCredential,
        gate::policy::{all_of, role, scope},
        verifier::{Answer, PasswordTable, TokenTable, verify_now_with},
    };

    fn gate() -> Gate<&'static str> {
        let tokens = || TokenTable::new().with("a-long-random-token", Verified::new("emily"));
        let sessions = verify_now_with(|_: &CookieCredential| Answer::<&'static str>::Refused);
        Gate::in_realm("people")
            .accept(Basic, PasswordTable::new().with("emily", "s3cret", Verified::new("emily")))
            .accept(Bearer, tokens())
            .accept(QueryParam::named("access_token"), tokens())
            .accept(ApiKey::in_header("X-API-Key").or_keyword("Token"), tokens())
            .accept(SignedCookie::named("session", KeyRing::random()), sessions)
            .build()
            .unwrap()
    }

    fn document() -> OpenApi {
        let gate = gate();
        let mut document = OpenApi::default();
        let _ = document.guarded("GET /me", &gate);
        let _ = document.guarded("GET /", &gate.or_anonymous());
        let may = all_of((scope("reports:write"), role("editor")));
        let _ = document.guarded("PUT /reports/{id}", &gate.only(["bearer"]).unwrap().require(may));
        document.public("GET /health");
        document
    }

    #[test]
    fn every_kind_is_a_scheme_and_every_route_says_which_it_takes() {
        let json: Value = serde_json::from_str(&document().to_json("people", "1")).unwrap();
        let schemes = json!({
            "basic": { "type": "http", "scheme": "basic" },
            "bearer": { "type": "http", "scheme": "bearer" },
            "query": { "type": "apiKey", "in": "query", "name": "access_token" },
            "api-key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
            "cookie": { "type": "apiKey", "in": "cookie", "name": "__Host-session" },
        });
        assert_eq!(json["components"]["securitySchemes"], schemes);
        let all = json!([{ "basic": [] }, { "bearer": [] }, { "query": [] }, { "api-key": [] }, { "cookie": [] }]);
        assert_eq!(json["paths"]["/me"]["get"]["security"], all);
        assert_eq!(json["paths"]["/"]["get"]["security"][0], json!({}), "nobody may come");
        let put = &json["paths"]["/reports/{id}"]["put"];
        assert_eq!(put["security"], json!([{ "bearer": [] }]));
        assert_eq!(put["parameters"][0]["name"], "id");
        let statuses =
            |operation: &Value| operation["responses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(statuses(put), ["400", "401", "403", "503"]);
        assert_eq!(statuses(&json["paths"]["/health"]["get"]), ["default"]);
        assert_eq!(json["paths"]["/health"]["get"]["security"], json!([]));
        assert!(put["responses"]["403"]["description"].as_str().unwrap().contains("reports:write"), "{put}");
        assert!(put["responses"]["401"]["headers"]["WWW-Authenticate"].is_object(), "{put}");
    }

    #[test]
    fn what_the_app_says_itself_stays() {
        let own = json!({
            "openapi": "3.0.3",
            "info": { "title": "people", "version": "1" },
            "paths": {
                "/me": { "get": { "summary": "who", "responses": { "200": { "description": "you" }, "401": { "description": "mine" } } } },
                "/reports/{id}": {
                    "put": {
                        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
                        "responses": { "204": { "description": "done" } }
                    },
                    "delete": { "responses": { "204": { "description": "gone" } } }
                }
            },
            "components": { "schemas": { "Report": { "type": "object" } }, "securitySchemes": { "basic": { "type": "http", "scheme": "basic", "description": "mine" } } }
        });
        let whole: Value = serde_json::from_str(&document().merged_into(&own.to_string()).unwrap()).unwrap();
        let me = &whole["paths"]["/me"]["get"];
        assert_eq!((&me["summary"], &me["responses"]["401"]["description"]), (&json!("who"), &json!("mine")));
        assert!(me["responses"]["503"].is_object() && me["security"].is_array(), "{me}");
        let put = &whole["paths"]["/reports/{id}"]["put"];
        assert_eq!(put["parameters"], own["paths"]["/reports/{id}"]["put"]["parameters"], "no parameter twice");
        assert_eq!(whole["paths"]["/reports/{id}"]["delete"], own["paths"]["/reports/{id}"]["delete"]);
        assert_eq!(whole["components"]["securitySchemes"]["basic"]["description"], "mine");
        assert!(
            whole["components"]["schemas"]["Report"].is_object() && whole["components"]["schemas"][PROBLEM].is_object()
        );
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"swagger":"2.0","paths":{}}"#,
            r#"{"openapi":"3.1.0","paths":[]}"#,
            r#"{"openapi":"3.1.0","components":7}"#,
        ] {
            assert_eq!(document().merged_into(text), Err(NotOpenApi), "{text}");
        }
    }

    #[test]
    fn patterns_of_every_framework_are_paths() {
        for (pattern, path, names) in [
            ("/users/{name}/keys/{id}", "/users/{name}/keys/{id}", vec!["name", "id"]),
            ("/users/{name:[a-z]+}", "/users/{name}", vec!["name"]),
            ("/files/{*rest}", "/files/{rest}", vec!["rest"]),
            ("/users/<name>", "/users/{name}", vec!["name"]),
            ("/files/<rest..>", "/files/{rest}", vec!["rest"]),
            ("/search?<text>", "/search", vec![]),
            ("/", "/", vec![]),
        ] {
            assert_eq!(
                path_of(pattern),
                (path.to_owned(), names.into_iter().map(str::to_owned).collect()),
                "{pattern}"
            );
        }
    }
}
