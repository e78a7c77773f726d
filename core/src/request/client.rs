//! Who the client is when proxies stand in front: one family of headers, from trusted peers only.
//!
//! Without a [`Proxies`] no such header is read. With one, and only if the connection comes from a trusted peer, the client is the
//! right-most address that is no trusted peer; what stands left of it the client may have written itself. One family is read,
//! `X-Forwarded-*` or `Forwarded` (RFC 7239), never the other, which a client could add.
//!
//! - An element that is no address ends the search: the client's address is then that of the last trusted peer.
//! - Scheme and host of `Forwarded` stand in the element that names the client, or in the one that ended the search because it names
//!   nobody, `unknown` or a made-up name. An element that cannot be read counts for nothing. Elements are told apart from the right,
//!   so that a quote which a client left open reaches into nothing that a proxy appended.
//! - `X-Forwarded-Proto` and `X-Forwarded-Host` may be lists, to which each proxy appends, as it does to `X-Forwarded-For`. The entry counts
//!   that stands as far from the right as the address that was taken; of a shorter list its left-most, and the right-most where no
//!   address was taken.
//! - `wss` is `https`, and `ws` is `http`.
//! - `X-Forwarded-Port` is never read: a port that is not the scheme's own belongs into the host, where all proxies can put it. What
//!   few proxies write, the others hand on from the client.
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
//! The proxy must write each of these headers itself or append to it, on every request: one that it hands on is the client's.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use ipnet::{IpNet, Ipv4Net};

use super::{
    RequestHead,
    field::{self, Field, trim_blanks},
    forwarded,
};

/// The peers whose word about the client is taken, and the headers in which they give it. Cheap to clone, and all clones are one:
/// [`replace_with`](Self::replace_with) changes them while the service runs.
#[derive(Clone)]
pub struct Proxies(Arc<Shared>);

struct Shared {
    now: RwLock<Arc<Trusted>>,
    number: u64,
}

/// Whom to trust at one moment: a request is judged by one of them to its end.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub(crate) struct Trusted {
    /// Of what it is a moment.
    #[cfg_attr(feature = "config", serde(skip))]
    of: u64,
    #[cfg_attr(feature = "config", serde(rename = "trust", deserialize_with = "crate::config::units::networks"))]
    trusted: Vec<IpNet>,
    headers: ProxyHeaders,
}

/// A family of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// A network that cannot be read: it must be an address, or an address, a slash and a number of bits. One of IPv4 addresses in the form
/// of IPv6 (`::ffff:10.0.0.0/104`) has 96 bits or more.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network; write an address such as 10.0.0.1 or a range such as 10.0.0.0/8")]
pub struct BadNetwork(String);

crate::sentence::prints_its_sentence!(BadNetwork);

impl Proxies {
    /// Trusts these addresses and networks. IPv4 in the form of IPv6 is the same as IPv4.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn trusting<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, BadNetwork> {
        let trusted = networks.into_iter().map(read_network).collect::<Result<_, _>>()?;
        Ok(Self::of(Trusted { trusted, ..Trusted::default() }))
    }

    /// The same peers, of whom this family is read.
    #[must_use]
    pub fn reading(self, headers: ProxyHeaders) -> Self {
        Self::of(Trusted { headers, ..(*self.now()).clone() })
    }

    /// Puts the peers of another in place of these, and its family, for every clone, and so for the gates that are
    /// [behind](crate::gate::GateBuilder::behind) one. A request that is under way is judged by those with which it began.
    ///
    /// A list that cannot be read is an error where it is made, which leaves these in force.
    ///
    /// ```
    /// # use countersign::request::{Proxies, BadNetwork};
    /// let proxies = Proxies::trusting(["10.0.0.0/8"]).unwrap();
    /// let in_use = proxies.clone(); // .behind(in_use)
    /// let reload = |file: &str| -> Result<(), BadNetwork> {
    ///     proxies.replace_with(&Proxies::trusting(file.lines())?);
    ///     Ok(())
    /// };
    /// assert!(reload("10.0.0.0/33").is_err());
    /// reload("10.0.0.0/8\n192.0.2.7").unwrap();
    /// # let _ = in_use;
    /// ```
    pub fn replace_with(&self, other: &Self) {
        let next = Arc::new(Trusted { of: self.0.number, ..(*other.now()).clone() });
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn of(trusted: Trusted) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(1);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Shared { now: RwLock::new(Arc::new(Trusted { of: number, ..trusted })), number }))
    }

    /// Whom to trust at this moment. A lock that a panic poisoned still holds a whole list: it is changed by one assignment.
    pub(crate) fn now(&self) -> Arc<Trusted> {
        Arc::clone(&self.0.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this is one of its moments.
    pub(crate) fn were(&self, trusted: &Trusted) -> bool {
        self.0.number == trusted.of
    }
}

impl Default for Proxies {
    fn default() -> Self {
        Self::of(Trusted::default())
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.now();
        f.debug_struct("Proxies").field("trusted", &now.trusted).field("headers", &now.headers).finish()
    }
}

#[cfg(feature = "config")]
impl<'de> serde::Deserialize<'de> for Proxies {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Trusted::deserialize(deserializer).map(Self::of)
    }
}

