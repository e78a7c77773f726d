//! Time as an argument: the wall clock for ends that others set, the monotonic clock for lives that we set.
//!
//! `exp` and a cookie's end are points on the wall clock; a cache entry's life and a throttle's minute are spans, which
//! a clock that is set back or forward must not stretch. Every part that needs time is given a [`Clock`], so that tests
//! say when it is and never sleep. A gate and its parts go by one clock: [`build`](crate::gate::GateBuilder::build) names a part
//! that has another.
//!
//! # Example
//! ```
//! use std::time::{Duration, SystemTime};
//! use countersign::{clock::Clock, testing::ManualClock};
//!
//! let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
//! let before = clock.monotonic();
//! clock.advance(Duration::from_secs(60));
//! assert_eq!(clock.monotonic() - before, Duration::from_secs(60));
//! ```

use std::{
    any::Any,
    cell::OnceCell,
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// Both clocks. One value serves a whole app; share it as a [`SharedClock`].
pub trait Clock: Any + fmt::Debug + Send + Sync {
    /// What the calendar says. May jump either way.
    fn wall(&self) -> SystemTime;

    /// The time since some fixed moment of this process. Never runs backwards.
    fn monotonic(&self) -> Duration;
}

/// A clock as it is handed around.
pub type SharedClock = Arc<dyn Clock>;

/// One moment, at which each side of a clock is read once at most, and only if somebody asks.
pub(crate) struct Moment<'c> {
    clock: &'c dyn Clock,
    wall: OnceCell<SystemTime>,
    monotonic: OnceCell<Duration>,
}

impl<'c> Moment<'c> {
    /// Now, as this clock tells it when it is first asked.
    pub(crate) fn of(clock: &'c dyn Clock) -> Self {
        Self { clock, wall: OnceCell::new(), monotonic: OnceCell::new() }
    }

    pub(crate) fn wall(&self) -> SystemTime {
        *self.wall.get_or_init(|| self.clock.wall())
    }

    pub(crate) fn monotonic(&self) -> Duration {
        *self.monotonic.get_or_init(|| self.clock.monotonic())
    }
}

/// The operating system's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic side starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }

    /// The same, ready to be handed around.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self::new())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether these tell the same time: they are one clock, or both the system's.
pub(crate) fn agree(one: &SharedClock, other: &SharedClock) -> bool {
    let is_system = |clock: &SharedClock| (&**clock as &dyn Any).is::<SystemClock>();
    Arc::ptr_eq(one, other) || (is_system(one) && is_system(other))
}

/// The last moment that is written anywhere, in Unix seconds: twelve digits, the year 33,658.
pub(crate) const LAST_SECOND: u64 = 999_999_999_999;

/// The moment so long after this one. What is later than anybody can write down is the last moment that they can: a life that somebody
/// sets to "for ever" must neither panic nor end at once.
pub(crate) fn later(moment: SystemTime, by: Duration) -> SystemTime {
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
    moment.checked_add(by).map_or(last, |later| later.min(last))
}

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;

    #[test]
    fn no_span_is_too_long() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let (now, year) = (1_800_000_000, 31_557_600);
        for (moment, by, expected) in [
            (now, Duration::ZERO, now),
            (now, Duration::from_secs(60), now + 60),
            (now, Duration::from_secs(31_500 * year), now + 31_500 * year),
            (now, Duration::from_secs(31_700 * year), LAST_SECOND),
            (now, Duration::from_secs(u64::MAX), LAST_SECOND),
            (now, Duration::MAX, LAST_SECOND),
            (0, Duration::MAX, LAST_SECOND),
            (LAST_SECOND, Duration::from_nanos(1), LAST_SECOND),
        ] {
            assert_eq!(later(at(moment), by), at(expected), "{moment} {by:?}");
        }
    }

    #[test]
    fn a_clock_agrees_with_itself_and_the_systems_with_the_systems() {
        let manual: SharedClock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let another: SharedClock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let system = SystemClock::shared();
        for (one, other, expected) in [
            (&manual, &Arc::clone(&manual), true),
            (&manual, &another, false),
            (&manual, &system, false),
            (&system, &manual, false),
            (&system, &SystemClock::shared(), true),
        ] {
            assert_eq!(agree(one, other), expected, "{one:?}, {other:?}");
        }
    }
}
