//! Between a listener, whoever waits for a look, and the reader of their outbox: [`Waker`].

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Notify, watch};

use crate::store::Announcement;

/// What wakes a reader, and who waits for it.
#[derive(Default)]
pub(super) struct Waker {
    pub(super) news: Notify,
    /// What was heard and not applied. `None` says that something came without its rows.
    rows: Mutex<Option<Vec<Announcement>>>,
    /// How often a look was asked for, and how many of these have had theirs.
    asked: AtomicU64,
    looked: watch::Sender<u64>,
}

/// With more rows than so many, it is better to read.
const MOST: usize = 1000;

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

    pub(super) fn ring(&self, rows: Option<Vec<Announcement>>) {
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
