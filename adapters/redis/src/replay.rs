//! What may pass once, and has, in Redis: [`RedisReplay`], [`RedisCounts`].

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use countersign::{
    Unavailable,
    clock::{SharedClock, SystemClock},
    store::{COUNTS_OUT_OF_ORDER, CountStore, First, ReplayStore},
};

use crate::{Redis, call::Call, fields::moment, script};

/// What may pass once, remembered for all copies of a service: 65,536 at most under one name, a quarter of them for each scope, and both can
/// be set. Cheap to clone.
///
/// It goes by its own clock, which must be the one by which the kinds judge what they ask it about, as
/// [`MemoryReplay`](countersign::store::MemoryReplay) does, and gives the same answers.
///
/// # Deployment
/// The server must not evict what is kept (`maxmemory-policy noeviction`). What it forgets when it is restarted without its data passes once
/// more until its window is over.
#[derive(Debug, Clone)]
pub struct RedisReplay {
    ledger: Ledger,
    share: usize,
}

/// Which counts of a nonce have passed, remembered for all copies of a service: of 65,536 nonces under one name, and another number can be set.
/// Cheap to clone. For the rest it is as [`RedisReplay`] is.
#[derive(Debug, Clone)]
pub struct RedisCounts {
    ledger: Ledger,
}

/// What both have.
#[derive(Debug, Clone)]
struct Ledger {
    redis: Redis,
    name: Box<str>,
    most: usize,
    clock: SharedClock,
}

const MOST: usize = 65_536;

impl RedisReplay {
    /// What is remembered on this server under this name, such as a route's. Two that have one name are one.
    #[must_use]
    pub fn new(redis: &Redis, name: &str) -> Self {
        Self { ledger: Ledger::new(redis, name), share: MOST / 4 }
    }

    /// Room for so many in all, and for a quarter of them in each scope. Each is at least one, and all copies say the same.
    #[must_use]
    pub fn holding(mut self, most: usize) -> Self {
        self.ledger.most = most.max(1);
        self.share = (most / 4).max(1);
        self
    }

    /// Room for so many in each scope, at least one.
    #[must_use]
    pub fn share(mut self, most: usize) -> Self {
        self.share = most.max(1);
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.ledger.clock = clock;
        self
    }
}

impl RedisCounts {
    /// What is remembered on this server under this name, such as a route's. Two that have one name are one.
    #[must_use]
    pub fn new(redis: &Redis, name: &str) -> Self {
        Self { ledger: Ledger::new(redis, name) }
    }

    /// Room for so many nonces, at least one. All copies say the same.
    #[must_use]
    pub fn holding(mut self, most: usize) -> Self {
        self.ledger.most = most.max(1);
        self
    }

    /// Takes time from this clock, which must be that of the nonces; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.ledger.clock = clock;
        self
    }
}

impl Ledger {
    fn new(redis: &Redis, name: &str) -> Self {
        Self { redis: redis.clone(), name: name.into(), most: MOST, clock: SystemClock::shared() }
    }

    fn key(&self, kind: &str, of: &str) -> String {
        self.redis.key(kind, &format!("{}:{of}", self.name))
    }

    /// A call that begins with what both scripts read first; `None` for what has ended.
    fn call(&self, kind: [&str; 3], held: &str, member: &str, until: SystemTime) -> Option<Call> {
        let now = self.clock.wall();
        if until <= now {
            return None;
        }
        let [ledger, edge, of] = kind;
        let keys = [self.key(ledger, ""), self.key(edge, ""), self.key(of, held)];
        Some(Call::on(keys).with(member).with(moment(until, true)).with(moment(now, false)).with(self.most))
    }

    async fn asked(&self, script: &redis::Script, call: Option<Call>) -> First {
        let Some(call) = call else { return First::Seen };
        let said: Result<(String, u64), _> = self.redis.run(script, &call).await;
        match said {
            Ok((said, left)) => match said.as_str() {
                "new" => First::New,
                "seen" => First::Seen,
                "full" => First::Full { retry_after: Duration::from_millis(left) },
                _ => First::Unavailable(Unavailable::because(SetBack).retrying_after(Duration::from_millis(left))),
            },
            Err(unavailable) => First::Unavailable(unavailable),
        }
    }
}

#[async_trait]
impl ReplayStore for RedisReplay {
    async fn first(&self, scope: &str, key: &[u8], until: SystemTime) -> First {
        let (member, scope) = (hash(&[scope.as_bytes(), key]), hash(&[scope.as_bytes()]));
        let call = self.ledger.call(["once", "once-edge", "once-of"], &scope, &member, until);
        self.ledger.asked(&script::REPLAY, call.map(|call| call.with(self.share))).await
    }
}

#[async_trait]
impl CountStore for RedisCounts {
    async fn first(&self, scope: &str, key: &[u8], count: u32, until: SystemTime) -> First {
        let member = hash(&[scope.as_bytes(), key]);
        let call = self.ledger.call(["counts", "counts-edge", "counts-of"], &member, &member, until);
        self.ledger.asked(&script::COUNT, call.map(|call| call.with(count).with(COUNTS_OUT_OF_ORDER))).await
    }
}

/// What is kept of a nonce: 128 bits of a hash.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("countersign redis once v1");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex().chars().take(32).collect()
}

#[derive(Debug, thiserror::Error)]
#[error("the clock was set back, or what was kept is gone: whether this was used before is not known any more")]
struct SetBack;
