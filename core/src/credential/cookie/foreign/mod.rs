//! Cookies that other ecosystems sign or seal, read and made: [`ForeignCookie`], and a [`CookieFormat`] for each.
//!
//! A service that moves to Rust route by route keeps its users signed in if both sides read the same cookie. A format says how a value
//! is read, and has a `seal` that makes what the other side reads.
//!
//! | format | made by | binds the name | its end is inside |
//! |---|---|---|---|
//! | [`Itsdangerous`] | Flask, itsdangerous | by its salt | the time of signing is |
//! | [`DjangoSession`], [`DjangoCookie`] | Django | by its salt | the time of signing is |
//! | [`Rails`] | Rails | by its purpose | if Rails gave it one |
//! | [`Play`] | Play since 2.6 | no | if Play gave it one |
//! | [`PlayLegacy`] | Play before | no | no |
//! | [`Express`] | express-session, cookie-signature | no | no: a store says |
//! | [`CookieSession`] | cookie-session, keygrip | yes | no |
//! | [`CookieRs`] | the crate `cookie`, signed | no | no |
//! | `CookieRsPrivate` (feature `jwe`) | the crate `cookie`, encrypted | yes | no |
//! | `AuthJs` (feature `jwe`) | Auth.js 5 | by its key | yes |
//! | [`CouchDb`] | CouchDB | no | the time of signing is |
//!
//! - **What the format cannot tell, nobody can.** Where the name is not bound, a value that was signed for one cookie is good in every other of
//!   the same secret: give each cookie a secret of its own. Where no end is inside, a copy is good until the secret changes.
//! - A MAC is compared as text and in constant time, so that there is one way to write it.
//! - Objects are never read, only JSON: Ruby's Marshal and Python's pickle run code. Compressed values inflate to 64 KiB and no further.
//! - A time of signing more than 60 seconds ahead of the clock is refused.
//! - A value may come percent-encoded, as some clients and frameworks send it.
//!
//! # Example
//! ```
//! use std::time::SystemTime;
//! use countersign::{Extract, Secret, credential::cookie::foreign::{ForeignCookie, Itsdangerous}};
//!
//! let flask = Itsdangerous::flask_session(Secret::new("secret-key"));
//! let sealed = flask.seal(&serde_json::json!({ "user_id": 7 }), SystemTime::now());
//! let cookie = ForeignCookie::named("session", flask);
//! let opened = cookie.read(sealed.as_bytes().into()).unwrap();
//! assert_eq!(opened.value().member::<u64>("user_id"), Some(7));
//! assert!(cookie.read(b"eyJ1c2VyX2lkIjo3fQ.ZVPxAA.forged".into()).is_none());
//! ```
//!
//! # What it does not do
//! It does not clear a refused cookie: path and domain are known to who set it. It does not say whom a value names: that is a verifier's,
//! such as [`verify_now_with`](crate::verifier::verify_now_with).
//!
//! # Deployment
//! Both services must hold the secret, and whoever holds it signs for both. Their clocks must agree to within a minute.
//! A proxy in front of both that sends some paths here and others there needs to know nothing of it; one that renames cookies, or drops
//! what it takes for odd ones, breaks it.

#[cfg(feature = "jwe")]
mod auth_js;
mod cookie_rs;
#[cfg(feature = "jwe")]
mod cookie_rs_private;
mod cookie_session;
mod couchdb;
mod django;
pub(crate) mod document;
mod express;
mod itsdangerous;
pub(crate) mod mac;
mod play;
mod rails;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use percent_encoding::percent_decode;

#[cfg(feature = "jwe")]
pub use self::{auth_js::AuthJs, cookie_rs_private::CookieRsPrivate};
pub use self::{
    cookie_rs::CookieRs,
    cookie_session::CookieSession,
    couchdb::{CouchDb, CouchDbSession},
    django::{DjangoCookie, DjangoSession},
    document::Document,
    express::Express,
    itsdangerous::{Itsdangerous, KeyDerivation},
    mac::MacHash,
    play::{Play, PlayLegacy},
    rails::Rails,
};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{
        Extract, Occurrences, Rank, Raw, Sender,
        cookie::{challenge, fault_of_name},
    },
    observe::why::{OrSay, apart},
    request::{Field, RequestView, field},
    response::Challenge,
    secret::Secret,
};

/// How far the clock of who signs may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(60);

