//! Who the client is when proxies stand in front: one family of headers, from trusted peers only.
//!
//! Without a [`Proxies`] no such header is read. With one, and only if the connection comes from a trusted peer, the client is the
//! right-most address that is no trusted peer; what stands left of it the client may have written itself. One family is read,
//! `X-Forwarded-*` or `Forwarded` (RFC 7239), never the other, which a client could add.
//!
//! Scheme and host are taken from the element that names the client (`Forwarded`), or from the last value (`X-Forwarded-Proto`,
//! `X-Forwarded-Host`), which the nearest proxy wrote.
//!
//! # Example
//! ```
//! use countersign::request::{Proxies, ProxyHeaders};
//!
//! let proxies = Proxies::trusting(["10.0.0.0/8", "::1"]).unwrap().reading(ProxyHeaders::Forwarded);
//! assert!(Proxies::trusting(["10.0.0.0/33"]).is_err());
//! # let _ = proxies;
//! ```
//!
//! # Deployment
//! The proxy must write the header itself or append to it, on every request.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::{
    RequestHead,
    field::{self, Field, trim_blanks},
};

/// The peers whose word about the client is taken, and the headers in which they give it.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    headers: ProxyHeaders,
}

/// A family of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// A network that cannot be read: it must be an address, or an address, a slash and a number of bits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network; write an address such as 10.0.0.1 or a range such as 10.0.0.0/8")]
pub struct BadNetwork(String);

impl Proxies {
    /// Trusts these addresses and networks.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn trusting<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, BadNetwork> {
        let read = |text: &str| {
            text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| BadNetwork(text.to_owned()))
        };
        Ok(Self {
            trusted: networks.into_iter().map(read).collect::<Result<_, _>>()?,
            headers: ProxyHeaders::default(),
        })
    }

    /// Reads this family.
    #[must_use]
    pub fn reading(mut self, headers: ProxyHeaders) -> Self {
        self.headers = headers;
        self
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The client's side of the channel that this request came over.
    pub(crate) fn channel<'h>(&self, head: &'h dyn RequestHead) -> Channel<'h> {
        let direct =
            Channel { address: head.peer().map(|peer| peer.to_canonical()), secure: head.is_secure(), host: None };
        match direct.address {
            Some(peer) if self.trusts(peer) => match self.headers {
                ProxyHeaders::XForwarded => self.by_x_forwarded(head, direct),
                ProxyHeaders::Forwarded => self.by_forwarded(head, direct),
            },
            _ => direct,
        }
    }

    fn by_x_forwarded<'h>(&self, head: &'h dyn RequestHead, direct: Channel<'h>) -> Channel<'h> {
        let mut channel = direct;
        for hop in items(head, &field::X_FORWARDED_FOR).into_iter().rev() {
            let Some(address) = node(hop) else { break };
            channel.address = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        if let Some(proto) = items(head, &field::X_FORWARDED_PROTO).pop() {
            channel.secure = proto.eq_ignore_ascii_case(b"https");
        }
        if let Some(host) = items(head, &field::X_FORWARDED_HOST).pop() {
            channel.host = Some(host);
        }
        channel
    }

    fn by_forwarded<'h>(&self, head: &'h dyn RequestHead, direct: Channel<'h>) -> Channel<'h> {
        let mut channel = direct;
        for element in elements(head).into_iter().rev() {
            let Some(address) = parameter(element, b"for").and_then(node) else { break };
            channel.address = Some(address);
            channel.secure =
                parameter(element, b"proto").map_or(direct.secure, |proto| proto.eq_ignore_ascii_case(b"https"));
            channel.host = parameter(element, b"host");
            if !self.trusts(address) {
                break;
            }
        }
        channel
    }
}

/// The client's side of a channel, as far as it can be trusted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel<'h> {
    pub(crate) address: Option<IpAddr>,
    pub(crate) secure: bool,
    /// As a trusted proxy gives it; else it is the request's own.
    pub(crate) host: Option<&'h [u8]>,
}

