//! Tries that several copies of a service count together: [`CommonCount`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{Account, ThrottleLimits, nanoseconds, network::Network};
use crate::{clock::SharedClock, secret::random::random_bytes, unavailable::Unavailable};

/// Counts tries for all copies of a service, by the rules of a [throttle](super).
///
/// A try takes its place here **before** its verifier is called, and gives it back unless it is refused, so that tries in parallel are counted
/// exactly, on however many copies they run. Without an answer no verifier is called.
///
/// # What a count must do
/// - [`enter`](Self::enter) is one step over all rows: of a thousand at once, as many pass as the budgets allow.
/// - What was refused counts for the window, by one clock, whichever copy it was. What never ended counts as refused, when it ran far longer
///   than any verification may.
/// - When a row is full, every copy is told soon, by its [`LockOuts`].
#[async_trait]
pub trait CommonCount: fmt::Debug + Send + Sync + 'static {
    /// Begins a try in each of these rows, or in none.
    ///
    /// # Errors
    /// When it cannot be found out. Nobody knows then whether the try has begun: [`leave`](Self::leave) is called for it all the same.
    async fn enter(&self, one: &CommonTry, budgets: &Budgets) -> Result<Entered, Unavailable>;

    /// Ends a try, begun or not. Said twice, it changes nothing.
    ///
    /// # Errors
    /// When it cannot be written down.
    async fn leave(&self, one: &CommonTry, budgets: &Budgets, ended: Ended) -> Result<(), Unavailable>;

    /// Where this copy is to be told of rows that are full. Called once, before anything else.
    fn tell(&self, lock_outs: LockOuts);
}

/// A try as all copies know it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a count that passes over a row must not compile: it is a limit")]
pub struct CommonTry {
    /// Which try it is: 128 random bits.
    pub ticket: u128,
    /// The row of its name and address together, if it has a name.
    pub pair: Option<u128>,
    /// The row of its name, if it has one.
    pub name: Option<u128>,
    /// The row of its address.
    pub address: u128,
}

/// How many wrong tries are too many, and for how long: see [`ThrottleLimits`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a count that passes over a budget must not compile: it is a limit")]
pub struct Budgets {
    /// Of a name and an address together.
    pub pair: u32,
    /// Of a name. Beyond it, one try in a [`trickle`](Self::trickle) passes, and those from addresses where it is known.
    pub name: u32,
    /// Of an address.
    pub address: u32,
    /// How long a wrong try counts.
    pub window: Duration,
    /// How often a try passes for a name that is over its budget.
    pub trickle: Duration,
    /// How long a name is known at an address where it signed in.
    pub known_for: Duration,
}

/// What became of beginning a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a count that says something else must not be taken for one that says yes")]
pub enum Entered {
    /// It has its places.
    Now,
    /// A row is full, for so long.
    Full {
        /// How long until there is room.
        after: Duration,
    },
    /// Tries that still run are in the way.
    Undecided,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "wrong, right and neither are all there is")]
pub enum Ended {
    /// The password was wrong.
    Refused,
    /// It was right.
    Right,
    /// It was not judged.
    GivenBack,
}

/// This copy's table of full rows: what is known already asks it, and waits for nobody. Clones are one table.
#[derive(Clone)]
pub struct LockOuts(Arc<Kept>);

struct Kept {
    rows: Mutex<Rows>,
    clock: SharedClock,
}

#[derive(Default)]
struct Rows {
    full: HashMap<u128, LockOut>,
    /// When those that had ended went.
    swept: u64,
}

#[derive(Clone, Copy)]
struct LockOut {
    until: u64,
    /// When the next try passes, of a name.
    turn: u64,
}

/// How many rows are held. Where there are more, tries that must be verified are refused by the common count all the same.
const MOST: usize = 131_072;

/// Nanoseconds from one look through all rows to the next.
const BETWEEN_SWEEPS: u64 = 1_000_000_000;

