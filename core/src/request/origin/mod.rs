//! Which origins may act for our users: the cross-site rule, and the origins that an app trusts.
//!
//! Some credentials a browser sends by itself: a cookie, and a name and password that were typed into its dialog. They say who sits at
//! the browser, not whose page acts. So a request that is let in by one of them ([`Sender::Browser`](crate::credential::Sender)) and may
//! change something is asked for its origin. A method changes something unless it is GET, HEAD, OPTIONS or TRACE (RFC 9110 §9.2.1); a
//! GET with `Upgrade: websocket` opens a socket and counts as one that does. So does `POST /session`, which makes such a credential.
//!
//! - `Origin` or `Sec-Fetch-Site` sent twice is refused, whatever it says.
//! - Else an `Origin` that the app [trusts](crate::gate::GateBuilder::trusting_origins) passes, whatever `Sec-Fetch-Site` says.
//! - Else `Sec-Fetch-Site` decides, where a browser sends it (W3C Fetch Metadata): `same-origin` and `none` (typed, or a bookmark) pass,
//!   anything else does not. `Origin` is then not looked at: a page with `Referrer-Policy: no-referrer` sends `null` to its own site.
//! - Without `Sec-Fetch-Site`, no `Origin` passes, for no browser made the request; one must name the host and port of `Host`, and
//!   over TLS it must be `https`. Ports that are the scheme's own may be left out.
//!
//! # Example
//! ```
//! use countersign::request::Origin;
//!
//! let app = Origin::parse("https://App.example.com:443").unwrap();
//! assert_eq!(app.as_str(), "https://app.example.com");
//! assert!(Origin::parse("https://app.example.com/").is_err(), "an origin has no path");
//! ```
//!
//! # What it does not do
//! It lets no page read an answer: that is CORS, a layer of the framework. Bearer tokens, keys and query credentials are no browser's
//! own idea and pass. It makes no browser send a cookie: `SameSite=Lax` keeps it from the forms and scripts of other sites, so that a
//! trusted origin acts with it only from the same site, such as another subdomain.
//!
//! # Deployment
//! Behind a proxy that rewrites `Host`, what an old browser sends (an `Origin`, and no `Sec-Fetch-Site`) is refused unless the
//! [proxy is trusted](crate::request::client).

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use super::{Field, Occurrence, RequestView, field};
use crate::observe::why::{quoted, worded};

/// Scheme, host and port of a page (RFC 6454), spelt as browsers spell it: in lower case, without the scheme's own port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(Box<str>);

/// A text that is no origin: it must have a scheme, a host, perhaps a port, and nothing else.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin; write scheme, host and port and nothing else, as in https://app.example.com or http://localhost:8080"
)]
pub struct BadOrigin(String);

crate::sentence::prints_its_sentence!(BadOrigin);

