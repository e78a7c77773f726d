//! A cookie that nobody but this service can make, and that ends when it says so.
//!
//! - The MAC covers the cookie's name, the purpose, the key, the time of issue, the end and the value. What was made for one
//!   cookie or purpose is nothing in another.
//! - The end is inside: from that second on the cookie is refused, whatever the browser still sends. A time of issue more
//!   than 30 seconds ahead is refused as well.
//! - Over TLS the cookie is `__Host-<name>`, with `Secure`, and only that name is read; otherwise `<name>`. A `__Host-` cookie
//!   cannot be set by a sibling domain, nor over plain HTTP. One with a [domain](SignedCookie::in_domain) or a
//!   [path](SignedCookie::below) is `__Secure-<name>`, since browsers take `__Host-` with neither.
//! - A name that comes twice is two occurrences, and the gate refuses the request (RFC 6265bis §5.7: the order means nothing).
//!
//! # Example
//! ```
//! use std::time::{Duration, SystemTime};
//! use countersign::{Extract, KeyRing, SignedCookie};
//!
//! let cookie = SignedCookie::named("session", KeyRing::random());
//! let sealed = cookie.seal(b"an opaque identifier", SystemTime::now() + Duration::from_secs(3600));
//! let credential = cookie.read(sealed.as_bytes().into()).unwrap();
//! assert!(credential.value().matches(b"an opaque identifier"));
//! assert!(cookie.read(b"an opaque identifier".into()).is_none());
//! ```
//!
//! # The format
//! Six parts, joined by `.`; `b64` is base64url without padding, strict; numbers are decimal without leading zeros.
//!
//! | part | bytes |
//! |---|---|
//! | version | `1` |
//! | key id | 8 characters: `b64(BLAKE3-derive-key("countersign key ring, id, v1", key)[..6])` |
//! | issued | Unix seconds, 1 to 12 digits |
//! | ends | Unix seconds, 1 to 12 digits |
//! | value | `b64(value)`, possibly empty |
//! | MAC | 43 characters: `b64(BLAKE3-keyed(BLAKE3-derive-key("countersign key ring, mac, v1", key), input))` |
//!
//! The input is the concatenation of seven fields, each behind its length as 8 bytes, big-endian: `countersign cookie v1`, the
//! key id as text, the name without `__Host-`, the purpose, issued (8 bytes, big-endian), ends (8 bytes, big-endian), the value.
//! The key is the bytes 00 to 1f, the name `session`, the purpose `credential`, and the value `s3ss10n-id-0001` in this one:
//!
//! ```text
//! 1.TewA-gOU.1700000000.1700043200.czNzczEwbi1pZC0wMDAx.s2H6PxPUlmn8j4v3oC7BTRvjSQcz9G1xhcgHqhMGdrw
//! ```
//!
//! # What an app may set, and what it costs
//! | call | writes | cost |
//! |---|---|---|
//! | nothing | `__Host-`, `SameSite=Lax`, `Path=/` | a link from another site loads a page signed in; its forms and scripts do not act |
//! | [`in_domain`](SignedCookie::in_domain) | `__Secure-`, `Domain=…` | every host below the domain gets the cookie, and can set one of its own in front of it: a weak sibling can sign its visitors in as somebody else ("tossing"), and a dump of its requests holds sessions |
//! | [`below`](SignedCookie::below) | `__Secure-`, `Path=…` | siblings can toss cookies here, too; a path keeps nothing secret from scripts of the same host |
//! | [`same_site(SameSite::Strict)`](SignedCookie::same_site) | `SameSite=Strict` | who follows a link from a mail or another site is not signed in on the first page |
//! | [`same_site(SameSite::None)`](SignedCookie::same_site) | `SameSite=None` | pages of other sites act with the cookie, wherever the browser still lets them: the [cross-site rule](crate::request::origin) alone stands against it. Over plain HTTP no browser keeps such a cookie, and `Lax` is written |
//! | [`until_the_browser_closes`](SignedCookie::until_the_browser_closes) | no `Max-Age` | people sign in again after each restart of the browser, but for those whose browser restores its tabs, and cookies with them |
//! | [`with_a_name_that_anybody_can_set`](SignedCookie::with_a_name_that_anybody_can_set) | no prefix over TLS | whoever is on the way, or on a sibling, can set it: no gate takes it |
//!
//! How long a session lasts, and that of who asked to be remembered, is said to [`Sessions`](crate::mint::session::Sessions). An app whose pages and API are on
//! two subdomains needs none of these: see the [how-to](crate::manual::howto).
//!
//! # What it does not do
//! It does not hide the value: give it an identifier, never a secret of the application. It does not end a session before its
//! time: a store must be asked for that. Browsers drop a cookie whose name and value exceed 4096 bytes, which leaves about
//! 2900 for the value before it is sealed.
//!
//! # Deployment
//! Whether a request came over TLS is what decides about the name: behind a proxy that ends TLS, the proxy must be trusted.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::{
    clock::{SharedClock, SystemClock},
    credential::{
        Extract, Occurrences, Rank, Raw, Sender,
        cookie::{
            challenge, fault_of_name,
            jar::{HOST_PREFIX, Jar, SECURE_PREFIX, SameSite},
        },
    },
    request::{Field, RequestView, field},
    response::Challenge,
    secret::{
        KeyRing, Secret,
        seal::{Opened, Seal},
    },
};

