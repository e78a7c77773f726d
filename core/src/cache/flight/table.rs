//! Who verifies what at this moment: at most one flight for a key.

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    hash::{BuildHasher, Hash},
    sync::PoisonError,
};

use super::sync::{Arc, Mutex};

/// Flights by key, in shards. A lock is held for a look and an insertion, never across a wait.
pub(crate) struct Table<K, F> {
    shards: Box<[Shard<K, F>]>,
    last: Shard<K, F>,
    spread: RandomState,
}

type Shard<K, F> = Mutex<HashMap<K, Arc<F>>>;

/// Where a request that missed finds itself.
#[derive(Debug)]
pub(crate) enum Seat<V, F> {
    /// What it needs arrived in the meantime.
    Known(V),
    /// Somebody verifies already.
    Joined(Arc<F>),
    /// It is the first: the flight is registered, and has to be started.
    Opened(Arc<F>),
}

impl<K: Copy + Eq + Hash, F> Table<K, F> {
    /// An empty table of this many shards, and one more.
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            shards: (0..shards).map(|_| Mutex::new(HashMap::new())).collect(),
            last: Mutex::new(HashMap::new()),
            spread: RandomState::new(),
        }
    }

    /// Under the lock of the key's shard: joins, or looks again, or registers what `open` makes.
    ///
    /// # Errors
    /// What `open` says; nothing is registered then.
    pub(crate) fn seat<V, E>(
        &self,
        key: K,
        look_again: impl FnOnce() -> Option<V>,
        open: impl FnOnce() -> Result<F, E>,
    ) -> Result<Seat<V, F>, E> {
        let mut shard = self.shard(&key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = shard.get(&key) {
            return Ok(Seat::Joined(flight.clone()));
        }
        // A flight inserts its answer before it leaves the table: who finds no flight finds what it left.
        if let Some(known) = look_again() {
            return Ok(Seat::Known(known));
        }
        let flight = Arc::new(open()?);
        shard.insert(key, flight.clone());
        Ok(Seat::Opened(flight))
    }

    /// Takes this flight out, unless another one stands in its place by now.
    pub(crate) fn remove(&self, key: &K, flight: &Arc<F>) {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.get(key).is_some_and(|there| Arc::ptr_eq(there, flight)) {
            shard.remove(key);
        }
    }

    /// How many flights there are.
    pub(crate) fn len(&self) -> usize {
        let all = self.shards.iter().chain([&self.last]);
        all.map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, key: &K) -> &Shard<K, F> {
        let shards = self.shards.len() as u64 + 1;
        let index = self.spread.hash_one(key) % shards;
        usize::try_from(index).ok().and_then(|index| self.shards.get(index)).unwrap_or(&self.last)
    }
}

impl<K, F> fmt::Debug for Table<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}
