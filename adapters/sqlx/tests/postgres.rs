//! The stores in PostgreSQL: Debian's `postgresql` must be installed, or these tests fail.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use countersign::async_trait;
use countersign_conformance::{
    server::{Postgres, Server},
    stores::{REPLAY_ROOM, REPLAY_SHARE, StoreHarness, Stores},
};
use countersign_sqlx::{PgBus, SqlStores};
use sqlx::postgres::PgPoolOptions;

struct Service(Postgres);

impl Service {
    async fn stores(&self) -> (SqlStores, PgBus) {
        let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(3));
        let pool = pool.connect(&self.0.url()).await.unwrap();
        let stores = SqlStores::postgres(pool.clone()).remembering_nonces(REPLAY_ROOM, REPLAY_SHARE);
        (stores.within(Duration::from_secs(4)), PgBus::on(&pool))
    }
}

#[async_trait]
impl StoreHarness for Service {
    async fn start() -> Self {
        let server = Self(Postgres::start());
        server.stores().await.0.migrate().await.unwrap();
        server
    }

    async fn copy(&self) -> Stores {
        let (stores, bus) = self.stores().await;
        let stores = Arc::new(stores);
        Stores {
            sessions: Some(stores.clone()),
            api_keys: Some(stores.clone()),
            tokens: Some(stores.clone()),
            replay: Some(stores.clone()),
            outbox: Some(stores),
            bus: Some(Arc::new(bus)),
        }
    }

    fn server(&self) -> &dyn Server {
        &self.0
    }
}

countersign_conformance::store_suite!(Service: sessions, api_keys, tokens, replay, departures, outbox, bus, pauses, restarts);
