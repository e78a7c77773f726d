//! What the guards of an app ask for, as a part of its OpenAPI document: out of the declaration that enforces it.
//!
//! - Each kind of credential that a gate takes is a security scheme under its name: `http`, `apiKey` in a header, a cookie or the query, or
//!   `mutualTLS`.
//! - Each route that was written down says which of them it takes, one of them being enough, and whether nobody may come.
//! - It says what else it may answer: 400, 401 with its challenge, 403, 429 where wrong tries are counted, 431 and 503, each with a problem
//!   document (RFC 9457).
//! - Each [endpoint](crate::mint::endpoint) of this crate that was written down says all of itself: what it takes, what it answers, and why it
//!   refuses.
//!
//! # Example
//! ```
//! use countersign::{
//!     Bearer, Gate, Verified, gate::policy::scope, route::OpenApi, verifier::TokenTable,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("t", Verified::new("emily")))
//!     .build()?;
//! let mut document = OpenApi::default();
//! // .route("/reports/{id}", put(replace).route_layer(document.guarded("PUT /reports/{id}", &gate.require(scope("reports:write"))).enforce()))
//! let guard = document.guarded("PUT /reports/{id}", &gate.require(scope("reports:write")));
//! # let _ = guard;
//!
//! // What utoipa, or whatever else an app has, writes: `ApiDoc::openapi().to_json()?`
//! let own = r#"{"openapi":"3.1.0","info":{"title":"people","version":"1"},"paths":{"/reports/{id}":{"put":{"responses":{"204":{"description":"done"}}}}}}"#;
//! let whole = document.merged_into(own)?;
//! assert!(
//!     whole.contains(r#""security":[{"bearer":[]}]"#)
//!         && whole.contains(r#""204""#)
//!         && whole.contains(r#""503""#)
//! );
//! # Ok(()) }
//! ```
//! With utoipa, `serde_json::from_str::<utoipa::openapi::OpenApi>(&whole)` is the document again, for whatever serves it.
//!
//! Each of these hands back what was written down, so that what is mounted is what is documented, and takes nothing else: a gate is no
//! endpoint, nor the other way round.
//! ```compile_fail,E0308
//! # use countersign::{Gate, mint::{api_key::ApiKeyEndpoints, endpoint::Endpoint}, route::OpenApi};
//! fn mount(
//!     document: &mut OpenApi,
//!     keys: &ApiKeyEndpoints<String>,
//!     gate: &Gate<String>,
//! ) -> Endpoint<String> {
//!     document.mounted("/keys", gate)
//! }
//! ```
//!
//! # What it does not do
//! It does not know what a route of the app takes and gives: the app's own document says that, and wherever both say something of one answer, the
//! app's counts. It does not see a demand that stands in a handler's signature: write it down beside the route, as
//! [`demanded`](OpenApi::demanded).

#[cfg(feature = "mint")]
mod endpoint;
mod operation;
mod problem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thiserror::Error;

use self::{operation::Operation, problem::PROBLEM};
use crate::gate::{
    Gate,
    documented::{Documented, Sent},
};
#[cfg(feature = "mint")]
use crate::mint::endpoint::Endpoint;

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

