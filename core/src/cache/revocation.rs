//! Which verifications a revocation voids, without a list of what is stored.
//!
//! Revocations are numbered. A verification notes the number in force *before* its verifier is called (`started`). Revoking
//! a handle puts up a floor for it, and what started below the floor counts no longer, whoever holds it and however late it
//! turns up. Whoever uses a value asks [`fresh`](Revocations::fresh) last: one load where nothing was revoked since it was
//! last asked, a look at the floors otherwise.
//!
//! Three orders carry the proof; `tests/loom_revocation.rs` drives this very file and shows that each is needed.
//!
//! 1. `started` is read before the verifier reads its store, and a store's change is committed before `revoke` is called:
//!    so a verification that missed the change started below the floor.
//! 2. The floor stands before its number is published: so whoever sees the number finds the floor, and noting "clean up to
//!    this number" is never wrong.
//! 3. `fresh` comes last in the request that uses the value, joined or not: so nothing is used that a finished `revoke` voided.
//!
//! # Why
//! See [`manual::design`](crate::manual::design).

use std::{collections::HashMap, fmt, sync::PoisonError, time::Duration};

#[cfg(test)]
use super::fault::Fault;
use super::sync::{AtomicU64, Ordering, RwLock};
use crate::principal::Handle;

/// The numbers and the floors.
pub(crate) struct Revocations {
    /// The number of the latest revocation whose floor stands.
    seq: AtomicU64,
    floors: RwLock<Floors>,
    /// How long a floor is of use: the longest life of an entry and the deadline of a flight together.
    keep: Duration,
    /// How many floors there may be.
    bound: usize,
    #[cfg(test)]
    fault: Option<Fault>,
}

#[derive(Default)]
struct Floors {
    of: HashMap<Handle, Floor>,
    /// The floor of everything.
    all: u64,
    /// The highest number of a floor that was dropped for its age: who was not seen clean up to it cannot be judged any more.
    horizon: u64,
}

struct Floor {
    number: u64,
    since: Duration,
}

/// When a verification started, and up to which revocation its answer has been seen to stand.
#[derive(Debug)]
pub(crate) struct Stamp {
    started: u64,
    clean: AtomicU64,
}

impl Stamp {
    /// A verification that started at this number.
    pub(crate) fn at(started: u64) -> Self {
        Self { started, clean: AtomicU64::new(started) }
    }
}

impl Revocations {
    /// No revocation yet.
    pub(crate) fn new(keep: Duration, bound: usize) -> Self {
        Self {
            seq: AtomicU64::new(0),
            floors: RwLock::new(Floors::default()),
            keep,
            bound,
            #[cfg(test)]
            fault: None,
        }
    }

    #[cfg(test)]
    pub(crate) fn with_fault(keep: Duration, bound: usize, fault: Option<Fault>) -> Self {
        Self { fault, ..Self::new(keep, bound) }
    }

    /// The number in force: what a verification starts at. Read it before the verifier is called.
    pub(crate) fn number(&self) -> u64 {
        self.seq.load(Ordering::Acquire)
    }

    /// Voids what was verified for this handle until now. Call it when the store's own change is committed.
    pub(crate) fn revoke(&self, handle: Handle, now: Duration) {
        #[cfg(test)]
        if self.fault == Some(Fault::NumberBeforeFloor) {
            let number = self.seq.fetch_add(1, Ordering::AcqRel) + 1;
            self.write(|floors| floors.raise(handle, Floor { number, since: now }, self.keep, self.bound));
            return;
        }
        self.write(|floors| {
            let number = self.seq.load(Ordering::Relaxed) + 1;
            floors.raise(handle, Floor { number, since: now }, self.keep, self.bound);
            self.seq.store(number, Ordering::Release);
        });
    }

    /// Voids everything that was verified until now.
    pub(crate) fn revoke_all(&self) {
        self.write(|floors| {
            let number = self.seq.load(Ordering::Relaxed) + 1;
            floors.raise_all(number);
            self.seq.store(number, Ordering::Release);
        });
    }

    /// Whether nothing that was revoked concerns this value. The last question before a value is used.
    pub(crate) fn fresh(&self, stamp: &Stamp, handles: &[Handle]) -> bool {
        let now = self.seq.load(Ordering::Acquire);
        let clean = stamp.clean.load(Ordering::Relaxed);
        if clean == now {
            return true;
        }
        let floors = self.floors.read().unwrap_or_else(PoisonError::into_inner);
        if clean < floors.horizon || stamp.started < floors.highest(handles) {
            return false;
        }
        stamp.clean.fetch_max(now, Ordering::Relaxed);
        true
    }

    fn write(&self, change: impl FnOnce(&mut Floors)) {
        change(&mut self.floors.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Floors {
    fn highest(&self, handles: &[Handle]) -> u64 {
        handles.iter().filter_map(|handle| self.of.get(handle)).map(|floor| floor.number).fold(self.all, u64::max)
    }

    fn raise(&mut self, handle: Handle, floor: Floor, keep: Duration, bound: usize) {
        let number = floor.number;
        self.of.insert(handle, floor);
        if self.of.len() <= bound {
            return;
        }
        self.drop_old(keep);
        // Half empty at least, so that a full table is not walked again at the next revocation.
        if self.of.len() > bound / 2 {
            self.raise_all(number);
        }
    }

    /// Fails closed: a new verification for everybody, rather than a table that grows or a revocation that is forgotten.
    fn raise_all(&mut self, number: u64) {
        self.all = self.all.max(number);
        self.of.clear();
    }

    /// Drops floors that no living entry and no flight can be below. A grant that outlives its request may: it is held to
    /// the horizon instead.
    fn drop_old(&mut self, keep: Duration) {
        let Some(now) = self.of.values().map(|floor| floor.since).max() else { return };
        let horizon = &mut self.horizon;
        self.of.retain(|_, floor| {
            let young = now.saturating_sub(floor.since) <= keep;
            if !young {
                *horizon = (*horizon).max(floor.number);
            }
            young
        });
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").finish_non_exhaustive()
    }
}
