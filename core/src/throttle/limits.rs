//! How many wrong passwords are too many: [`ThrottleLimits`].

use std::time::Duration;

use crate::clock::{SharedClock, SystemClock};

/// How many wrong passwords are too many, by which clock, and how much is remembered. The defaults, with their reasons, are in
/// [the manual](crate::manual::defaults); a budget of nought counts as one.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct ThrottleLimits {
    #[cfg_attr(
        feature = "config",
        serde(rename = "per_name_and_address", deserialize_with = "crate::config::units::one_or_more")
    )]
    pub(super) per_pair: u32,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::one_or_more"))]
    pub(super) per_name: u32,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::one_or_more"))]
    pub(super) per_address: u32,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::span"))]
    pub(super) window: Duration,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::span"))]
    pub(super) trickle: Duration,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::span"))]
    pub(super) known_for: Duration,
    pub(super) rows: usize,
    pub(super) known_names: usize,
    #[cfg_attr(feature = "config", serde(skip))]
    pub(super) clock: SharedClock,
}

impl Default for ThrottleLimits {
    fn default() -> Self {
        Self {
            per_pair: 5,
            per_name: 100,
            per_address: 50,
            window: Duration::from_secs(60),
            trickle: Duration::from_secs(1),
            known_for: Duration::from_secs(24 * 60 * 60),
            rows: 32_768,
            known_names: 65_536,
            clock: SystemClock::shared(),
        }
    }
}

impl ThrottleLimits {
    /// Wrong passwords for one name from one address within the window, after which that pair is refused: 5.
    #[must_use]
    pub fn per_name_and_address(mut self, wrong: u32) -> Self {
        self.per_pair = wrong.max(1);
        self
    }

    /// Wrong passwords for one name from anywhere within the window, after which one try in a
    /// [`trickle`](Self::trickle) is let through: 100.
    #[must_use]
    pub fn per_name(mut self, wrong: u32) -> Self {
        self.per_name = wrong.max(1);
        self
    }

    /// Wrong passwords from one address within the window, whatever the names, after which the address is refused: 50.
    #[must_use]
    pub fn per_address(mut self, wrong: u32) -> Self {
        self.per_address = wrong.max(1);
        self
    }

    /// How long a wrong password counts: a minute.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How often a try is let through for a name that is over its budget: once a second.
    #[must_use]
    pub fn trickle(mut self, interval: Duration) -> Self {
        self.trickle = interval;
        self
    }

    /// How long an address from which a name signed in is not held up by the rule by name: a day.
    #[must_use]
    pub fn known_for(mut self, life: Duration) -> Self {
        self.known_for = life;
        self
    }

    /// How many names, addresses and pairs with wrong passwords are counted at once, of each kind, and how many networks around addresses
    /// of each width: 32,768, which take 70 MB at the very most and next to nothing while nobody guesses. At least 16. Names without room are
    /// counted together with others, in twice as many cells. Each part of the throttle has an equal share.
    #[must_use]
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// For how many names the addresses are remembered from which they signed in, up to eight each: 65,536, which take
    /// 25 MB. Names that signed in longest ago make way. At least 32.
    #[must_use]
    pub fn known_names(mut self, names: usize) -> Self {
        self.known_names = names;
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}