impl Origin {
    /// Reads `https://app.example.com`. The case of scheme and host counts for nothing, nor does a port that is the scheme's own. A
    /// name is written as browsers send it, in ASCII.
    ///
    /// # Errors
    /// When there is anything else, such as a path, if only `/`; and for `null`, which every site can send.
    pub fn parse(text: &str) -> Result<Self, BadOrigin> {
        let parts = Parts::of(text.as_bytes()).ok_or_else(|| BadOrigin(text.to_owned()))?;
        Ok(Self(parts.to_string().into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The origins that may act for an app's users, beside its own.
#[derive(Debug, Default)]
pub(crate) struct TrustedOrigins {
    trusted: Vec<Origin>,
    agreement: Agreement,
}

/// Whether `Origin` and `Host` have ever named the same: where they never do, a proxy in front rewrites `Host`, and browsers without fetch
/// metadata can change nothing.
#[derive(Debug, Default)]
struct Agreement {
    agreed: AtomicBool,
    disagreed: AtomicU32,
}

/// After so many requests whose `Origin` is not their `Host`, and none of which it is, it is said.
const DISAGREEMENTS: u32 = 20;

impl Agreement {
    /// Takes note of one request; whether it is the one with which it becomes plain that they never agree.
    fn note(&self, agrees: bool) -> bool {
        if agrees {
            self.agreed.store(true, Ordering::Relaxed);
            return false;
        }
        !self.agreed.load(Ordering::Relaxed) && self.disagreed.fetch_add(1, Ordering::Relaxed) + 1 == DISAGREEMENTS
    }
}

impl TrustedOrigins {
    pub(crate) fn add(&mut self, origin: Origin) {
        self.trusted.push(origin);
    }

    /// Whether another site made this request, by the rule above.
    pub(crate) fn another_site_made(&self, request: &RequestView<'_>) -> bool {
        let (site, origin) = match (request.only(&field::SEC_FETCH_SITE), request.only(&field::ORIGIN)) {
            (Occurrence::Repeated, _) | (_, Occurrence::Repeated) => return true,
            (site, origin) => (once(site), once(origin)),
        };
        self.watch(site, origin, request);
        match (site, origin) {
            (_, Some(origin)) if self.hold(origin) => false,
            (Some(site), _) => !matches!(site, b"same-origin" | b"none"),
            (None, None) => false,
            (None, Some(origin)) => !is_ours(origin, request),
        }
    }

    /// Says once that a proxy seems to rewrite `Host`. Counted are requests of this site's own pages, as far as that is known: what fetch metadata
    /// calls another site's does not agree for a good reason, and `null` names nobody.
    fn watch(&self, site: Option<&[u8]>, origin: Option<&[u8]>, request: &RequestView<'_>) {
        let Some(origin) = origin.filter(|origin| *origin != b"null" && !self.hold(origin)) else { return };
        if site.is_none_or(|site| site == b"same-origin") && self.agreement.note(is_ours(origin, request)) {
            tracing::warn!(
                target: "countersign",
                "`Host` and `Origin` never agree: a proxy in front seems to write a `Host` of its own, so that what browsers send is taken \
                 for another site's; hand `Host` on, or trust the proxy with .behind(…) and have it write X-Forwarded-Host; this is said once"
            );
        }
    }

    fn hold(&self, sent: &[u8]) -> bool {
        if self.trusted.is_empty() {
            return false;
        }
        let sent = Parts::of(sent).map(|parts| parts.to_string());
        sent.is_some_and(|sent| self.trusted.iter().any(|trusted| *trusted.0 == *sent))
    }
}

/// Whether a request may change something. A WebSocket is opened with GET, by any page that likes, and what is said over it then may
/// change anything.
pub(crate) fn may_change_something(request: &RequestView<'_>) -> bool {
    !request.is_safe_method() || opens_a_websocket(request)
}

/// Whether a request asks to change to a WebSocket.
pub(crate) fn opens_a_websocket(request: &RequestView<'_>) -> bool {
    let names_websocket = |value: &[u8]| {
        value.split(|byte| *byte == b',').any(|name| name.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    };
    let mut opens = false;
    request.each_value(&field::UPGRADE, &mut |value| opens |= names_websocket(value));
    opens
}

/// Whether an origin has the host and port that the client asked for.
///
/// A host without a port has that of TLS where the request is known to have come over it. Elsewhere a proxy that nobody declared may
/// have ended TLS, and the origin's own is meant.
fn is_ours(origin: &[u8], request: &RequestView<'_>) -> bool {
    let (Some(origin), Some(host)) = (Parts::of(origin), request.host().and_then(Authority::of)) else { return false };
    let Some(own_port) = own_port(origin.scheme) else { return false };
    let is_tls = origin.scheme.eq_ignore_ascii_case("https");
    let host_port = host.port.unwrap_or(if request.is_secure() { 443 } else { own_port });
    let fits_the_channel = is_tls || !request.is_secure();
    fits_the_channel && origin.at.host == host.host && origin.at.port.unwrap_or(own_port) == host_port
}

fn once(occurrence: Occurrence<'_>) -> Option<&[u8]> {
    match occurrence {
        Occurrence::Once(value) => Some(value),
        Occurrence::Absent | Occurrence::Repeated => None,
    }
}

fn own_port(scheme: &str) -> Option<u16> {
    [("http", 80), ("https", 443)].into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name)).map(|(_, port)| port)
}

/// An origin, read in place.
struct Parts<'o> {
    scheme: &'o str,
    at: Authority<'o>,
}

/// A host and perhaps a port (RFC 3986 §3.2), read in place.
struct Authority<'o> {
    host: Host<'o>,
    port: Option<u16>,
}

enum Host<'o> {
    Name(&'o str),
    V6(Ipv6Addr),
}

impl<'o> Parts<'o> {
    fn of(text: &'o [u8]) -> Option<Self> {
        let (scheme, rest) = std::str::from_utf8(text).ok()?.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let at = Authority::of(rest.as_bytes()).filter(|_| is_scheme)?;
        Some(Self { scheme, at })
    }
}

impl<'o> Authority<'o> {
    fn of(text: &'o [u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None => None,
        };
        Some(Self { host: Host::of(host)?, port })
    }
}

impl<'o> Host<'o> {
    fn of(text: &'o str) -> Option<Self> {
        if let Some(address) = text.strip_prefix('[') {
            return address.strip_suffix(']')?.parse().ok().map(Self::V6);
        }
        let is_name =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        // Browsers read a name whose last part is a number as an address, and send all four parts of it.
        let last = text.rsplit('.').next().unwrap_or_default();
        let is_numeric = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        (is_name && (!is_numeric || text.parse::<Ipv4Addr>().is_ok())).then_some(Self::Name(text))
    }
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => one.eq_ignore_ascii_case(other),
            (Self::V6(one), Self::V6(other)) => one == other,
            (Self::Name(_), Self::V6(_)) | (Self::V6(_), Self::Name(_)) => false,
        }
    }
}

impl fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.to_ascii_lowercase())?;
        match self.at.host {
            Host::Name(name) => f.write_str(&name.to_ascii_lowercase())?,
            Host::V6(address) => write!(f, "[{address}]")?,
        }
        match self.at.port.filter(|port| Some(*port) != own_port(self.scheme)) {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// By what a request of a browser was taken for another site's.
pub(crate) fn whose_page(request: &RequestView<'_>) -> Cow<'static, str> {
    worded("another site's page made it", || {
        let sent = |name: &Field| match request.only(name) {
            Occurrence::Absent => "nothing".to_owned(),
            Occurrence::Once(value) => quoted(value),
            Occurrence::Repeated => "several".to_owned(),
        };
        let host = request.host().map_or_else(|| "nothing".to_owned(), quoted);
        format!(
            "another site's page made it: `Sec-Fetch-Site` says {}, `Origin` {}, and the host is {host}",
            sent(&field::SEC_FETCH_SITE),
            sent(&field::ORIGIN)
        )
    })
}
