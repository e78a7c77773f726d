//! What kinds of credential and policies are shown of a request: [`RequestView`].

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    fmt,
    net::IpAddr,
};

use super::{
    ClientInfo, Exchange, Field, Occurrence, Proxies, RequestHead, Wants,
    client::{Channel, Trusted},
    field,
    wants::is_by_script,
};

/// A request's head as its client sent it: behind the proxies whose word is taken, and with what was taken out of its query.
///
/// Nothing is copied, and what it takes work to find out is found out once.
pub struct RequestView<'h> {
    head: &'h dyn RequestHead,
    exchange: Option<&'h Exchange>,
    channel: Channel<'h>,
    wants: OnceCell<Wants>,
    /// How many fields `Authorization` there are, once somebody has looked.
    authorizations: Cell<Option<usize>>,
    body: Option<&'h [u8]>,
}

impl<'h> RequestView<'h> {
    pub(crate) fn new(head: &'h dyn RequestHead, exchange: Option<&'h Exchange>, proxies: &Proxies) -> Self {
        // Those with which the request began, whatever was put in their place since.
        let begun = exchange.and_then(Exchange::trusted).filter(|begun| proxies.were(begun));
        let channel = match begun {
            Some(begun) => begun.channel(head),
            None => proxies.now().channel(head),
        };
        Self::over(channel, head, exchange)
    }

    /// Of whoever is at the other end, whatever a proxy says.
    pub(crate) fn direct(head: &'h dyn RequestHead) -> Self {
        Self::over(Trusted::default().channel(head), head, None)
    }

    /// As the gate sees it that received it.
    pub(crate) fn received(head: &'h dyn RequestHead, exchange: &'h Exchange, trusted: &Trusted) -> Self {
        Self::over(trusted.channel(head), head, Some(exchange))
    }

    fn over(channel: Channel<'h>, head: &'h dyn RequestHead, exchange: Option<&'h Exchange>) -> Self {
        Self { head, exchange, channel, wants: OnceCell::new(), authorizations: Cell::new(None), body: None }
    }

    pub(crate) fn with_body(self, body: &'h [u8]) -> Self {
        Self { body: Some(body), ..self }
    }

