//! The head of a request, read in place: [`RequestHead`].

use std::{borrow::Cow, net::IpAddr};

use super::field::{self, Field};

/// The head of a request, borrowed from the framework.
///
/// Adapters implement this; nobody else needs to, but tests may: [`PlainHead`](crate::testing::PlainHead) is one.
pub trait RequestHead {
    /// The method, as sent; methods are case-sensitive (RFC 9110 §9.1).
    fn method(&self) -> &str;

    /// The path as sent, percent-encoding and all.
    fn path(&self) -> &str;

    /// The query as sent, without the question mark, as far as it was not taken out when the request was
    /// [received](crate::adapter::receive).
    fn query(&self) -> Option<&str>;

    /// The value of the `nth` field of this name, counted from 0 in the order of arrival, without the blanks around it.
    /// Each look-up may walk from the first one: [`each_value`](Self::each_value) is for all of them.
    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]>;

    /// Shows the value of each field of this name, in the order of arrival, without the blanks around it, in one walk: a client may send
    /// hundreds of a name.
    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8]));

    /// Shows the name of each field, in any case and order; a name may come more than once.
    fn each_field_name(&self, show: &mut dyn FnMut(&str));

    /// The path parameter of this name, percent-decoded, where the framework's router has one; U+FFFD stands for what is not UTF-8
    /// once it is decoded. `None` is for routes without such a parameter: it is a mistake of the app, never of a client.
    fn parameter(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The address at the other end of the connection: never one that a header claims.
    fn peer(&self) -> Option<IpAddr>;

    /// Whether the connection itself is over TLS.
    fn is_secure(&self) -> bool;

    /// The client's certificate, DER, the leaf alone: where the app itself ends TLS and the handshake found it good. Never one that a
    /// header claims.
    fn certificate(&self) -> Option<&[u8]> {
        None
    }

    /// The host that the client asked for (RFC 9110 §7.2), if it is named once. Over HTTP/2 that is `:authority`. A target in absolute form
    /// names it too, and wins over `Host` (RFC 9112 §3.2.2); two `Host` fields name none.
    fn host(&self) -> Option<&[u8]> {
        match (self.field(&field::HOST, 0), self.field(&field::HOST, 1)) {
            (Some(host), None) => Some(host),
            _ => None,
        }
    }
}

impl dyn RequestHead + '_ {
    /// All values of a field, in the order of arrival.
    pub(crate) fn fields<'h>(&'h self, name: &Field) -> Values<'h> {
        let mut values = Values { few: [&[]; IN_PLACE], many: Vec::new(), count: 0, next: 0 };
        self.each_value(name, &mut |value| values.push(value));
        values
    }

    /// The value of a field that may stand once.
    pub(crate) fn only(&self, name: &Field) -> Occurrence<'_> {
        let mut found = Occurrence::Absent;
        self.each_value(name, &mut |value| {
            found = if found == Occurrence::Absent { Occurrence::Once(value) } else { Occurrence::Repeated };
        });
        found
    }
}

/// How many values lie in place. Of few fields there is more than one, and whoever walks one of which there are many, as of `Cookie`, is
/// shown [each](RequestHead::each_value) instead.
const IN_PLACE: usize = 4;

/// All values of a field, in the order of arrival.
#[derive(Debug)]
pub(crate) struct Values<'h> {
    few: [&'h [u8]; IN_PLACE],
    many: Vec<&'h [u8]>,
    count: usize,
    next: usize,
}

impl<'h> Values<'h> {
    fn push(&mut self, value: &'h [u8]) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = value,
            None => self.many.push(value),
        }
        self.count += 1;
    }
}

impl<'h> Iterator for Values<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        if self.next >= self.count {
            return None;
        }
        let place = self.next;
        self.next += 1;
        self.few.get(place).or_else(|| self.many.get(place - IN_PLACE)).copied()
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
