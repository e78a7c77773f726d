//! What a cache has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters themselves.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) hits: AtomicU64,
    pub(super) refusal_hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) joins: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) revocations: AtomicU64,
}

impl Counts {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, entries: u64, refusals: u64, flights: usize) -> CacheCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheCounts {
            hits: read(&self.hits),
            refusal_hits: read(&self.refusal_hits),
            misses: read(&self.misses),
            joins: read(&self.joins),
            stale: read(&self.stale),
            revocations: read(&self.revocations),
            entries,
            refusals,
            flights,
        }
    }
}

/// A cache at one moment. The first six only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Requests whose credential was known to be good.
    pub hits: u64,
    /// Requests whose credential was known to be wrong.
    pub refusal_hits: u64,
    /// Requests whose credential was not known.
    pub misses: u64,
    /// Of those, how many waited for a verification that another request had begun.
    pub joins: u64,
    /// Requests that were let in past an entry's life because its verifier had no answer.
    pub stale: u64,
    /// Revocations, of a handle or of everything.
    pub revocations: u64,
    /// Good answers in the store, about.
    pub entries: u64,
    /// Refusals in the store, about.
    pub refusals: u64,
    /// Verifications under way.
    pub flights: usize,
}
