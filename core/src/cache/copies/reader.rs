//! Reads an outbox, and revokes what it says: [`Reader`].

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Settling, Watched, waker::Waker};
use crate::{
    secret::random::random_bytes,
    store::{Announcement, Outbox, Voided},
    unavailable::Unavailable,
};

/// The reader of one outbox.
pub(super) struct Reader {
    watched: Watched,
    outbox: Arc<dyn Outbox>,
    waker: Arc<Waker>,
    every: Duration,
    /// The number of the row that was read last; `None` before the first look.
    cursor: Option<u64>,
    settling: Option<Settling>,
    /// What came of the last look that brought nothing.
    why: Option<Cow<'static, str>>,
    /// When old rows are thrown away next.
    purge: Instant,
}

/// Between two looks that others asked for. Many copies may ask.
const SPACING: Duration = Duration::from_millis(20);

/// How many rows a look brings at most.
const PAGE: usize = 1000;

/// With more rows than so many to catch up on, it costs less to forget everything.
const TOO_MANY: u64 = 20_000;

/// How long rows are kept: far longer than any copy takes to read them.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// How often each copy throws old rows away, about.
const PURGED_EVERY: Duration = Duration::from_secs(10 * 60);

/// Why a look came late that no other failed before.
const IDLE: &str = "this copy was stopped, or has too much to do";

const WHAT: &str = "the outbox of the shared store";

impl Reader {
    pub(super) fn new(
        watched: Watched,
        outbox: Arc<dyn Outbox>,
        waker: Arc<Waker>,
        every: Duration,
        settling: Settling,
    ) -> Self {
        // Copies that start together need not purge together.
        let spread = f64::from(u16::from_le_bytes(random_bytes())) / f64::from(u16::MAX);
        let purge = Instant::now() + PURGED_EVERY.mul_f64(spread);
        Self { watched, outbox, waker, every, cursor: None, settling: Some(settling), why: None, purge }
    }

    pub(super) async fn run(mut self) {
        loop {
            let looked = Instant::now();
            let asked = self.waker.asked();
            self.look().await;
            self.waker.looked(asked);
            self.purge().await;
            // Whichever comes first.
            let _ = timeout_at(looked + self.every, self.woken(looked)).await;
        }
    }

    /// Waits for news that make a look worth while.
    async fn woken(&mut self, looked: Instant) {
        loop {
            self.waker.news.notified().await;
            // Somebody's answer waits for it.
            if self.waker.is_awaited() {
                return;
            }
            if !self.waker.brought_all(|rows| apply_next(&self.watched, &mut self.cursor, rows)) {
                sleep(SPACING.saturating_sub(looked.elapsed())).await;
                return;
            }
        }
    }

    /// Reads all that is new, if the store lets it.
    async fn look(&mut self) {
        // Whatever kept it from the last look: were this one silent too, it would be told late.
        if let Some(why) = &self.why {
            self.watched.check(WHAT, why);
        }
        let (since, left) = (self.watched.now(), self.watched.left());
        self.why = Some(IDLE.into());
        match timeout(left, self.read()).await {
            Ok(Ok(missing)) => {
                self.watched.seen(since, missing, WHAT);
                self.settling = None;
            }
            Ok(Err(source)) => self.why = Some(source.to_string().into()),
            Err(_) => self.why = Some("no answer".into()),
        }
    }

    /// Whether rows are missing, so that nobody knows what they said.
    async fn read(&mut self) -> Result<bool, Unavailable> {
        let Some(mut cursor) = self.cursor else {
            self.cursor = Some(self.outbox.since(u64::MAX, 0).await?.newest);
            return Ok(true);
        };
        loop {
            let page = self.outbox.since(cursor, PAGE).await?;
            let behind = page.newest.checked_sub(cursor);
            let follows = page.rows.first().map_or(behind == Some(0), |first| first.number == cursor.saturating_add(1));
            if !follows || behind.is_none_or(|behind| behind > TOO_MANY) || !are_in_order(&page.rows) {
                tracing::warn!(
                    target: "countersign",
                    "rows are missing in {WHAT}, or too many to read: from {cursor} to {}; everything is forgotten",
                    page.newest
                );
                self.cursor = Some(page.newest);
                return Ok(true);
            }
            let Some(last) = page.rows.last() else { return Ok(false) };
            cursor = last.number;
            apply(&self.watched, &page.rows);
            self.cursor = Some(cursor);
            if cursor >= page.newest {
                return Ok(false);
            }
        }
    }

    async fn purge(&mut self) {
        if self.purge > Instant::now() || self.cursor.is_none() {
            return;
        }
        self.purge = Instant::now() + PURGED_EVERY;
        // By the calendar of this copy: an hour is far longer than any two differ.
        let before = self.watched.cache.clock().wall().checked_sub(KEPT).unwrap_or(SystemTime::UNIX_EPOCH);
        if let Ok(Err(source)) = timeout(self.watched.left(), self.outbox.purge(before, 10 * PAGE)).await {
            tracing::debug!(target: "countersign", "old rows of {WHAT} were not purged: {source}");
        }
    }
}

fn are_in_order(rows: &[Announcement]) -> bool {
    rows.windows(2).all(|pair| matches!(pair, [one, other] if other.number == one.number.saturating_add(1)))
}

fn apply(watched: &Watched, rows: &[Announcement]) {
    for row in rows {
        match row.voided {
            Voided::Handle(handle) => watched.cache.forget(handle),
            Voided::Everything => watched.cache.forget_everything(),
        }
    }
}

/// Applies rows that came over the bus, if they follow upon what was read; whether nothing is left to read.
fn apply_next(watched: &Watched, cursor: &mut Option<u64>, rows: &[Announcement]) -> bool {
    let (Some(known), Some(first), Some(last)) = (*cursor, rows.first(), rows.last()) else { return false };
    if first.number > known.saturating_add(1) || !are_in_order(rows) {
        return false;
    }
    // What was read is void already, and somebody may have signed in since.
    let new = rows.iter().position(|row| row.number > known).unwrap_or(rows.len());
    apply(watched, rows.get(new..).unwrap_or_default());
    *cursor = Some(known.max(last.number));
    true
}
