//! How copies hear at once that something is to be forgotten: [`RedisBus`].

use async_trait::async_trait;
use countersign::{
    Unavailable,
    cache::copies::{Bus, Heard, Listening},
};
use redis::{PushInfo, PushKind, aio::MultiplexedConnection};
use tokio::sync::mpsc;

use crate::{
    Redis,
    outbox::{news, row},
};

/// Messages by Redis's publish and subscribe. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RedisBus {
    redis: Redis,
    channel: String,
    /// Whether each row is told by the step that writes it.
    tells_rows: bool,
}

impl RedisBus {
    /// For the [`RedisOutbox`](crate::RedisOutbox) of this server: each row is told, whole, in the step that writes it.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone(), channel: news(redis), tells_rows: true }
    }

    /// For the outbox of another store, such as a database, under a name of its own.
    #[must_use]
    pub fn for_outbox(redis: &Redis, name: &str) -> Self {
        Self { redis: redis.clone(), channel: redis.key("news", name), tells_rows: false }
    }
}

/// A connection that listens, and what came over it.
struct Line {
    connection: MultiplexedConnection,
    heard: mpsc::UnboundedReceiver<PushInfo>,
    redis: Redis,
    tells_rows: bool,
}

#[async_trait]
impl Bus for RedisBus {
    async fn wake(&self) -> Result<(), Unavailable> {
        self.redis.ask(redis::cmd("PUBLISH").arg(&self.channel).arg("")).await
    }

    async fn listen(&self) -> Result<Box<dyn Listening>, Unavailable> {
        let (told, heard) = mpsc::unbounded_channel();
        let mut connection = self.redis.apart(told).await?;
        self.redis.in_time(connection.subscribe(&self.channel)).await?;
        Ok(Box::new(Line { connection, heard, redis: self.redis.clone(), tells_rows: self.tells_rows }))
    }
}

#[async_trait]
impl Listening for Line {
    async fn next(&mut self) -> Result<Heard, Unavailable> {
        loop {
            let told = self.heard.recv().await;
            match told.as_ref().map(|told| &told.kind) {
                Some(PushKind::Message) => {
                    return Ok(told.as_ref().and_then(|told| self.said(told)).unwrap_or(Heard::Wake));
                }
                Some(PushKind::Disconnection) | None => {
                    return Err(Unavailable::because("Redis closed the connection"));
                }
                Some(_) => {}
            }
        }
    }

    async fn beat(&mut self) -> Result<(), Unavailable> {
        let _: String = self.redis.in_time(redis::cmd("PING").query_async(&mut self.connection)).await?;
        Ok(())
    }
}

impl Line {
    /// What a message says, if it says more than that there is something new.
    fn said(&self, told: &PushInfo) -> Option<Heard> {
        let text: String = redis::from_redis_value_ref(told.data.get(1)?).ok()?;
        // Where each row is told by the step that writes it, whoever wakes has nothing to add.
        if text.is_empty() && self.tells_rows {
            return Some(Heard::Rows(Vec::new()));
        }
        let (number, voided) = text.split_once(' ')?;
        Some(Heard::Rows(vec![row(number, voided)?]))
    }
}