impl Trusted {
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
            Some(_) | None => direct,
        }
    }

    /// Says once that somebody sends a proxy's header whose word is not taken: a client that tries, or a proxy that was forgotten. Where none
    /// is trusted at all, either family says so.
    pub(crate) fn warn_of(&self, head: &dyn RequestHead) {
        static SAID: AtomicBool = AtomicBool::new(false);
        if SAID.load(Ordering::Relaxed) {
            return;
        }
        let Some(peer) = head.peer().map(|peer| peer.to_canonical()).filter(|peer| !self.trusts(*peer)) else { return };
        let families: &[&Field] = match self.headers {
            _ if self.trusted.is_empty() => &[&field::X_FORWARDED_FOR, &field::FORWARDED],
            ProxyHeaders::XForwarded => &[&field::X_FORWARDED_FOR],
            ProxyHeaders::Forwarded => &[&field::FORWARDED],
        };
        let sent = families.iter().find(|field| head.field(field, 0).is_some());
        if let Some(field) = sent.filter(|_| !SAID.swap(true, Ordering::Relaxed)) {
            tracing::warn!(
                target: "countersign",
                %peer,
                "{} was sent by a peer that is no trusted proxy, and is not read; if it is yours, say so with \
                 .behind(Proxies::trusting([\"{peer}\"])?); this is said once",
                field.name()
            );
        }
    }

    fn by_x_forwarded<'h>(&self, head: &'h dyn RequestHead, direct: Channel<'h>) -> Channel<'h> {
        let mut channel = direct;
        let mut from_the_right = 0;
        for (place, hop) in items(head, &field::X_FORWARDED_FOR).into_iter().rev().enumerate() {
            let Some(address) = node(hop) else { break };
            channel.address = Some(address);
            from_the_right = place;
            if !self.trusts(address) {
                break;
            }
        }
        if let Some(proto) = entry(&items(head, &field::X_FORWARDED_PROTO), from_the_right) {
            channel.secure = means_tls(proto);
        }
        if let Some(host) = entry(&items(head, &field::X_FORWARDED_HOST), from_the_right) {
            channel.host = Some(host);
        }
        channel
    }

    fn by_forwarded<'h>(&self, head: &'h dyn RequestHead, direct: Channel<'h>) -> Channel<'h> {
        let mut channel = direct;
        for element in forwarded::from_the_right(head) {
            let Some(element) = element else { break };
            channel.secure = element.proto.map_or(direct.secure, means_tls);
            channel.host = element.host;
            let Some(address) = element.node.and_then(node) else { break };
            channel.address = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        channel
    }
}

/// A network that may be trusted.
pub(crate) fn read_network(text: &str) -> Result<IpNet, BadNetwork> {
    network(text).ok_or_else(|| BadNetwork(text.to_owned()))
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

/// The entry that stands so far from the right; of a shorter list its left-most.
fn entry<'h>(items: &[&'h [u8]], from_the_right: usize) -> Option<&'h [u8]> {
    items.get(items.len().saturating_sub(from_the_right + 1)).copied()
}

/// Whether a scheme as proxies name it is one over TLS. Some name that of a WebSocket after the upgrade.
fn means_tls(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"https") || scheme.eq_ignore_ascii_case(b"wss")
}

/// A network; one in IPv4-mapped form as the IPv4 network that is meant, since peers are compared in that form.
fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    match network.addr().to_canonical() {
        IpAddr::V4(address) if matches!(network, IpNet::V6(_)) => {
            let bits = network.prefix_len().checked_sub(96)?;
            Ipv4Net::new(address, bits).ok().map(IpNet::from)
        }
        _ => Some(network),
    }
}

