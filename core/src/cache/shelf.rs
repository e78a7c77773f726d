//! Where entries lie: moka behind a small trait.
//!
//! moka decides what to drop for want of room, and clears up what is over. Whether an entry may be used is never its
//! business: that is asked at each hit.

use std::{
    any::Any,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use moka::{Expiry, sync::Cache};

use crate::secret::fingerprint::{BuildPassThrough, Fingerprint};

/// What a shelf holds: a value whose type only its fingerprint's owner knows.
pub(super) type Entry = Arc<dyn Any + Send + Sync>;

/// Entries by fingerprint. Any of them may vanish at any time.
pub(super) trait Shelf: fmt::Debug + Send + Sync {
    fn find(&self, fingerprint: &Fingerprint) -> Option<Entry>;
    fn put(&self, fingerprint: Fingerprint, entry: Entry, bytes: usize, keep: Duration);
    fn remove(&self, fingerprint: &Fingerprint);
    fn clear(&self);
    /// How many there are, after tidying up.
    fn len(&self) -> u64;
    /// How many there were when it was last tidied up.
    fn about(&self) -> u64;
}

/// A shelf of this many entries and bytes at most.
pub(super) fn shelf(entries: u64, bytes: u64) -> Box<dyn Shelf> {
    // An entry weighs its share at least, so that the byte limit keeps the number of entries too.
    let entries = entries.max(1);
    let least = u32::try_from(bytes / entries).unwrap_or(u32::MAX).max(1);
    let cache = Cache::builder()
        .max_capacity(bytes)
        .weigher(move |_, kept: &Kept| kept.bytes.max(least))
        .expire_after(Housekeeping)
        .build_with_hasher(BuildPassThrough::default());
    Box::new(Moka(cache))
}

/// What moka itself takes for an entry, roughly: key, links, counters.
const OVERHEAD: usize = 200;

#[derive(Clone)]
struct Kept {
    entry: Entry,
    bytes: u32,
    keep: Duration,
}

struct Moka(Cache<Fingerprint, Kept, BuildPassThrough>);

impl Shelf for Moka {
    fn find(&self, fingerprint: &Fingerprint) -> Option<Entry> {
        self.0.get(fingerprint).map(|kept| kept.entry)
    }

    fn put(&self, fingerprint: Fingerprint, entry: Entry, bytes: usize, keep: Duration) {
        let bytes = u32::try_from(bytes.saturating_add(OVERHEAD)).unwrap_or(u32::MAX);
        self.0.insert(fingerprint, Kept { entry, bytes, keep });
    }

    fn remove(&self, fingerprint: &Fingerprint) {
        self.0.invalidate(fingerprint);
    }

    fn clear(&self) {
        self.0.invalidate_all();
    }

    fn len(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.entry_count()
    }

    fn about(&self) -> u64 {
        self.0.entry_count()
    }
}

impl fmt::Debug for Moka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Moka(..)")
    }
}

/// Tells moka when an entry is of no use any more. Reading it changes nothing.
struct Housekeeping;

impl Expiry<Fingerprint, Kept> for Housekeeping {
    fn expire_after_create(&self, _: &Fingerprint, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.keep)
    }

    fn expire_after_update(&self, _: &Fingerprint, kept: &Kept, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(kept.keep)
    }
}
