//! The stores in Redis pass what every store must: Debian's `redis-server` must be installed, or these tests fail.

use std::{sync::Arc, time::Duration};

use countersign::async_trait;
use countersign_conformance::{
    RedisServer,
    server::Server,
    stores::{REPLAY_ROOM, REPLAY_SHARE, StoreHarness, Stores},
};
use countersign_redis::{Redis, RedisApiKeys, RedisBus, RedisOutbox, RedisReplay, RedisSessions, RedisTokens};

struct Service(RedisServer);

#[async_trait]
impl StoreHarness for Service {
    async fn start() -> Self {
        Self(RedisServer::start())
    }

    async fn copy(&self) -> Stores {
        // A case fails that asks for a store and finds none.
        let Ok(redis) = Redis::open(&self.0.url()).await else { return Stores::default() };
        // A hundred calls at once, each on the disk before it is answered, on a machine that does much else.
        let redis = redis.waiting(Duration::from_secs(4));
        Stores {
            sessions: Some(Arc::new(RedisSessions::new(&redis))),
            api_keys: Some(Arc::new(RedisApiKeys::new(&redis))),
            tokens: Some(Arc::new(RedisTokens::new(&redis))),
            replay: Some(Arc::new(RedisReplay::new(&redis, "suite").holding(REPLAY_ROOM).share(REPLAY_SHARE))),
            outbox: Some(Arc::new(RedisOutbox::new(&redis))),
            bus: Some(Arc::new(RedisBus::new(&redis))),
        }
    }

    fn server(&self) -> &dyn Server {
        &self.0
    }
}

countersign_conformance::store_suite!(Service: sessions, api_keys, tokens, replay, departures, outbox, bus, pauses, restarts);
