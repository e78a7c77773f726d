//! Wrong passwords that all copies of a service count together: [`RedisTries`].

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use async_trait::async_trait;
use countersign::{
    Unavailable,
    throttle::{Budgets, CommonCount, CommonTry, Ended, Entered, LockOuts},
};
use redis::PushKind;
use tokio::{
    sync::{OnceCell, mpsc},
    time::sleep,
};

use crate::{Redis, call::Call, fields::unreadable, script};

/// The count of all copies on one server, by its clock. Cheap to clone; each [`Throttle`](countersign::throttle::Throttle) needs one of its own.
///
/// Of a try are kept a random number and hashes of its name and address, for a minute or two; of a name that signed in, from where, for a day.
#[derive(Clone)]
pub struct RedisTries {
    shared: Arc<Shared>,
}

struct Shared {
    redis: Redis,
    lock_outs: OnceLock<LockOuts>,
    /// Done when somebody listens.
    hears: OnceCell<()>,
}

/// Far longer than a verification may take: what ran so long and was not ended was wrong.
const LONGEST_RUN: Duration = Duration::from_secs(20);

/// Between two tries to listen, and between two heartbeats.
const INTERVAL: Duration = Duration::from_millis(500);

impl RedisTries {
    /// The count on this server.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { shared: Arc::new(Shared { redis: redis.clone(), lock_outs: OnceLock::new(), hears: OnceCell::new() }) }
    }

    fn call(&self, one: &CommonTry, budgets: &Budgets) -> Call {
        let key = |kind: &str, row: u128| self.shared.redis.key(kind, &text(row));
        let (pair, name) = (one.pair.unwrap_or_default(), one.name.unwrap_or_default());
        let keys = [
            key("tries-wrong", one.address),
            key("tries-running", one.address),
            key("tries-wrong", pair),
            key("tries-running", pair),
            key("tries-wrong", name),
            key("tries-running", name),
            key("tries-known", name),
            key("tries-turn", name),
        ];
        Call::on(keys)
            .with(text(one.ticket))
            .with(u8::from(one.pair.is_some() && one.name.is_some()))
            .with(budgets.address)
            .with(budgets.pair)
            .with(budgets.name)
            .with(milliseconds(budgets.window))
            .with(milliseconds(budgets.trickle))
            .with(milliseconds(budgets.known_for))
            .with(milliseconds(LONGEST_RUN))
            .with(text(one.address))
    }

    /// Begins to listen, once.
    async fn hear(&self) {
        let begin = || async {
            tokio::spawn(hear(Arc::downgrade(&self.shared)));
        };
        self.shared.hears.get_or_init(begin).await;
    }
}

impl Shared {
    fn news(&self) -> String {
        self.redis.key("tries", "news")
    }

    fn tell(&self, row: &str, left: &str) {
        let row = u128::from_str_radix(row, 16).ok();
        if let (Some(lock_outs), Some(row), Ok(left)) = (self.lock_outs.get(), row, left.parse()) {
            lock_outs.tell(row, Duration::from_millis(left));
        }
    }
}

/// Listens for rows that are full, for as long as there is a count. What is told while the line is cut is missed: whoever is let in by a
/// cache does without it, and a cache that follows the same server has forgotten everything by then.
async fn hear(shared: Weak<Shared>) {
    while let Some(count) = shared.upgrade() {
        let (told, mut heard) = mpsc::unbounded_channel();
        let line = count.redis.apart(told).await;
        if let Ok(mut line) = line
            && count.redis.in_time(line.subscribe(count.news())).await.is_ok()
        {
            drop(count);
            while let Some(count) = shared.upgrade() {
                match tokio::time::timeout(INTERVAL, heard.recv()).await {
                    Ok(Some(told)) if told.kind == PushKind::Message => {
                        let text = told.data.get(1).and_then(|text| redis::from_redis_value_ref::<String>(text).ok());
                        if let Some((row, left)) = text.as_ref().and_then(|text| text.split_once(' ')) {
                            count.tell(row, left);
                        }
                    }
                    Ok(Some(told)) if told.kind == PushKind::Disconnection => break,
                    Ok(None) => break,
                    Ok(Some(_)) => {}
                    Err(_) => {
                        let beat: Result<String, _> =
                            count.redis.in_time(redis::cmd("PING").query_async(&mut line)).await;
                        if beat.is_err() {
                            break;
                        }
                    }
                }
            }
        }
        sleep(INTERVAL).await;
    }
}

#[async_trait]
impl CommonCount for RedisTries {
    async fn enter(&self, one: &CommonTry, budgets: &Budgets) -> Result<Entered, Unavailable> {
        self.hear().await;
        let said: (String, u64) = self.shared.redis.run(&script::TRY_ENTER, &self.call(one, budgets)).await?;
        match said.0.as_str() {
            "now" => Ok(Entered::Now),
            "full" => Ok(Entered::Full { after: Duration::from_millis(said.1) }),
            "undecided" => Ok(Entered::Undecided),
            _ => Err(unreadable("entered")),
        }
    }

    async fn leave(&self, one: &CommonTry, budgets: &Budgets, ended: Ended) -> Result<(), Unavailable> {
        let ended = match ended {
            Ended::Refused => "refused",
            Ended::Right => "right",
            Ended::GivenBack => "given back",
        };
        let call = self
            .call(one, budgets)
            .with(ended)
            .with(text(one.address))
            .with(text(one.pair.unwrap_or_default()))
            .with(text(one.name.unwrap_or_default()))
            .and_on([self.shared.news()]);
        let full: Vec<String> = self.shared.redis.run(&script::TRY_LEAVE, &call).await?;
        // This copy need not wait until it hears of itself.
        for pair in full.chunks(2) {
            if let [row, left] = pair {
                self.shared.tell(row, left);
            }
        }
        Ok(())
    }

    fn tell(&self, lock_outs: LockOuts) {
        if self.shared.lock_outs.set(lock_outs).is_err() {
            tracing::warn!(target: "countersign", "two throttles share one RedisTries, and the second is told of no full row");
        }
    }
}

impl fmt::Debug for RedisTries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTries").finish_non_exhaustive()
    }
}

fn text(bits: u128) -> String {
    format!("{bits:032x}")
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}
