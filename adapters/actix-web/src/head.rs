//! A request's head, read in place.

use std::{borrow::Cow, fmt, net::IpAddr};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HOST, HeaderName, HeaderValue},
};
use countersign::{
    adapter::{Exchange, RequestHead},
    request::Field,
};

use crate::PeerCertificate;

/// The head of an actix-web request, for [guards](countersign::adapter::Guard), policies and endpoints of your own.
///
/// No header is copied; what is held of the request's extensions is a clone, so none of their borrows outlives
/// [`of`](Self::of).
pub struct ActixHead<'r> {
    request: &'r HttpRequest,
}

impl<'r> ActixHead<'r> {
    /// Of a request.
    #[must_use]
    pub fn of(request: &'r HttpRequest) -> Self {
        Self { request }
    }

    /// The fields of this name; `None` if there can be none.
    fn values(&self, name: &Field) -> Option<impl Iterator<Item = &HeaderValue>> {
        Some(match name.native(|name| HeaderName::from_bytes(name.as_bytes()).ok()) {
            Some(native) => self.request.headers().get_all(native.as_ref()?),
            None => self.request.headers().get_all(name.name()),
        })
    }
}

/// What the attached part of a gate keeps for this request.
pub(crate) fn exchange_of(request: &HttpRequest) -> Option<Exchange> {
    request.extensions().get().cloned()
}

impl RequestHead for ActixHead<'_> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn path(&self) -> &str {
        self.request.path()
    }

    fn query(&self) -> Option<&str> {
        self.request.uri().query()
    }

    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]> {
        self.values(name)?.nth(nth).map(HeaderValue::as_bytes)
    }

    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        self.values(name).into_iter().flatten().map(HeaderValue::as_bytes).for_each(show);
    }

    fn each_field_name(&self, show: &mut dyn FnMut(&str)) {
        self.request.headers().keys().for_each(|name| show(name.as_str()));
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.request.match_info().get(name).map(wholly_decoded)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.request.peer_addr().map(|peer| peer.ip())
    }

    fn is_secure(&self) -> bool {
        self.request.app_config().secure()
    }

    fn certificate(&self) -> Option<&[u8]> {
        self.request.conn_data::<PeerCertificate>().map(|certificate| &*certificate.0)
    }

    fn host(&self) -> Option<&[u8]> {
        let mut named = self.request.headers().get_all(HOST);
        let (named, again) = (named.next(), named.next());
        match self.request.uri().authority() {
            _ if again.is_some() => None,
            Some(authority) => Some(authority.as_str().as_bytes()),
            None => named.map(HeaderValue::as_bytes),
        }
    }
}

impl fmt::Debug for ActixHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixHead").field("method", self.request.method()).finish_non_exhaustive()
    }
}

/// The router decodes all of a parameter but `%25`, `%2B` and `%2F`; `web::Path` decodes these at last, and so does this.
fn wholly_decoded(parameter: &str) -> Cow<'_, str> {
    if !parameter.contains('%') {
        return Cow::Borrowed(parameter);
    }
    let mut decoded = String::with_capacity(parameter.len());
    let mut rest = parameter;
    while let Some((before, escape)) = rest.split_once('%') {
        decoded.push_str(before);
        let (character, length) = match escape.get(..2) {
            Some("25") => ('%', 2),
            Some("2B" | "2b") => ('+', 2),
            Some("2F" | "2f") => ('/', 2),
            _ => ('%', 0),
        };
        decoded.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use actix_web::{dev::ResourceDef, test::TestRequest, web::Path};

    use super::*;

    #[test]
    fn what_the_router_leaves_encoded_is_decoded_once() {
        for (left, decoded) in [
            ("emily", "emily"),
            ("a%2Fb", "a/b"),
            ("a%2fb%2B", "a/b+"),
            ("%2541", "%41"),
            ("%252F", "%2F"),
            ("%", "%"),
            ("%é", "%é"),
            ("100%zz", "100%zz"),
        ] {
            assert_eq!(wholly_decoded(left), decoded, "{left:?}");
        }
    }

    #[actix_web::test]
    async fn a_parameter_is_what_the_handler_gets() {
        for sent in ["emily", "%65mily", "a%2Fb", "a%2Bb", "a+b", "%2541", "%25", "gr%C3%BC%C3%9Fe", "a%20b"] {
            let mut request = TestRequest::with_uri(&format!("/users/{sent}")).to_srv_request();
            assert!(ResourceDef::new("/users/{name}").capture_match_info(request.match_info_mut()));
            let name = request.extract::<Path<String>>().await.unwrap().into_inner();
            let head = ActixHead::of(request.request());
            assert_eq!(head.parameter("name").as_deref(), Some(name.as_str()), "{sent}");
            assert_eq!(head.parameter("nam"), None);
        }
    }

    #[test]
    fn every_value_is_shown_in_one_walk() {
        let cookie: Field = "cookie".parse().unwrap();
        let cost = |fields: usize| -> std::time::Duration {
            let request =
                (0..fields).fold(TestRequest::default(), |request, _| request.append_header(("cookie", "a=b")));
            let request = request.to_http_request();
            let head = ActixHead::of(&request);
            let walk = |_| {
                let (started, mut seen) = (std::time::Instant::now(), 0);
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

    #[test]
    fn a_host_that_is_named_twice_is_none() {
        let named = |hosts: &[&'static str]| {
            let request =
                hosts.iter().fold(TestRequest::default(), |request, host| request.append_header((HOST, *host)));
            let request = request.to_http_request();
            ActixHead::of(&request).host().map(<[u8]>::to_vec)
        };
        assert_eq!(named(&["a"]), Some(b"a".to_vec()));
        assert_eq!(named(&["a", "a"]), None);
        for hosts in [&[][..], &["b.example"]] {
            let request = hosts
                .iter()
                .fold(TestRequest::with_uri("http://a.example/"), |request, host| request.append_header((HOST, *host)));
            assert_eq!(ActixHead::of(&request.to_http_request()).host(), Some(b"a.example".as_slice()), "{hosts:?}");
        }
    }
}
