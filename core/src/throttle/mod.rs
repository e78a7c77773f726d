//! Too many wrong passwords: [`Throttle`].
//!
//! Three rules, each over the last minute ([`ThrottleLimits`] sets other numbers):
//! - five wrong passwords for one name from one address: the pair is refused, even with the right password, until the minute
//!   is over;
//! - a hundred for one name from anywhere: one try a second is let through for the name and the others are refused, but not
//!   those from an address where that name signed in within the last day;
//! - fifty from one address, whatever the names: the address is refused.
//!
//! A try is counted **before** its password is verified and given back unless it is refused, so that tries in parallel are
//! counted exactly: a thousand at once let five through. A name need not exist to be counted. IPv6 addresses count by their
//! /64, IPv4-mapped ones as IPv4. Names are counted under one spelling (Unicode's compatibility caseless matching, without outer
//! blanks), whatever the store thinks of them, and held as keyed hashes only.
//!
//! # Example
//! ```
//! use std::net::IpAddr;
//! use countersign::throttle::Throttle;
//!
//! let throttle = Throttle::default();
//! let emily = throttle.account("emily");
//! let address: Option<IpAddr> = "192.0.2.7".parse().ok();
//! for _ in 0..5 {
//!     throttle.enter_now(emily, address).expect("within the budget").refused();
//! }
//! let refusal = throttle.enter_now(emily, address).unwrap_err();
//! assert_eq!(refusal.whole_seconds(), 60);
//! let elsewhere: Option<IpAddr> = "192.0.2.8".parse().ok();
//! throttle.enter_now(emily, elsewhere).expect("the owner, elsewhere").succeeded();
//! ```
//!
//! # What it does not do
//! It counts in this process: behind several copies of a service, a guesser has a budget at each, unless they
//! [count together](Throttle::counting_with).
//!
//! # Deployment
//! The rules stand on the caller's address. Behind a proxy that is not declared as trusted, all callers share the proxy's
//! address, and fifty wrong passwords of anyone refuse everyone; so do callers without any address (Unix sockets), who count
//! as one.
//!
//! # Why
//! Memory is bounded, and who fills it must gain nothing by it, neither a guess nor somebody else's refusal. So no row makes way before
//! what it counts has ended, and what finds no room is counted more coarsely rather than refused or let through:
//! - a pair without room is left to the rules for its name and its address;
//! - an address without room counts under the network around it: the /24 or /56 with ten times the budget, then the /16 or /48 and the
//!   /8 or /32 with ten times that each;
//! - a name without room counts in a cell together with other names. A hot cell lets one try a second through. So whatever others do,
//!   a hundred wrong passwords and one a second are all that are verified for a name from addresses that it does not know, and a name
//!   that nobody guesses at waits a second at most, and only beside one that somebody does.
//!
//! Full tables cost what empty ones do: no step looks at more than a few rows.

mod account;
mod attempt;
#[cfg(test)]
mod churn;
mod common;
mod count;
mod limits;
mod names;
mod network;
mod network_memory;
mod rules;
mod sketch;
mod table;
mod wider;

