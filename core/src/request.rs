//! All that Countersign may know of a request: its head, read in place.
//!
//! An adapter wraps what its framework has as a [`RequestHead`]; nothing is copied and no framework's type is named.
//! Bytes stay bytes: a field's value need not be UTF-8, and every occurrence of a field is visible, because the
//! difference between one `Authorization` field and two is the difference between an answer and a refusal.
//!
//! A [`Field`] is a header name that is made once, at start-up, and looked up many times. It keeps the framework's own
//! form of the name, so that a look-up neither parses nor allocates.

use std::{
    any::Any,
    borrow::Cow,
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use crate::visit::Visit;

/// The head of a request, borrowed from the framework.
///
/// Adapters implement this; nobody else needs to, but tests may: [`PlainHead`](crate::testing::PlainHead) is one.
pub trait RequestHead {
    /// The method, as sent; methods are case-sensitive (RFC 9110 §9.1).
    fn method(&self) -> &str;

    /// The path as sent, percent-encoding and all.
    fn path(&self) -> &str;

    /// The query as sent, without the question mark, as far as it was not taken out by [`Gate::receive`](crate::Gate::receive).
    fn query(&self) -> Option<&str>;

    /// The value of the `nth` field of this name, counted from 0 in the order of arrival, without the blanks around it.
    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]>;

    /// The path parameter of this name, percent-decoded, where the framework's router has one; U+FFFD stands for what is not UTF-8
    /// once it is decoded. `None` is for routes without such a parameter: it is a mistake of the app, never of a client.
    fn parameter(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The address at the other end of the connection: never one that a header claims.
    fn peer(&self) -> Option<IpAddr>;

    /// Whether the connection itself is over TLS.
    fn is_secure(&self) -> bool;

    /// The host that the client asked for (RFC 9110 §7.2), if it is named once. Over HTTP/2 that is `:authority`.
    fn host(&self) -> Option<&[u8]> {
        match (self.field(&field::HOST, 0), self.field(&field::HOST, 1)) {
            (Some(host), None) => Some(host),
            _ => None,
        }
    }

    /// What the attached part of the gate keeps for the length of this request; `None` if nothing was attached.
    fn visit(&self) -> Option<&Visit>;
}

impl dyn RequestHead + '_ {
    /// All values of a field, in the order of arrival.
    pub fn fields<'h>(&'h self, name: &'h Field) -> impl Iterator<Item = &'h [u8]> + 'h {
        (0..).map_while(move |nth| self.field(name, nth))
    }

    /// The value of a field that may stand once.
    #[must_use]
    pub fn only(&self, name: &Field) -> Occurrence<'_> {
        match (self.field(name, 0), self.field(name, 1)) {
            (None, _) => Occurrence::Absent,
            (Some(value), None) => Occurrence::Once(value),
            (Some(_), Some(_)) => Occurrence::Repeated,
        }
    }

    /// The values of all cookies of this name, from every `Cookie` field, as sent, without surrounding quotes
    /// (RFC 6265bis §5.7 leaves the order to the browser, so none of them is better than another).
    ///
    /// Each pair is read by itself: an odd cookie that a sibling domain set hides nothing.
    pub fn cookies<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> + 'h {
        self.fields(&field::COOKIE).flat_map(|line| line.split(|byte| *byte == b';')).filter_map(move |pair| {
            let pair = pair.trim_ascii();
            let value = pair.strip_prefix(name.as_bytes())?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
            Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
        })
    }

    /// Whether the method is one that must not change anything: GET, HEAD, OPTIONS or TRACE (RFC 9110 §9.2.1).
    #[must_use]
    pub fn is_safe_method(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

/// How often a field stands in a head that may hold it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "none, one and many are all there is")]
pub enum Occurrence<'h> {
    /// Not at all.
    Absent,
    /// Once, with this value.
    Once(&'h [u8]),
    /// More than once: nobody may choose between them.
    Repeated,
}

/// A header name, made once and looked up many times. Cheap to clone.
#[derive(Clone)]
pub struct Field(Inner);

#[derive(Clone)]
enum Inner {
    Known(&'static Known),
    Named(Arc<Name>),
}

struct Name {
    lower: Box<str>,
    native: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// A field that this crate reads, as a constant. See [`field`].
#[derive(Debug)]
pub struct Known {
    lower: &'static str,
    native: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Field {
    /// A field of this name, in any case; `None` if it is no token (RFC 9110 §5.1) or longer than 64 bytes.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= 64 && name.bytes().all(is_token_byte);
        fits.then(|| {
            Self(Inner::Named(Arc::new(Name { lower: name.to_ascii_lowercase().into(), native: OnceLock::new() })))
        })
    }

    /// The name in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.0 {
            Inner::Known(known) => known.lower,
            Inner::Named(name) => &name.lower,
        }
    }

    /// The framework's own form of the name, made at the first look-up and kept.
    ///
    /// One form is kept per field. Where two frameworks share a process, the second gets `None` and looks up by
    /// [`name`](Self::name), which is slower and no different otherwise.
    pub fn native<N: Any + Send + Sync>(&self, make: impl FnOnce(&str) -> N) -> Option<&N> {
        let native = match &self.0 {
            Inner::Known(known) => &known.native,
            Inner::Named(name) => &name.native,
        };
        native.get_or_init(|| Box::new(make(self.name()))).downcast_ref()
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Field {}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.name()).finish()
    }
}

