//! Nonces that a server hands out and knows again without storing them: [`Nonces`].
//!
//! A nonce is its time and 16 random bytes, with a MAC that binds both to a purpose, and to whom it is for where it is for somebody. So whoever asks for one, and anybody may, costs no memory;
//! and one that a client made up, or that was handed out for something else, is known for what it is.
//!
//! # Example
//! ```
//! use countersign::{
//!     KeyRing,
//!     credential::nonces::{Known, Nonces},
//!     testing::ManualClock,
//! };
//! use std::{
//!     sync::Arc,
//!     time::{Duration, SystemTime},
//! };
//!
//! let clock =
//!     Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
//! let nonces = Nonces::of("digest", KeyRing::random())
//!     .living(Duration::from_secs(300))
//!     .timed_by(clock.clone());
//! let nonce = nonces.hand_out();
//! assert!(matches!(nonces.known(nonce.as_bytes()), Some(Known { is_live: true, .. })));
//! clock.advance(Duration::from_secs(300));
//! assert!(matches!(nonces.known(nonce.as_bytes()), Some(Known { is_live: false, .. })), "stale");
//! assert!(nonces.known(b"a nonce of the client's own").is_none());
//! ```
//!
//! # What it does not do
//! It does not see that a nonce is used once: that is a [store](crate::store)'s business, when all else is good.
//!
//! # Deployment
//! Copies of a service need the same keys, else one does not know what another handed out.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    clock::{SharedClock, SystemClock, later},
    secret::{KeyRing, random::random_bytes},
};

const MAC_PURPOSE: &str = "countersign nonce v1";

/// How long a nonce lives, unless the app says otherwise: what RFC 7616 leaves open, and long enough for a page with its pictures.
const LIFE: Duration = Duration::from_secs(300);

/// How far ahead of ours the clock of the copy that handed one out may be.
const AHEAD: Duration = Duration::from_secs(30);

/// Hands out nonces of one purpose. See the [module](self).
#[derive(Clone)]
pub struct Nonces {
    purpose: Box<str>,
    keys: KeyRing,
    life: Duration,
    clock: SharedClock,
}

/// What is known of a nonce that was handed out here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// When its life ends.
    pub ends: SystemTime,
    /// Whether it is not over, and has begun.
    pub is_live: bool,
}

impl Nonces {
    /// For this purpose, MACed by these keys, for 300 seconds each.
    #[must_use]
    pub fn of(purpose: &str, keys: KeyRing) -> Self {
        Self { purpose: purpose.into(), keys, life: LIFE, clock: SystemClock::shared() }
    }

