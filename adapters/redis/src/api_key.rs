//! API keys in Redis: [`RedisApiKeys`].

use std::time::SystemTime;

use async_trait::async_trait;
use countersign::{
    Unavailable,
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore},
};

use crate::{
    Redis,
    call::Call,
    fields::{Fields, Written, written},
    hex::hex,
    outbox::announcing,
    script,
};

/// API keys, which stay until they are removed. Cheap to clone.
///
/// A key that is removed is announced in the [`RedisOutbox`](crate::RedisOutbox) of the same server in the same step.
///
/// # Deployment
/// Keys live long: let the server write what it is told to its disk (`appendonly yes`), or keep them in a database.
#[derive(Debug, Clone)]
pub struct RedisApiKeys {
    redis: Redis,
}

impl RedisApiKeys {
    /// Keys on this server.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone() }
    }

    fn key(&self, digest: TokenDigest) -> String {
        self.redis.key("key", &digest.to_hex())
    }

    fn owned(&self, subject: &str) -> String {
        self.redis.key("keys", subject)
    }
}

fn fields(record: &ApiKeyRecord) -> Vec<Vec<u8>> {
    Written::default()
        .with("id", &*record.id)
        .with("subject", &*record.subject)
        .with("name", &*record.name)
        .with("visible", &*record.visible)
        .with("scopes", record.scopes.to_string())
        .with("all_scopes", u8::from(record.all_scopes).to_string())
        .with("created", written(record.created))
        .with_any("ends", record.ends.map(written))
        .with_any("used", record.used.map(written))
        .fields()
}

fn record(fields: &Fields) -> Result<ApiKeyRecord, Unavailable> {
    Ok(ApiKeyRecord {
        id: fields.text("id")?,
        subject: fields.text("subject")?,
        name: fields.text("name")?,
        visible: fields.text("visible")?,
        scopes: fields.read("scopes")?,
        all_scopes: fields.flag("all_scopes")?,
        created: fields.time("created")?,
        ends: fields.any_time("ends")?,
        used: fields.any_time("used")?,
    })
}

#[async_trait]
impl ApiKeyStore for RedisApiKeys {
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable> {
        let call = Call::on([self.key(digest), self.owned(&record.subject), self.redis.key("number", "keys")])
            .with(digest.to_hex())
            .with(&*record.id)
            .with_all(fields(&record));
        self.redis.run(&script::KEY_INSERT, &call).await
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable> {
        let found = Fields::of(self.redis.ask(redis::cmd("HGETALL").arg(self.key(digest))).await?);
        found.as_ref().map(record).transpose()
    }

    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        let call = Call::on([self.owned(subject)]).with(self.redis.keys_of("key"));
        let mut listed: Vec<(String, Vec<Vec<u8>>)> = self.redis.run(&script::OWNED_LIST, &call).await?;
        listed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        listed.into_iter().filter_map(|(_, fields)| Fields::in_turn(fields)).map(|fields| record(&fields)).collect()
    }

    async fn count(&self, subject: &str) -> Result<usize, Unavailable> {
        self.redis.ask(redis::cmd("HLEN").arg(self.owned(subject))).await
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        let call = Call::on([self.owned(subject)])
            .with(self.redis.keys_of("key"))
            .with(id)
            .with(hex(ApiKeyRecord::handle_of(id)));
        self.redis.run(&script::KEY_REMOVE, &announcing(&self.redis, call)).await
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        let call = Call::on([self.key(digest)]).with(written(used));
        self.redis.run(&script::KEY_TOUCH, &call).await
    }
}