/// An address with or without a port, which may be a made-up one; `unknown` and made-up names are none (RFC 7239 §6).
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.split_once(":_").map_or(text, |(node, _)| node);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        request::{Exchange, RequestView},
        testing::PlainHead,
    };

    #[test]
    fn a_request_is_judged_to_its_end_by_those_with_which_it_began() {
        let (proxies, other) = (Proxies::trusting(["10.0.0.0/8"]).unwrap(), Proxies::default());
        let in_use = proxies.clone();
        let head = PlainHead::get("/").from("10.0.0.1".parse().unwrap()).with("x-forwarded-for", "1.2.3.4");
        let head = head.with("forwarded", "for=5.6.7.8");
        let begun = Exchange::begin(Vec::new(), None, None).behind(&in_use);
        let seen = |exchange: Option<&Exchange>, proxies: &Proxies| {
            RequestView::new(&head, exchange, proxies).address().unwrap().to_string()
        };
        assert_eq!((seen(None, &in_use), seen(Some(&begun), &in_use)), ("1.2.3.4".into(), "1.2.3.4".into()));
        assert_eq!(seen(Some(&begun), &other), "10.0.0.1", "another gate trusts whom it trusts");

        proxies.replace_with(&Proxies::trusting(["10.0.0.1"]).unwrap().reading(ProxyHeaders::Forwarded));
        assert_eq!((seen(None, &in_use), seen(Some(&begun), &in_use)), ("5.6.7.8".into(), "1.2.3.4".into()));
        let next = Exchange::begin(Vec::new(), None, None).behind(&in_use);
        assert_eq!(seen(Some(&next), &in_use), "5.6.7.8");

        proxies.replace_with(&Proxies::default());
        assert_eq!((seen(None, &in_use), seen(Some(&next), &in_use)), ("10.0.0.1".into(), "5.6.7.8".into()));
    }

    fn seen(headers: ProxyHeaders, peer: &str, fields: &[(&str, &str)]) -> (String, bool, Option<String>) {
        let proxies = Proxies::trusting(["10.0.0.0/8", "::1"]).unwrap().reading(headers);
        let head = fields
            .iter()
            .fold(PlainHead::get("/").from(peer.parse().unwrap()), |head, (name, value)| head.with(name, value));
        let trusted = proxies.now();
        let channel = trusted.channel(&head);
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
            ("for=\"1.2.3.4:_port\";proto=wss", ("1.2.3.4", true, None)),
            ("for=1.2.3.4;proto=ws", ("1.2.3.4", false, None)),
            // Nobody is named, and the rest counts.
            ("proto=https;host=a.example", ("10.0.0.1", true, Some("a.example"))),
            ("for=unknown;proto=https", ("10.0.0.1", true, None)),
            ("for=_hidden;host=a.example", ("10.0.0.1", false, Some("a.example"))),
            ("for=6.6.6.6, for=unknown;proto=https, for=10.2.2.2;proto=http", ("10.2.2.2", true, None)),
            // What cannot be read counts for nothing, nor does what stands to its left.
            ("for=6.6.6.6;proto=https, for=1.2.3.4;proto=https;proto=http", ("10.0.0.1", false, None)),
            ("for=6.6.6.6;proto=https, for=1.2.3.4;host=\"a", ("10.0.0.1", false, None)),
            ("proto=http;proto=\"https", ("10.0.0.1", false, None)),
            ("for=6.6.6.6;proto=https, nonsense, for=10.2.2.2;host=b", ("10.2.2.2", false, Some("b"))),
        ];
        for (value, (address, secure, host)) in rows {
            let expected = (address.to_owned(), secure, host.map(str::to_owned));
            assert_eq!(seen(ProxyHeaders::Forwarded, "10.0.0.1", &[("forwarded", value)]), expected, "{value}");
        }
    }

    #[test]
    fn what_a_client_left_open_changes_nothing_of_what_a_proxy_appends() {
        let appended = "for=9.9.9.9;host=x;proto=https";
        let expected = ("9.9.9.9".to_owned(), true, Some("x".to_owned()));
        for sent in [
            "for=1.1.1.1;host=\"evil",
            "for=\"1.1.1.1",
            "for=1.2.3.4;proto=http;x=\"",
            "x=\"\\\"",
            "x=\"\\",
            "host=\"a",
            "proto=http;proto=\"http",
            "\"",
            "for=1.1.1.1;x=\";proto=http",
            "",
        ] {
            let one_line = format!("{sent}, {appended}");
            let quoted = format!("{sent}, for=\"9.9.9.9:80\";host=\"x\";proto=\"https\"");
            for fields in [
                &[("forwarded", &*one_line)][..],
                &[("forwarded", &*quoted)],
                &[("forwarded", sent), ("forwarded", appended)],
            ] {
                assert_eq!(seen(ProxyHeaders::Forwarded, "10.0.0.1", fields), expected, "{fields:?}");
            }
        }
    }

    #[test]
    fn of_lists_the_entry_counts_that_belongs_to_the_address() {
        type Row<'r> = (&'r str, &'r str, &'r str, (&'r str, bool, Option<&'r str>));
        let rows: [Row<'_>; 14] = [
            ("9.9.9.9, 10.0.0.2", "https, http", "app.example, inner", ("9.9.9.9", true, Some("app.example"))),
            ("9.9.9.9, 10.0.0.2", "http, https", "app.example, inner", ("9.9.9.9", false, Some("app.example"))),
            ("6.6.6.6, 9.9.9.9, 10.0.0.2", "https, http, https", "evil, app, inner", ("9.9.9.9", false, Some("app"))),
            // One proxy: what the client wrote stands to the left.
            ("6.6.6.6, 9.9.9.9", "https, http", "evil, app", ("9.9.9.9", false, Some("app"))),
            ("9.9.9.9", "https, http", "evil, app", ("9.9.9.9", false, Some("app"))),
            // A shorter list: the outermost proxy wrote it, and the others handed it on.
            ("9.9.9.9, 10.0.0.3, 10.0.0.2", "https, http", "app", ("9.9.9.9", true, Some("app"))),
            ("9.9.9.9, 10.0.0.2", "https", "app", ("9.9.9.9", true, Some("app"))),
            // Without an address, the right-most.
            ("", "https, http", "evil, app", ("10.0.0.1", false, Some("app"))),
            ("", "http, https", "", ("10.0.0.1", true, None)),
            ("9.9.9.9, garbage", "http, https", "evil, app", ("10.0.0.1", true, Some("app"))),
            ("9.9.9.9, garbage, 10.0.0.2", "http, http, https", "evil, odd, app", ("10.0.0.2", true, Some("app"))),
            ("9.9.9.9", "wss", "", ("9.9.9.9", true, None)),
            ("9.9.9.9", "WS", "", ("9.9.9.9", false, None)),
            ("9.9.9.9", "ftp", "", ("9.9.9.9", false, None)),
        ];
        for (chain, proto, host, (address, secure, own)) in rows {
            let all = [("x-forwarded-for", chain), ("x-forwarded-proto", proto), ("x-forwarded-host", host)];
            let fields: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let expected = (address.to_owned(), secure, own.map(str::to_owned));
            assert_eq!(seen(ProxyHeaders::XForwarded, "10.0.0.1", &fields), expected, "{fields:?}");
            // The same in a field for each entry.
            let split: Vec<_> =
                fields.iter().flat_map(|(name, value)| value.split(", ").map(move |value| (*name, value))).collect();
            assert_eq!(seen(ProxyHeaders::XForwarded, "10.0.0.1", &split), expected, "{split:?}");
        }
    }

    #[test]
    fn a_port_beside_the_host_is_not_read() {
        let fields =
            [("x-forwarded-host", "app.example"), ("x-forwarded-port", "8443"), ("x-forwarded-proto", "https")];
        let expected = ("10.0.0.1".to_owned(), true, Some("app.example".to_owned()));
        assert_eq!(seen(ProxyHeaders::XForwarded, "10.0.0.1", &fields), expected);
    }

    #[test]
    fn a_network_of_ipv4_addresses_is_the_same_in_either_form() {
        for (network, peer, trusted) in [
            ("127.0.0.0/8", "127.1.2.3", true),
            ("::ffff:127.0.0.0/104", "127.1.2.3", true),
            ("::ffff:7f00:0/104", "::ffff:127.1.2.3", true),
            ("::ffff:127.0.0.0/104", "128.0.0.1", false),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
            ("::ffff:127.0.0.1", "127.0.0.2", false),
            ("::ffff:0.0.0.0/96", "9.9.9.9", true),
            ("::ffff:0.0.0.0/96", "::1", false),
            ("::1", "::1", true),
            ("::/0", "9.9.9.9", false),
        ] {
            let proxies = Proxies::trusting([network]).unwrap();
            assert_eq!(proxies.now().trusts(peer.parse().unwrap()), trusted, "{network} {peer}");
        }
        for text in ["::ffff:127.0.0.0/95", "::ffff:127.0.0.0/129", "127.0.0.0/33", "localhost", "", "10.0.0.0/-1"] {
            assert!(Proxies::trusting([text]).is_err(), "{text}");
        }
    }
}
