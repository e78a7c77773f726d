//! Sessions that are bound to the device at which somebody signed in, as Chromium has them (Device Bound Session Credentials, W3C draft of February
//! 2026).
//!
//! A stolen cookie opens nothing for long: the cookie that counts lives for minutes, and the browser gets the next one only by a signature of a key that
//! does not leave the device.
//!
//! 1. The app signs somebody in and [begins](DeviceSessions::begin) a session: its answer sets a cookie that only registers, and asks the browser to make
//!    a key (`Secure-Session-Registration`).
//! 2. The browser posts a proof by that key (`Secure-Session-Response`) to [`register`](DeviceSessions::register), once a session, and gets the
//!    short cookie, the rules by which it renews it, and a challenge for the next time.
//! 3. Before the short cookie ends, the browser posts a signature over the challenge to [`refresh`](DeviceSessions::refresh). Without one, or with one
//!    that is old or was used, it is asked again: 403 with a new challenge. Anything else ends the session in the browser: 401.
//! 4. [`sign_out`](DeviceSessions::sign_out) ends the session and both cookies at once.
//!
//! Challenges are sealed and not stored, each for its session and a minute; those that were used are remembered in a [`ReplayStore`].
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, KeyRing, Unavailable, Verified,
//!     mint::device_bound::DeviceSessions,
//!     store::{Directory, MemoryDeviceSessions, MemoryReplay},
//! };
//! use std::sync::Arc;
//!
//! struct Everybody;
//!
//! #[countersign::async_trait]
//! impl Directory<String> for Everybody {
//!     async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
//!         Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
//!     }
//! }
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (store, replay) =
//!     (Arc::new(MemoryDeviceSessions::default()), Arc::new(MemoryReplay::default()));
//! let sessions =
//!     DeviceSessions::below("/account", KeyRing::random(), store, replay, Arc::new(Everybody));
//! let gate = Gate::in_realm("people").accept(sessions.cookie(), sessions.clone()).build()?;
//! let endpoints = [sessions.register(&gate), sessions.refresh(&gate), sessions.sign_out(&gate)];
//! // … and when a password was right:
//! let reply = sessions.begin("emily").await?;
//! assert!(reply.fields().any(|(name, _)| name == "secure-session-registration"));
//! # let _ = endpoints; Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not know whether the key is in hardware: a browser without any may keep it in a file. Browsers that know nothing of all this are signed out
//! when the short cookie would have come: give them a session of another kind.
//!
//! # Deployment
//! Browsers do it over `https` alone, and for sites they take as such. The names of the cookies have no prefix, because their path is not `/`: a sibling
//! domain can set one of the same name, which opens nothing but makes two, and two are refused. Attributes in the rules and in `Set-Cookie` are
//! written from one text: where they differed, a browser would refresh for ever.
//!
//! The cookies are `Secure` whatever a proxy says of the channel. A proxy must hand the `Secure-Session-…` fields on in both directions.

mod cookie;
mod endpoint;
mod proof;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub use self::cookie::{DeviceCookie, DeviceCookieCredential};
use crate::{
    clock::{SharedClock, SystemClock, later},
    credential::{Nonces, cookie::LONGEST_AGE},
    principal::{Handle, HandleKind},
    response::Reply,
    secret::{KeyRing, TokenDigest, random::random_bytes},
    store::{DeviceSessionRecord, DeviceSessionStore, Directory, ReplayStore},
    unavailable::Unavailable,
};

/// How long a challenge is good.
const CHALLENGE_LIFE: Duration = Duration::from_secs(60);

/// Sessions that are bound to a device. Cheap to clone. See the [module](self).
pub struct DeviceSessions<P> {
    rules: Arc<Rules>,
    store: Arc<dyn DeviceSessionStore>,
    replay: Arc<dyn ReplayStore>,
    directory: Arc<dyn Directory<P>>,
}

#[derive(Clone)]
struct Rules {
    path: Box<str>,
    /// The name of the cookie that registers.
    first: Box<str>,
    /// The name of the one that counts.
    bound: Box<str>,
    keys: KeyRing,
    clock: SharedClock,
    longest: Duration,
    short: Duration,
}

