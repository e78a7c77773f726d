//! The head of a request, read in place: [`RequestHead`].

use std::{borrow::Cow, net::IpAddr};

use super::{
    exchange::Exchange,
    field::{self, Field},
};

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
    fn exchange(&self) -> Option<&Exchange>;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

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
