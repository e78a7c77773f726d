//! What a copy says of being out of touch with the others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    CredentialCache, Unavailable, async_trait,
    cache::{CacheOptions, copies::Copies},
    store::{MemoryOutbox, Outbox, OutboxPage, Voided},
    testing::ManualClock,
};
use tracing::Level;

use crate::log::Log;

/// The outbox of a store that is away at times.
#[derive(Default)]
struct AtTimes {
    rows: MemoryOutbox,
    away: AtomicBool,
}

#[async_trait]
impl Outbox for AtTimes {
    async fn announce(&self, voided: &[Voided]) -> Result<(), Unavailable> {
        self.rows.announce(voided).await
    }

    async fn since(&self, cursor: u64, most: usize) -> Result<OutboxPage, Unavailable> {
        match self.away.load(Ordering::Relaxed) {
            true => Err(Unavailable::because("connection refused")),
            false => self.rows.since(cursor, most).await,
        }
    }

    async fn purge(&self, before: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.rows.purge(before, most).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_out_of_touch_says_so_once_and_when_that_is_over() {
    let (outbox, log) = (Arc::<AtTimes>::default(), Log::at(Level::INFO));
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
    let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
    let following = Copies::sharing(outbox.clone()).follow(&cache).unwrap();
    following.settled().await;
    // Twice, since what was told once must be told again the next time.
    for round in 1..3 {
        for (away, expected) in [(false, 2 * round - 2), (true, 2 * round - 1), (false, 2 * round)] {
            outbox.away.store(away, Ordering::Relaxed);
            for _ in 0..20 {
                clock.advance(Duration::from_millis(250));
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            assert_eq!(following.is_in_touch(), !away);
            let said = log.text();
            assert_eq!(said.lines().count(), expected, "{said}");
            let Some(last) = said.lines().last() else { continue };
            let pieces: &[&str] = match away {
                true => &[
                    " WARN countersign: the outbox of the shared store has not answered for 2s",
                    "out of touch with the others",
                    ": connection refused",
                ],
                false => &[" INFO countersign: the outbox of the shared store answers again", "is forgotten"],
            };
            assert!(pieces.iter().all(|piece| last.contains(piece)), "{last}");
        }
    }
}