impl OpenApi {
    /// Writes down that this gate guards this route, a method and a pattern such as `GET /users/{name}`, and hands the gate back, to be enforced
    /// there. Patterns are those of the framework: `{name}`, `{name:[a-z]+}`, `{*rest}`, `<name>` or `<rest..>`.
    #[must_use = "the route is open until this gate is enforced on it"]
    pub fn guarded<P: Send + Sync + 'static>(&mut self, route: &str, gate: &Gate<P>) -> Gate<P> {
        self.demanded(route, gate);
        gate.clone()
    }

    /// Writes down that the handler of this route demands in its signature whom this gate admits; `&gate.or_anonymous()` where it takes nobody, too.
    pub fn demanded<P: Send + Sync + 'static>(&mut self, route: &str, gate: &Gate<P>) {
        let documented = gate.documented();
        let mut operation = Operation::of(route);
        operation.security = self.security(&documented);
        operation.responses.guard(&documented);
        self.operations.push(operation);
    }

    /// Writes down that nothing guards this route.
    pub fn public(&mut self, route: &str) {
        self.operations.push(Operation::of(route));
    }

    /// Writes down an endpoint of this crate, by its method at this pattern, and hands it back, to be mounted there: with its body and its answers
    /// as well as with what its gate asks for.
    ///
    /// ```
    /// use countersign::{
    ///     Gate,
    ///     mint::{api_key::ApiKeyEndpoints, endpoint::Endpoint},
    ///     route::OpenApi,
    /// };
    ///
    /// fn mount(
    ///     document: &mut OpenApi,
    ///     keys: &ApiKeyEndpoints<String>,
    ///     gate: &Gate<String>,
    /// ) -> [Endpoint<String>; 2] {
    ///     // .route("/keys", endpoint(…).merge(endpoint(…)))
    ///     [document.mounted("/keys", keys.create(gate)), document.mounted("/keys", keys.list(gate))]
    /// }
    /// ```
    #[cfg(feature = "mint")]
    #[must_use = "the endpoint is nowhere until it is mounted"]
    pub fn mounted<P: Send + Sync + 'static>(&mut self, pattern: &str, endpoint: Endpoint<P>) -> Endpoint<P> {
        let mut operation = Operation::at(endpoint.method(), pattern);
        if let Some(gate) = endpoint.gate() {
            let documented = gate.documented();
            operation.security = self.security(&documented);
            operation.responses.guard(&documented);
        }
        endpoint::write(endpoint.described(), &mut operation);
        self.operations.push(operation);
        endpoint
    }

    /// A document of its own, of OpenAPI 3.1, with nothing in it but this.
    #[must_use]
    pub fn to_json(&self, title: &str, version: &str) -> String {
        let mut document = json!({ "openapi": "3.1.0", "info": { "title": title, "version": version }, "paths": {} });
        self.merge(&mut document, false);
        document.to_string()
    }

    /// An app's own document with this put into it. What the app says itself of a route, a response, a schema or a scheme stays as it is, but
    /// for `security`, which is what the guard asks for.
    ///
    /// # Errors
    /// When it is no OpenAPI document.
    pub fn merged_into(&self, document: &str) -> Result<String, NotOpenApi> {
        let mut document: Value = serde_json::from_str(document).map_err(|_| NotOpenApi)?;
        let version = document.get("openapi").and_then(Value::as_str).filter(|version| version.starts_with("3."));
        let is_old = version.ok_or(NotOpenApi)?.starts_with("3.0");
        let has_paths = document.get("paths").is_none_or(Value::is_object);
        let has_parts = document.get("components").is_none_or(|parts| {
            let is_object = |name: &str| parts.get(name).is_none_or(Value::is_object);
            parts.is_object() && is_object("schemas") && is_object("securitySchemes")
        });
        if !(has_paths && has_parts) {
            return Err(NotOpenApi);
        }
        self.merge(&mut document, is_old);
        Ok(document.to_string())
    }

    fn merge(&self, document: &mut Value, is_old: bool) {
        let schemas = member(member(document, "components"), "schemas");
        add(schemas, PROBLEM, problem::schema());
        let schemes = member(member(document, "components"), "securitySchemes");
        for (name, scheme) in &self.schemes {
            add(schemes, name, scheme.clone());
        }
        for operation in &self.operations {
            let path = member(member(document, "paths"), &operation.path);
            operation.write_into(member(path, &operation.method), is_old);
        }
    }

    /// What a gate asks for, with the schemes that it names.
    fn security(&mut self, documented: &Documented) -> Value {
        self.schemes.extend(documented.schemes.iter().map(|(name, sent)| (name.clone(), scheme(sent))));
        let each = documented.schemes.iter().map(|(name, _)| json!({ &**name: [] }));
        let nobody = documented.anonymous.then(|| json!({}));
        nobody.into_iter().chain(each).collect()
    }
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
