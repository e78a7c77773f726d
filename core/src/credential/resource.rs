//! What a client has to know of an API before it has a token: its metadata, and a `Bearer` challenge that leads there (RFC 9728).
//!
//! A client that was never here asks, gets 401 with `resource_metadata`, reads the document there, and learns which authorization servers issue tokens
//! for this resource. All of it is built from the address that the app declares, and nothing from a request: a client that was sent to a forged `Host`
//! would carry its token to whoever stands there.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, Verified, adapter::{Admission, Verdict}, credential::ProtectedResource, testing::PlainHead, verifier::TokenTable,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reports = ProtectedResource::at("https://api.example.com/reports")?
//!     .authorization_server("https://issuer.example")
//!     .scopes(["reports:read"]);
//! assert_eq!(reports.metadata_path(), "/.well-known/oauth-protected-resource/reports");
//!
//! let tokens = TokenTable::new().with("a-long-random-token", Verified::new("emily"));
//! let gate = Gate::in_realm("reports").accept(reports.bearer().for_scope("reports:read"), tokens).build()?;
//! let head = PlainHead::get("/reports").with("host", "forged.example").received_by(&gate);
//! let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate) else { panic!("a stranger") };
//! assert_eq!(
//!     rejection.challenges()[0].to_string(),
//!     "Bearer realm=\"reports\", resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/reports\", \
//!      scope=\"reports:read\""
//! );
//! assert!(ProtectedResource::at("https://api.example.com/reports#top").is_err(), "a fragment is never sent");
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not see to it that a token is for this resource: give its [address](ProtectedResource::address) to the verifier as the audience. The
//! document is not signed (`signed_metadata`).
//!
//! # Deployment
//! RFC 9728 wants `https`. Over `http` whoever can change what travels there names the authorization server: for a machine's own network alone.

use std::fmt;

use serde_json::{Map, Value};

use super::{Bearer, Extract, Occurrences, Raw, TokenCredential};
use crate::{
    request::{Field, RequestView},
    response::{Challenge, Reply},
};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// An API that clients find the authorization servers of. See the [module](self).
#[derive(Debug, Clone)]
#[must_use]
pub struct ProtectedResource {
    address: Box<str>,
    /// Scheme and host of the address.
    origin: Box<str>,
    /// Path and query of its metadata.
    metadata_path: Box<str>,
    servers: Vec<Box<str>>,
    scopes: Vec<Box<str>>,
    name: Option<Box<str>>,
}

/// Text that cannot be the address of a resource.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be the address of a resource; write one of http or https with a host and no fragment, such as https://api.example.com/reports"
)]
pub struct BadResource(String);

crate::sentence::prints_its_sentence!(BadResource);

impl ProtectedResource {
    /// The resource of this address, as clients know it: of `https` or `http`, with a host, and without a fragment.
    ///
    /// # Errors
    /// When it is none.
    pub fn at(address: &str) -> Result<Self, BadResource> {
        let bad = || BadResource(address.to_owned());
        let after = |scheme: &str| address.strip_prefix(scheme).map(|_| scheme.len());
        let host = after("https://").or_else(|| after("http://")).ok_or_else(bad)?;
        let is_plain = address.bytes().all(|byte| matches!(byte, b'!'..=b'~') && !b"\"\\<>^`{|}#".contains(&byte));
        let path = address.get(host..).and_then(|rest| rest.find(['/', '?'])).map_or(address.len(), |at| host + at);
        let (origin, path) = address.split_at_checked(path).ok_or_else(bad)?;
        if !is_plain || origin.len() == host || origin.contains('@') {
            return Err(bad());
        }
        // RFC 9728 §3.1: a slash that stands alone behind the host is left out.
        let rest = path.strip_prefix('/').filter(|rest| rest.is_empty() || rest.starts_with('?')).unwrap_or(path);
        Ok(Self {
            address: address.into(),
            origin: origin.into(),
            metadata_path: format!("{WELL_KNOWN}{rest}").into(),
            servers: Vec::new(),
            scopes: Vec::new(),
            name: None,
        })
    }

    /// Names an authorization server that issues tokens for it, by its issuer identifier. Said again, it adds one.
    pub fn authorization_server(mut self, issuer: &str) -> Self {
        self.servers.push(issuer.into());
        self
    }

