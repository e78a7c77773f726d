//! A database in a file of a test's own.

use std::{
    env, fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use countersign_conformance::stores::{REPLAY_ROOM, REPLAY_SHARE, Stores};
use countersign_sqlx::SqlStores;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

/// The file is gone when this is dropped.
pub(crate) struct File {
    path: PathBuf,
    pub(crate) options: SqliteConnectOptions,
}

impl File {
    pub(crate) async fn new(mode: SqliteJournalMode) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("countersign-{}-{number}.sqlite", std::process::id()));
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).journal_mode(mode);
        let file = Self { path, options };
        file.stores().await.migrate().await.unwrap();
        file
    }

    /// Stores over connections of their own.
    pub(crate) async fn stores(&self) -> SqlStores {
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(self.options.clone()).await.unwrap();
        SqlStores::sqlite(pool).remembering_nonces(REPLAY_ROOM, REPLAY_SHARE)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(format!("{}{end}", self.path.display()));
        }
    }
}

/// As the suite takes them.
pub(crate) fn stores(stores: SqlStores) -> Stores {
    let stores = Arc::new(stores);
    Stores {
        sessions: Some(stores.clone()),
        api_keys: Some(stores.clone()),
        tokens: Some(stores.clone()),
        replay: Some(stores.clone()),
        outbox: Some(stores),
        bus: None,
    }
}