impl LockOuts {
    pub(super) fn timed_by(clock: &SharedClock) -> Self {
        Self(Arc::new(Kept { rows: Mutex::default(), clock: Arc::clone(clock) }))
    }

    /// This row is full for so long from now on.
    pub fn tell(&self, row: u128, lasts: Duration) {
        let now = self.now();
        let mut rows = self.rows();
        // Now and then, so that what has ended goes; and not with each row of a full table.
        let is_due = rows.full.len() >= MOST || rows.full.len().is_power_of_two();
        if is_due && now >= rows.swept.saturating_add(BETWEEN_SWEEPS) {
            rows.full.retain(|_, known| now < known.until);
            rows.swept = now;
        }
        if rows.full.len() < MOST || rows.full.contains_key(&row) {
            let known = rows.full.entry(row).or_insert(LockOut { until: 0, turn: 0 });
            known.until = known.until.max(now.saturating_add(nanoseconds(lasts)));
        }
    }

    /// Whether nothing is full, as far as that is seen at a glance.
    pub(super) fn is_empty(&self) -> bool {
        self.rows().full.is_empty()
    }

    /// For how long this row is full.
    pub(super) fn left(&self, row: u128) -> Option<Duration> {
        let now = self.now();
        let until = self.rows().full.get(&row)?.until;
        (now < until).then(|| Duration::from_nanos(until - now))
    }

    /// How long it is until a try passes in a row that lets one through in each `trickle`; one that passes takes its turn.
    pub(super) fn turn(&self, row: u128, trickle: Duration) -> Option<Duration> {
        let now = self.now();
        let mut rows = self.rows();
        let known = rows.full.get_mut(&row).filter(|known| now < known.until)?;
        if now < known.turn {
            return Some(Duration::from_nanos(known.turn - now));
        }
        known.turn = now.saturating_add(nanoseconds(trickle));
        None
    }

    fn now(&self) -> u64 {
        nanoseconds(self.0.clock.monotonic())
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LockOuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockOuts").field("rows", &self.rows().full.len()).finish()
    }
}

/// What a throttle has that counts with others.
#[derive(Debug, Clone)]
pub(super) struct Common {
    pub(super) count: Arc<dyn CommonCount>,
    pub(super) lock_outs: LockOuts,
    pub(super) budgets: Budgets,
}

impl Common {
    pub(super) fn of(count: Arc<dyn CommonCount>, limits: &ThrottleLimits) -> Self {
        let lock_outs = LockOuts::timed_by(&limits.clock);
        count.tell(lock_outs.clone());
        let budgets = Budgets {
            pair: limits.per_pair,
            name: limits.per_name,
            address: limits.per_address,
            window: limits.window,
            trickle: limits.trickle,
            known_for: limits.known_for,
        };
        Self { count, lock_outs, budgets }
    }

    /// A new try of this name from there.
    pub(super) fn one(&self, account: Account, network: Network) -> CommonTry {
        let address = network.to_bytes();
        let named = |label: &str, parts: &[&[u8]]| account.0.map(|account| row(label, &account.to_le_bytes(), parts));
        CommonTry {
            ticket: u128::from_le_bytes(random_bytes()),
            pair: named("pair", &[&address]),
            name: named("name", &[]),
            address: row("address", &address, &[]),
        }
    }
}

