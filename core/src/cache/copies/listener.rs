//! Hears what comes over a bus, and wakes others: [`Listener`].

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{Bus, Heard, Listening, Settling, Watched, touch::Touch};
use crate::store::Announcement;

/// Between a listener, whoever waits for a look, and the reader of their outbox.
#[derive(Default)]
pub(super) struct Waker {
    pub(super) news: Notify,
    /// What was heard and not applied. `None` says that something came without its rows.
    rows: Mutex<Option<Vec<Announcement>>>,
    /// How often a look was asked for, and how many of these have had theirs.
    asked: AtomicU64,
    looked: watch::Sender<u64>,
}

/// The listener on one bus.
pub(super) struct Listener {
    pub(super) watched: Watched,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) waker: Arc<Waker>,
    pub(super) every: Duration,
    /// Until it was heard for the first time, or could not be.
    pub(super) settling: Option<Settling>,
}

/// At most one wake-up of a copy in that time.
const SPACING: Duration = Duration::from_millis(20);

/// With more rows than so many, it is better to read.
const MOST: usize = 1000;

const WHAT: &str = "the bus between copies";

impl Waker {
    /// Asks for a look that begins from now on; its number.
    pub(super) fn ask(&self) -> u64 {
        let number = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        self.news.notify_one();
        number
    }

    /// How many looks were asked for: whoever reads that and looks then has looked for all of them.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Acquire)
    }

    /// Whether somebody waits for a look.
    pub(super) fn is_awaited(&self) -> bool {
        *self.looked.borrow() < self.asked()
    }

    /// The look is over, whatever came of it.
    pub(super) fn looked(&self, number: u64) {
        self.looked.send_replace(number);
    }

    /// Ends when the look of this number is over.
    pub(super) async fn has_looked(&self, number: u64) {
        // The sender is ours, so that it cannot be gone.
        let _ = self.looked.subscribe().wait_for(|looked| *looked >= number).await;
    }

    fn ring(&self, rows: Option<Vec<Announcement>>) {
        let mut waiting = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = match (waiting.take(), rows) {
            (Some(mut all), Some(more)) if all.len() + more.len() <= MOST => {
                all.extend(more);
                Some(all)
            }
            _ => None,
        };
        drop(waiting);
        self.news.notify_one();
    }

    /// Whether all the news came with their rows, and `apply` took them.
    pub(super) fn brought_all(&self, apply: impl FnOnce(&[Announcement]) -> bool) -> bool {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).replace(Vec::new());
        rows.is_some_and(|rows| rows.is_empty() || apply(&rows))
    }
}

impl Listener {
    pub(super) async fn run(mut self) {
        loop {
            let why = match timeout(self.watched.left(), self.bus.listen()).await {
                Ok(Ok(mut line)) => self.hear(&mut *line).await,
                Ok(Err(source)) => source.to_string(),
                Err(_) => "no connection in time".to_owned(),
            };
            self.settling = None;
            tracing::debug!(target: "countersign", "{WHAT} is cut: {why}");
            self.watched.check(WHAT, &why);
            sleep(self.every.min(self.watched.left())).await;
            self.watched.check(WHAT, &why);
        }
    }

    /// Listens until the line is cut, and says why.
    async fn hear(&mut self, line: &mut dyn Listening) -> String {
        let (mut beat, mut anew) = (Instant::now(), true);
        loop {
            match timeout_at(beat, line.next()).await {
                Ok(Ok(Heard::Wake)) => self.waker.ring(None),
                Ok(Ok(Heard::Rows(rows))) => self.waker.ring(Some(rows)),
                Ok(Err(source)) => return source.to_string(),
                Err(_) => {}
            }
            if Instant::now() < beat {
                continue;
            }
            let since = self.watched.now();
            match timeout(self.watched.left(), line.beat()).await {
                Ok(Ok(())) => {
                    self.watched.seen(since, std::mem::take(&mut anew), WHAT);
                    self.settling = None;
                }
                Ok(Err(source)) => return source.to_string(),
                Err(_) => return "no answer to a heartbeat".to_owned(),
            }
            beat = Instant::now() + self.every;
        }
    }
}

/// Wakes the other copies when something was revoked here.
pub(super) async fn wake(bus: Arc<dyn Bus>, touch: Arc<Touch>, number: usize, patience: Duration) {
    let Some(poke) = touch.pokes.get(number) else { return };
    loop {
        poke.notified().await;
        match timeout(patience, bus.wake()).await {
            Ok(Ok(())) => {}
            Ok(Err(source)) => tracing::debug!(target: "countersign", "other copies were not woken: {source}"),
            Err(_) => tracing::debug!(target: "countersign", "other copies were not woken in time"),
        }
        sleep(SPACING).await;
    }
}
