//! A URL that needs no other credential, and ends when it says so: for downloads, pictures, and whatever else a link is sent for.
//!
//! - The MAC covers the method, the path as it is written, the purpose, the time of issue, the end, a value, and the query parameters that
//!   are [named](SignedLink::binding). What is signed for one path opens no other; other parameters may be added.
//! - A link for GET counts for HEAD as well, and for nothing else.
//! - It stands in a query parameter, which is taken out of the URI before the application sees it.
//! - It is an explicit credential like any other: beside another that the guard takes it is an ambiguity.
//!
//! # Example
//! ```
//! use countersign::{
//!     Extract, KeyRing,
//!     credential::{Covered, Raw, SignedLink},
//!     testing::PlainHead,
//! };
//! use std::time::{Duration, SystemTime};
//!
//! let links = SignedLink::in_parameter("link", KeyRing::random());
//! let url = links
//!     .seal("GET", "/photos/1", b"emily", SystemTime::now() + Duration::from_secs(60))
//!     .unwrap();
//! let (_, sealed) = url.split_once("/photos/1?link=").unwrap();
//!
//! let read = |method: &str, path: &str| {
//!     let covered = Covered::of(&PlainHead::new(method, path).view(), &links.covers());
//!     links.read(Raw::from(sealed.as_bytes()).covering(&covered)).is_some()
//! };
//! assert!(read("GET", "/photos/1") && read("HEAD", "/photos/1"));
//! assert!(!read("DELETE", "/photos/1") && !read("GET", "/photos/2"));
//! ```
//!
//! # The format
//! The text of a [signed cookie](super::cookie::signed), byte for byte. In place of the cookie's name the MAC covers a JSON array without
//! blanks: the method, the path, and of each named parameter, in the order in which they are named, an array of the decoded values.
//! ```text
//! ["GET","/photos/1"]    ["GET","/photos/1",["small"]]
//! ```
//!
//! # What it does not do
//! It hides nothing: everybody who has the link can read its value. It is not good once, and cannot be ended before its time but by its
//! verifier: [`Links`](crate::mint::link::Links) asks for what became of its subject.
//!
//! # Deployment
//! - The path is signed as the client sends it. A proxy that rewrites paths stands outside the whole service, and links are made for what it
//!   lets through.
//! - Servers and proxies in front write URIs to their logs, and browsers keep them in their history: give links a short life.

use std::{fmt, time::SystemTime};

use super::{Covers, Extract, Occurrences, Raw, query_param::faults_of_parameter};
use crate::{
    clock::{SharedClock, SystemClock},
    request::{Field, RequestView, query::decoded},
    response::Challenge,
    secret::{
        KeyRing, Secret,
        seal::{Opened, Seal},
    },
};

/// A signed link. See the [module](self).
#[derive(Debug, Clone)]
pub struct SignedLink {
    parameter: Box<str>,
    purpose: Box<str>,
    binding: Vec<Box<str>>,
    keys: KeyRing,
    clock: SharedClock,
}

/// What a link with a good MAC holds.
#[derive(Clone)]
pub struct LinkCredential {
    value: Secret,
    issued: SystemTime,
    ends: SystemTime,
}

impl LinkCredential {
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

impl fmt::Debug for LinkCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCredential").field("issued", &self.issued).field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl SignedLink {
    /// In the query parameter of this name, signed with these keys.
    #[must_use]
    pub fn in_parameter(name: &str, keys: KeyRing) -> Self {
        let (parameter, purpose) = (name.into(), "link".into());
        Self { parameter, purpose, binding: Vec::new(), keys, clock: SystemClock::shared() }
    }

