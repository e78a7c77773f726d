//! Where routes remember what they must: [`Stores`], in this process or in Redis, where all copies of the gallery find it.

use std::sync::Arc;

use countersign::{
    KeyRing, Secret, Unavailable,
    clock::SharedClock,
    jose::jwe::JweKey,
    store::{
        BoundKeyStore, CountStore, DeviceSessionStore, MemoryBoundKeys, MemoryCounts, MemoryDeviceSessions,
        MemoryReplay, MemorySessions, MemoryTokens, ReplayStore, RevocationStore, SessionStore,
    },
};
use countersign_redis::{
    Redis, RedisBoundKeys, RedisCounts, RedisDeviceSessions, RedisReplay, RedisSessions, RedisTokens,
};

use crate::Fault;

/// How many things that pass once are remembered for a route.
const MOST_REMEMBERED: usize = 65_536;

/// What our keys in Redis begin with.
const WORD: &str = "gallery";

/// Makes the stores. What has a name is asked for once by it: a route's path, or what several routes share.
pub(crate) struct Stores {
    clock: SharedClock,
    redis: Option<Redis>,
}

/// The keys that all copies share.
pub(crate) struct Keys {
    /// What MACs what is handed out; each user of it has a purpose of their own.
    pub(crate) ring: KeyRing,
    /// To whose public halves tokens may be sealed: of P-256 and RSA, PKCS#8.
    pub(crate) sealing: [Secret; 2],
}

impl Keys {
    /// Of this process, and gone with it.
    pub(crate) fn fresh() -> Result<Self, Fault> {
        Ok(Self { ring: KeyRing::random(), sealing: [JweKey::generate_p256()?, JweKey::generate_rsa()?] })
    }
}

impl Stores {
    /// In this process, and gone with it.
    pub(crate) fn in_memory(clock: &SharedClock) -> Self {
        Self { clock: Arc::clone(clock), redis: None }
    }

    /// In the Redis server of this URL, with the keys that all copies share.
    pub(crate) async fn shared(url: &str, clock: &SharedClock) -> Result<(Self, Keys), Fault> {
        let unreachable = |source| Fault::from(format!("--shared: Redis cannot be used: {source}"));
        let redis = Redis::open(url).await.map_err(unreachable)?.below(WORD);
        let ring = KeyRing::of([redis.agreed_secret("keys").await.map_err(unreachable)?])?;
        let made = |key: Result<Secret, _>| key.map_err(Unavailable::because);
        let sealing = [
            redis.agreed("p256", || made(JweKey::generate_p256())).await.map_err(unreachable)?,
            redis.agreed("rsa", || made(JweKey::generate_rsa())).await.map_err(unreachable)?,
        ];
        Ok((Self { clock: Arc::clone(clock), redis: Some(redis) }, Keys { ring, sealing }))
    }

    /// What has passed once on one route: 65,536 entries, all of them for one signer if they must.
    pub(crate) fn replay(&self, name: &str) -> Arc<dyn ReplayStore> {
        let clock = Arc::clone(&self.clock);
        match &self.redis {
            Some(redis) => {
                Arc::new(RedisReplay::new(redis, name).holding(MOST_REMEMBERED).share(MOST_REMEMBERED).timed_by(clock))
            }
            None => Arc::new(MemoryReplay::holding(MOST_REMEMBERED).share(MOST_REMEMBERED).timed_by(clock)),
        }
    }

    /// Which counts of a nonce have passed on one route.
    pub(crate) fn counts(&self, name: &str) -> Arc<dyn CountStore> {
        let clock = Arc::clone(&self.clock);
        match &self.redis {
            Some(redis) => Arc::new(RedisCounts::new(redis, name).holding(MOST_REMEMBERED).timed_by(clock)),
            None => Arc::new(MemoryCounts::holding(MOST_REMEMBERED).timed_by(clock)),
        }
    }

    /// Sessions of one kind.
    pub(crate) fn sessions(&self, name: &str) -> Arc<dyn SessionStore> {
        match &self.redis {
            Some(redis) => Arc::new(RedisSessions::new(&redis.clone().below(&format!("{WORD}-{name}")))),
            None => Arc::new(MemorySessions::default()),
        }
    }

    /// What is void before its time.
    pub(crate) fn voided(&self) -> Arc<dyn RevocationStore> {
        match &self.redis {
            Some(redis) => Arc::new(RedisTokens::new(redis).timed_by(Arc::clone(&self.clock))),
            None => Arc::new(MemoryTokens::default()),
        }
    }

    /// Keys that are bound to their senders.
    pub(crate) fn bound_keys(&self) -> Arc<dyn BoundKeyStore> {
        match &self.redis {
            Some(redis) => Arc::new(RedisBoundKeys::new(redis)),
            None => Arc::new(MemoryBoundKeys::default()),
        }
    }

    /// Sessions that are bound to a device.
    pub(crate) fn device_sessions(&self) -> Arc<dyn DeviceSessionStore> {
        match &self.redis {
            Some(redis) => Arc::new(RedisDeviceSessions::new(redis)),
            None => Arc::new(MemoryDeviceSessions::default()),
        }
    }
}
