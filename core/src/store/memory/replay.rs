//! What was used once, in this process: gone with it, and shared with no copy.

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
    store::{First, ReplayStore},
    unavailable::Unavailable,
};

/// What may pass once, remembered in memory: 65,536 at most, a quarter of them for each scope, and both can be set.
///
/// Of each it holds its end and keyed hashes of scope and key, which only this process can compute; some 160 bytes, and nothing before it
/// is needed. One mutex guards it all, for a microsecond or two, since no call does more than a few steps in trees, however many have ended
/// since the last one.
///
/// It goes by its own clock, which must be the one by which the kinds judge what they ask it about. Where the clocks differ, or the clock
/// is set back, it rather gives no answer than say that something is new which it may have forgotten.
///
/// # Example
/// ```
/// use countersign::store::{First, MemoryReplay, ReplayStore};
/// use std::time::{Duration, SystemTime};
///
/// # #[tokio::main] async fn main() {
/// let replay = MemoryReplay::holding(100).share(1);
/// let until = SystemTime::now() + Duration::from_secs(60);
/// assert!(matches!(replay.first("emma", b"1", until).await, First::New));
/// assert!(
///     matches!(replay.first("emma", b"2", until).await, First::Full { .. }),
///     "her share is used up"
/// );
/// assert!(matches!(replay.first("emily", b"2", until).await, First::New), "and hers alone");
/// # }
/// ```
pub struct MemoryReplay {
    key: Zeroizing<[u8; 32]>,
    most: usize,
    share: usize,
    clock: SharedClock,
    kept: Mutex<Kept>,
}

/// Nanoseconds since 1970; 584 years fit.
type Moment = u64;

/// A keyed hash of a scope. Two that met would share a share, and no more.
type Scope = u64;

/// A keyed hash of a scope and a key. Two that met would be taken for one, and refused.
type Key = [u64; 2];

/// At every moment all of them speak of the same entries. Trees, because no step in them is ever long.
#[derive(Default)]
struct Kept {
    entries: BTreeMap<Key, (Moment, Scope)>,
    by_end: BTreeSet<(Moment, Scope, Key)>,
    by_scope: BTreeSet<(Scope, Moment, Key)>,
    /// How many of each scope there are, without those that have none.
    counts: BTreeMap<Scope, usize>,
    /// The latest end of what was forgotten: whether something that ends then or earlier was seen cannot be told any more.
    horizon: Moment,
}

/// How many that have ended are forgotten with each call: more than come, so that those that have ended go.
const FORGOTTEN_AT_ONCE: usize = 4;

impl MemoryReplay {
    /// Room for so many in all, and for a quarter of them in each scope. Each is at least one.
    #[must_use]
    pub fn holding(most: usize) -> Self {
        let most = most.max(1);
        Self {
            key: Zeroizing::new(random_bytes()),
            most,
            share: (most / 4).max(1),
            clock: SystemClock::shared(),
            kept: Mutex::default(),
        }
    }

    /// Room for so many in each scope, at least one.
    ///
    /// A signer of *n* requests a second, whose requests are good for *s* seconds, needs *n* × *s*. Where all shares together are more than
    /// the room in all, as many signers as it takes can fill it together.
    #[must_use]
    pub fn share(mut self, most: usize) -> Self {
        self.share = most.max(1);
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// How many are held now, with those that have ended and were not forgotten yet. For counters and tests.
    #[must_use]
    pub fn held(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).entries.len()
    }

    /// The whole of it in one step.
    fn first_now(&self, scope: &str, key: &[u8], until: SystemTime) -> First {
        let (scope, key, until) = (self.scope(scope), self.key(scope, key), moment(until));
        // What is kept is whole after each step, so that a panic elsewhere spoils nothing.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that a later look has a later time.
        let now = moment(self.clock.wall());
        kept.forget_some(now);
        if until <= now || kept.holds(key, now) {
            return First::Seen;
        }
        if until <= kept.horizon {
            let retry_after = Duration::from_nanos(kept.horizon.saturating_sub(now));
            return First::Unavailable(Unavailable::because(SetBack).retrying_after(retry_after));
        }
        let frees = kept.no_room_before(scope, self.most, self.share, now);
        if frees > now {
            return First::Full { retry_after: Duration::from_nanos(frees - now) };
        }
        kept.remember(key, scope, until);
        First::New
    }

