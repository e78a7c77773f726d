//! A token in a query parameter, for clients that can set no header: images, downloads, WebSockets in a browser (RFC 6750 §2.3).
//!
//! - Counts on GET and HEAD alone, unless [`for_every_method`](QueryParam::for_every_method) is said. Elsewhere it is absent.
//! - Sent as in a form: percent-encoded, and `+` is a blank (which no token holds, so that a `+` must be sent as `%2B`).
//! - Names are compared decoded, by bytes: `access%5Ftoken` is `access_token`, `Access_Token` is not.
//! - It is taken out of the URI before the application sees it, so that it reaches neither handlers nor their logs.
//!
//! # Example
//! ```
//! use countersign::{Extract, QueryParam};
//!
//! let query = QueryParam::named("access_token");
//! assert!(query.read(b"mF_9.B5f%2D4.1JqM".into()).unwrap().token().matches(b"mF_9.B5f-4.1JqM"));
//! assert!(query.read(b"two+tokens".into()).is_none());
//! ```
//!
//! # Deployment
//! Servers and proxies in front write URIs to their logs, and browsers keep them in their history: give such tokens a short
//! life.

use super::{Extract, Occurrences, Raw, TokenCredential};
use crate::{
    request::{Field, RequestView, query::decoded},
    response::Challenge,
};

/// A token in a query parameter. See the [module](self).
#[derive(Debug, Clone)]
pub struct QueryParam {
    name: Box<str>,
    every_method: bool,
    any_shape: bool,
}

impl QueryParam {
    /// The parameter of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), every_method: false, any_shape: false }
    }

    /// Counts whatever the method is, not on GET and HEAD alone. Requests that change something should carry their
    /// credential in a header.
    #[must_use]
    pub fn for_every_method(mut self) -> Self {
        self.every_method = true;
        self
    }

    /// Reads tokens of a shape that an app already has, `:` and `|` included: printable ASCII without blanks, percent-encoded.
    #[must_use]
    pub fn of_any_shape(mut self) -> Self {
        self.any_shape = true;
        self
    }
}

impl Extract for QueryParam {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "query"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        if !self.every_method && !matches!(request.method(), "GET" | "HEAD") {
            return;
        }
        if let Some(exchange) = request.exchange() {
            exchange.taken(&self.name).for_each(|raw| occurrences.add(raw));
        }
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        let raw = raw.whole();
        if raw.iter().any(|byte| matches!(byte, b'%' | b'+')) {
            // A `%` that stands for itself is no part of a `b64token`.
            TokenCredential::read_as(self.any_shape, &decoded(raw))
        } else {
            TokenCredential::read_as(self.any_shape, raw)
        }
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Bearer")]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn parameter(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn check(&self) -> Vec<String> {
        faults_of_parameter(&self.name, "tokens")
    }
}

/// What is wrong with the name of a parameter that carries these.
pub(super) fn faults_of_parameter(name: &str, of: &str) -> Vec<String> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    if fits {
        return Vec::new();
    }
    vec![format!(
        "{name:?} cannot be a query parameter of {of}: it must be 1 to 64 letters, digits, '-', '.', '_' and '~'"
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gate, testing::PlainHead, verifier::TokenTable};

    #[test]
    fn a_value_is_decoded_and_then_a_token_or_nothing() {
        let query = QueryParam::named("access_token");
        let rows: [(&[u8], Option<&[u8]>); 12] = [
            (b"abc", Some(b"abc")),
            (b"a%2Bc", Some(b"a+c")),
            (b"%61%62%63", Some(b"abc")),
            (b"abc%3D%3d", Some(b"abc==")),
            (b"a=", Some(b"a=")),
            (b"a+c", None),
            (b"a%20c", None),
            (b"", None),
            (b"a%", None),
            (b"a%2", None),
            (b"a%zz", None),
            (b"a%FF", None),
        ];
        for (raw, token) in rows {
            let read = query.read(raw.into());
            assert_eq!(read.as_ref().map(|read| read.token().expose()), token, "{:?}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn it_counts_on_get_and_head_unless_told_otherwise() {
        let count = |kind: &QueryParam, method: &str| {
            let gate = Gate::in_realm("r").accept(kind.clone(), TokenTable::<()>::new()).build().unwrap();
            let head = PlainHead::new(method, "/?access_token=t&a=1&access_token").received_by(&gate);
            assert_eq!(head.view().query(), Some("a=1"));
            let mut occurrences = Occurrences::default();
            kind.locate(&head.view(), &mut occurrences);
            occurrences.count()
        };
        let (narrow, wide) = (QueryParam::named("access_token"), QueryParam::named("access_token").for_every_method());
        for (method, narrowly) in [("GET", 2), ("HEAD", 2), ("POST", 0), ("get", 0), ("OPTIONS", 0), ("DELETE", 0)] {
            assert_eq!((count(&narrow, method), count(&wide, method)), (narrowly, 2), "{method}");
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        for (name, fits) in [("access_token", true), ("", false), ("a b", false), ("a&b", false), ("a%62", false)] {
            assert_eq!(QueryParam::named(name).check().is_empty(), fits, "{name:?}");
        }
    }
}