/// How the values of a cookie are read that somebody else makes.
pub trait CookieFormat: Send + Sync + 'static {
    /// What a good value holds.
    type Value: Send + 'static;

    /// What a good value of the cookie of this name holds at this time; `None` for any other.
    fn open(&self, name: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Self::Value>>;

    /// What stands in front of the cookie's name where the request came over TLS. Nothing, unless this says otherwise.
    fn prefix(&self) -> &'static str {
        ""
    }

    /// Reports the occurrences of the cookie of this name. One place, unless this says otherwise.
    fn locate<'h>(&'h self, name: &'h str, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.each_cookie(name, &mut |raw| occurrences.add(raw));
    }

    /// What is wrong with the way it was set up.
    fn check(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A cookie of a name, in a format of somebody else's. See the [module](self).
#[derive(Debug, Clone)]
pub struct ForeignCookie<F> {
    scheme: Box<str>,
    name: Box<str>,
    secure_name: Box<str>,
    format: F,
    clock: SharedClock,
}

/// What a good cookie holds, and its times as far as they are inside it.
pub struct OpenedCookie<V> {
    value: V,
    issued: Option<SystemTime>,
    ends: Option<SystemTime>,
}

impl<V> OpenedCookie<V> {
    /// A value without times.
    #[must_use]
    pub fn of(value: V) -> Self {
        Self { value, issued: None, ends: None }
    }

    /// Signed at this time.
    #[must_use]
    pub fn issued_at(mut self, time: SystemTime) -> Self {
        self.issued = Some(time);
        self
    }

    /// Good until this time, exclusive.
    #[must_use]
    pub fn ending_at(mut self, time: SystemTime) -> Self {
        self.ends = Some(time);
        self
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &V {
        &self.value
    }

    /// When it was signed, if that is inside.
    #[must_use]
    pub fn issued(&self) -> Option<SystemTime> {
        self.issued
    }

    /// From when it is refused, if that is inside.
    #[must_use]
    pub fn ends(&self) -> Option<SystemTime> {
        self.ends
    }

    /// The same, if this is a moment at which it is good.
    fn holding_at(self, now: SystemTime) -> Option<Self> {
        let (issued, ends) = (self.issued, self.ends);
        let begun = issued.is_none_or(|issued| now.checked_add(AHEAD).is_none_or(|latest| issued <= latest));
        begun.or_say_so(|| format!("it was signed {}", apart(issued.unwrap_or(now), now)))?;
        ends.is_none_or(|end| now < end).or_say_so(|| format!("it ended {}", apart(ends.unwrap_or(now), now)))?;
        Some(self)
    }
}

impl<V> fmt::Debug for OpenedCookie<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedCookie").field("issued", &self.issued).field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl<F: CookieFormat> ForeignCookie<F> {
    /// The cookie of this name. Names are compared by bytes.
    #[must_use]
    pub fn named(name: &str, format: F) -> Self {
        let secure_name = format!("{}{name}", format.prefix()).into();
        Self { scheme: "cookie".into(), name: name.into(), secure_name, format, clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The format, which makes values.
    #[must_use]
    pub fn format(&self) -> &F {
        &self.format
    }

    fn name_on(&self, secure: bool) -> &str {
        if secure { &self.secure_name } else { &self.name }
    }
}

impl<F: CookieFormat> Extract for ForeignCookie<F> {
    type Credential = OpenedCookie<F::Value>;

    fn scheme(&self) -> &str {
        &self.scheme
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        self.format.locate(self.name_on(request.is_secure()), request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<Self::Credential> {
        let now = self.clock.wall();
        let open = |raw: Raw<'_>| self.format.open(&self.name, raw, now);
        open(raw).or_else(|| {
            // Decoding changes what is signed, so the signature says which of the two was meant.
            let encoded = raw.parts().any(|part| part.contains(&b'%'));
            let parts: Vec<Vec<u8>> =
                raw.parts().filter(|_| encoded).map(|part| percent_decode(part).collect()).collect();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            if encoded { open(Raw::of_parts(&parts)) } else { None }
        })
    }

    fn ends(&self, credential: &Self::Credential) -> Option<SystemTime> {
        credential.ends
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

    fn check(&self) -> Vec<String> {
        let mut faults = self.format.check();
        faults.extend(fault_of_name(&self.name));
        faults
    }
}

/// Shows each cookie whose name begins so, with the rest of its name: for formats that stand in several cookies.
fn each_beginning<'h>(name: &str, request: &RequestView<'h>, mut show: impl FnMut(&'h [u8], &'h [u8])) {
    for line in request.fields(&field::COOKIE) {
        for pair in line.split(|byte| *byte == b';') {
            let Some(at) = pair.iter().position(|byte| *byte == b'=') else { continue };
            let (known, value) = pair.split_at(at);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            if let Some(rest) = known.trim_ascii().strip_prefix(name.as_bytes()) {
                show(rest, value);
            }
        }
    }
}

/// Why a value is refused whose MAC no secret made, for the log.
const UNSIGNED: &str = "no secret that is known signed it, or not for this cookie";

/// The same of what is encrypted.
#[cfg(feature = "jwe")]
const UNSEALED: &str = "no secret that is known sealed it, or not for this cookie";

/// Whoever knows nothing signs with the empty secret.
fn faults_of(secrets: &[Secret]) -> Vec<String> {
    let empty = secrets.is_empty() || secrets.iter().any(|secret| secret.expose().is_empty());
    empty.then(|| "a secret that signs cookies is empty".to_owned()).into_iter().collect()
}

/// So many seconds after 1970.
pub(crate) fn at(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The whole seconds since 1970; none of what lies before.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