/// The comma-separated items of all `X-Forwarded` fields of this name. These know no quotes: one that a client wrote must not
/// hide what a proxy puts behind it.
fn items<'h>(head: &'h dyn RequestHead, name: &'static Field) -> Vec<&'h [u8]> {
    head.fields(name)
        .flat_map(|line| line.split(|byte| *byte == b','))
        .map(trim_blanks)
        .filter(|item| !item.is_empty())
        .collect()
}

/// The elements of all `Forwarded` fields, not divided inside quotes.
fn elements(head: &dyn RequestHead) -> Vec<&[u8]> {
    head.fields(&field::FORWARDED)
        .flat_map(|line| split_unquoted(line, b','))
        .map(trim_blanks)
        .filter(|element| !element.is_empty())
        .collect()
}

fn split_unquoted(line: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(|byte| {
        let divides = *byte == separator && !quoted;
        match *byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        divides
    })
    .collect()
}

/// The value of a parameter of a `Forwarded` element; a backslash inside quotes is nothing that an address or host needs.
fn parameter<'h>(element: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    split_unquoted(element, b';').into_iter().find_map(|pair| {
        let pair = trim_blanks(pair);
        let (sent, value) = pair.split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=").filter(|_| sent.eq_ignore_ascii_case(name))?;
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

/// An address with or without a port; `unknown` and made-up names are none (RFC 7239 §6).
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    fn seen(headers: ProxyHeaders, peer: &str, fields: &[(&str, &str)]) -> (String, bool, Option<String>) {
        let proxies = Proxies::trusting(["10.0.0.0/8", "::1"]).unwrap().reading(headers);
        let head = fields
            .iter()
            .fold(PlainHead::get("/").from(peer.parse().unwrap()), |head, (name, value)| head.with(name, value));
        let channel = proxies.channel(&head);
        let host = channel.host.map(|host| String::from_utf8_lossy(host).into_owned());
        (channel.address.unwrap().to_string(), channel.secure, host)
    }

    #[test]
    fn the_right_most_address_that_is_no_trusted_peer_is_the_client() {
        for (peer, chain, client) in [
            ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
            ("10.0.0.1", "10.1.1.1", "10.1.1.1"),
            ("10.0.0.1", "1.2.3.4:555", "1.2.3.4"),
            ("10.0.0.1", "[2001:db8::1]:555", "2001:db8::1"),
            ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", "1.2.3.4, garbage", "10.0.0.1"),
            ("10.0.0.1", "\", 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "1.2.3.4, garbage, 10.2.2.2", "10.2.2.2"),
            ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ] {
            assert_eq!(seen(ProxyHeaders::XForwarded, peer, &[("x-forwarded-for", chain)]).0, client, "{peer} {chain}");
        }
    }

    #[test]
    fn the_other_family_is_never_read() {
        let fields = [
            ("forwarded", "for=6.6.6.6;proto=https;host=evil"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(seen(ProxyHeaders::XForwarded, "10.0.0.1", &fields[..1]), ("10.0.0.1".into(), false, None));
        assert_eq!(seen(ProxyHeaders::Forwarded, "10.0.0.1", &fields[1..]), ("10.0.0.1".into(), false, None));
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        let rows = [
            ("for=1.2.3.4;proto=https;host=a.example", ("1.2.3.4", true, Some("a.example"))),
            ("For=\"[2001:db8:cafe::17]:4711\"; Proto=HTTPS", ("2001:db8:cafe::17", true, None)),
            ("for=6.6.6.6;proto=https, for=1.2.3.4;proto=http", ("1.2.3.4", false, None)),
            ("for=1.2.3.4;proto=https, for=10.2.2.2;proto=http", ("1.2.3.4", true, None)),
            ("for=\"a,b;proto=https\", for=1.2.3.4", ("1.2.3.4", false, None)),
            ("for=unknown;proto=https", ("10.0.0.1", false, None)),
            ("for=_hidden", ("10.0.0.1", false, None)),
        ];
        for (value, (address, secure, host)) in rows {
            let expected = (address.to_owned(), secure, host.map(str::to_owned));
            assert_eq!(seen(ProxyHeaders::Forwarded, "10.0.0.1", &[("forwarded", value)]), expected, "{value}");
        }
    }
}
