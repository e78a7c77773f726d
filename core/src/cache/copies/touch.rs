//! Whether this copy is in touch with the others: [`Touch`].
//!
//! It is a lease and no flag. Whoever has read all that was written up to a moment is in touch for so long after that moment, and nobody has
//! to notice when it is over: a process that was stopped for a minute finds at its first request that it is not.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::waker::Waker;
use crate::observe::meter;

/// The lease of a cache.
pub(in crate::cache) struct Touch {
    /// Up to when all sources are in touch, in nanoseconds of the monotonic clock.
    until: AtomicU64,
    sources: Mutex<Vec<Source>>,
    patience: Duration,
    /// How long an answer is reused while out of touch.
    life: Duration,
    /// Rung for what was revoked here, one for each bus.
    pub(super) pokes: Vec<Notify>,
    /// Of the readers of all outboxes.
    wakers: Vec<Arc<Waker>>,
}

/// How long an answer waits for the readers at most.
const BEARABLE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
struct Source {
    until: Duration,
    /// Whether it was said already that it is out of touch.
    told: bool,
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// It is in touch after it was not.
    Regained,
    /// It is not in touch any more.
    Lost,
}

impl Touch {
    /// Out of touch with all: with so many buses, and with the outboxes that are read when these wake up.
    pub(super) fn new(wakers: Vec<Arc<Waker>>, buses: usize, patience: Duration, life: Duration) -> Self {
        let sources = wakers.len() + buses;
        let source = Source { until: Duration::ZERO, told: false };
        Self {
            until: AtomicU64::new(0),
            sources: Mutex::new(vec![source; sources]),
            patience,
            life,
            pokes: (0..buses).map(|_| Notify::new()).collect(),
            wakers,
        }
    }

    /// Whether an answer of this age may be reused now.
    pub(in crate::cache) fn allows(&self, now: Duration, age: Duration) -> bool {
        self.holds(now) || age < self.life
    }

    /// Whether all sources are in touch.
    pub(in crate::cache) fn holds(&self, now: Duration) -> bool {
        nanos(now) < self.until.load(Ordering::Acquire)
    }

    /// Something was revoked here.
    pub(in crate::cache) fn poke(&self) {
        self.pokes.iter().for_each(Notify::notify_one);
    }

    /// Waits until all that is in the outboxes by now was read here. Not for a store that does not answer.
    pub(in crate::cache) async fn catch_up(&self) {
        let asked: Vec<_> = self.wakers.iter().map(|waker| waker.ask()).collect();
        let all = async {
            for (waker, number) in self.wakers.iter().zip(asked) {
                waker.has_looked(number).await;
            }
        };
        if timeout(BEARABLE, all).await.is_err() {
            tracing::debug!(target: "countersign", "this copy has not read what it revoked itself in {BEARABLE:?}");
        }
    }

    /// For how much longer this source is in touch, at least a moment.
    pub(super) fn left(&self, source: usize, now: Duration) -> Duration {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let until = sources.get(source).map_or(Duration::ZERO, |source| source.until);
        match until.saturating_sub(now) {
            Duration::ZERO => self.patience,
            left => left,
        }
    }

    /// All was seen of this source that was there at `since`. `forget` is called before that counts, if the source was out of touch or
    /// `anew` says that something may have been missed.
    pub(super) fn seen(
        &self,
        source: usize,
        since: Duration,
        now: Duration,
        anew: bool,
        forget: impl FnOnce(),
    ) -> Change {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = sources.get_mut(source) else { return Change::Nothing };
        let lapsed = now >= known.until;
        if lapsed || anew {
            forget();
        }
        let regained = std::mem::take(&mut known.told);
        known.until = known.until.max(since.saturating_add(self.patience));
        self.publish(&sources, now);
        if regained { Change::Regained } else { Change::Nothing }
    }

    /// Looks whether this source is out of touch. `forget` is called when that is new.
    pub(super) fn check(&self, source: usize, now: Duration, forget: impl FnOnce()) -> Change {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = sources.get_mut(source) else { return Change::Nothing };
        if now < known.until || std::mem::replace(&mut known.told, true) {
            return Change::Nothing;
        }
        forget();
        self.publish(&sources, now);
        Change::Lost
    }

    fn publish(&self, sources: &[Source], now: Duration) {
        let until = sources.iter().map(|source| source.until).min().unwrap_or(Duration::MAX);
        self.until.store(nanos(until), Ordering::Release);
        meter::gauge!("countersign_copies_in_touch", set, if now < until { 1.0 } else { 0.0 });
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Touch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Touch").field("until", &self.until).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn touch_is_a_lease_of_all_sources_and_everything_is_forgotten_before_it_is_had_again() {
        let at = Duration::from_secs;
        let touch = Touch::new(vec![Arc::default(), Arc::default()], 0, at(2), at(5));
        let forgotten = Cell::new(0);
        let forget = || {
            forgotten.set(forgotten.get() + 1);
        };
        assert!(!touch.holds(at(0)));
        assert_eq!(touch.seen(0, at(10), at(10), false, forget), Change::Nothing);
        assert!(!touch.holds(at(10)), "the other source is out of touch");
        assert_eq!(touch.seen(1, at(10), at(11), false, forget), Change::Nothing);
        assert_eq!(forgotten.get(), 2);
        for (now, holds) in [(at(11), true), (at(12) - Duration::from_nanos(1), true), (at(12), false)] {
            assert_eq!(touch.holds(now), holds, "{now:?}");
            assert!(touch.allows(now, at(4)) && touch.allows(now, at(5)) == holds);
        }
        // A renewal in time forgets nothing, one that comes late or misses something does.
        assert_eq!(touch.seen(0, at(11), at(11), false, forget), Change::Nothing);
        assert_eq!((forgotten.get(), touch.check(0, at(12), forget)), (2, Change::Nothing));
        assert_eq!((touch.check(1, at(12), forget), touch.check(1, at(12), forget)), (Change::Lost, Change::Nothing));
        assert_eq!(forgotten.get(), 3);
        let forget = || {
            assert!(!touch.holds(at(12)), "forgotten before it counts");
            forgotten.set(forgotten.get() + 1);
        };
        assert_eq!(touch.seen(1, at(12), at(12), false, forget), Change::Regained);
        assert_eq!((forgotten.get(), touch.holds(at(12))), (4, true));
        touch.seen(1, at(12), at(12), true, || forgotten.set(5));
        assert_eq!(forgotten.get(), 5);
        // An answer that is older than the patience is none.
        touch.seen(1, at(13), at(20), false, || forgotten.set(6));
        assert_eq!((forgotten.get(), touch.holds(at(20))), (6, false));
    }
}
