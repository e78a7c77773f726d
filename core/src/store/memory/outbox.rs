//! Announcements in this process: for tests, and for several gates of one process.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use crate::{
    clock::{SharedClock, SystemClock},
    principal::Handle,
    store::{Announcement, Outbox, OutboxPage, Voided},
    unavailable::Unavailable,
};

/// An outbox in memory. At most 100,000 rows are kept: older ones go, and who has not read them finds them missing.
pub struct MemoryOutbox {
    kept: Mutex<Kept>,
    clock: SharedClock,
}

#[derive(Default)]
struct Kept {
    newest: u64,
    rows: VecDeque<(SystemTime, Announcement)>,
}

const MOST: usize = 100_000;

impl MemoryOutbox {
    /// Takes the time of a row from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As a database does that is restored from a backup of its first day.
    #[cfg(test)]
    pub(crate) fn restore_from_nothing(&self) {
        *self.kept() = Kept::default();
    }

    /// For stores in memory: they hold their own lock while they call, so that change and row are one step.
    pub(super) fn write(&self, voided: impl IntoIterator<Item = Voided>) {
        let (now, mut kept) = (self.clock.wall(), self.kept());
        for voided in voided {
            kept.newest += 1;
            let number = kept.newest;
            kept.rows.push_back((now, Announcement { number, voided }));
            if kept.rows.len() > MOST {
                kept.rows.pop_front();
            }
        }
    }

    pub(super) fn write_handle(&self, handle: Handle) {
        self.write([Voided::Handle(handle)]);
    }
}

impl Default for MemoryOutbox {
    fn default() -> Self {
        Self { kept: Mutex::default(), clock: SystemClock::shared() }
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn announce(&self, voided: &[Voided]) -> Result<(), Unavailable> {
        self.write(voided.iter().copied());
        Ok(())
    }

    async fn since(&self, cursor: u64, most: usize) -> Result<OutboxPage, Unavailable> {
        let kept = self.kept();
        let above = kept.rows.partition_point(|(_, row)| row.number <= cursor);
        let rows = kept.rows.range(above..).take(most).map(|(_, row)| *row).collect();
        Ok(OutboxPage { newest: kept.newest, rows })
    }

    async fn purge(&self, before: SystemTime, most: usize) -> Result<usize, Unavailable> {
        let mut kept = self.kept();
        let old = kept.rows.iter().take(most).take_while(|(written, _)| *written < before).count();
        kept.rows.drain(..old);
        Ok(old)
    }
}

impl fmt::Debug for MemoryOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOutbox").field("newest", &self.kept().newest).finish_non_exhaustive()
    }
}
