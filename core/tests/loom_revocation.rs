//! Revocation under every order of steps that loom finds, weak memory included: nothing is accepted late.
//!
//! `revocation.rs` and `table.rs` are the cache's own files, compiled here a second time with loom's primitives under the
//! names of the standard library's. Around them stands what the cache does with them, in the same order: a flight is
//! registered, reads its number, reads the store, lands; who joins or hits asks last whether the answer is fresh. The store
//! is as weak as it can be (relaxed), so that the algorithm gets no help from it.
//!
//! Each of the four simplifications lets a late request in, and is caught.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test throughout")]

#[path = "../src/cache/fault.rs"]
mod fault;
#[path = "../src/cache/revocation.rs"]
mod revocation;
#[path = "../src/cache/flight/table.rs"]
mod table;

mod sync {
    pub(super) use loom::sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    };
}

mod principal {
    pub(crate) use countersign::Handle;
}

use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use loom::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use self::{
    fault::Fault,
    principal::Handle,
    revocation::{Revocations, Stamp},
    table::{Seat, Table},
};

const KEY: u8 = 0;

/// An answer: what the verifier read of the two records that concern it.
struct Entry {
    stamp: Stamp,
    versions: [u64; 2],
}

struct Flight {
    started: u64,
    landing: Mutex<Option<Arc<Entry>>>,
    woken: Condvar,
}

struct World {
    revocations: Revocations,
    flights: Table<u8, Flight>,
    shelf: Mutex<Option<Arc<Entry>>>,
    handles: [Handle; 2],
    /// The application's store: the version of each record.
    store: [AtomicU64; 2],
    /// The versions whose revocation has returned.
    done: [AtomicU64; 2],
    fault: Option<Fault>,
}

impl World {
    fn new(fault: Option<Fault>, bound: usize) -> Arc<Self> {
        Arc::new(Self {
            revocations: Revocations::with_fault(Duration::ZERO, bound, fault),
            flights: Table::new(0),
            shelf: Mutex::new(None),
            handles: [Handle::subject("emily"), Handle::subject("emma")],
            store: [AtomicU64::new(0), AtomicU64::new(0)],
            done: [AtomicU64::new(0), AtomicU64::new(0)],
            fault,
        })
    }

    /// Changes one record and voids what was verified by it.
    fn change(&self, record: usize) {
        let commit = || self.store[record].store(1, Ordering::Relaxed);
        if self.fault == Some(Fault::RevokeBeforeChange) {
            self.revocations.revoke(self.handles[record], Duration::ZERO);
            commit();
        } else {
            commit();
            self.revocations.revoke(self.handles[record], Duration::ZERO);
        }
        self.done[record].store(1, Ordering::Release);
    }

    /// Changes both records, and voids everything.
    fn change_everything(&self) {
        self.store.iter().for_each(|record| record.store(1, Ordering::Relaxed));
        self.revocations.revoke_all();
        self.done.iter().for_each(|record| record.store(1, Ordering::Release));
    }

    fn hit(&self) -> Option<Arc<Entry>> {
        self.shelf.lock().unwrap().clone()
    }

    /// One request: a hit, a joined flight, or a flight of its own.
    fn request(&self) {
        if let Some(entry) = self.hit() {
            self.admit(&entry, false);
            return;
        }
        let open = || {
            let flight =
                Flight { started: self.revocations.number(), landing: Mutex::new(None), woken: Condvar::new() };
            Ok::<_, Infallible>(flight)
        };
        match self.flights.seat(KEY, || self.hit(), open).unwrap() {
            Seat::Known(entry) => self.admit(&entry, false),
            Seat::Joined(flight) => {
                let mut landing = flight.landing.lock().unwrap();
                while landing.is_none() {
                    landing = flight.woken.wait(landing).unwrap();
                }
                let entry = landing.clone().unwrap();
                drop(landing);
                self.admit(&entry, true);
            }
            Seat::Opened(flight) => {
                let entry = self.fly(&flight);
                self.admit(&entry, false);
            }
        }
    }

