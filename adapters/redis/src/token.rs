//! Families of refresh tokens, and what is void, in Redis: [`RedisTokens`].

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use countersign::{
    Handle, Unavailable,
    clock::{SharedClock, SystemClock},
    secret::TokenDigest,
    store::{FamilyRecord, RefreshStore, RevocationStore, Rotated, Rotation, Standing, SubjectFloor},
};

use crate::{
    Redis,
    call::Call,
    fields::{Fields, Written, milliseconds, moment, unreadable, written, written_span},
    hex::hex,
    outbox::announcing,
    script,
};

/// Families of refresh tokens and what is void, each dropped by Redis when its end has come; floors of subjects stay. Cheap to clone.
///
/// What is revoked is announced in the [`RedisOutbox`](crate::RedisOutbox) of the same server in the same step.
#[derive(Debug, Clone)]
pub struct RedisTokens {
    redis: Redis,
    clock: SharedClock,
}

/// What is void stays so a little longer than it must, because the clocks of copies differ.
const MARGIN: Duration = Duration::from_secs(60);

impl RedisTokens {
    /// Tokens on this server.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone(), clock: SystemClock::shared() }
    }

    /// Takes time from this clock, by which it is known how long something has to be void; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    fn family(&self, id: &str) -> String {
        self.redis.key("family", id)
    }

    fn owned(&self, subject: &str) -> String {
        self.redis.key("families", subject)
    }

    fn floor(&self, subject: &str) -> String {
        self.redis.key("floor", subject)
    }

    fn void(&self, handle: Handle) -> String {
        self.redis.key("void", &hex(handle))
    }

    fn all_void(&self) -> String {
        self.redis.key("voids", "")
    }

    fn by_handle(&self, handle: Handle) -> String {
        self.redis.key("handle", &hex(handle))
    }
}

fn fields(family: &FamilyRecord) -> Vec<Vec<u8>> {
    Written::default()
        .with("id", &*family.id)
        .with("handle", hex(family.handle()))
        .with("subject", &*family.subject)
        .with("generation", family.generation.to_string())
        .with("scopes", family.scopes.to_string())
        .with("all_scopes", u8::from(family.all_scopes).to_string())
        .with("current", family.current.to_hex())
        .with_any("previous", family.previous.map(|previous| previous.to_hex()))
        .with("created", written(family.created))
        .with("used", written(family.used))
        .with("ends", written(family.ends))
        .with_any("address", family.address.map(|address| address.to_string()))
        .with_any("agent", family.agent.as_deref())
        .fields()
}

fn record(fields: &Fields) -> Result<FamilyRecord, Unavailable> {
    let digest = |text: Box<str>, name| TokenDigest::from_hex(&text).ok_or_else(|| unreadable(name));
    Ok(FamilyRecord {
        id: fields.text("id")?,
        subject: fields.text("subject")?,
        generation: fields.read("generation")?,
        scopes: fields.read("scopes")?,
        all_scopes: fields.flag("all_scopes")?,
        current: digest(fields.text("current")?, "current")?,
        previous: fields.any_text("previous")?.map(|text| digest(text, "previous")).transpose()?,
        created: fields.time("created")?,
        used: fields.time("used")?,
        ends: fields.time("ends")?,
        address: fields.address()?,
        agent: fields.any_text("agent")?,
    })
}

