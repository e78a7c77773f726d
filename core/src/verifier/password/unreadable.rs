//! How often a stored hash could not be read, and a line in the log about it once a minute.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::fault::HashFault;
use crate::observe::meter;

/// From one line in the log to the next.
const QUIET: Duration = Duration::from_secs(60);

/// The tries that met a stored hash which cannot be read.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    tries: AtomicU64,
    logged: Mutex<Option<Logged>>,
}

/// The last line in the log.
#[derive(Debug, Clone, Copy)]
struct Logged {
    at: Instant,
    tries: u64,
}

impl Unreadable {
    pub(super) fn tries(&self) -> u64 {
        self.tries.load(Ordering::Relaxed)
    }

    /// Counts a try, and logs it unless the last line is younger than a minute.
    pub(super) fn meet(&self, fault: HashFault, now: Instant) {
        meter::count!("countersign_unreadable_hashes_total", "why" => fault.name());
        let Some(tries) = self.count(now) else { return };
        tracing::error!(
            target: "countersign", tries, "a stored password hash cannot be verified, and its owner is refused: {fault}; \
             Passwords::check lists all such rows"
        );
    }

    /// How many tries there were since the last line in the log, if it is time for another.
    fn count(&self, now: Instant) -> Option<u64> {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = self.tries.fetch_add(1, Ordering::Relaxed) + 1;
        let before = match *logged {
            Some(last) if now.saturating_duration_since(last.at) < QUIET => return None,
            Some(last) => last.tries,
            None => 0,
        };
        *logged = Some(Logged { at: now, tries });
        Some(tries - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_minute_tells_how_many_there_were() {
        let (unreadable, began) = (Unreadable::default(), Instant::now());
        for (seconds, expected) in
            [(0, Some(1)), (0, None), (30, None), (59, None), (60, Some(4)), (61, None), (200, Some(2))]
        {
            assert_eq!(unreadable.count(began + Duration::from_secs(seconds)), expected, "{seconds}");
        }
        assert_eq!(unreadable.tries(), 7);
    }
}