    fn fly(&self, flight: &Arc<Flight>) -> Arc<Entry> {
        let versions = [self.store[0].load(Ordering::Relaxed), self.store[1].load(Ordering::Relaxed)];
        let started = match self.fault {
            Some(Fault::NumberAfterVerification) => self.revocations.number(),
            _ => flight.started,
        };
        let entry = Arc::new(Entry { stamp: Stamp::at(started), versions });
        *self.shelf.lock().unwrap() = Some(entry.clone());
        self.flights.remove(&KEY, flight);
        *flight.landing.lock().unwrap() = Some(entry.clone());
        flight.woken.notify_all();
        entry
    }

    /// The last question; if it is answered with yes, everything that was done before it was asked must be in the answer.
    fn admit(&self, entry: &Entry, joined: bool) {
        let done = [self.done[0].load(Ordering::Acquire), self.done[1].load(Ordering::Acquire)];
        let unchecked = joined && self.fault == Some(Fault::JoinersUnchecked);
        if unchecked || self.revocations.fresh(&entry.stamp, &self.handles) {
            assert!(entry.versions[0] >= done[0] && entry.versions[1] >= done[1], "accepted late");
        }
    }
}

/// How many times more than in a quick run a thread may be interrupted: `COUNTERSIGN_PREEMPTIONS`.
fn more_preemptions() -> usize {
    std::env::var("COUNTERSIGN_PREEMPTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions + more_preemptions());
    builder.check(model);
}

/// A flight, a joiner (or a hit, or a second flight), and two revokers of two handles.
fn flight_and_joiner(fault: Option<Fault>, preemptions: usize) {
    explore(preemptions, move || {
        let world = World::new(fault, 8);
        let others: Vec<_> = [0, 1]
            .map(|record| {
                let world = world.clone();
                thread::spawn(move || world.change(record))
            })
            .into_iter()
            .chain([{
                let world = world.clone();
                thread::spawn(move || world.request())
            }])
            .collect();
        world.request();
        others.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(world.flights.len(), 0);
        // The late request: everything is done.
        world.request();
    });
}

/// Two requests that hit an entry which a revocation concerns, before, during and after it.
fn hits(fault: Option<Fault>, preemptions: usize) {
    explore(preemptions, move || {
        let world = World::new(fault, 8);
        world.request();
        let revoker = {
            let world = world.clone();
            thread::spawn(move || world.change(0))
        };
        let other = {
            let world = world.clone();
            thread::spawn(move || world.request())
        };
        world.request();
        revoker.join().unwrap();
        other.join().unwrap();
        world.request();
    });
}

/// Whether the model fails, and for the reason that matters.
fn is_caught(model: impl FnOnce()) -> bool {
    let Err(panic) = catch_unwind(AssertUnwindSafe(model)) else { return false };
    let said = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    said.is_some_and(|said| said.contains("accepted late"))
}

#[test]
fn no_flight_and_no_joiner_is_accepted_late() {
    flight_and_joiner(None, 2);
}

#[test]
fn no_hit_is_accepted_late() {
    hits(None, 3);
}

#[test]
fn no_hit_is_accepted_late_when_everything_is_revoked() {
    // A bound of none: the first revocation raises the floor of everything as well.
    for (bound, everything) in [(0, false), (8, true)] {
        explore(3, move || {
            let world = World::new(None, bound);
            world.request();
            let revoker = {
                let world = world.clone();
                thread::spawn(move || if everything { world.change_everything() } else { world.change(0) })
            };
            world.request();
            revoker.join().unwrap();
            world.request();
        });
    }
}

#[test]
fn joiners_that_do_not_ask_are_caught() {
    assert!(is_caught(|| flight_and_joiner(Some(Fault::JoinersUnchecked), 2)));
}

#[test]
fn a_number_raised_before_the_floor_is_caught() {
    assert!(is_caught(|| hits(Some(Fault::NumberBeforeFloor), 3)));
}

#[test]
fn a_number_read_after_the_verification_is_caught() {
    assert!(is_caught(|| flight_and_joiner(Some(Fault::NumberAfterVerification), 2)));
}

#[test]
fn a_revocation_before_the_change_is_caught() {
    assert!(is_caught(|| flight_and_joiner(Some(Fault::RevokeBeforeChange), 2)));
}