#[async_trait]
impl RevocationStore for RedisTokens {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        let call = Call::on([self.floor(subject)]).and_on(handles.iter().map(|handle| self.void(*handle)));
        let (generation, revoked_at, void): (u64, Option<String>, u64) =
            self.redis.run(&script::STANDING, &call).await?;
        let revoked_at = revoked_at.map(|text| text.parse().map(Duration::from_nanos)).transpose();
        let revoked_at = revoked_at.map_err(|_| unreadable("revoked_at"))?.map(|since| SystemTime::UNIX_EPOCH + since);
        Ok(Standing { floor: SubjectFloor { generation, revoked_at }, revoked: void > 0 })
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        let call = Call::on([self.floor(subject), self.owned(subject)])
            .with(written(now))
            .with(hex(Handle::subject(subject)))
            .with(self.redis.keys_of("family"))
            .with(self.redis.keys_of("handle"));
        self.redis.run(&script::SUBJECT_REVOKE, &announcing(&self.redis, call)).await
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        let call = Call::on([self.void(handle), self.by_handle(handle), self.all_void()])
            .with(milliseconds(self.clock.wall(), until).saturating_add(MARGIN.as_millis() as u64))
            .with(hex(handle))
            .with(self.redis.keys_of("family"))
            .with(self.redis.keys_of("families"))
            .with(moment(until, true));
        self.redis.run(&script::HANDLE_REVOKE, &announcing(&self.redis, call)).await
    }

    /// Redis drops what has ended by itself; what goes here is its place in the list, and what ended by a clock that is ahead.
    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        let call = Call::on([self.all_void()]).with(moment(now, false)).with(most).with(self.redis.keys_of("void"));
        self.redis.run(&script::VOID_PURGE, &call).await
    }
}

#[async_trait]
impl RefreshStore for RedisTokens {
    async fn begin(&self, family: FamilyRecord, most: usize) -> Result<(), Unavailable> {
        let keys = [
            self.family(&family.id),
            self.owned(&family.subject),
            self.redis.key("number", "families"),
            self.by_handle(family.handle()),
        ];
        let call = Call::on(keys)
            .with(&*family.id)
            .with(written(family.created))
            .with(milliseconds(family.created, family.ends))
            .with(most)
            .with(self.redis.keys_of("family"))
            .with(self.redis.keys_of("floor"))
            .with(self.redis.keys_of("handle"))
            .with_all(fields(&family));
        self.redis.run(&script::FAMILY_BEGIN, &call).await
    }

    async fn find(&self, id: &str, now: SystemTime) -> Result<Option<FamilyRecord>, Unavailable> {
        let call = Call::on([self.family(id)]).with(self.redis.keys_of("floor")).with(written(now));
        let found = Fields::in_turn(self.redis.run(&script::FAMILY_FIND, &call).await?);
        found.as_ref().map(record).transpose()
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, Unavailable> {
        let call = Call::on([self.family(&rotation.id), self.all_void()])
            .with(&*rotation.id)
            .with(rotation.spent.to_hex())
            .with(rotation.successor.to_hex())
            .with(written(rotation.now))
            .with(written(rotation.ends))
            .with(milliseconds(rotation.now, rotation.ends))
            .with(rotation.address.map(|address| address.to_string()).unwrap_or_default())
            .with(u8::from(rotation.agent.is_some()))
            .with(rotation.agent.as_deref().unwrap_or_default())
            .with(written_span(rotation.forgiven))
            .with(milliseconds(rotation.now, rotation.void_until).saturating_add(MARGIN.as_millis() as u64))
            .with(self.redis.keys_of("floor"))
            .with(self.redis.keys_of("handle"))
            .with(self.redis.keys_of("families"))
            .with(self.redis.keys_of("void"))
            .with(moment(rotation.void_until, true));
        let rotated: String = self.redis.run(&script::FAMILY_ROTATE, &announcing(&self.redis, call)).await?;
        match rotated.as_str() {
            "now" => Ok(Rotated::Now),
            "again" => Ok(Rotated::Again),
            "reused" => Ok(Rotated::Reused),
            "unknown" => Ok(Rotated::Unknown),
            _ => Err(unreadable("rotated")),
        }
    }

    async fn list(&self, subject: &str, now: SystemTime) -> Result<Vec<FamilyRecord>, Unavailable> {
        let call = Call::on([self.owned(subject)])
            .with(self.redis.keys_of("family"))
            .with(self.redis.keys_of("floor"))
            .with(written(now));
        let mut listed: Vec<(String, Vec<Vec<u8>>)> = self.redis.run(&script::FAMILY_LIST, &call).await?;
        listed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        listed.into_iter().filter_map(|(_, fields)| Fields::in_turn(fields)).map(|fields| record(&fields)).collect()
    }
}
