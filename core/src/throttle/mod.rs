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
//! /64, IPv4-mapped ones as IPv4. Names are counted without regard to case and outer blanks, whatever the store thinks of
//! them, and held as keyed hashes only.
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
//! It counts in this process: behind several copies of a service, a guesser has a budget at each.
//!
//! # Deployment
//! The rules stand on the caller's address. Behind a proxy that is not declared as trusted, all callers share the proxy's
//! address, and fifty wrong passwords of anyone refuse everyone; so do callers without any address (Unix sockets), who count
//! as one.
//!
//! # Why
//! Memory is bounded, and who fills it must not be rewarded: a new key makes the row with the fewest wrong tries go, never
//! one that is spent. Where all rows are spent, newcomers share one try a second; known addresses are still let through, and
//! counted by the other rules.

mod attempt;
mod limits;
mod network;
mod network_memory;
mod table;

use std::{
    array, fmt,
    future::{Future, poll_fn},
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::sync::Notify;

pub use self::{
    attempt::{RetryAfter, Try},
    limits::ThrottleLimits,
};
use self::{
    network::Network,
    network_memory::NetworkMemory,
    table::{Standing, Table},
};
use crate::{clock::SharedClock, secret::random::random_bytes};

/// Counts wrong passwords, and says when it is enough. Clones count together. See the [module](self).
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

/// Under which name tries are counted: a hash of it, keyed by the throttle that made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account(u128);

const SHARDS: usize = 16;

struct Inner {
    key: [u8; 32],
    shards: RandomState,
    clock: SharedClock,
    trickle: u64,
    // Always locked in this order.
    names: [Shard<Names>; SHARDS],
    addresses: [Shard<Table<Network>>; SHARDS],
}

struct Shard<T> {
    counts: Mutex<T>,
    /// Told whenever a place is given back or spent.
    freed: Notify,
}

/// What is counted of the names of one shard.
struct Names {
    pairs: Table<(u128, Network)>,
    names: Table<u128>,
    known: NetworkMemory,
}

impl Throttle {
    /// A throttle with these limits.
    #[must_use]
    pub fn new(limits: &ThrottleLimits) -> Self {
        let rows = limits.rows / SHARDS;
        let window = nanoseconds(limits.window);
        let names = || Names {
            pairs: Table::new(rows, limits.per_pair, window),
            names: Table::new(rows, limits.per_name, window),
            known: NetworkMemory::new(limits.known_names / SHARDS, nanoseconds(limits.known_for)),
        };
        Self(Arc::new(Inner {
            key: random_bytes(),
            shards: RandomState::new(),
            clock: Arc::clone(&limits.clock),
            trickle: nanoseconds(limits.trickle),
            names: array::from_fn(|_| Shard::new(names())),
            addresses: array::from_fn(|_| Shard::new(Table::new(rows, limits.per_address, window))),
        }))
    }

    /// Under what tries with this name are counted, whether there is such a name or not.
    #[must_use]
    pub fn account(&self, name: &str) -> Account {
        let mut hasher = blake3::Hasher::new_keyed(&self.0.key);
        let mut buffer = [0; 4];
        for character in name.trim().chars().flat_map(char::to_lowercase) {
            hasher.update(character.encode_utf8(&mut buffer).as_bytes());
        }
        let mut bits = [0; 16];
        hasher.finalize_xof().fill(&mut bits);
        Account(u128::from_le_bytes(bits))
    }

    /// Begins a try, to be called before the password is verified.
    ///
    /// # Errors
    /// When the try must not be verified now, whatever its password. Where only tries that still run stand in the way,
    /// [`enter`](Self::enter) waits for them.
    pub fn enter_now(&self, account: Account, address: Option<IpAddr>) -> Result<Try, RetryAfter> {
        let (account, network) = (account.0, Network::of(address));
        let places = self.judge(account, network, |names, addresses, places| {
            let [pair, name, address] = places;
            if pair {
                names.pairs.take((account, network));
            }
            if name {
                names.names.take(account);
            }
            if address {
                addresses.take(network);
            }
        })?;
        Ok(Try { throttle: self.clone(), account, network, places, wrong: false })
    }

    /// Begins a try as soon as the tries that run have left a place: for many requests at once of a client that knows its
    /// password, such as a browser's. Dropping the future is harmless.
    ///
    /// # Errors
    /// When the try must not be verified, however those that run end.
    pub async fn enter(&self, account: Account, address: Option<IpAddr>) -> Result<Try, RetryAfter> {
        let names = &self.0.names_of(account.0).freed;
        let addresses = &self.0.addresses_of(Network::of(address)).freed;
        loop {
            let (mut by_name, mut by_address) = (pin!(names.notified()), pin!(addresses.notified()));
            // Listening before looking: a place that is freed in between is not missed.
            by_name.as_mut().enable();
            by_address.as_mut().enable();
            match self.enter_now(account, address) {
                Err(later) if later.undecided => {}
                decided => return decided,
            }
            poll_fn(|context| {
                let freed = by_name.as_mut().poll(context).is_ready() | by_address.as_mut().poll(context).is_ready();
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
        let (account, network, now) = (account.0, Network::of(address), self.now());
        self.judge(account, network, |names, _, _| names.known.remember(account, network, now)).map(drop)
    }

    /// How many names, addresses and pairs of both are counted now, together: at most three times
    /// [`ThrottleLimits::rows`]. For counters and tests; it locks all there is, one part after the other.
    #[must_use]
    pub fn rows(&self) -> usize {
        let names = self.0.names.iter().map(|shard| shard.lock()).map(|names| names.pairs.len() + names.names.len());
        let addresses = self.0.addresses.iter().map(|shard| shard.lock().len());
        names.sum::<usize>() + addresses.sum::<usize>()
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// Applies the rules, and calls `commit` under the lock if they let the try through: with which of the pair, the name and
    /// the address have room to count it.
    fn judge(
        &self,
        account: u128,
        network: Network,
        commit: impl FnOnce(&mut Names, &mut Table<Network>, [bool; 3]),
    ) -> Result<[bool; 3], RetryAfter> {
        let trickle = self.0.trickle;
        let mut names = self.0.names_of(account).lock();
        let mut addresses = self.0.addresses_of(network).lock();
        // Read under the locks, so that a later look has a later time.
        let now = self.now();

        let known = names.known.holds(account, network, now);
        let pair = names.pairs.standing((account, network), now);
        let address = addresses.standing(network, now);
        let name = if known { Standing::Free } else { names.names.standing(account, now) };
        let takes_turn = matches!(name, Standing::Spent(_));
        let name = if takes_turn { Standing::Spent(names.names.next_turn(account, trickle, now)) } else { name };
        // A turn that is due is no obstacle.
        let obstacles = [pair, name, address].map(|standing| match standing {
            Standing::Spent(until) => (until.saturating_sub(now), false),
            Standing::Undecided => (0, true),
            Standing::Free => (0, false),
        });
        let spent = obstacles.iter().map(|(wait, _)| *wait).max().unwrap_or(0);
        if spent > 0 {
            return Err(RetryAfter { after: Duration::from_nanos(spent), undecided: false });
        }
        if obstacles.iter().any(|(_, undecided)| *undecided) {
            return Err(RetryAfter { after: Duration::from_secs(1), undecided: true });
        }

        let places = [
            names.pairs.has_room((account, network), now),
            names.names.has_room(account, now),
            addresses.has_room(network, now),
        ];
        let [pair, name, address] = places;
        // Who has no room to be counted takes turns with all others who have none: fail closed, but not for good.
        let (pair_crowded, name_crowded) = (!pair && !known, !name && !known);
        let turns = [
            pair_crowded.then(|| names.pairs.next_crowded(trickle, now)),
            name_crowded.then(|| names.names.next_crowded(trickle, now)),
            (!address).then(|| addresses.next_crowded(trickle, now)),
        ];
        let wait = turns.iter().flatten().max().map_or(0, |turn| turn.saturating_sub(now));
        if wait > 0 {
            return Err(RetryAfter { after: Duration::from_nanos(wait), undecided: false });
        }
        if pair_crowded {
            names.pairs.take_crowded(now);
        }
        if name_crowded {
            names.names.take_crowded(now);
        }
        if !address {
            addresses.take_crowded(now);
        }
        if takes_turn {
            names.names.take_turn(account, now);
        }
        commit(&mut names, &mut addresses, places);
        Ok(places)
    }

    fn leave(&self, left: &Try) {
        let (account, network, [pair, name, address]) = (left.account, left.network, left.places);
        let (by_name, by_address) = (self.0.names_of(account), self.0.addresses_of(network));
        {
            let (mut names, mut addresses) = (by_name.lock(), by_address.lock());
            let now = self.now();
            if pair {
                names.pairs.give_back((account, network), left.wrong, now);
            }
            if name {
                names.names.give_back(account, left.wrong, now);
            }
            if address {
                addresses.give_back(network, left.wrong, now);
            }
        }
        by_name.freed.notify_waiters();
        by_address.freed.notify_waiters();
    }

    fn remember(&self, account: u128, network: Network) {
        self.0.names_of(account).lock().known.remember(account, network, self.now());
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

    fn addresses_of(&self, network: Network) -> &Shard<Table<Network>> {
        // Keyed, as accounts are: addresses are the caller's to choose.
        let number = self.shards.hash_one(network) % SHARDS as u64;
        let [first, ..] = &self.addresses;
        self.addresses.get(number as usize).unwrap_or(first)
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

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(..)")
    }
}

/// 584 years fit.
fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
