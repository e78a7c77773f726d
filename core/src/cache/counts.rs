//! What a cache has done so far: for a snapshot, and through the `metrics` facade for whoever records there.
//!
//! No counter has a label that a request could choose.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::observe::meter;

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Hit,
    RefusalHit,
    Miss,
    Join,
    Stale,
    Revocation,
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(super) struct Counts {
    hits: AtomicU64,
    refusal_hits: AtomicU64,
    misses: AtomicU64,
    joins: AtomicU64,
    stale: AtomicU64,
    revocations: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, event: Event) {
        let counter = match event {
            Event::Hit => {
                meter::count!("countersign_cache_hits_total");
                &self.hits
            }
            Event::RefusalHit => {
                meter::count!("countersign_cache_refusal_hits_total");
                &self.refusal_hits
            }
            Event::Miss => {
                meter::count!("countersign_cache_misses_total");
                &self.misses
            }
            Event::Join => {
                meter::count!("countersign_cache_joins_total");
                &self.joins
            }
            Event::Stale => {
                meter::count!("countersign_cache_stale_total");
                &self.stale
            }
            Event::Revocation => {
                meter::count!("countersign_cache_revocations_total");
                &self.revocations
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Good answers in the store, about.
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    pub(super) fn entries(entries: u64) {
        meter::gauge!("countersign_cache_entries", set, entries as f64);
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