    fn scope(&self, scope: &str) -> Scope {
        let [bits, _] = self.hash(&[scope.as_bytes()]);
        bits
    }

    fn key(&self, scope: &str, key: &[u8]) -> Key {
        self.hash(&[scope.as_bytes(), key])
    }

    fn hash(&self, parts: &[&[u8]]) -> [u64; 2] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let (mut one, mut other, mut output) = ([0; 8], [0; 8], hasher.finalize_xof());
        output.fill(&mut one);
        output.fill(&mut other);
        [u64::from_le_bytes(one), u64::from_le_bytes(other)]
    }
}

impl Kept {
    /// Whether this is held and has not ended; what has ended is forgotten.
    fn holds(&mut self, key: Key, now: Moment) -> bool {
        let Some((end, scope)) = self.entries.get(&key).copied() else { return false };
        if end <= now {
            self.forget(key, scope, end);
        }
        now < end
    }

    /// When there may be room for another of this scope; not later than now, if there is room now.
    fn no_room_before(&mut self, scope: Scope, most: usize, share: usize, now: Moment) -> Moment {
        let mut earliest = 0;
        if self.counts.get(&scope).is_some_and(|held| *held >= share) {
            let first = self.by_scope.range((scope, 0, [0; 2])..).next().copied();
            if let Some((scope, end, key)) = first {
                earliest = end;
                if end <= now {
                    self.forget(key, scope, end);
                }
            }
        }
        if self.entries.len() >= most {
            let first = self.by_end.first().copied();
            if let Some((end, scope, key)) = first {
                earliest = earliest.max(end);
                if end <= now {
                    self.forget(key, scope, end);
                }
            }
        }
        earliest
    }

    fn forget_some(&mut self, now: Moment) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.by_end.first().copied() {
                Some((end, scope, key)) if end <= now => self.forget(key, scope, end),
                _ => return,
            }
        }
    }

    fn forget(&mut self, key: Key, scope: Scope, end: Moment) {
        self.entries.remove(&key);
        self.by_end.remove(&(end, scope, key));
        self.by_scope.remove(&(scope, end, key));
        if let Entry::Occupied(mut count) = self.counts.entry(scope) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        self.horizon = self.horizon.max(end);
    }

    fn remember(&mut self, key: Key, scope: Scope, end: Moment) {
        self.entries.insert(key, (end, scope));
        self.by_end.insert((end, scope, key));
        self.by_scope.insert((scope, end, key));
        *self.counts.entry(scope).or_default() += 1;
    }
}

#[async_trait]
impl ReplayStore for MemoryReplay {
    async fn first(&self, scope: &str, key: &[u8], until: SystemTime) -> First {
        self.first_now(scope, key, until)
    }
}

impl Default for MemoryReplay {
    /// Room for 65,536, and for 16,384 in each scope.
    fn default() -> Self {
        Self::holding(65_536)
    }
}

impl fmt::Debug for MemoryReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplay")
            .field("held", &self.held())
            .field("most", &self.most)
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the clock was set back: whether this was used while it was ahead is not known any more")]
struct SetBack;