    /// Binds links to another purpose than `link`. One that is made for one is refused for any other.
    #[must_use]
    pub fn for_purpose(mut self, purpose: &str) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// Binds links to these query parameters as well: each must come with the values that it was sealed with, or not at all if it was not
    /// there.
    #[must_use]
    pub fn binding<'a>(mut self, parameters: impl IntoIterator<Item = &'a str>) -> Self {
        self.binding.extend(parameters.into_iter().map(Box::from));
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// This target, a path and perhaps a query, with the parameter that lets it be asked by this method until `ends` (exclusive; fractions of
    /// a second are cut off). `None` if it cannot be one: it does not begin with a slash, holds what no URI holds, or has such a parameter
    /// already.
    #[must_use]
    pub fn seal(&self, method: &str, target: &str, value: &[u8], ends: SystemTime) -> Option<String> {
        let plain = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        let (path, query) = halves(target);
        if !plain || !path.starts_with('/') || values(query, &self.parameter).next().is_some() {
            return None;
        }
        let covered = self.covered(method, target)?;
        let sealed = self.format(&covered).seal(value, self.clock.wall(), ends);
        let joint = if target.contains('?') { '&' } else { '?' };
        Some(format!("{target}{joint}{}={sealed}", self.parameter))
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.wall()
    }

    /// What is signed of a request.
    fn covered(&self, method: &str, target: &str) -> Option<String> {
        let (path, query) = halves(target);
        let method = if method == "HEAD" { "GET" } else { method };
        let mut covered = vec![serde_json::Value::from(method), path.into()];
        for parameter in &self.binding {
            let values: Result<Vec<_>, _> =
                values(query, parameter).map(|value| String::from_utf8(decoded(value.as_bytes()))).collect();
            covered.push(values.ok()?.into());
        }
        Some(serde_json::Value::from(covered).to_string())
    }

    fn format<'s>(&'s self, covered: &'s str) -> Seal<'s> {
        Seal { name: covered, purpose: &self.purpose, keys: &self.keys }
    }
}

fn halves(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// The values of a parameter, as they were sent.
fn values<'q>(query: &'q str, name: &'q str) -> impl Iterator<Item = &'q str> + 'q {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(known, _)| decoded(known.as_bytes()) == name.as_bytes()).map(|(_, value)| value)
}

impl Extract for SignedLink {
    type Credential = LinkCredential;

