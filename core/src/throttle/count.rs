//! Wrong tries within a window: each with its time ([`Exact`]), or in few bytes and to an eighth of the window ([`Tally`]).

use std::collections::VecDeque;

/// Wrong tries of the last window. Every time that is passed in is no earlier than the one before.
pub(super) trait Count: Default {
    /// Lets go of what is older than the window.
    fn forget(&mut self, now: u64, window: u64);

    /// Counts one more, of now. Of those that are older than so many, nothing needs to be known.
    fn add(&mut self, now: u64, window: u64, budget: usize);

    /// How many count.
    fn wrong(&self) -> usize;

    /// When the oldest of the newest, as many as the budget, no longer counts.
    fn first_end(&self, window: u64) -> u64;

    /// When none of those that count now counts any more.
    fn last_end(&self, window: u64) -> u64;
}

/// The times of the newest, as many as the budget.
#[derive(Debug, Default)]
pub(super) struct Exact(VecDeque<u64>);

impl Count for Exact {
    fn forget(&mut self, now: u64, window: u64) {
        while self.0.front().is_some_and(|at| now.saturating_sub(*at) >= window) {
            self.0.pop_front();
        }
    }

    fn add(&mut self, now: u64, _: u64, budget: usize) {
        if self.0.len() >= budget {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    fn wrong(&self) -> usize {
        self.0.len()
    }

    fn first_end(&self, window: u64) -> u64 {
        self.0.front().map_or(0, |at| at.saturating_add(window))
    }

    fn last_end(&self, window: u64) -> u64 {
        self.0.back().map_or(0, |at| at.saturating_add(window))
    }
}

/// So many slots of an eighth of the window: the one that began last, and eight before it, which cover a window wherever it ends.
const SLOTS: usize = 9;

/// How many there were in each slot, the newest first. What counts in [`Exact`] counts here, and up to an eighth of the window longer.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    slots: [u32; SLOTS],
    newest: u64,
}

impl Tally {
    fn width(window: u64) -> u64 {
        window / (SLOTS as u64 - 1) + 1
    }

    /// When what was counted in a slot, so many before the newest, no longer counts.
    fn end(&self, before: usize, window: u64) -> u64 {
        let slot = self.newest.saturating_sub(before as u64);
        slot.saturating_add(SLOTS as u64).saturating_mul(Self::width(window))
    }
}

impl Count for Tally {
    fn forget(&mut self, now: u64, window: u64) {
        let newest = now / Self::width(window);
        let passed = usize::try_from(newest.saturating_sub(self.newest)).unwrap_or(SLOTS).min(SLOTS);
        self.slots.rotate_right(passed);
        self.slots.iter_mut().take(passed).for_each(|slot| *slot = 0);
        self.newest = self.newest.max(newest);
    }

    fn add(&mut self, now: u64, window: u64, _: usize) {
        self.forget(now, window);
        let [newest, ..] = &mut self.slots;
        *newest = newest.saturating_add(1);
    }

    fn wrong(&self) -> usize {
        let sum = self.slots.iter().map(|slot| u64::from(*slot)).sum::<u64>();
        usize::try_from(sum).unwrap_or(usize::MAX)
    }

    fn first_end(&self, window: u64) -> u64 {
        self.slots.iter().rposition(|slot| *slot > 0).map_or(0, |before| self.end(before, window))
    }

    fn last_end(&self, window: u64) -> u64 {
        self.slots.iter().position(|slot| *slot > 0).map_or(0, |before| self.end(before, window))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_tally_counts_what_counts_exactly_and_an_eighth_of_the_window_longer(
            window in prop_oneof![1..20u64, 1..1_000u64],
            steps in prop::collection::vec((0..300u64, any::<bool>()), 0..200),
        ) {
            let (mut tally, mut exact, mut longer) = (Tally::default(), Exact::default(), Exact::default());
            let mut now = 0;
            for (wait, adds) in steps {
                now += wait;
                let long = Tally::width(window) * SLOTS as u64;
                prop_assert!(long <= window + window / 8 + 9);
                tally.forget(now, window);
                exact.forget(now, window);
                longer.forget(now, long);
                if adds {
                    tally.add(now, window, usize::MAX);
                    exact.add(now, window, usize::MAX);
                    longer.add(now, long, usize::MAX);
                }
                prop_assert!((exact.wrong()..=longer.wrong()).contains(&tally.wrong()));
                let (first, last) = (tally.first_end(window), tally.last_end(window));
                prop_assert!(tally.wrong() == 0 || (now < first && first <= last));
                let mut later = tally.clone();
                later.forget(first, window);
                prop_assert!(tally.wrong() == 0 || later.wrong() < tally.wrong());
                later.forget(last, window);
                prop_assert_eq!(later.wrong(), 0);
            }
        }
    }

    #[test]
    fn no_window_overflows() {
        for (window, now) in [(u64::MAX, u64::MAX), (u64::MAX, 0), (1, u64::MAX), (0, u64::MAX)] {
            let mut tally = Tally::default();
            tally.add(now, window, 1);
            assert_eq!(tally.wrong(), 1);
            assert!(tally.first_end(window) >= now && tally.last_end(window) >= now, "{window} {now}");
        }
    }
}
