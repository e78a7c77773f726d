//! Bound keys in Redis: [`RedisBoundKeys`].

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use countersign::{
    Unavailable,
    secret::TokenDigest,
    store::{BoundKeyRecord, BoundKeyStore, KeySender},
};

use crate::{
    Redis,
    call::Call,
    fields::{Fields, Written, latest, milliseconds, written},
    script,
};

/// Bound keys, each dropped by Redis when it has ended. 64 of them are one subject's, and of more the one that was idle longest makes way.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct RedisBoundKeys {
    redis: Redis,
}

/// How many are one subject's.
const SHARE: usize = 64;

impl RedisBoundKeys {
    /// Bound keys on this server.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone() }
    }

    fn key(&self, digest: TokenDigest) -> String {
        self.redis.key("bound", &digest.to_hex())
    }
}

fn record(fields: &Fields) -> Result<BoundKeyRecord, Unavailable> {
    Ok(BoundKeyRecord {
        subject: fields.text("subject")?,
        sender: KeySender { address: fields.address()?, agent: fields.bytes("agent").map(Into::into) },
        idle_ends: fields.time("idle_ends")?,
        ends: fields.time("ends")?,
    })
}

#[async_trait]
impl BoundKeyStore for RedisBoundKeys {
    async fn insert(&self, digest: TokenDigest, record: BoundKeyRecord, now: SystemTime) -> Result<(), Unavailable> {
        let fields = Written::default()
            .with("subject", &*record.subject)
            .with_any("address", record.sender.address.map(|address| address.to_string()))
            .with_any("agent", record.sender.agent.as_deref())
            .with("idle_ends", written(record.idle_ends))
            .with("ends", written(record.ends));
        let call = Call::on([self.key(digest), self.redis.key("bounds", &record.subject)])
            .with(digest.to_hex())
            .with(written(record.idle_ends))
            .with(milliseconds(now, record.idle_ends.min(record.ends)))
            .with(milliseconds(now, record.ends))
            .with(SHARE)
            .with(self.redis.keys_of("bound"))
            .with_all(fields.fields());
        self.redis.run(&script::BOUND_INSERT, &call).await
    }

    async fn use_now(
        &self,
        digest: TokenDigest,
        sender: &KeySender,
        now: SystemTime,
        idle: Duration,
    ) -> Result<Option<BoundKeyRecord>, Unavailable> {
        // As late as can be written down, where somebody sets it to for ever.
        let idle_ends = now.checked_add(idle).unwrap_or_else(latest);
        let call = Call::on([self.key(digest)])
            .with(written(now))
            .with(written(idle_ends))
            .with(milliseconds(now, idle_ends))
            .with(sender.address.map(|address| address.to_string()).unwrap_or_default())
            .with(u8::from(sender.agent.is_some()))
            .with(sender.agent.as_deref().unwrap_or_default());
        let found = Fields::in_turn(self.redis.run(&script::BOUND_USE, &call).await?);
        found.as_ref().map(record).transpose()
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        self.redis.ask(redis::cmd("DEL").arg(self.key(digest))).await
    }
}