/// A signed cookie of a name. See the [module](self).
#[derive(Debug, Clone)]
pub struct SignedCookie {
    scheme: Box<str>,
    name: Box<str>,
    /// What it is called over TLS.
    secure_name: Box<str>,
    jar: Jar,
    purpose: Box<str>,
    keys: KeyRing,
    clock: SharedClock,
}

/// What a cookie with a good MAC holds.
#[derive(Clone)]
pub struct CookieCredential {
    value: Secret,
    issued: SystemTime,
    ends: SystemTime,
}

impl CookieCredential {
    /// The value, as it was sealed.
    #[must_use]
    pub fn value(&self) -> &Secret {
        &self.value
    }

    /// When it was sealed, to the second.
    #[must_use]
    pub fn issued(&self) -> SystemTime {
        self.issued
    }

    /// The moment from which it is refused, to the second.
    #[must_use]
    pub fn ends(&self) -> SystemTime {
        self.ends
    }
}

impl fmt::Debug for CookieCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieCredential")
            .field("issued", &self.issued)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

impl SignedCookie {
    /// The cookie of this name, without `__Host-`, which is put in front of it over TLS. Names are compared by bytes.
    #[must_use]
    pub fn named(name: &str, keys: KeyRing) -> Self {
        Self {
            scheme: "cookie".into(),
            name: name.into(),
            secure_name: format!("{HOST_PREFIX}{name}").into(),
            jar: Jar::default(),
            purpose: "credential".into(),
            keys,
            clock: SystemClock::shared(),
        }
    }

    /// Names the scheme differently than `cookie`, so that one gate can take two of them. The cookie's own name stays. It is still a
    /// `SignedCookie` then, as [sessions](crate::mint::session) need it, and not any kind [called](crate::credential::called) so.
    #[must_use]
    pub fn called(mut self, scheme: &str) -> Self {
        self.scheme = scheme.into();
        self
    }

    /// Gives the cookie to all hosts below this domain, such as `example.com`, instead of to this host alone. Over TLS it is called
    /// `__Secure-<name>` then, **and any of these hosts can set one in its place**.
    #[must_use]
    pub fn in_domain(self, domain: &str) -> Self {
        self.kept_in(|jar| jar.domain = Some(domain.to_ascii_lowercase().into()))
    }