impl<P: Send + Sync + 'static> DeviceSessions<P> {
    /// Sessions whose cookies count below this path, which has the endpoints `register` and `refresh` directly below it. They end after twelve hours, and
    /// the short cookie after ten minutes, unless set otherwise.
    #[must_use]
    pub fn below(
        path: &str,
        keys: KeyRing,
        store: Arc<dyn DeviceSessionStore>,
        replay: Arc<dyn ReplayStore>,
        directory: Arc<dyn Directory<P>>,
    ) -> Self {
        let rules = Rules {
            path: path.into(),
            first: "device_session".into(),
            bound: "device_bound".into(),
            keys,
            clock: SystemClock::shared(),
            longest: Duration::from_secs(12 * 60 * 60),
            short: Duration::from_secs(10 * 60),
        };
        Self { rules: Arc::new(rules), store, replay, directory }
    }

    /// Names the cookies: the one that registers, and the one that counts.
    #[must_use]
    pub fn in_cookies(self, first: &str, bound: &str) -> Self {
        self.changed(|rules| (rules.first, rules.bound) = (first.into(), bound.into()))
    }

    /// Ends sessions after so long, and the short cookie after so long, whole seconds both.
    #[must_use]
    pub fn ending_after(self, longest: Duration, short: Duration) -> Self {
        self.changed(|rules| (rules.longest, rules.short) = (longest, short))
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(self, clock: SharedClock) -> Self {
        self.changed(|rules| rules.clock = clock)
    }

    fn changed(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self
    }

    /// The kind that takes the short cookie.
    #[must_use]
    pub fn cookie(&self) -> DeviceCookie {
        DeviceCookie::of(Arc::clone(&self.rules))
    }

    /// Begins a session of this subject, whom the app has just found good: 204, with the cookie that registers, and the request to make a key.
    ///
    /// # Errors
    /// When the store cannot be reached, or has no room.
    pub async fn begin(&self, subject: &str) -> Result<Reply, Unavailable> {
        let rules = &self.rules;
        let token = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
        let (id, now) = (id_of(token.as_bytes()), rules.clock.wall());
        let record = DeviceSessionRecord { subject: subject.into(), ends: later(now, rules.longest), key: None };
        self.store.insert(&id, record, now).await?;
        let registration = format!(
            "(ES256 RS256);path=\"{}/register\";challenge=\"{}\";authorization=\"{}\"",
            rules.path,
            rules.nonces(REGISTRATION).hand_out_to(&id),
            rules.nonces(AUTHORIZATION).hand_out_to(&id),
        );
        let cookie = rules.set_cookie(&rules.first, &token, rules.longest);
        let reply = Reply::new(204).with("cache-control", "no-store").with("set-cookie", cookie);
        Ok(reply.with("secure-session-registration", registration))
    }

    /// The session of this id, if it is there and has not ended.
    async fn find(&self, id: &str) -> Result<Option<DeviceSessionRecord>, Unavailable> {
        let record = self.store.find(id).await?;
        Ok(record.filter(|record| self.rules.clock.wall() < record.ends))
    }
}

const REGISTRATION: &str = "challenge of a registration";
const AUTHORIZATION: &str = "authorization of a registration";
const REFRESH: &str = "challenge of a refresh";

impl Rules {
    fn nonces(&self, purpose: &str) -> Nonces {
        Nonces::of(purpose, self.keys.clone()).living(CHALLENGE_LIFE).timed_by(Arc::clone(&self.clock))
    }

    /// What both the rules and `Set-Cookie` say of a cookie.
    fn attributes(&self) -> String {
        format!("Path={}; Secure; HttpOnly; SameSite=Lax", self.path)
    }

    fn set_cookie(&self, name: &str, value: &str, life: Duration) -> String {
        format!("{name}={value}; {}; Max-Age={}", self.attributes(), life.as_secs().min(LONGEST_AGE))
    }

    /// The short cookie for this session, for no longer than that lives.
    fn short_cookie(&self, id: &str, ends: SystemTime) -> String {
        let left = ends.duration_since(self.clock.wall()).unwrap_or_default();
        let value = cookie::value(self, id);
        self.set_cookie(&self.bound, &value, self.short.min(left))
    }

    /// A challenge for the next time.
    fn challenge(&self, id: &str) -> String {
        format!("\"{}\";id=\"{id}\"", self.nonces(REFRESH).hand_out_to(id))
    }
}

/// The id of the session that is registered by this token. It leads to no token.
fn id_of(token: &[u8]) -> String {
    TokenDigest::of(token).to_hex()
}

fn handle(id: &str) -> Handle {
    Handle::of(HandleKind::Session, id)
}

impl<P> Clone for DeviceSessions<P> {
    fn clone(&self) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            store: Arc::clone(&self.store),
            replay: Arc::clone(&self.replay),
            directory: Arc::clone(&self.directory),
        }
    }
}

impl<P> fmt::Debug for DeviceSessions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSessions").field("path", &self.rules.path).finish_non_exhaustive()
    }
}