/// What is before 1970 is over in any case.
fn moment(time: SystemTime) -> Moment {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::try_from(since.as_nanos()).unwrap_or(Moment::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::ManualClock;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn replay(most: usize, share: usize) -> (MemoryReplay, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(at(1_000)));
        (MemoryReplay::holding(most).share(share).timed_by(clock.clone()), clock)
    }

    fn said(first: &First) -> String {
        match first {
            First::New => "new".into(),
            First::Seen => "seen".into(),
            First::Full { retry_after } => format!("full {}", retry_after.as_secs()),
            First::Unavailable(source) => format!("unavailable {}", source.retry_after().unwrap_or_default().as_secs()),
        }
    }

    /// Asks row by row, with the wall clock set to the first column.
    fn walk(replay: &MemoryReplay, clock: &ManualClock, rows: &[(u64, &str, &str, u64, &str)]) {
        for row in rows {
            let (now, scope, key, until, expected) = *row;
            clock.set_wall(at(now));
            assert_eq!(said(&replay.first_now(scope, key.as_bytes(), at(until))), expected, "{row:?}");
        }
    }

    #[test]
    fn what_was_used_is_seen_until_its_end_and_what_has_ended_is_never_new() {
        let (replay, clock) = replay(100, 100);
        walk(
            &replay,
            &clock,
            &[
                (1_000, "a", "n", 1_060, "new"),
                (1_000, "a", "n", 1_060, "seen"),
                (1_000, "a", "N", 1_060, "new"),
                (1_000, "a", "", 1_060, "new"),
                (1_000, "b", "n", 1_060, "new"),
                (1_000, "", "an", 1_060, "new"),
                (1_000, "an", "", 1_060, "new"),
                (1_059, "a", "n", 1_060, "seen"),
                (1_060, "a", "n", 1_060, "seen"),
                (1_060, "a", "x", 1_060, "seen"),
                (1_060, "a", "x", 999, "seen"),
                (1_060, "a", "n", 1_061, "new"),
                (1_060, "a", "n", 1_090, "seen"),
            ],
        );
        assert_eq!(replay.held(), 1);
    }

    #[test]
    fn full_is_no_answer_until_one_of_those_in_the_way_has_ended() {
        let (replay, clock) = replay(3, 2);
        walk(
            &replay,
            &clock,
            &[
                (1_000, "a", "1", 1_010, "new"),
                (1_000, "a", "2", 1_060, "new"),
                (1_000, "a", "3", 1_060, "full 10"),
                (1_000, "a", "1", 1_010, "seen"),
                (1_000, "b", "1", 1_020, "new"),
                (1_000, "b", "2", 1_060, "full 10"),
                (1_000, "c", "1", 1_060, "full 10"),
                (1_009, "c", "1", 1_060, "full 1"),
                (1_010, "c", "1", 1_060, "new"),
                (1_010, "a", "3", 1_060, "full 10"),
                (1_020, "a", "3", 1_060, "new"),
                (1_020, "b", "2", 1_060, "full 40"),
            ],
        );
    }

    #[test]
    fn nothing_is_less_than_one() {
        let (replay, clock) = replay(0, 0);
        walk(&replay, &clock, &[(1_000, "a", "1", 1_001, "new"), (1_000, "a", "2", 1_001, "full 1")]);
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing_early() {
        let (replay, clock) = replay(100, 100);
        walk(
            &replay,
            &clock,
            &[
                (1_000, "a", "1", 1_060, "new"),
                (1_000, "a", "2", 1_070, "new"),
                (940, "a", "1", 1_060, "seen"),
                // An hour ahead, and back again: whether "1" was there is not known any more.
                (4_600, "a", "3", 4_660, "new"),
                (1_010, "a", "1", 1_060, "unavailable 60"),
                (1_010, "a", "2", 1_070, "unavailable 60"),
                (1_010, "b", "4", 1_070, "unavailable 60"),
                // What ends later than all that was forgotten is told apart as ever.
                (1_010, "a", "4", 1_071, "new"),
                (1_011, "a", "4", 1_071, "seen"),
                (1_011, "a", "3", 4_660, "seen"),
            ],
        );
    }

    #[test]
    fn what_is_held_is_counted_once_everywhere() {
        let (replay, clock) = replay(100, 10);
        for number in 0..1_000_u64 {
            clock.set_wall(at(1_000 + number));
            let scope = (number % 7).to_string();
            let _ = replay.first_now(&scope, &number.to_le_bytes(), at(1_000 + number + 1 + number % 50));
            let kept = replay.kept.lock().unwrap();
            let held = kept.entries.len();
            assert_eq!((held, held), (kept.by_end.len(), kept.by_scope.len()));
            assert_eq!(held, kept.counts.values().sum::<usize>());
            assert!(kept.counts.values().all(|count| (1..=10).contains(count)));
        }
    }

    #[test]
    fn no_nonce_and_no_key_prints() {
        // L1
        let (replay, _) = replay(100, 10);
        assert!(matches!(replay.first_now("a scope", b"a nonce", at(2_000)), First::New));
        assert_eq!(format!("{replay:?}"), "MemoryReplay { held: 1, most: 100, share: 10, .. }");
    }
}