    /// Has the browser send the cookie to paths below this one alone, such as `/app`. Over TLS it is called `__Secure-<name>` then.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        self.kept_in(|jar| jar.path = path.into())
    }

    /// From whose pages it is sent along; `Lax` unless it is said here.
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        self.kept_in(|jar| jar.same_site = same_site)
    }

    /// Has the browser forget the cookie when it is closed. Its end, which is inside, stays what it was; and so does the cookie of who asked
    /// to be [remembered](crate::mint::session::Sessions::remembering_for).
    #[must_use]
    pub fn until_the_browser_closes(self) -> Self {
        self.kept_in(|jar| jar.outlives_the_browser = false)
    }

    /// Calls the cookie by its bare name over TLS too, for one that something else must find by it. **Anybody on the way, and every sibling
    /// domain, can set it**, so that [`build`](crate::gate::GateBuilder::build) refuses a gate that takes it: it carries no right to act.
    #[must_use]
    pub fn with_a_name_that_anybody_can_set(self) -> Self {
        self.kept_in(|jar| jar.bare = true)
    }

    fn kept_in(mut self, change: impl FnOnce(&mut Jar)) -> Self {
        change(&mut self.jar);
        self.secure_name = format!("{}{}", self.jar.prefix(), self.name).into();
        self
    }

    /// Binds the cookie to another purpose than `credential`. A value made for one is refused for any other, also under the
    /// same name.
    #[must_use]
    pub fn for_purpose(mut self, purpose: &str) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The text of a cookie with this value, good until `ends` (exclusive; fractions of a second are cut off). It is signed
    /// with the newest key.
    #[must_use]
    pub fn seal(&self, value: &[u8], ends: SystemTime) -> String {
        self.format().seal(value, self.now(), ends)
    }

    /// The `Set-Cookie` value that gives the client this text (of [`seal`](Self::seal)) for so long, 400 days at most, in answer to a
    /// request that came over TLS or not.
    #[must_use]
    pub fn set_cookie(&self, secure: bool, sealed: &str, max_age: Duration) -> String {
        let outlives = self.jar.outlives_the_browser || max_age.is_zero();
        self.written(secure, sealed, outlives.then_some(max_age))
    }

    /// The same for who asked to be remembered, also where others are forgotten when the browser closes.
    pub(crate) fn set_remembered(&self, secure: bool, sealed: &str, max_age: Duration) -> String {
        self.written(secure, sealed, Some(max_age))
    }

    fn written(&self, secure: bool, sealed: &str, max_age: Option<Duration>) -> String {
        format!("{}={sealed}{}", self.name_on(secure), self.jar.attributes(secure, max_age))
    }

    /// Whether both are set up alike: what one seals, the other reads, under the same name.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let what =
            |cookie: &Self| (cookie.scheme.clone(), cookie.name.clone(), cookie.purpose.clone(), cookie.jar.clone());
        what(self) == what(other) && self.keys.ids().eq(other.keys.ids())
    }

    pub(crate) fn name_on(&self, secure: bool) -> &str {
        if secure { &self.secure_name } else { &self.name }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.wall()
    }

    fn format(&self) -> Seal<'_> {
        Seal { name: &self.name, purpose: &self.purpose, keys: &self.keys }
    }
}

impl Extract for SignedCookie {
    type Credential = CookieCredential;

    fn scheme(&self) -> &str {
        &self.scheme
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.each_cookie(self.name_on(request.is_secure()), &mut |raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<CookieCredential> {
        let Opened { value, issued, ends } = self.format().open(raw.whole(), self.now())?;
        Some(CookieCredential { value, issued, ends })
    }

    fn ends(&self, credential: &CookieCredential) -> Option<SystemTime> {
        Some(credential.ends)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn challenges(&self, request: &RequestView<'_>) -> Vec<Challenge> {
        vec![challenge(self.name_on(request.is_secure()))]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }

    fn sender(&self) -> Sender {
        Sender::Browser
    }

    fn clear(&self, request: &RequestView<'_>) -> Option<String> {
        Some(self.set_cookie(request.is_secure(), "", Duration::ZERO))
    }

    fn check(&self) -> Vec<String> {
        let (name, jar) = (&*self.name, &self.jar);
        let reserved = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let mut faults = Vec::new();
        if let Some(fault) = fault_of_name(name) {
            faults.push(fault);
        } else if reserved(HOST_PREFIX) || reserved(SECURE_PREFIX) {
            faults.push(format!(
                "the cookie name {name:?} must do without its prefix: `{HOST_PREFIX}` or `{SECURE_PREFIX}` is put there over TLS"
            ));
        }
        faults.extend(jar.faults(name));
        faults
    }
}
