//! What is known of a credential once a verifier has answered: shared by the cache, by what is remembered for a request, and
//! by grants.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use super::revocation::Stamp;
use crate::{clock::Moment, principal::Verified, throttle::Account};

/// The moment at which a verification starts, taken before its verifier is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(super) number: u64,
    pub(super) monotonic: Duration,
    pub(super) wall: SystemTime,
}

/// What limits an answer beside what the verifier says of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terms {
    /// How long the verifier lets its answers be reused; `None` keeps them out of the store, and nobody else shares them.
    pub(crate) life: Option<Duration>,
    /// The account that the throttle counts by.
    pub(crate) account: Option<Account>,
}

/// A good answer.
pub(crate) struct Entry<P> {
    verified: Verified<P>,
    stamp: Stamp,
    born: Duration,
    life: Duration,
    /// From its birth to its end, on the clock that nobody sets.
    lasts: Option<Duration>,
    /// Set for good when its end was seen to have come, should the calendar be set back afterwards.
    over: AtomicBool,
    account: Option<Account>,
}

/// A stored "no".
#[derive(Debug)]
pub(crate) struct RefusalEntry {
    pub(super) started: u64,
    pub(super) born: Duration,
    pub(super) account: Option<Account>,
}

/// How a good answer stands at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It may be used.
    Live,
    /// Its life is over, but it may serve while its verifier has no answer.
    Stale,
    /// It may not be used.
    Over,
}

impl<P> Entry<P> {
    /// What a verifier said in a verification that started then, to be reused for at most `life`.
    pub(super) fn new(verified: Verified<P>, start: Start, life: Duration, account: Option<Account>) -> Self {
        let life = verified.life().map_or(life, |said| life.min(said));
        let lasts = verified.ends().map(|end| end.duration_since(start.wall).unwrap_or(Duration::ZERO));
        Self {
            verified,
            stamp: Stamp::at(start.number),
            born: start.monotonic,
            life,
            lasts,
            over: AtomicBool::new(false),
            account,
        }
    }

    /// Who it is, and what limits that.
    pub(crate) fn verified(&self) -> &Verified<P> {
        &self.verified
    }

    /// The account that the throttle counts by.
    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }

    pub(super) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// How long the store should keep it, at most.
    pub(super) fn keep(&self, beyond: Duration) -> Duration {
        let life = self.life.saturating_add(beyond);
        self.lasts.map_or(life, |lasts| life.min(lasts))
    }

    /// Whether its own end has come: by the calendar, or by the time that was left when it was born. A calendar that is set
    /// back does not prolong it, one that is set forward ends it. The end itself is outside.
    pub(super) fn ended(&self, now: &Moment<'_>) -> bool {
        let Some(end) = self.verified.ends() else { return false };
        let ended = self.over.load(Ordering::Relaxed)
            || now.wall() >= end
            || self.lasts.is_some_and(|lasts| self.age_at(now.monotonic()) >= lasts);
        if ended {
            self.over.store(true, Ordering::Relaxed);
        }
        ended
    }

    /// How it stands. Use does not prolong anything.
    pub(super) fn age(&self, now: &Moment<'_>, beyond: Duration) -> Age {
        let age = self.age_at(now.monotonic());
        if self.ended(now) || age >= self.life.saturating_add(beyond) {
            Age::Over
        } else if age >= self.life {
            Age::Stale
        } else {
            Age::Live
        }
    }

    pub(super) fn age_at(&self, now: Duration) -> Duration {
        now.saturating_sub(self.born)
    }

    /// What it takes in memory, as far as can be seen from here: what the principal points to is not.
    pub(super) fn bytes(&self) -> usize {
        let verified = &self.verified;
        size_of::<Self>()
            + size_of_val(verified.handles())
            + verified.subject().map_or(0, str::len)
            + verified.scopes().iter().map(|scope| scope.len() + size_of::<Box<str>>()).sum::<usize>()
            + verified.roles().iter().map(|role| role.len() + size_of::<Box<str>>()).sum::<usize>()
    }
}

impl<P> fmt::Debug for Entry<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("verified", &self.verified).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::testing::ManualClock;

    const BEGIN: SystemTime = SystemTime::UNIX_EPOCH;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_life_never_outlasts_the_end_whatever_the_clock_does() {
        // L3, quarkus#43994. Life 60 s, end after 30 s; rows: monotonic age, wall clock, how it stands.
        for (age, wall, expected) in [
            (0, 0, Age::Live),
            (29, 29, Age::Live),
            (30, 30, Age::Over),
            (10, 30, Age::Over),
            (10, 4000, Age::Over),
            (29, 5, Age::Live),
            (30, 5, Age::Over),
            (31, 0, Age::Over),
        ] {
            let clock = ManualClock::at(BEGIN);
            let start = Start { number: 0, monotonic: clock.monotonic(), wall: clock.wall() };
            let known = Entry::new(Verified::new(()).ending_at(BEGIN + seconds(30)), start, seconds(60), None);
            clock.advance(seconds(age));
            clock.set_wall(BEGIN + seconds(wall));
            assert_eq!(known.age(&Moment::of(&clock), seconds(100)), expected, "age {age}, wall {wall}");
        }
    }

    #[test]
    fn a_life_is_exclusive_and_staleness_comes_after_it() {
        for (age, beyond, expected) in
            [(59, 0, Age::Live), (60, 0, Age::Over), (60, 10, Age::Stale), (69, 10, Age::Stale), (70, 10, Age::Over)]
        {
            let clock = ManualClock::at(BEGIN);
            let start = Start { number: 0, monotonic: clock.monotonic(), wall: clock.wall() };
            let known = Entry::new(Verified::new(()), start, seconds(60), None);
            clock.advance(seconds(age));
            assert_eq!(known.age(&Moment::of(&clock), seconds(beyond)), expected, "age {age}, beyond {beyond}");
        }
    }
}