/// A hash of what a row counts, the same on every copy.
fn row(label: &str, first: &[u8], others: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new_derive_key("countersign common count v1");
    for part in [label.as_bytes(), first].iter().chain(others) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut bits = [0; 16];
    hasher.finalize_xof().fill(&mut bits);
    u128::from_le_bytes(bits)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        time::{Duration, SystemTime},
    };

    use super::*;
    use crate::{
        testing::ManualClock,
        throttle::{CannotEnter, Throttle},
    };

    /// A count in this process, which can be cut off.
    #[derive(Debug, Default)]
    struct Count {
        state: Mutex<State>,
        told: Mutex<Vec<LockOuts>>,
    }

    #[derive(Debug, Default)]
    struct State {
        wrong: BTreeMap<u128, u32>,
        running: Vec<CommonTry>,
        is_cut: bool,
        entered: u32,
    }

    impl Count {
        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap()
        }
    }

    #[async_trait]
    impl CommonCount for Count {
        async fn enter(&self, one: &CommonTry, budgets: &Budgets) -> Result<Entered, Unavailable> {
            let mut state = self.state();
            if state.is_cut {
                return Err(Unavailable::because("cut"));
            }
            let wrong = one.pair.and_then(|pair| state.wrong.get(&pair)).copied().unwrap_or(0);
            let running = state.running.iter().filter(|other| other.pair == one.pair).count() as u32;
            if wrong >= budgets.pair {
                return Ok(Entered::Full { after: budgets.window });
            }
            if wrong + running >= budgets.pair {
                return Ok(Entered::Undecided);
            }
            state.running.push(one.clone());
            state.entered += 1;
            Ok(Entered::Now)
        }

        async fn leave(&self, one: &CommonTry, budgets: &Budgets, ended: Ended) -> Result<(), Unavailable> {
            let mut state = self.state();
            state.running.retain(|other| other.ticket != one.ticket);
            if let (Ended::Refused, Some(pair)) = (ended, one.pair) {
                let wrong = state.wrong.entry(pair).or_default();
                *wrong += 1;
                if *wrong >= budgets.pair {
                    self.told.lock().unwrap().iter().for_each(|told| told.tell(pair, budgets.window));
                }
            }
            Ok(())
        }

        fn tell(&self, lock_outs: LockOuts) {
            self.told.lock().unwrap().push(lock_outs);
        }
    }

    fn copies() -> (Arc<Count>, Arc<ManualClock>, [Throttle; 2]) {
        let (count, clock) = (Arc::new(Count::default()), Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH)));
        let limits = ThrottleLimits::default().timed_by(clock.clone());
        let copies = [(); 2].map(|()| Throttle::counting_with(&limits, Arc::clone(&count) as _));
        (count, clock, copies)
    }

    #[tokio::test]
    async fn copies_have_one_budget_and_hits_are_told_of_it() {
        let (_, clock, [one, other]) = copies();
        let address = Some([192, 0, 2, 7].into());
        let elsewhere = Some([192, 0, 2, 8].into());
        assert_eq!(one.account("Emily"), other.account("emily"));
        let emily = one.account("emily");
        for number in 0..5 {
            let copy = if number % 2 == 0 { &one } else { &other };
            assert!(copy.locked_now(emily, address).is_ok());
            assert!(copy.enter_now(emily, address).unwrap_err().is_undecided(), "there is always somebody to ask");
            copy.enter(emily, address).await.unwrap().refused_everywhere().await;
        }
        for copy in [&one, &other] {
            assert_eq!(copy.locked_now(emily, address).unwrap_err().whole_seconds(), 60);
            assert!(!copy.enter_now(emily, address).unwrap_err().is_undecided());
            assert!(
                matches!(copy.enter(emily, address).await, Err(CannotEnter::Later(later)) if later.whole_seconds() == 60)
            );
            assert!(copy.locked_now(emily, elsewhere).is_ok());
            copy.enter(emily, elsewhere).await.unwrap().succeeded_everywhere().await;
        }
        clock.advance(Duration::from_secs(60));
        assert!(one.locked_now(emily, address).is_ok() && other.locked_now(emily, address).is_ok());
    }

    #[tokio::test]
    async fn without_the_count_nobody_is_tried_and_every_place_is_given_back() {
        let (count, _, [one, other]) = copies();
        let (emily, address) = (one.account("emily"), Some([192, 0, 2, 7].into()));
        count.state().is_cut = true;
        for _ in 0..20 {
            assert!(matches!(one.enter(emily, address).await, Err(CannotEnter::Unavailable(_))));
        }
        count.state().is_cut = false;
        let held: Vec<_> = {
            let mut held = Vec::new();
            for _ in 0..5 {
                held.push(one.enter(emily, address).await.unwrap());
            }
            held
        };
        // The sixth waits on the other copy until one of them is given back.
        let waits = tokio::spawn({
            let other = other.clone();
            async move { other.enter(emily, address).await.map(drop).is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(!waits.is_finished());
        drop(held);
        assert!(waits.await.unwrap());
        while !count.state().running.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(count.state().entered, 6);
    }

    #[tokio::test]
    async fn a_copy_that_comes_later_learns_of_a_full_row_by_its_first_refusal() {
        let (count, clock, [one, _]) = copies();
        let (emily, emma) = (one.account("emily"), one.account("emma"));
        let [address, elsewhere] = [7, 8].map(|last| Some([192, 0, 2, last].into()));
        for _ in 0..5 {
            one.enter(emily, address).await.unwrap().refused_everywhere().await;
        }
        let limits = ThrottleLimits::default().timed_by(clock.clone());
        let late = Throttle::counting_with(&limits, count as _);
        assert!(late.locked_now(emily, address).is_ok(), "nobody has told it");
        clock.advance(Duration::from_secs(10));
        assert!(matches!(late.enter(emily, address).await, Err(CannotEnter::Later(_))));
        assert!(late.locked_now(emily, address).is_err(), "a right password is no better than a wrong one");
        assert!(late.locked_now(emily, elsewhere).is_ok() && late.locked_now(emma, address).is_ok());
        clock.advance(Duration::from_secs(60));
        assert!(late.locked_now(emily, address).is_ok());
    }

    #[test]
    fn a_full_table_of_lock_outs_is_not_looked_through_with_each_row() {
        let manual = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let clock: SharedClock = manual.clone();
        let table = LockOuts::timed_by(&clock);
        manual.advance(Duration::from_secs(1));
        for row in 0..2 * MOST as u128 {
            table.tell(row, Duration::from_secs(60));
        }
        let held = |table: &LockOuts| table.rows().full.len();
        assert_eq!((held(&table), table.left(MOST as u128)), (MOST, None));
        // What is there may last longer all the same, and what has ended makes room.
        table.tell(7, Duration::from_secs(90));
        manual.advance(Duration::from_secs(60));
        table.tell(MOST as u128, Duration::from_secs(60));
        assert_eq!((held(&table), table.left(7)), (2, Some(Duration::from_secs(30))));
    }

    #[test]
    fn rows_are_the_same_on_every_copy_and_apart() {
        let (_, _, [one, other]) = copies();
        let tries = [&one, &other].map(|copy| {
            let common = copy.0.common.as_ref().unwrap();
            let of = |name: &str, last| common.one(copy.account(name), Network::of(Some([192, 0, 2, last].into())));
            [of("emily", 1), of("emily", 2), of("emma", 1)]
        });
        let [[a, b, c], others] = tries;
        for (mine, theirs) in [&a, &b, &c].into_iter().zip(&others) {
            assert_eq!((mine.pair, mine.name, mine.address), (theirs.pair, theirs.name, theirs.address));
        }
        assert!(a.name == b.name && a.name != c.name && a.address == c.address && a.address != b.address);
        assert!(a.pair != b.pair && a.pair != c.pair);
    }

    #[test]
    fn a_full_name_lets_one_try_through_in_a_second() {
        let clock: SharedClock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let table = LockOuts::timed_by(&clock);
        let trickle = Duration::from_secs(1);
        assert_eq!(table.turn(7, trickle), None, "nothing is full");
        table.tell(7, Duration::from_secs(60));
        assert_eq!((table.turn(7, trickle), table.turn(7, trickle)), (None, Some(trickle)));
        assert_eq!((table.left(7), table.left(8)), (Some(Duration::from_secs(60)), None));
    }
}
