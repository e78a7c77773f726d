//! Which counts have passed, in this process: gone with it, and shared with no copy.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{
    clock::{SharedClock, SystemClock},
    secret::random::random_bytes,
    store::{COUNTS_OUT_OF_ORDER, CountStore, First},
};

/// The counts of so many nonces, 65,536 unless it is said otherwise. See [`CountStore`].
///
/// Of each nonce it holds its end, a keyed hash, the highest count and which of the 64 below have passed.
pub struct MemoryCounts {
    key: Zeroizing<[u8; 32]>,
    most: usize,
    clock: SharedClock,
    kept: Mutex<Kept>,
}

type Key = [u8; 16];

#[derive(Default)]
struct Kept {
    passed: BTreeMap<Key, Passed>,
    by_end: BTreeSet<(SystemTime, Key)>,
    /// The latest end of what was forgotten: what ends then or earlier cannot be told from what has passed.
    horizon: Option<SystemTime>,
}

/// Which counts of one nonce have passed.
struct Passed {
    highest: u32,
    /// Bit *n* stands for the count *n* below the highest.
    below: u128,
}

/// How many that have ended are forgotten with each call: more than come.
const FORGOTTEN_AT_ONCE: usize = 4;

impl MemoryCounts {
    /// Room for so many nonces, at least one.
    #[must_use]
    pub fn holding(most: usize) -> Self {
        Self {
            key: Zeroizing::new(random_bytes()),
            most: most.max(1),
            clock: SystemClock::shared(),
            kept: Mutex::default(),
        }
    }

    /// Takes time from this clock, which must be that of the nonces; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// How many nonces are held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).passed.len()
    }

    /// The whole of it in one step.
    fn first_now(&self, scope: &str, key: &[u8], count: u32, until: SystemTime) -> First {
        let key = self.hash(scope, key);
        // What is kept is whole after each step, so that a panic elsewhere spoils nothing.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that a later look has a later time.
        let now = self.clock.wall();
        kept.forget_some(now);
        if until <= now || kept.horizon.is_some_and(|horizon| until <= horizon) {
            return First::Seen;
        }
        let full = kept.passed.len() >= self.most;
        match kept.passed.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().take(count),
            Entry::Vacant(_) if full => {
                let earliest = kept.by_end.first().and_then(|(end, _)| end.duration_since(now).ok());
                First::Full { retry_after: earliest.unwrap_or(Duration::from_secs(1)) }
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Passed { highest: count, below: 1 });
                kept.by_end.insert((until, key));
                First::New
            }
        }
    }

    fn hash(&self, scope: &str, key: &[u8]) -> Key {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [scope.as_bytes(), key] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        hash
    }
}

impl Passed {
    fn take(&mut self, count: u32) -> First {
        if let Some(above) = count.checked_sub(self.highest).filter(|above| *above > 0) {
            self.below = self.below.checked_shl(above).unwrap_or(0) | 1;
            self.highest = count;
            return First::New;
        }
        let bit = match self.highest - count {
            below if below <= COUNTS_OUT_OF_ORDER => 1_u128 << below,
            _ => return First::Seen,
        };
        if self.below & bit != 0 {
            return First::Seen;
        }
        self.below |= bit;
        First::New
    }
}

impl Kept {
    fn forget_some(&mut self, now: SystemTime) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.by_end.first().copied() {
                Some((end, key)) if end <= now => {
                    self.by_end.remove(&(end, key));
                    self.passed.remove(&key);
                    self.horizon = self.horizon.max(Some(end));
                }
                _ => return,
            }
        }
    }
}

#[async_trait]
impl CountStore for MemoryCounts {
    async fn first(&self, scope: &str, key: &[u8], count: u32, until: SystemTime) -> First {
        self.first_now(scope, key, count, until)
    }
}

impl Default for MemoryCounts {
    fn default() -> Self {
        Self::holding(65_536)
    }
}

impl fmt::Debug for MemoryCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCounts").field("most", &self.most).field("held", &self.held()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::UNIX_EPOCH};

    use super::*;
    use crate::testing::ManualClock;

    fn counts(most: usize) -> (MemoryCounts, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(1_000)));
        (MemoryCounts::holding(most).timed_by(clock.clone()), clock)
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_count_passes_once_and_near_the_highest() {
        let (counts, _) = counts(10);
        let rows = [
            (5, true),
            (5, false),
            (1, true),
            (1, false),
            (69, true),
            (4, false),
            (5, false),
            (6, true),
            (68, true),
            (68, false),
            (u32::MAX, true),
            (u32::MAX, false),
            (u32::MAX - 64, true),
            (u32::MAX - 65, false),
            (69, false),
        ];
        for (count, passes) in rows {
            let first = counts.first_now("a", b"n", count, at(2_000));
            assert_eq!(matches!(first, First::New), passes, "{count}");
        }
        assert_eq!(counts.held(), 1);
        for (scope, key) in [("b", b"n".as_slice()), ("a", b"m"), ("an", b""), ("", b"an")] {
            assert!(matches!(counts.first_now(scope, key, 5, at(2_000)), First::New), "{scope}");
        }
    }

    #[test]
    fn what_is_full_forgets_nothing_before_its_end() {
        let (counts, clock) = counts(2);
        assert!(matches!(counts.first_now("a", b"1", 1, at(1_010)), First::New));
        assert!(matches!(counts.first_now("a", b"2", 1, at(1_020)), First::New));
        let full = counts.first_now("a", b"3", 1, at(1_030));
        assert!(matches!(full, First::Full { retry_after } if retry_after == Duration::from_secs(10)), "{full:?}");
        assert!(matches!(counts.first_now("a", b"1", 2, at(1_010)), First::New), "a known one takes no more room");
        clock.advance(Duration::from_secs(10));
        assert!(matches!(counts.first_now("a", b"1", 3, at(1_010)), First::Seen), "over");
        assert!(matches!(counts.first_now("a", b"3", 1, at(1_030)), First::New));
        clock.set_wall(at(1_000));
        assert!(matches!(counts.first_now("a", b"1", 1, at(1_010)), First::Seen), "set back, it is not new again");
    }

    #[test]
    fn of_many_at_once_one_passes() {
        let (counts, _) = counts(2);
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| usize::from(matches!(counts.first_now("a", b"1", 1, at(2_000)), First::New))))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 1);
    }
}
