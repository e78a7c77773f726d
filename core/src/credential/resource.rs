//! What a client has to know of an API before it has a token: its metadata, and a `Bearer` challenge that leads there (RFC 9728).
//!
//! A client that was never here asks, gets 401 with `resource_metadata`, reads the document there, and learns which authorization servers issue tokens
//! for this resource, and for which scopes to ask. The address is the one that the app declares, and nothing of it is from a request: a client that was sent
//! to a forged `Host` would carry its token to whoever stands there. **The rest is [read from the guards](ProtectedResource::enforced_by)**: whose tokens their
//! verifiers take, and which scopes their policies ask for. It says nothing that is not enforced.
//!
//! # Example
#![cfg_attr(feature = "jwt", doc = "```")]
#![cfg_attr(not(feature = "jwt"), doc = "```ignore")]
//! use countersign::{
//!     Gate, JwtSigner, adapter::{Admission, Verdict}, credential::ProtectedResource, gate::policy::scope, testing::PlainHead,
//!     verifier::jwt::JwtVerifier,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issuer = JwtSigner::fresh()?.trusted("https://issuer.example");
//! let reports = ProtectedResource::at("https://api.example.com/reports")?;
//! // A token is for this resource alone (RFC 8707), so each has a verifier of its own.
//! let tokens = JwtVerifier::trusting(issuer.audience(reports.address())).principal::<serde_json::Value>()?;
//! let gate = Gate::in_realm("reports").accept(reports.bearer(), tokens).build()?;
//! let reads = gate.require(scope("reports:read"));
//!
//! // For a route at metadata.path(), open to anybody.
//! let metadata = reports.enforced_by([&reads])?;
//! assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/reports");
//! assert_eq!(
//!     std::str::from_utf8(metadata.reply().body())?,
//!     r#"{"authorization_servers":["https://issuer.example"],"bearer_methods_supported":["header"],"#.to_owned()
//!         + r#""resource":"https://api.example.com/reports","scopes_supported":["reports:read"]}"#
//! );
//!
//! let head = PlainHead::get("/reports").with("host", "forged.example").received_by(&reads);
//! let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&reads) else { panic!("a stranger") };
//! assert_eq!(
//!     rejection.challenges()[0].to_string(),
//!     "Bearer realm=\"reports\", resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/reports\", \
//!      scope=\"reports:read\""
//! );
//! assert!(ProtectedResource::at("https://api.example.com/reports#top").is_err(), "a fragment is never sent");
//! # Ok(()) }
//! ```
//! What lies [`below`](ProtectedResource::below) a path is a resource of its own, with its own metadata, gate and audience.
//!
//! # What it does not do
//! The document is not signed (`signed_metadata`).
//!
//! # Deployment
//! RFC 9728 wants `https`. Over `http` whoever can change what travels there names the authorization server: for a machine's own network alone.

use std::fmt;

use super::{Bearer, Extract, Occurrences, Raw, TokenCredential};
use crate::{
    request::{Field, RequestView},
    response::Challenge,
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

    /// The resource at this path below it, which begins with a slash: one of its own, with metadata and an address of its own, so that a token for
    /// one opens nothing at the other. The authorization servers that were declared so far are its too.
    ///
    /// # Errors
    /// When there is no such address, or this one has a query.
    pub fn below(&self, path: &str) -> Result<Self, BadResource> {
        let address = format!("{}{path}", self.address.strip_suffix('/').unwrap_or(&self.address));
        if !path.starts_with('/') || self.address.contains('?') {
            return Err(BadResource(address));
        }
        Ok(Self { servers: self.servers.clone(), ..Self::at(&address)? })
    }

    /// Names an authorization server that issues tokens for it, by its issuer identifier, where no verifier does. Said again, it adds one.
    pub fn authorization_server(mut self, issuer: &str) -> Self {
        self.servers.push(issuer.into());
        self
    }

    /// Scopes that it knows beside those that its guards' policies ask for.
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

    pub(crate) fn declared_servers(&self) -> &[Box<str>] {
        &self.servers
    }

    pub(crate) fn declared_scopes(&self) -> &[Box<str>] {
        &self.scopes
    }

    pub(crate) fn declared_name(&self) -> Option<&str> {
        self.name.as_deref()
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
    /// Tells a client without a token which scope it takes here, where no [policy](crate::Policy::scopes) in front does: for demands that stand in a handler's
    /// signature.
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

    fn asks_alike(&self) -> bool {
        true
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
    fn a_path_below_is_a_resource_of_its_own() {
        let api = |address| ProtectedResource::at(address).unwrap().authorization_server("https://i").scopes(["r"]);
        for (address, below) in [
            ("https://a.example", "https://a.example/b/c"),
            ("https://a.example/", "https://a.example/b/c"),
            ("https://a.example/v1", "https://a.example/v1/b/c"),
            ("https://a.example/v1/", "https://a.example/v1/b/c"),
        ] {
            let resource = api(address).below("/b/c").unwrap();
            assert_eq!((resource.address(), resource.declared_scopes().len()), (below, 0), "{address}");
            assert_eq!(resource.declared_servers().len(), 1);
        }
        for path in ["", "b", "/b#c", "/b c"] {
            assert!(api("https://a.example").below(path).is_err(), "{path}");
        }
        assert!(api("https://a.example/b?c=d").below("/e").is_err());
    }
}
