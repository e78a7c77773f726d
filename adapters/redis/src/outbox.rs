//! What other copies must forget, in Redis: [`RedisOutbox`].

use std::time::SystemTime;

use async_trait::async_trait;
use countersign::{
    Unavailable,
    store::{Announcement, Outbox, OutboxPage, Voided},
};

use crate::{
    Redis,
    call::Call,
    fields::unreadable,
    hex::{of_voided, voided},
    script,
};

/// The rows that all stores of one server write in the step of each change. The newest 100,000 are kept, or a few more. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RedisOutbox {
    redis: Redis,
}

impl RedisOutbox {
    /// The outbox of this server.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone() }
    }

    fn rows(&self) -> String {
        rows(&self.redis)
    }
}

fn rows(redis: &Redis) -> String {
    redis.key("outbox", "rows")
}

/// The channel on which each row is told when it is written.
pub(crate) fn news(redis: &Redis) -> String {
    redis.key("outbox", "news")
}

/// The same call of a script that announces, with its last two keys.
pub(crate) fn announcing(redis: &Redis, call: Call) -> Call {
    call.and_on([rows(redis), news(redis)])
}

/// A row, of its number and what is void by it.
pub(crate) fn row(number: &str, text: &str) -> Option<Announcement> {
    Some(Announcement { number: number.parse().ok()?, voided: voided(text)? })
}

#[async_trait]
impl Outbox for RedisOutbox {
    async fn announce(&self, voided: &[Voided]) -> Result<(), Unavailable> {
        let call = Call::on([]).with_all(voided.iter().map(|voided| of_voided(*voided).into_bytes()));
        self.redis.run(&script::OUTBOX_ANNOUNCE, &announcing(&self.redis, call)).await
    }

    async fn since(&self, cursor: u64, most: usize) -> Result<OutboxPage, Unavailable> {
        let call = Call::on([self.rows()]).with(cursor).with(most);
        let said: Vec<String> = self.redis.run(&script::OUTBOX_SINCE, &call).await?;
        let (newest, rest) = said.split_first().ok_or_else(|| unreadable("newest"))?;
        let rows = rest.chunks(2).map(|pair| match pair {
            [number, text] => row(number, text),
            _ => None,
        });
        let rows = rows.collect::<Option<_>>().ok_or_else(|| unreadable("voided"))?;
        Ok(OutboxPage { newest: newest.parse().map_err(|_| unreadable("newest"))?, rows })
    }

    async fn purge(&self, before: SystemTime, most: usize) -> Result<usize, Unavailable> {
        let seconds = before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let call = Call::on([self.rows()]).with(seconds).with(most);
        self.redis.run(&script::OUTBOX_PURGE, &call).await
    }
}
