//! A request's head, read in place.

use std::{borrow::Cow, fmt, net::IpAddr};

use countersign::{adapter::RequestHead, request::Field};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header::GetAll, request::Parts};

use crate::{PeerAddress, PeerCertificate, SecureChannel};

/// What a framework on top of tower knows of a request beside `http`'s own types.
pub trait Framework: Clone + Send + Sync + 'static {
    /// The address at the other end of the connection.
    fn peer(extensions: &Extensions) -> Option<IpAddr>;

    /// Whether the connection itself is over TLS.
    fn is_secure(extensions: &Extensions) -> bool;

    /// The URI as it was sent, where a router has shortened the request's own.
    fn original_uri(extensions: &Extensions) -> Option<&Uri>;

    /// The same, to take a credential out of it.
    fn original_uri_mut(extensions: &mut Extensions) -> Option<&mut Uri>;

    /// The pattern of the route that the router matched.
    fn pattern(extensions: &Extensions) -> Option<&str>;

    /// The path parameter of this name, percent-decoded.
    fn parameter(extensions: &Extensions, name: &str) -> Option<String>;
}

/// Nothing on top of tower: see [`PeerAddress`] and [`SecureChannel`].
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a name for nothing")]
pub struct NoFramework;

impl Framework for NoFramework {
    fn peer(extensions: &Extensions) -> Option<IpAddr> {
        extensions.get::<PeerAddress>().map(|peer| peer.0)
    }

    fn is_secure(extensions: &Extensions) -> bool {
        extensions.get::<SecureChannel>().is_some()
    }

    fn original_uri(_: &Extensions) -> Option<&Uri> {
        None
    }

    fn original_uri_mut(_: &mut Extensions) -> Option<&mut Uri> {
        None
    }

    fn pattern(_: &Extensions) -> Option<&str> {
        None
    }

    fn parameter(_: &Extensions, _: &str) -> Option<String> {
        None
    }
}

/// The head of an `http` request.
pub struct HttpHead<'r, S> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    extensions: &'r Extensions,
    framework: std::marker::PhantomData<S>,
}

impl<'r, S: Framework> HttpHead<'r, S> {
    /// Of a whole request.
    pub fn of<B>(request: &'r Request<B>) -> Self {
        Self::new(request.method(), request.uri(), request.headers(), request.extensions())
    }

    /// Of a request's parts.
    #[must_use]
    pub fn of_parts(parts: &'r Parts) -> Self {
        Self::new(&parts.method, &parts.uri, &parts.headers, &parts.extensions)
    }

    fn new(method: &'r Method, uri: &'r Uri, headers: &'r HeaderMap, extensions: &'r Extensions) -> Self {
        let uri = S::original_uri(extensions).unwrap_or(uri);
        Self { method, uri, headers, extensions, framework: std::marker::PhantomData }
    }

    /// The fields of this name; `None` if there can be none.
    fn values(&self, name: &Field) -> Option<GetAll<'_, HeaderValue>> {
        Some(match name.native(|name| HeaderName::from_bytes(name.as_bytes()).ok()) {
            Some(native) => self.headers.get_all(native.as_ref()?),
            None => self.headers.get_all(name.name()),
        })
    }
}

impl<S: Framework> RequestHead for HttpHead<'_, S> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path(&self) -> &str {
        self.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]> {
        self.values(name)?.iter().nth(nth).map(HeaderValue::as_bytes)
    }

    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        self.values(name).into_iter().flatten().map(HeaderValue::as_bytes).for_each(show);
    }

    fn each_field_name(&self, show: &mut dyn FnMut(&str)) {
        self.headers.keys().for_each(|name| show(name.as_str()));
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        S::parameter(self.extensions, name).map(Cow::Owned)
    }

    fn peer(&self) -> Option<IpAddr> {
        S::peer(self.extensions)
    }

    fn is_secure(&self) -> bool {
        S::is_secure(self.extensions)
    }

    fn certificate(&self) -> Option<&[u8]> {
        self.extensions.get::<PeerCertificate>().map(|certificate| &*certificate.0)
    }

    fn host(&self) -> Option<&[u8]> {
        let mut named = self.headers.get_all(http::header::HOST).iter();
        let (named, again) = (named.next(), named.next());
        match self.uri.authority() {
            _ if again.is_some() => None,
            Some(authority) => Some(authority.as_str().as_bytes()),
            None => named.map(HeaderValue::as_bytes),
        }
    }
}

impl<S> fmt::Debug for HttpHead<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpHead").field("method", self.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn every_value_is_shown_in_one_walk() {
        let cookie: Field = "cookie".parse().unwrap();
        let cost = |fields: usize| -> Duration {
            let mut request = Request::new(());
            for _ in 0..fields {
                request.headers_mut().append("cookie", HeaderValue::from_static("a=b"));
            }
            let head = HttpHead::<NoFramework>::of(&request);
            let walk = |_| {
                let (started, mut seen) = (Instant::now(), 0);
                head.each_value(&cookie, &mut |value| seen += usize::from(value == b"a=b"));
                assert_eq!(seen, fields);
                started.elapsed()
            };
            (0..25).map(walk).min().unwrap()
        };
        // What is quadratic costs four thousand times as much.
        let (few, many) = (cost(128), cost(128 * 64));
        assert!(many < few * 64 * 4, "{few:?} for few, {many:?} for many");
    }
}