use std::{
    array, fmt,
    future::{Future, poll_fn},
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::sync::Notify;

pub use self::{
    account::Account,
    attempt::{CannotEnter, RetryAfter, Try},
    common::{Budgets, CommonCount, CommonTry, Ended, Entered, LockOuts},
    limits::ThrottleLimits,
};
use self::{
    attempt::Rule,
    common::Common,
    count::Exact,
    names::{NameRules, Names},
    network::Network,
    rules::{Places, Then},
    table::Table,
    wider::Wider,
};
use crate::{clock::SharedClock, secret::random::random_bytes};

/// Counts wrong passwords, and says when it is enough. Clones count together. See the [module](self).
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

const SHARDS: usize = 16;

/// How long a try waits for those of other copies that run.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often it looks meanwhile.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

struct Inner {
    key: [u8; 32],
    /// Has read the key.
    shards: DefaultHasher,
    clock: SharedClock,
    // Always locked in this order, and of each no more than one.
    names: [Shard<Names>; SHARDS],
    addresses: [Shard<Table<Network, Exact>>; SHARDS],
    /// Asked only for addresses that have no room.
    wider: Shard<Wider>,
    common: Option<Common>,
}

struct Shard<T> {
    counts: Mutex<T>,
    /// Told whenever a place is given back or spent.
    freed: Notify,
}

impl Throttle {
    /// A throttle with these limits.
    #[must_use]
    pub fn new(limits: &ThrottleLimits) -> Self {
        Self::keyed(limits, random_bytes(), None)
    }

    /// A throttle with these limits that counts together with other copies of the service, all of which say the same.
    ///
    /// A try takes its place in the common count before its verifier is called; without an answer none is called. What is known
    /// already is judged by what this copy was told of, and waits for nobody. Tries are begun by [`enter`](Self::enter) alone: there is always
    /// something to wait for.
    #[must_use]
    pub fn counting_with(limits: &ThrottleLimits, count: Arc<dyn CommonCount>) -> Self {
        let common = Common::of(count, limits);
        // Names have one spelling on all copies, so that whoever chooses them knows where they are counted here. Nothing is gained by that:
        // whom a full cell would hold up, a hundred wrong passwords for the name do too. And what the common count says of a name, which
        // knows all addresses where it signed in, is not judged once more by what this copy alone knows.
        let key = blake3::derive_key("countersign common throttle v1", b"");
        Self::keyed(&limits.clone().per_name(u32::MAX), key, Some(common))
    }

    /// The key decides where names and addresses are counted; nobody else may know it.
    fn keyed(limits: &ThrottleLimits, key: [u8; 32], common: Option<Common>) -> Self {
        let mut shards = DefaultHasher::new();
        // Addresses are counted elsewhere on each copy.
        shards.write(&if common.is_some() { random_bytes() } else { key });
        let window = nanoseconds(limits.window);
        let rules = NameRules {
            rows: limits.rows / SHARDS,
            per_pair: limits.per_pair,
            per_name: limits.per_name,
            window,
            trickle: nanoseconds(limits.trickle),
            known_names: limits.known_names / SHARDS,
            known_for: nanoseconds(limits.known_for),
        };
        let addresses = |_| Shard::new(Table::new(limits.rows / SHARDS, limits.per_address, window));
        Self(Arc::new(Inner {
            key,
            shards,
            clock: Arc::clone(&limits.clock),
            names: array::from_fn(|_| Shard::new(Names::new(rules.clone()))),
            addresses: array::from_fn(addresses),
            wider: Shard::new(Wider::new(limits.rows, limits.per_address, window)),
            common,
        }))
    }

    /// Under what tries with this name are counted, whether there is such a name or not.
    #[must_use]
    pub fn account(&self, name: &str) -> Account {
        Account::of(name, &self.0.key)
    }

    /// Begins a try, to be called before the password is verified.
    ///
    /// # Errors
    /// When the try must not be verified now, whatever its password. Where only tries that still run stand in the way,
    /// [`enter`](Self::enter) waits for them, and so it does where copies count together.
    pub fn enter_now(&self, account: Account, address: Option<IpAddr>) -> Result<Try, RetryAfter> {
        let network = Network::of(address);
        if let Some(common) = &self.0.common {
            let one = common.one(account, network);
            let full = one.pair.into_iter().chain([one.address]).filter_map(|row| common.lock_outs.left(row)).max();
            let undecided = RetryAfter { after: Duration::from_secs(1), undecided: true, rule: Rule::Common };
            return Err(full.map_or(undecided, |after| RetryAfter { after, undecided: false, rule: Rule::Common }));
        }
        self.enter_here(account, network)
    }

    fn enter_here(&self, account: Account, network: Network) -> Result<Try, RetryAfter> {
        let places = self.judge(account, network, Then::Counts)?;
        Ok(Try { throttle: self.clone(), network, places, wrong: false, common: None })
    }

    /// Begins a try as soon as the tries that run have left a place: for many requests at once of a client that knows its
    /// password, such as a browser's. Dropping the future is harmless.
    ///
    /// # Errors
    /// When the try must not be verified, however those that run end; or when copies count together and nobody knows.
    pub async fn enter(&self, account: Account, address: Option<IpAddr>) -> Result<Try, CannotEnter> {
        let mut attempt = self.wait_here(account, address).await?;
        let Some(common) = &self.0.common else { return Ok(attempt) };
        let (one, began) = (common.one(account, attempt.network), tokio::time::Instant::now());
        // Already now: whoever leaves while it is begun gives it back.
        attempt.common = Some(Box::new((common.clone(), one.clone())));
        loop {
            match common.count.enter(&one, &common.budgets).await {
                Ok(Entered::Now) => return Ok(attempt),
                Ok(Entered::Full { after }) => {
                    // A copy that was not there when it was told of would let in what it knows already.
                    common.lock_outs.tell(one.pair.unwrap_or(one.address), after);
                    return Err(CannotEnter::Later(RetryAfter { after, undecided: false, rule: Rule::Common }));
                }
                Ok(Entered::Undecided) if began.elapsed() < LONGEST_WAIT => tokio::time::sleep(BETWEEN_LOOKS).await,
                Ok(Entered::Undecided) => {
                    return Err(CannotEnter::Later(RetryAfter {
                        after: Duration::from_secs(1),
                        undecided: true,
                        rule: Rule::Common,
                    }));
                }
                Err(source) => return Err(CannotEnter::Unavailable(source)),
            }
        }
    }

    /// Waits for a place in what this process counts.
    async fn wait_here(&self, account: Account, address: Option<IpAddr>) -> Result<Try, RetryAfter> {
        let names = &self.0.names_of(account.0.unwrap_or_default()).freed;
        let addresses = &self.0.addresses_of(Network::of(address)).freed;
        let wider = &self.0.wider.freed;
        loop {
            let (mut by_name, mut by_address) = (pin!(names.notified()), pin!(addresses.notified()));
            let mut by_wider = pin!(wider.notified());
            // Listening before looking: a place that is freed in between is not missed.
            by_name.as_mut().enable();
            by_address.as_mut().enable();
            by_wider.as_mut().enable();
            match self.enter_here(account, Network::of(address)) {
                Err(later) if later.undecided => {}
                decided => return decided,
            }
            poll_fn(|context| {
                let freed = by_name.as_mut().poll(context).is_ready()
                    | by_address.as_mut().poll(context).is_ready()
                    | by_wider.as_mut().poll(context).is_ready();
                if freed { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }

    /// A try whose password is known to be right already, from a cache: it passes the same rules, in one step, and holds no
    /// place that another request could find taken.
    ///
    /// # Errors
    /// As [`enter_now`](Self::enter_now). The answer from the cache must then not be used.
    pub fn locked_now(&self, account: Account, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        let network = Network::of(address);
        if let Some(common) = &self.0.common {
            self.locked_elsewhere(common, account, network)?;
        }
        self.judge(account, network, Then::IsRight).map(drop)
    }

    /// Whether other copies told that one of these rows is full.
    fn locked_elsewhere(&self, common: &Common, account: Account, network: Network) -> Result<(), RetryAfter> {
        if common.lock_outs.is_empty() {
            return Ok(());
        }
        let one = common.one(account, network);
        let mut full = one.pair.into_iter().chain([one.address]).filter_map(|row| common.lock_outs.left(row)).max();
        if let (Some(account), Some(name)) = (account.0, one.name)
            && full.is_none()
            && !self.0.names_of(account).lock().knows(account, network, self.now())
        {
            full = common.lock_outs.turn(name, common.budgets.trickle);
        }
        full.map_or(Ok(()), |after| Err(RetryAfter { after, undecided: false, rule: Rule::Common }))
    }

    /// How many names, addresses, pairs of both, and networks around addresses are counted now, together: at most six times
    /// [`ThrottleLimits::rows`]. For counters and tests; it locks all there is, one part after the other.
    #[must_use]
    pub fn rows(&self) -> usize {
        let names = self.0.names.iter().map(|shard| shard.lock().len());
        let addresses = self.0.addresses.iter().map(|shard| shard.lock().len());
        names.sum::<usize>() + addresses.sum::<usize>() + self.0.wider.lock().len()
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    fn now(&self) -> u64 {
        nanoseconds(self.0.clock.monotonic())
    }
}

impl Inner {
    fn names_of(&self, account: u128) -> &Shard<Names> {
        // The account is a keyed hash: nobody chooses a shard.
        let [first, ..] = &self.names;
        self.names.get((account % SHARDS as u128) as usize).unwrap_or(first)
    }

    fn addresses_of(&self, network: Network) -> &Shard<Table<Network, Exact>> {
        // Keyed, as accounts are: addresses are the caller's to choose.
        let mut hasher = self.shards.clone();
        network.hash(&mut hasher);
        let [first, ..] = &self.addresses;
        self.addresses.get((hasher.finish() % SHARDS as u64) as usize).unwrap_or(first)
    }
}

impl<T> Shard<T> {
    fn new(counts: T) -> Self {
        Self { counts: Mutex::new(counts), freed: Notify::new() }
    }

    /// Counts are whole after each step, so that a panic elsewhere spoils none.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Throttle {
    /// With the default limits.
    fn default() -> Self {
        Self::new(&ThrottleLimits::default())
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Throttle(..)")
    }
}

/// 584 years fit.
fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
