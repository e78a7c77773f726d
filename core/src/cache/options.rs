//! How large a cache is, and how long it remembers.

use std::time::Duration;

use crate::clock::{SharedClock, SystemClock};

/// The settings of a [`CredentialCache`](crate::CredentialCache). Every default has its reason in `manual::defaults`.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[must_use]
pub struct CacheOptions {
    pub(super) entries: u64,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::size"))]
    pub(super) bytes: u64,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::span"))]
    pub(super) longest_life: Duration,
    pub(super) refusal_entries: u64,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::span"))]
    pub(super) refusal_life: Duration,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::span"))]
    pub(super) flight_deadline: Duration,
    #[cfg_attr(feature = "config", serde(deserialize_with = "crate::config::units::span"))]
    pub(super) stale_if_unavailable: Duration,
    pub(super) revocations: usize,
    #[cfg_attr(feature = "config", serde(skip))]
    pub(super) clock: SharedClock,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            entries: 100_000,
            bytes: 64 << 20,
            longest_life: Duration::from_secs(60),
            refusal_entries: 10_000,
            refusal_life: Duration::from_secs(5),
            flight_deadline: Duration::from_secs(10),
            stale_if_unavailable: Duration::ZERO,
            revocations: 65_536,
            clock: SystemClock::shared(),
        }
    }
}

impl CacheOptions {
    /// For how long a floor can concern anything: the longest that an answer is in use, from the start of its verification.
    pub(super) fn keep_floors(&self) -> Duration {
        self.longest_life.saturating_add(self.stale_if_unavailable).saturating_add(self.flight_deadline)
    }

    /// How many good answers are kept at most. 100,000 unless told otherwise.
    pub fn entries(mut self, entries: u64) -> Self {
        self.entries = entries;
        self
    }

    /// How many bytes the good answers take at most, as far as can be seen: what a principal points to is not. 64 MiB unless
    /// told otherwise.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// The longest that a good answer is reused, whatever its verifier allows. 60 seconds unless told otherwise; zero turns
    /// the cache off: nothing is stored, and no request waits for another one's verification.
    pub fn longest_life(mut self, life: Duration) -> Self {
        self.longest_life = life;
        self
    }

    /// How many refusals are kept at most, apart from the good answers, so that garbage cannot evict these. 10,000 unless
    /// told otherwise.
    pub fn refusal_entries(mut self, entries: u64) -> Self {
        self.refusal_entries = entries;
        self
    }

    /// How long a refusal is reused. 5 seconds unless told otherwise. Any revocation ends it sooner.
    pub fn refusal_life(mut self, life: Duration) -> Self {
        self.refusal_life = life;
        self
    }

    /// How long a verifier may take, waiting for its turn included, before those that wait are answered with 503. 10 seconds
    /// unless told otherwise.
    pub fn flight_deadline(mut self, deadline: Duration) -> Self {
        self.flight_deadline = deadline;
        self
    }

    /// Fails open, for so long after an entry's life: while its verifier has no answer, what it said before counts. Never past
    /// the credential's own end, never after a revocation, and marked in the grant. Off unless told otherwise.
    pub fn stale_if_unavailable_for(mut self, beyond: Duration) -> Self {
        self.stale_if_unavailable = beyond;
        self
    }

    /// How many revocations are remembered one by one. Beyond that everything is verified anew. 65,536 unless told otherwise.
    pub fn revocations(mut self, handles: usize) -> Self {
        self.revocations = handles;
        self
    }

    /// Takes time from this clock; without it from the system's.
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}
