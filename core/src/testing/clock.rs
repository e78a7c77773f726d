//! Time that stands still until it is told to move: [`ManualClock`].

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::clock::Clock;

/// A clock that moves only when it is told to, for tests.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<(SystemTime, Duration)>,
}

impl ManualClock {
    /// A clock that stands at `wall`, with the monotonic side at zero.
    #[must_use]
    pub fn at(wall: SystemTime) -> Self {
        Self { now: Mutex::new((wall, Duration::ZERO)) }
    }

    /// Moves both sides on, and the calendar no further than it can be moved.
    pub fn advance(&self, by: Duration) {
        self.change(|now| {
            now.0 = now.0.checked_add(by).unwrap_or(now.0);
            now.1 = now.1.saturating_add(by);
        });
    }

    /// Sets the wall clock, as an operator or a time server would; the monotonic side stays.
    pub fn set_wall(&self, wall: SystemTime) {
        self.change(|now| now.0 = wall);
    }

    fn change(&self, change: impl FnOnce(&mut (SystemTime, Duration))) {
        change(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> SystemTime {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}
