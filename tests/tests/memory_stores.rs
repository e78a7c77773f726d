//! The stores in memory pass what every store must.

use std::sync::Arc;

use countersign::{
    async_trait,
    store::{MemoryApiKeys, MemoryOutbox, MemoryReplay, MemorySessions, MemoryTokens},
};
use countersign_conformance::stores::{REPLAY_ROOM, REPLAY_SHARE, StoreHarness, Stores};

/// All copies are in this process, and share the very stores.
struct Memory(Stores);

#[async_trait]
impl StoreHarness for Memory {
    async fn start() -> Self {
        let outbox = Arc::new(MemoryOutbox::default());
        Self(Stores {
            sessions: Some(Arc::new(MemorySessions::default().announcing_in(outbox.clone()))),
            api_keys: Some(Arc::new(MemoryApiKeys::default().announcing_in(outbox.clone()))),
            tokens: Some(Arc::new(MemoryTokens::default().announcing_in(outbox.clone()))),
            replay: Some(Arc::new(MemoryReplay::holding(REPLAY_ROOM).share(REPLAY_SHARE))),
            outbox: Some(outbox),
            bus: None,
        })
    }

    async fn copy(&self) -> Stores {
        self.0.clone()
    }
}

countersign_conformance::store_suite!(Memory: sessions, api_keys, tokens, replay, departures, outbox);
