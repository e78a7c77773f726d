//! Sessions in Redis: [`RedisSessions`].

use std::time::SystemTime;

use async_trait::async_trait;
use countersign::{
    Handle, Unavailable,
    secret::TokenDigest,
    store::{SessionRecord, SessionStore},
};

use crate::{
    Redis,
    call::Call,
    fields::{Fields, Written, milliseconds, written, written_span},
    hex::hex,
    outbox::announcing,
    script,
};

/// Sessions, each dropped by Redis when its end has come. Cheap to clone.
///
/// A session that is removed, or makes way, is announced in the [`RedisOutbox`](crate::RedisOutbox) of the same server in the same step.
#[derive(Debug, Clone)]
pub struct RedisSessions {
    redis: Redis,
}

impl RedisSessions {
    /// Sessions on this server.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone() }
    }

    fn session(&self, digest: TokenDigest) -> String {
        self.redis.key("session", &digest.to_hex())
    }

    fn owned(&self, subject: &str) -> String {
        self.redis.key("sessions", subject)
    }

    fn all(&self) -> String {
        self.redis.keys_of("session")
    }
}

fn fields(record: &SessionRecord) -> Vec<Vec<u8>> {
    Written::default()
        .with("id", &*record.id)
        .with("handle", hex(record.handle()))
        .with("subject", &*record.subject)
        .with("generation", record.generation.to_string())
        .with("created", written(record.created))
        .with("authenticated", written(record.authenticated))
        .with("used", written(record.used))
        .with("idle", written_span(record.idle))
        .with("ends", written(record.ends))
        .with_any("address", record.address.map(|address| address.to_string()))
        .with_any("agent", record.agent.as_deref())
        .with_any("data", record.data.as_deref())
        .with("revision", record.revision.to_string())
        .fields()
}

fn record(fields: &Fields) -> Result<SessionRecord, Unavailable> {
    Ok(SessionRecord {
        id: fields.text("id")?,
        subject: fields.text("subject")?,
        generation: fields.read("generation")?,
        created: fields.time("created")?,
        authenticated: fields.time("authenticated")?,
        used: fields.time("used")?,
        idle: fields.span("idle")?,
        ends: fields.time("ends")?,
        address: fields.address()?,
        agent: fields.any_text("agent")?,
        data: fields.any_text("data")?,
        revision: fields.read("revision")?,
    })
}

fn found(fields: Option<Fields>) -> Result<Option<SessionRecord>, Unavailable> {
    fields.map(|fields| record(&fields)).transpose()
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn insert(
        &self,
        digest: TokenDigest,
        record: SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Unavailable> {
        let keys = [self.session(digest), self.owned(&record.subject), self.redis.key("number", "sessions")];
        // A session begins now, by the clock of whoever begins it.
        let call = Call::on(keys)
            .with(digest.to_hex())
            .with(&*record.id)
            .with(milliseconds(record.used, record.ends))
            .with(most)
            .with(self.all())
            .with_all(fields(&record));
        let gone: Vec<String> = self.redis.run(&script::SESSION_INSERT, &announcing(&self.redis, call)).await?;
        Ok(gone.into_iter().map(Into::into).collect())
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        found(Fields::of(self.redis.ask(redis::cmd("HGETALL").arg(self.session(digest))).await?))
    }

    async fn find_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        let call = Call::on([self.owned(subject)]).with(self.all()).with(id);
        found(Fields::in_turn(self.redis.run(&script::SESSION_OF, &call).await?))
    }

    async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable> {
        let call = Call::on([self.owned(subject)]).with(self.all());
        let mut listed: Vec<(String, Vec<Vec<u8>>)> = self.redis.run(&script::OWNED_LIST, &call).await?;
        listed.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        listed.into_iter().filter_map(|(_, fields)| Fields::in_turn(fields)).map(|fields| record(&fields)).collect()
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        let call = Call::on([self.session(digest)]).with(written(used));
        self.redis.run(&script::SESSION_TOUCH, &call).await
    }

    async fn write(&self, subject: &str, id: &str, data: &str, revision: u64) -> Result<bool, Unavailable> {
        let call = Call::on([self.owned(subject)]).with(self.all()).with(id).with(data).with(revision);
        self.redis.run(&script::SESSION_WRITE, &call).await
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        let call = Call::on([self.session(digest)]).with(self.redis.keys_of("sessions"));
        self.redis.run(&script::SESSION_REMOVE, &announcing(&self.redis, call)).await
    }

    async fn remove_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        let call = Call::on([self.owned(subject)]).with(self.all()).with(id);
        found(Fields::in_turn(self.redis.run(&script::SESSION_REMOVE_OF, &announcing(&self.redis, call)).await?))
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        let call = Call::on([self.owned(subject)]).with(self.all()).with(hex(Handle::subject(subject)));
        self.redis.run(&script::SESSION_REMOVE_ALL_OF, &announcing(&self.redis, call)).await
    }
}
