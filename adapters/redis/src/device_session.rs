//! Sessions that are bound to a device, in Redis: [`RedisDeviceSessions`].

use std::time::SystemTime;

use async_trait::async_trait;
use countersign::{
    Unavailable,
    store::{DeviceSessionRecord, DeviceSessionStore},
};

use crate::{
    Redis,
    call::Call,
    fields::{Fields, Written, milliseconds, written},
    script,
};

/// Sessions that are bound to a device, each dropped by Redis when its end has come. 64 of them are one subject's, and of more the one that
/// ends first makes way. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RedisDeviceSessions {
    redis: Redis,
}

/// How many are one subject's.
const SHARE: usize = 64;

impl RedisDeviceSessions {
    /// Sessions on this server.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone() }
    }

    fn session(&self, id: &str) -> String {
        self.redis.key("device", id)
    }
}

fn record(fields: &Fields) -> Result<DeviceSessionRecord, Unavailable> {
    Ok(DeviceSessionRecord {
        subject: fields.text("subject")?,
        ends: fields.time("ends")?,
        key: fields.any_text("key")?,
    })
}

#[async_trait]
impl DeviceSessionStore for RedisDeviceSessions {
    async fn insert(&self, id: &str, record: DeviceSessionRecord, now: SystemTime) -> Result<(), Unavailable> {
        let fields = Written::default()
            .with("subject", &*record.subject)
            .with("ends", written(record.ends))
            .with_any("key", record.key.as_deref());
        let call = Call::on([self.session(id), self.redis.key("devices", &record.subject)])
            .with(id)
            .with(written(record.ends))
            .with(milliseconds(now, record.ends))
            .with(SHARE)
            .with(self.redis.keys_of("device"))
            .with_all(fields.fields());
        self.redis.run(&script::DEVICE_INSERT, &call).await
    }

    async fn find(&self, id: &str) -> Result<Option<DeviceSessionRecord>, Unavailable> {
        let found = Fields::of(self.redis.ask(redis::cmd("HGETALL").arg(self.session(id))).await?);
        found.as_ref().map(record).transpose()
    }

    async fn bind(&self, id: &str, key: &str) -> Result<bool, Unavailable> {
        self.redis.run(&script::DEVICE_BIND, &Call::on([self.session(id)]).with(key)).await
    }

    async fn remove(&self, id: &str) -> Result<(), Unavailable> {
        self.redis.ask(redis::cmd("DEL").arg(self.session(id))).await
    }
}
