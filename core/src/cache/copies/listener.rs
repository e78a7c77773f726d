//! Hears what comes over a bus, and wakes others: [`Listener`].

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Bus, Heard, Listening, Settling, Watched, touch::Touch, waker::Waker};

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

const WHAT: &str = "the bus between copies";

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