    /// The method, as sent; methods are case-sensitive (RFC 9110 §9.1).
    #[must_use]
    pub fn method(&self) -> &'h str {
        self.head.method()
    }

    /// Whether the method is one that must not change anything: GET, HEAD, OPTIONS or TRACE (RFC 9110 §9.2.1).
    #[must_use]
    pub fn is_safe_method(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// The path as sent, percent-encoding and all.
    #[must_use]
    pub fn path(&self) -> &'h str {
        self.head.path()
    }

    /// The query as sent, without the question mark and without the credentials that were taken out of it.
    #[must_use]
    pub fn query(&self) -> Option<&'h str> {
        self.head.query()
    }

    /// The raw values that stood in the query under a parameter whose credentials are taken out of it, in order.
    pub fn taken(&self, parameter: &'h str) -> impl Iterator<Item = &'h [u8]> + use<'h> {
        self.exchange.into_iter().flat_map(move |exchange| exchange.taken(parameter))
    }

    /// The value of the `nth` field of this name, counted from 0 in the order of arrival, without the blanks around it.
    /// For all of them, [`fields`](Self::fields) costs one walk.
    #[must_use]
    pub fn field(&self, name: &Field, nth: usize) -> Option<&'h [u8]> {
        self.head.field(name, nth)
    }

    /// Shows the name of each field, in any case and order; a name may come more than once.
    pub fn each_field_name(&self, show: &mut dyn FnMut(&str)) {
        self.head.each_field_name(show);
    }

    /// All values of a field, in the order of arrival.
    pub fn fields(&self, name: &Field) -> impl Iterator<Item = &'h [u8]> + use<'h> {
        self.head.fields(name)
    }

    /// Shows each value of a field, in the order of arrival: [`fields`](Self::fields) without anywhere to put them.
    pub fn each_value(&self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        self.head.each_value(name, show);
    }

    /// The value of a field that may stand once.
    #[must_use]
    pub fn only(&self, name: &Field) -> Occurrence<'h> {
        self.head.only(name)
    }

    /// Shows each value of `Authorization`, which every scheme of a gate may look at: where there is none, it is looked for once.
    pub(crate) fn each_authorization(&self, show: &mut dyn FnMut(&'h [u8])) {
        if self.authorizations.get() == Some(0) {
            return;
        }
        let mut count = 0;
        self.head.each_value(&field::AUTHORIZATION, &mut |value| {
            count += 1;
            show(value);
        });
        self.authorizations.set(Some(count));
    }

    /// Whether `Authorization` stands there more than once.
    pub(crate) fn repeats_authorization(&self) -> bool {
        if self.authorizations.get().is_none() {
            self.each_authorization(&mut |_| {});
        }
        self.authorizations.get() > Some(1)
    }

    /// The values of all cookies of this name, from every `Cookie` field, as sent, without surrounding quotes
    /// (RFC 6265bis §5.7 leaves the order to the browser, so none of them is better than another).
    ///
    /// Each pair is read by itself: an odd cookie that a sibling domain set hides nothing.
    pub fn cookies(&self, name: &'h str) -> impl Iterator<Item = &'h [u8]> + use<'h> {
        self.fields(&field::COOKIE).flat_map(move |line| values_of(line, name))
    }

    /// Shows the value of each cookie of this name: [`cookies`](Self::cookies) without anywhere to put the fields, of which browsers send
    /// one for each cookie over HTTP/2.
    pub fn each_cookie(&self, name: &'h str, show: &mut dyn FnMut(&'h [u8])) {
        self.each_value(&field::COOKIE, &mut |line| values_of(line, name).for_each(&mut *show));
    }

    /// The path parameter of this name, percent-decoded; U+FFFD stands for what is not UTF-8. `None` is a mistake of the app: the route
    /// has no such parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Cow<'h, str>> {
        self.head.parameter(name)
    }

    /// The client's address, as far as it can be trusted.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.channel.address
    }

    /// Whether the client's side of the channel is over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.channel.secure
    }

    /// The host that the client asked for (RFC 9110 §7.2), if it is named once: as a trusted proxy gives it, else as the target does, if it is
    /// in absolute form, else as `Host` does.
    #[must_use]
    pub fn host(&self) -> Option<&'h [u8]> {
        self.channel.host.or_else(|| self.head.host())
    }

    /// The client's certificate, DER, the leaf alone, where the app itself ends TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&'h [u8]> {
        self.head.certificate()
    }

    /// The whole body, for a [`Confirm`](crate::credential::Confirm) that [needs it](crate::credential::Confirm::needs_body); `None` for everybody else.
    #[must_use]
    pub fn body(&self) -> Option<&'h [u8]> {
        self.body
    }

    /// Path and query as the client sent them, credentials and all: for what covers them, and for nothing that could print it.
    pub(crate) fn target(&self) -> Cow<'h, str> {
        match (self.exchange.and_then(Exchange::raw_target), self.query()) {
            (Some(sent), _) => Cow::Borrowed(sent),
            (None, Some(query)) => Cow::Owned(format!("{}?{query}", self.path())),
            (None, None) => Cow::Borrowed(self.path()),
        }
    }

    /// What kind of answer the client can use.
    #[must_use]
    pub fn wants(&self) -> Wants {
        *self.wants.get_or_init(|| Wants::of(self.head))
    }

    /// Whether a script in a page made the request, which costs less to find out than all that the client wants.
    pub(crate) fn is_by_script(&self) -> bool {
        self.wants.get().map_or_else(|| is_by_script(self.head), |wants| wants.script)
    }

    /// Who sent it, for what outlives the request.
    #[must_use]
    pub fn client_info(&self) -> ClientInfo {
        ClientInfo::of(self)
    }

    pub(crate) fn exchange(&self) -> Option<&'h Exchange> {
        self.exchange
    }
}

/// The values of the cookies of this name in one line.
fn values_of<'h>(line: &'h [u8], name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    let mut rest = Some(line);
    let pairs = std::iter::from_fn(move || {
        let line = rest.take()?;
        let Some((pair, more)) = memchr::memchr(b';', line).and_then(|place| line.split_at_checked(place)) else {
            return Some(line);
        };
        rest = more.get(1..);
        Some(pair)
    });
    pairs.filter_map(move |pair| {
        let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
        let value = value.trim_ascii().strip_prefix(b"=")?.trim_ascii_start();
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

impl fmt::Debug for RequestView<'_> {
    /// Leaves the query and the fields out: they may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestView").field("method", &self.method()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::PlainHead;

    #[test]
    fn every_cookie_of_a_name_is_seen_and_no_other() {
        let sees = |line: &[u8]| {
            let head = PlainHead::get("/").with("cookie", line);
            head.view().cookies("session").map(<[u8]>::to_vec).collect::<Vec<_>>()
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
            let head = PlainHead::get("/").with("cookie", b"a=b").with("cookie", line);
            let mut shown = Vec::new();
            head.view().each_cookie("session", &mut |value| shown.push(value.to_vec()));
            assert_eq!(shown, expected, "{:?}", String::from_utf8_lossy(line));
        }
    }
}