    /// With a life of their own.
    #[must_use]
    pub fn living(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// A new one: printable, without quotes.
    #[must_use]
    pub fn hand_out(&self) -> String {
        self.hand_out_to("")
    }

    /// A new one that is known again only where it comes back from them.
    pub(crate) fn hand_out_to(&self, whom: &str) -> String {
        let since = self.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
        let random: [u8; 16] = random_bytes();
        let (key, mac) = self.keys.sign(MAC_PURPOSE, &[self.purpose.as_bytes(), whom.as_bytes(), &time, &random]);
        let text = [time.as_slice(), random.as_slice(), mac.as_slice()].concat();
        format!("{}.{}", key.as_str(), URL_SAFE_NO_PAD.encode(text))
    }

    /// What is known of this nonce; `None` if it was not handed out for this purpose.
    #[must_use]
    pub fn known(&self, nonce: &[u8]) -> Option<Known> {
        self.known_from("", nonce)
    }

    /// When this nonce ends, if it was handed out for this purpose to them, and is live.
    pub(crate) fn end_of(&self, whom: &str, nonce: &[u8]) -> Option<SystemTime> {
        self.known_from(whom, nonce).filter(|known| known.is_live).map(|known| known.ends)
    }

    fn known_from(&self, whom: &str, nonce: &[u8]) -> Option<Known> {
        let dot = nonce.iter().position(|byte| *byte == b'.')?;
        let (key, text) = (nonce.get(..dot)?, nonce.get(dot + 1..)?);
        let text: [u8; 56] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (time, rest) = text.split_first_chunk::<8>()?;
        let (random, mac) = rest.split_first_chunk::<16>()?;
        if !self.keys.verify(key, MAC_PURPOSE, &[self.purpose.as_bytes(), whom.as_bytes(), time, random], mac) {
            return None;
        }
        let begins = UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_be_bytes(*time)))?;
        let (ends, now) = (later(begins, self.life), self.clock.wall());
        Some(Known { ends, is_live: begins <= later(now, AHEAD) && now < ends })
    }

    /// The clock by which their lives go.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("purpose", &self.purpose).field("life", &self.life).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::ManualClock;

    #[test]
    fn what_was_not_handed_out_for_this_is_unknown() {
        let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let keys = KeyRing::random();
        let of = |purpose: &str, keys: &KeyRing| Nonces::of(purpose, keys.clone()).timed_by(clock.clone());
        let digest = of("digest", &keys);
        let nonce = digest.hand_out();
        assert!(digest.known(nonce.as_bytes()).is_some_and(|known| known.is_live));
        assert!(of("digest", &keys).known(nonce.as_bytes()).is_some(), "another copy with the same keys");
        assert!(of("dpop", &keys).known(nonce.as_bytes()).is_none());
        assert!(of("digest", &KeyRing::random()).known(nonce.as_bytes()).is_none());
        assert_ne!(nonce, digest.hand_out(), "each is another one");
        for (place, _) in nonce.bytes().enumerate() {
            let mut other = nonce.clone().into_bytes();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            assert!(digest.known(&other).is_none(), "{place}");
        }
        for other in [&b""[..], b".", b"x.y", &nonce.as_bytes()[..nonce.len() - 1], b"\xff.\xff"] {
            assert!(digest.known(other).is_none());
        }
    }

    #[test]
    fn what_was_handed_to_somebody_is_theirs_alone() {
        let nonces = Nonces::of("dpop", KeyRing::random());
        let (emmas, anybodys) = (nonces.hand_out_to("emma"), nonces.hand_out());
        for (whom, nonce, expected) in [
            ("emma", &emmas, true),
            ("emily", &emmas, false),
            ("", &emmas, false),
            ("", &anybodys, true),
            ("emma", &anybodys, false),
        ] {
            assert_eq!(nonces.end_of(whom, nonce.as_bytes()).is_some(), expected, "{whom}");
        }
        assert!(nonces.known(emmas.as_bytes()).is_none());
    }

    #[test]
    fn a_nonce_may_live_for_ever() {
        for life in [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(31_700 * 31_557_600)] {
            let nonces = Nonces::of("digest", KeyRing::random()).living(life);
            let known = nonces.known(nonces.hand_out().as_bytes());
            assert!(known.is_some_and(|known| known.is_live && known.ends > SystemTime::now()), "{life:?}");
        }
    }

    #[test]
    fn a_life_ends_and_does_not_begin_before_its_time() {
        let start = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let clock = Arc::new(ManualClock::at(start));
        let nonces = Nonces::of("digest", KeyRing::random()).living(Duration::from_secs(5)).timed_by(clock.clone());
        let nonce = nonces.hand_out();
        for (millis, is_live) in [(0, true), (4_999, true), (1, false), (1_000_000, false)] {
            clock.advance(Duration::from_millis(millis));
            let known = nonces.known(nonce.as_bytes()).unwrap();
            assert_eq!((known.is_live, known.ends), (is_live, start + Duration::from_secs(5)), "{millis}");
        }
        let earlier = Nonces { clock: Arc::new(ManualClock::at(start)), ..nonces.clone() };
        for (ahead, is_live) in [(30, true), (31, false)] {
            let clock = Arc::new(ManualClock::at(start + Duration::from_secs(ahead)));
            let early = Nonces { clock, ..nonces.clone() }.hand_out();
            assert!(earlier.known(early.as_bytes()).is_some_and(|known| known.is_live == is_live), "{ahead} s ahead");
        }
    }
}