    /// The scopes that it knows.
    pub fn scopes<'s>(mut self, scopes: impl IntoIterator<Item = &'s str>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Box::from));
        self
    }

    /// What people call it.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Its address: what the tokens for it have in `aud`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where its metadata is: the path for a route.
    #[must_use]
    pub fn metadata_path(&self) -> &str {
        &self.metadata_path
    }

    /// The address of its metadata.
    #[must_use]
    pub fn metadata_address(&self) -> String {
        format!("{}{}", self.origin, self.metadata_path)
    }

    /// Its metadata, for anybody who asks: `application/json`.
    pub fn document(&self) -> Reply {
        let list = |texts: &[Box<str>]| Value::from(texts.iter().map(|text| &**text).collect::<Vec<_>>());
        let mut document = Map::new();
        document.insert("resource".to_owned(), (*self.address).into());
        document.insert("bearer_methods_supported".to_owned(), vec!["header"].into());
        for (name, texts) in [("authorization_servers", &self.servers), ("scopes_supported", &self.scopes)] {
            if !texts.is_empty() {
                document.insert(name.to_owned(), list(texts));
            }
        }
        if let Some(name) = &self.name {
            document.insert("resource_name".to_owned(), (**name).into());
        }
        Reply::json(200, &document.into())
    }

    /// Bearer tokens, with challenges that lead to the metadata.
    pub fn bearer(&self) -> ResourceBearer {
        ResourceBearer { metadata: self.metadata_address().into(), scope: None }
    }
}

/// [`Bearer`], with challenges that lead to the metadata of a [`ProtectedResource`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ResourceBearer {
    metadata: Box<str>,
    scope: Option<Box<str>>,
}

impl ResourceBearer {
    /// Tells a client without a token which scope it takes here.
    pub fn for_scope(mut self, scope: &str) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

impl Extract for ResourceBearer {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        Bearer.scheme()
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        static BEARER: Bearer = Bearer;
        BEARER.locate(request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        Bearer.read(raw)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        let challenge = Challenge::new("Bearer").with("resource_metadata", &*self.metadata);
        vec![self.scope.iter().fold(challenge, |challenge, scope| challenge.with("scope", &**scope))]
    }

    fn fields(&self) -> Vec<Field> {
        Bearer.fields()
    }
}

impl fmt::Display for ProtectedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_stands_between_host_and_path() {
        for (address, metadata) in [
            ("https://a.example", "https://a.example/.well-known/oauth-protected-resource"),
            ("https://a.example/", "https://a.example/.well-known/oauth-protected-resource"),
            ("https://a.example/b", "https://a.example/.well-known/oauth-protected-resource/b"),
            ("https://a.example/b/", "https://a.example/.well-known/oauth-protected-resource/b/"),
            ("https://a.example/b?c=d", "https://a.example/.well-known/oauth-protected-resource/b?c=d"),
            ("https://a.example?c=d", "https://a.example/.well-known/oauth-protected-resource?c=d"),
            ("http://127.0.0.1:3000/mcp", "http://127.0.0.1:3000/.well-known/oauth-protected-resource/mcp"),
        ] {
            assert_eq!(ProtectedResource::at(address).unwrap().metadata_address(), metadata, "{address}");
        }
        for address in [
            "",
            "a.example/b",
            "https://",
            "https:///b",
            "ftp://a",
            "https://a/b#c",
            "https://a b",
            "https://u@a/",
            "https://\u{e4}",
        ] {
            assert!(ProtectedResource::at(address).is_err(), "{address}");
        }
    }

    #[test]
    fn the_document_says_what_was_declared_and_no_more() {
        let plain = ProtectedResource::at("https://a.example/b").unwrap();
        let of = |resource: &ProtectedResource| serde_json::from_slice::<Value>(resource.document().body()).unwrap();
        let expected = serde_json::json!({ "resource": "https://a.example/b", "bearer_methods_supported": ["header"] });
        assert_eq!(of(&plain), expected);
        let whole = plain.authorization_server("https://i.example").scopes(["r", "w"]).named("B");
        assert_eq!(
            of(&whole),
            serde_json::json!({
                "resource": "https://a.example/b",
                "authorization_servers": ["https://i.example"],
                "bearer_methods_supported": ["header"],
                "scopes_supported": ["r", "w"],
                "resource_name": "B",
            })
        );
    }
}