/// The bytes of a token (RFC 9110 §5.6.2).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The fields that every gate may read.
pub mod field {
    use std::sync::OnceLock;

    use super::{Field, Inner, Known};

    macro_rules! known {
        ($($(#[$doc:meta])* $name:ident = $lower:literal;)*) => { $(
            $(#[$doc])*
            pub static $name: Field = {
                static KNOWN: Known = Known { lower: $lower, native: OnceLock::new() };
                Field(Inner::Known(&KNOWN))
            };
        )* };
    }

    known! {
        /// What the client prefers to be answered with (RFC 9110 §12.5.1).
        ACCEPT = "accept";
        /// The client's credential (RFC 9110 §11.6.2).
        AUTHORIZATION = "authorization";
        /// RFC 6265bis §5.8.4.
        COOKIE = "cookie";
        /// RFC 7239.
        FORWARDED = "forwarded";
        /// The host that the client asked (RFC 9110 §7.2).
        HOST = "host";
        /// The origin that caused the request (RFC 6454 §7).
        ORIGIN = "origin";
        /// Fetch Metadata: how the request was made.
        SEC_FETCH_MODE = "sec-fetch-mode";
        /// Fetch Metadata: how far the site that made it is from ours.
        SEC_FETCH_SITE = "sec-fetch-site";
        /// To which protocol the client wants to change (RFC 9110 §7.8).
        UPGRADE = "upgrade";
        /// RFC 9110 §10.1.5.
        USER_AGENT = "user-agent";
        /// The de facto chain of addresses that proxies write.
        X_FORWARDED_FOR = "x-forwarded-for";
        /// The host as the outermost proxy saw it.
        X_FORWARDED_HOST = "x-forwarded-host";
        /// The scheme as the outermost proxy saw it.
        X_FORWARDED_PROTO = "x-forwarded-proto";
        /// What scripts' libraries send to say that they are scripts.
        X_REQUESTED_WITH = "x-requested-with";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn a_field_is_a_short_token() {
        for (name, fits) in
            [("X-API-Key", true), ("a", true), ("", false), ("x key", false), ("x:", false), ("ü", false)]
        {
            assert_eq!(Field::named(name).is_some(), fits, "{name:?}");
        }
        assert!(Field::named(&"x".repeat(65)).is_none());
    }

    #[test]
    fn every_cookie_of_a_name_is_seen_and_no_other() {
        let sees = |line: &[u8]| {
            let head = PlainHead::get("/").with("cookie", line);
            let head: &dyn RequestHead = &head;
            head.cookies("session").map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let rows: [(&[u8], &[&[u8]]); 9] = [
            (b"session=a", &[b"a"]),
            (b"other=\xff\xfe; session=a", &[b"a"]),
            (b"session=a;session=b", &[b"a", b"b"]),
            (b"xsession=a; sessionx=b; Session=c", &[]),
            (b"session=\"a\"", &[b"a"]),
            (b"session", &[]),
            (b"session=", &[b""]),
            (b"=session=a", &[]),
            (b" session = a ", &[b"a"]),
        ];
        for (line, expected) in rows {
            assert_eq!(sees(line), expected, "{:?}", String::from_utf8_lossy(line));
        }
    }
}
