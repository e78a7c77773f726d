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

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::{
    clock::{SharedClock, SystemClock},
    credential::{
        Extract, Occurrences, Rank, Raw, Sender,
        cookie::jar::{HOST_PREFIX, Jar, SECURE_PREFIX, SameSite},
    },
    request::{
        Field, RequestView,
        field::{self, is_short_token},
    },
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
        request.cookies(self.name_on(request.is_secure())).for_each(|raw| occurrences.add(raw));
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
        vec![Challenge::new("Cookie").with("cookie-name", self.name_on(request.is_secure()))]
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
        if !is_short_token(name) {
            faults.push(format!("{name:?} cannot be the name of a cookie: it must be a token of at most 64 bytes"));
        } else if reserved(HOST_PREFIX) || reserved(SECURE_PREFIX) {
            faults.push(format!(
                "the cookie name {name:?} must do without its prefix: `{HOST_PREFIX}` or `{SECURE_PREFIX}` is put there over TLS"
            ));
        }
        faults.extend(jar.faults(name));
        faults
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{ManualClock, PlainHead};

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const OTHER_KEY: &str = "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE";
    const VECTOR: &str =
        "1.TewA-gOU.1700000000.1700043200.czNzczEwbi1pZC0wMDAx.s2H6PxPUlmn8j4v3oC7BTRvjSQcz9G1xhcgHqhMGdrw";
    const NOW: u64 = 1_700_000_000;
    const ENDS: u64 = 1_700_043_200;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn cookie(name: &str, keys: &str, now: u64) -> SignedCookie {
        SignedCookie::named(name, KeyRing::parse(keys).unwrap()).timed_by(Arc::new(ManualClock::at(at(now))))
    }

    fn locate(cookie: &SignedCookie, head: &PlainHead) -> Vec<u8> {
        let mut occurrences = Occurrences::default();
        cookie.locate(&head.view(), &mut occurrences);
        vec![u8::try_from(occurrences.count()).unwrap(); 1]
            .into_iter()
            .chain(occurrences.first().into_iter().flat_map(|raw| raw.whole().iter().copied()))
            .collect()
    }

    #[test]
    fn the_format_is_the_documented_one() {
        let cookie = cookie("session", KEY, NOW);
        assert_eq!(cookie.seal(b"s3ss10n-id-0001", at(ENDS)), VECTOR);
        let credential = cookie.read(VECTOR.as_bytes().into()).unwrap();
        assert!(credential.value().matches(b"s3ss10n-id-0001"));
        assert_eq!((credential.issued(), credential.ends()), (at(NOW), at(ENDS)));
        assert_eq!(Extract::ends(&cookie, &credential), Some(at(ENDS)));
        assert!(include_str!("signed.rs").matches(VECTOR).count() == 2, "the docs show the vector");
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        assert!(VECTOR.bytes().all(allowed), "RFC 6265bis §4.1.1");
    }

    #[test]
    fn c1_a_value_moved_to_another_cookie_purpose_or_key_is_refused() {
        assert!(cookie("sessio", KEY, NOW).read(VECTOR.as_bytes().into()).is_none());
        assert!(cookie("Session", KEY, NOW).read(VECTOR.as_bytes().into()).is_none());
        assert!(cookie("session", OTHER_KEY, NOW).read(VECTOR.as_bytes().into()).is_none());
        assert!(cookie("session", KEY, NOW).for_purpose("csrf").read(VECTOR.as_bytes().into()).is_none());
        // A name and a purpose do not run into each other.
        let moved = cookie("sessionc", KEY, NOW).for_purpose("redential");
        assert!(moved.read(VECTOR.as_bytes().into()).is_none());
    }

    #[test]
    fn c3_the_end_is_inside_and_exclusive() {
        for (now, good) in [
            (NOW, true),
            (ENDS - 1, true),
            (ENDS, false),
            (ENDS + 1, false),
            (NOW - 30, true),
            (NOW - 31, false),
            (0, false),
        ] {
            assert_eq!(cookie("session", KEY, now).read(VECTOR.as_bytes().into()).is_some(), good, "{now}");
        }
    }

    #[test]
    fn c4_an_older_key_verifies_and_the_newest_signs() {
        let rotated = cookie("session", &format!("{OTHER_KEY}\n{KEY}"), NOW);
        assert!(rotated.read(VECTOR.as_bytes().into()).is_some());
        let sealed = rotated.seal(b"", at(ENDS));
        assert!(cookie("session", KEY, NOW).read(sealed.as_bytes().into()).is_none());
        assert!(
            cookie("session", OTHER_KEY, NOW).read(sealed.as_bytes().into()).is_some(),
            "an empty value is a value"
        );
    }

    #[test]
    fn nothing_but_the_very_text_is_read() {
        let cookie = cookie("session", KEY, NOW);
        let changed = |from: &str, to: &str| VECTOR.replacen(from, to, 1);
        let mut rows = vec![
            String::new(),
            ".....".into(),
            format!("{VECTOR}."),
            format!("{VECTOR}="),
            format!("{VECTOR}.a"),
            format!(" {VECTOR}"),
            changed("1.", "2."),
            changed(".1700000000.", ".01700000000."),
            changed(".1700000000.", ".+1700000000."),
            changed(".1700043200.", ".1700043201."),
            changed(".1700043200.", ".99999999999999999999."),
            // The parts run together differently: the oauth2-proxy forgery of FORMATS.md.
            changed(".1700000000.1700043200.", ".17000000001700043200.."),
        ];
        rows.extend((0..VECTOR.len()).map(|cut| VECTOR[..cut].to_owned()));
        for text in rows {
            assert!(cookie.read(text.as_bytes().into()).is_none(), "{text:?}");
        }
        for position in 0..VECTOR.len() {
            for byte in [b'A', b'B', b'0', b'.', b'-', 0xFF, 0] {
                let mut text = VECTOR.as_bytes().to_vec();
                if text[position] != byte {
                    text[position] = byte;
                    assert!(cookie.read(text.as_slice().into()).is_none(), "{position} {byte}");
                }
            }
        }
    }

    #[test]
    fn c2_c5_a_doubled_name_is_seen_twice_and_odd_cookies_hide_nothing() {
        let cookie = cookie("session", KEY, NOW);
        let rows: [(&[u8], &[u8]); 6] = [
            (b"session=a", b"\x01a"),
            (b"session=a; session=b", b"\x02a"),
            (b"other=\xff; session=a", b"\x01a"),
            (b"__Host-session=a", b"\x00"),
            (b"Session=a", b"\x00"),
            (b"session=", b"\x01"),
        ];
        for (line, seen) in rows {
            let head = PlainHead::get("/").with("cookie", line);
            assert_eq!(locate(&cookie, &head), seen, "{:?}", String::from_utf8_lossy(line));
        }
        let two_fields = PlainHead::get("/").with("cookie", "session=a").with("cookie", "session=a");
        assert_eq!(locate(&cookie, &two_fields), b"\x02a");
    }

    #[test]
    fn over_tls_only_the_host_name_is_read_set_and_asked_for() {
        let cookie = cookie("session", KEY, NOW);
        let (plain, tls) = (PlainHead::get("/"), PlainHead::get("/").over_tls());
        assert_eq!(
            cookie.set_cookie(false, "x", Duration::from_secs(60)),
            "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
        );
        assert_eq!(
            cookie.set_cookie(true, "x", Duration::from_secs(60)),
            "__Host-session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
        );
        assert_eq!(
            locate(&cookie, &PlainHead::get("/").over_tls().with("cookie", "session=a; __Host-session=b")),
            b"\x01b"
        );
        let challenge = |head: &PlainHead| cookie.challenges(&head.view()).remove(0).in_realm("people").to_string();
        assert_eq!(challenge(&plain), r#"Cookie realm="people", cookie-name="session""#);
        assert_eq!(challenge(&tls), r#"Cookie realm="people", cookie-name="__Host-session""#);
    }

    #[test]
    fn a_cookie_can_be_made_to_last_for_ever() {
        let cookie = cookie("session", KEY, NOW);
        let year = 31_557_600;
        for seconds in [31_600 * year, 31_700 * year, u64::MAX / 4] {
            let sealed = cookie.seal(b"x", at(seconds));
            let credential = cookie.read(sealed.as_bytes().into()).unwrap_or_else(|| panic!("{sealed}"));
            assert_eq!(credential.ends(), at(seconds.min(999_999_999_999)));
        }
        assert!(cookie.set_cookie(false, "x", Duration::MAX).ends_with("; Max-Age=34560000"), "RFC 6265bis §5.5");
    }

    #[test]
    fn c6_a_removal_repeats_the_attributes() {
        let cookie = cookie("session", KEY, NOW);
        for (head, removal) in [
            (PlainHead::get("/"), "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"),
            (PlainHead::get("/").over_tls(), "__Host-session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Secure"),
        ] {
            assert_eq!(cookie.clear(&head.view()).unwrap(), removal);
        }
    }

    #[test]
    fn a_name_is_a_token_without_a_prefix() {
        for (name, fits) in [
            ("session", true),
            ("", false),
            ("a b", false),
            ("a=b", false),
            ("ä", false),
            ("__Host-a", false),
            ("__secure-a", false),
        ] {
            assert_eq!(cookie(name, KEY, NOW).check().is_empty(), fits, "{name:?}");
        }
        assert!(!cookie(&"a".repeat(65), KEY, NOW).check().is_empty());
    }

    #[test]
    fn the_name_follows_what_the_app_sets() {
        let plain = || cookie("session", KEY, NOW);
        let minute = Duration::from_secs(60);
        for (cookie, http, tls) in [
            (
                plain().in_domain("Example.com"),
                "session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60",
                "__Secure-session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60; Secure",
            ),
            (
                plain().below("/app"),
                "session=x; HttpOnly; SameSite=Lax; Path=/app; Max-Age=60",
                "__Secure-session=x; HttpOnly; SameSite=Lax; Path=/app; Max-Age=60; Secure",
            ),
            (
                plain().same_site(SameSite::Strict),
                "session=x; HttpOnly; SameSite=Strict; Path=/; Max-Age=60",
                "__Host-session=x; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure",
            ),
            (
                plain().same_site(SameSite::None),
                "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60",
                "__Host-session=x; HttpOnly; SameSite=None; Path=/; Max-Age=60; Secure",
            ),
            (
                plain().until_the_browser_closes(),
                "session=x; HttpOnly; SameSite=Lax; Path=/",
                "__Host-session=x; HttpOnly; SameSite=Lax; Path=/; Secure",
            ),
            (
                plain().with_a_name_that_anybody_can_set(),
                "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60",
                "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure",
            ),
            (
                plain().in_domain("example.com").below("/"),
                "session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60",
                "__Secure-session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60; Secure",
            ),
        ] {
            assert_eq!(
                (cookie.set_cookie(false, "x", minute), cookie.set_cookie(true, "x", minute)),
                (http.into(), tls.into())
            );
            // Browsers forget a cookie only if its attributes are repeated, and one with an end in the past.
            let cleared = cookie.clear(&PlainHead::get("/").over_tls().view()).unwrap();
            let (name, _) = tls.split_once('=').unwrap();
            assert!(cleared.starts_with(&format!("{name}=;")) && cleared.contains("Max-Age=0"), "{cleared}");
            let both = PlainHead::get("/").over_tls().with("cookie", format!("{name}=b"));
            assert_eq!(locate(&cookie, &both), b"\x01b");
        }
        let remembered = plain().until_the_browser_closes().set_remembered(false, "x", minute);
        assert_eq!(remembered, "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    }

    #[test]
    fn what_no_browser_keeps_is_not_built() {
        let plain = || cookie("session", KEY, NOW);
        for (cookie, fits) in [
            (plain().in_domain("example.com"), true),
            (plain().in_domain("a-b.example.com"), true),
            (plain().in_domain(".example.com"), false),
            (plain().in_domain("example.com."), false),
            (plain().in_domain("https://example.com"), false),
            (plain().in_domain("example.com:8080"), false),
            (plain().in_domain("localhost"), false),
            (plain().in_domain("127.0.0.1"), false),
            (plain().in_domain("example.com; Path=/x"), false),
            (plain().in_domain(""), false),
            (plain().below("/app"), true),
            (plain().below("app"), false),
            (plain().below(""), false),
            (plain().below("/a;b"), false),
            (plain().below("/a b"), false),
            (plain().below("/a\r\nb"), false),
            (plain().with_a_name_that_anybody_can_set(), false),
        ] {
            assert_eq!(cookie.check().is_empty(), fits, "{cookie:?}");
        }
        assert!(!plain().is_like(&plain().in_domain("example.com")) && !plain().is_like(&plain().below("/app")));
    }

    #[test]
    fn keys_are_changed_while_the_cookie_is_in_use() {
        let ring = KeyRing::parse(KEY).unwrap();
        let cookie = SignedCookie::named("session", ring.clone()).timed_by(Arc::new(ManualClock::at(at(NOW))));
        let reads = |text: &str| cookie.read(text.as_bytes().into()).is_some();
        ring.replace_with(&KeyRing::parse(&format!("{OTHER_KEY}\n{KEY}")).unwrap());
        let sealed = cookie.seal(b"x", at(ENDS));
        assert!(reads(VECTOR) && reads(&sealed));
        ring.replace_with(&KeyRing::parse(OTHER_KEY).unwrap());
        assert!(!reads(VECTOR) && reads(&sealed));
    }

    #[test]
    fn a_credential_does_not_print_its_value() {
        let cookie = cookie("session", KEY, NOW);
        let printed = format!("{:?} {:?}", cookie, cookie.read(VECTOR.as_bytes().into()));
        assert!(!printed.contains("s3ss10n") && !printed.contains("115, 51"), "{printed}");
    }
}
