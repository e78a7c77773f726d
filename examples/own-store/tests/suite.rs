//! The store does what every store of sessions must.

use std::sync::Arc;

use countersign::async_trait;
use countersign_conformance::stores::{StoreHarness, Stores};
use own_store::ListedSessions;

/// Its copies share the very list.
struct Own(Arc<ListedSessions>);

#[async_trait]
impl StoreHarness for Own {
    async fn start() -> Self {
        Self(Arc::default())
    }

    async fn copy(&self) -> Stores {
        Stores { sessions: Some(self.0.clone()), ..Stores::default() }
    }
}

countersign_conformance::store_suite!(Own: sessions);
