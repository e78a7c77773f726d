//! The one clock of the gallery: the system's, moved as the command line says, for vectors of old.

use std::time::{Duration, SystemTime};

use countersign::clock::{Clock, SystemClock};

/// The system's clocks, with the wall clock moved. The monotonic side stays.
#[derive(Debug)]
pub(crate) struct MovedClock {
    system: SystemClock,
    seconds: i64,
}

impl MovedClock {
    /// Ahead by so many seconds, behind if they are negative.
    pub(crate) fn by(seconds: i64) -> Self {
        Self { system: SystemClock::new(), seconds }
    }

    fn moved(&self, wall: SystemTime) -> SystemTime {
        let by = Duration::from_secs(self.seconds.unsigned_abs());
        let moved = if self.seconds < 0 { wall.checked_sub(by) } else { wall.checked_add(by) };
        // No scheme here knows a time before 1970.
        moved.unwrap_or(SystemTime::UNIX_EPOCH).max(SystemTime::UNIX_EPOCH)
    }
}

impl Clock for MovedClock {
    fn wall(&self) -> SystemTime {
        self.moved(self.system.wall())
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_both_ways_and_not_before_1970() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (seconds, then) in [(0, 100), (7, 107), (-7, 93), (-100, 0), (-101, 0), (i64::MIN, 0)] {
            assert_eq!(MovedClock::by(seconds).moved(at(100)), at(then), "{seconds}");
        }
    }
}
