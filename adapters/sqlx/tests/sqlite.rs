//! The stores in a file of SQLite, which several copies share.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod files;

use std::sync::Mutex;

use countersign::async_trait;
use countersign_conformance::{
    server::Server,
    stores::{StoreHarness, Stores},
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteJournalMode};
use tokio::runtime::Handle;

use self::files::{File, stores};

/// As it is meant to be run: in WAL mode.
struct Wal(File);

#[async_trait]
impl StoreHarness for Wal {
    async fn start() -> Self {
        Self(File::new(SqliteJournalMode::Wal).await)
    }

    async fn copy(&self) -> Stores {
        stores(self.0.stores().await)
    }
}

/// In the mode in which whoever writes can lock everybody out, so that it can be as silent as a server.
struct Locked {
    file: File,
    locking: Mutex<Option<SqliteConnection>>,
}

#[async_trait]
impl StoreHarness for Locked {
    async fn start() -> Self {
        Self { file: File::new(SqliteJournalMode::Delete).await, locking: Mutex::default() }
    }

    async fn copy(&self) -> Stores {
        stores(self.file.stores().await)
    }

    fn server(&self) -> &dyn Server {
        self
    }
}

impl Server for Locked {
    fn kill(&self) {
        panic!("a file cannot be killed");
    }

    fn start_again(&self) {
        panic!("a file cannot be killed");
    }

    fn pause(&self) {
        let lock = async {
            let mut connection = SqliteConnection::connect_with(&self.file.options).await.unwrap();
            sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
            connection
        };
        let connection = tokio::task::block_in_place(|| Handle::current().block_on(lock));
        *self.locking.lock().unwrap() = Some(connection);
    }

    fn resume(&self) {
        let connection = self.locking.lock().unwrap().take().unwrap();
        tokio::task::block_in_place(|| Handle::current().block_on(connection.close())).unwrap();
    }
}

mod wal {
    use super::*;

    countersign_conformance::store_suite!(Wal: sessions, api_keys, tokens, replay, departures, outbox);
}

mod locked {
    use super::*;

    countersign_conformance::store_suite!(Locked: pauses);
}