    fn scheme(&self) -> &str {
        "link"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.taken(&self.parameter).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target]
    }

    fn read(&self, raw: Raw<'_>) -> Option<LinkCredential> {
        let covered = self.covered(raw.covered().method()?, raw.covered().target()?)?;
        let Opened { value, issued, ends } = self.format(&covered).open(&decoded(raw.whole()), self.now())?;
        Some(LinkCredential { value, issued, ends })
    }

    fn ends(&self, credential: &LinkCredential) -> Option<SystemTime> {
        Some(credential.ends)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    /// Nobody can be asked for a link.
    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        Vec::new()
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn parameter(&self) -> Option<&str> {
        Some(&self.parameter)
    }

    fn check(&self) -> Vec<String> {
        faults_of_parameter(&self.parameter, "links")
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        credential::Covered,
        testing::{ManualClock, PlainHead},
    };

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const NOW: u64 = 1_700_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn links(now: u64) -> SignedLink {
        let keys = KeyRing::parse(KEY).unwrap();
        SignedLink::in_parameter("link", keys).timed_by(Arc::new(ManualClock::at(at(now))))
    }

    fn sealed(links: &SignedLink, target: &str) -> String {
        let url = links.seal("GET", target, b"emily", at(NOW + 60)).unwrap();
        url.rsplit_once("link=").unwrap().1.to_owned()
    }

    fn reads(links: &SignedLink, method: &str, target: &str, sealed: &str) -> bool {
        let covered = Covered::of(&PlainHead::new(method, target).view(), &links.covers());
        links.read(Raw::from(sealed.as_bytes()).covering(&covered)).is_some()
    }

    #[test]
    fn a_link_is_for_its_method_and_path_alone() {
        let links = links(NOW);
        let sealed = sealed(&links, "/photos/1");
        for (method, target, good) in [
            ("GET", "/photos/1", true),
            ("HEAD", "/photos/1", true),
            ("GET", "/photos/1?size=small", true),
            ("GET", "/photos/1?link=x", true),
            ("GET", "/photos/2", false),
            ("GET", "/photos/1/", false),
            ("GET", "//photos/1", false),
            ("GET", "/photos/%31", false),
            ("GET", "/photos/11", false),
            ("GET", "/photos", false),
            ("POST", "/photos/1", false),
            ("get", "/photos/1", false),
            ("OPTIONS", "/photos/1", false),
            ("", "/photos/1", false),
        ] {
            assert_eq!(reads(&links, method, target, &sealed), good, "{method} {target}");
        }
        let covered = Covered::of(&PlainHead::get("/photos/1").view(), &[Covers::Method]);
        assert!(links.read(Raw::from(sealed.as_bytes()).covering(&covered)).is_none());
        // As a mail program or a form may send it on.
        let encoded: String = sealed.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert!(reads(&links, "GET", "/photos/1", &encoded));
    }

    #[test]
    fn a_link_ends_in_its_second_and_is_of_its_keys_and_purpose() {
        let text = sealed(&links(NOW), "/photos/1");
        for (now, good) in [(NOW, true), (NOW + 59, true), (NOW + 60, false), (NOW + 90, false), (NOW - 31, false)] {
            assert_eq!(reads(&links(now), "GET", "/photos/1", &text), good, "{now}");
        }
        assert!(!reads(&links(NOW).for_purpose("invitation"), "GET", "/photos/1", &text));
        let others = SignedLink::in_parameter("link", KeyRing::random()).timed_by(links(NOW).clock);
        assert!(!reads(&others, "GET", "/photos/1", &text));
        for position in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(!reads(&links(NOW), "GET", "/photos/1", std::str::from_utf8(&changed).unwrap()), "{position}");
        }
    }

    #[test]
    fn a_link_is_no_cookie_and_a_cookie_no_link() {
        let cookie = crate::SignedCookie::named("session", KeyRing::parse(KEY).unwrap())
            .for_purpose("link")
            .timed_by(links(NOW).clock);
        let link = sealed(&links(NOW), "/photos/1");
        assert!(cookie.read(link.as_bytes().into()).is_none());
        assert!(!reads(&links(NOW), "GET", "session", &cookie.seal(b"emily", at(NOW + 60))));
    }

    #[test]
    fn parameters_that_are_bound_come_as_they_were_sealed() {
        let links = links(NOW).binding(["size", "page"]);
        let with = sealed(&links, "/photos/1?size=sm%61ll&size=x&other=1");
        let without = sealed(&links, "/photos/1");
        for (query, good, plain) in [
            ("size=small&size=x", true, false),
            ("a=b&s%69ze=small&link=y&size=x", true, false),
            ("size=x&size=small", false, false),
            ("size=small", false, false),
            ("size=small&size=x&page=2", false, false),
            ("size=smallx", false, false),
            ("size=%FF", false, false),
            ("size", false, false),
            ("other=2", false, true),
        ] {
            let target = format!("/photos/1?{query}");
            assert_eq!(reads(&links, "GET", &target, &with), good, "{query}");
            assert_eq!(reads(&links, "GET", &target, &without), plain, "{query}");
        }
    }

    #[test]
    fn what_is_no_target_is_not_sealed() {
        let links = links(NOW);
        for target in ["", "photos", "/a b", "/a#b", "/\u{e4}", "/a?link=x", "/a?b&l%69nk", "/a\n"] {
            assert_eq!(links.seal("GET", target, b"", at(NOW + 60)), None, "{target:?}");
        }
        assert!(links.seal("GET", "/a?b", b"", at(NOW + 60)).unwrap().starts_with("/a?b&link=1."));
    }

    #[test]
    fn a_credential_does_not_print_its_value() {
        let links = links(NOW);
        let covered = Covered::of(&PlainHead::get("/photos/1").view(), &links.covers());
        let text = sealed(&links, "/photos/1");
        let read = links.read(Raw::from(text.as_bytes()).covering(&covered)).unwrap();
        assert!(read.value().matches(b"emily"));
        let printed = format!("{links:?} {read:?}");
        assert!(!printed.contains("emily") && !printed.contains("101, 109"), "{printed}");
    }
}
