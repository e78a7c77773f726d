//! Sessions, API keys, refresh tokens, revocations and nonces of [Countersign] in SQLite or PostgreSQL, on a pool that the app hands in.
//!
//! [`SqlStores`] is every store that the core asks for, and the outbox by which [copies](countersign::cache::copies) of a service forget
//! together. All of it lives in tables of its own, with a prefix.
//!
//! [Countersign]: https://docs.rs/countersign
//!
//! # Example
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use countersign::{CredentialCache, cache::copies::Copies, store::RevocationStore};
//! use countersign_sqlx::SqlStores;
//! use std::sync::Arc;
//!
//! let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?; // the app's own
//! let stores = SqlStores::sqlite(pool);
//! stores.migrate().await?;
//!
//! let stores = Arc::new(stores); // for Sessions::new, ApiKeys::new, RefreshTokens::new, Revocation::recorded_in …
//! let cache = CredentialCache::default();
//! let copies = Copies::sharing(stores.clone()).follow(&cache)?; // where several copies of the service share the database
//! stores.revoke_subject("emily", std::time::SystemTime::now()).await?;
//! # drop(copies); Ok(()) }
//! # #[cfg(not(feature = "sqlite"))] fn main() {}
//! ```
//!
//! # Copies without Redis
//! On PostgreSQL a `PgBus` wakes the other copies by `NOTIFY`, so that they do not wait for their next look: say
//! `Copies::sharing(stores).woken_by(Arc::new(PgBus::on(&pool)))`.
//!
//! # Deployment
//! - Every call ends after five seconds, whatever the database does, and is then without an answer: see [`within`](SqlStores::within).
//!   Set the pool's `acquire_timeout` below that, so that the log tells a pool that is too small from a database that is silent.
//! - SQLite: several processes may share a file on one machine. Put it into WAL mode (`journal_mode`), so that readers wait for no writer.
//! - PostgreSQL: `synchronous_commit` may be what it likes, but with `off` a crash of the server loses revocations that were acknowledged. With
//!   replicas, hand in a pool of the primary: a replica knows late what was revoked.
//! - Rows that have ended are thrown away as others come, and by [`RevocationStore::purge`](countersign::store::RevocationStore::purge), which
//!   refresh tokens call.
//!
//! # Why
//! All transactions take their locks in one order, so that none waits for another crosswise: a subject, its floor, its sessions or families, what
//! is void, and last the counter of the outbox. Statements that tidy up skip what is locked.

// Where the documentation is built for everybody, each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "any", feature = "postgres", feature = "sqlite")))]
compile_error!("countersign-sqlx needs a database: switch on the feature `sqlite`, `postgres` or `any`");

mod api_key;
#[cfg(feature = "postgres")]
mod bus;
mod migration;
mod outbox;
mod replay;
mod session;
mod sql;
mod token;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use countersign::{
    Handle, Unavailable,
    clock::{SharedClock, SystemClock},
};
use sqlx::Error;

#[cfg(feature = "postgres")]
pub use self::bus::PgBus;
pub use self::migration::{Migration, POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS};
use self::{
    replay::Held,
    sql::{Change, Dialect, Pool, Statement},
};

/// Every store, in one database. Cheap to clone. See the [crate](self).
#[derive(Clone)]
pub struct SqlStores {
    pool: Pool,
    prefix: Arc<str>,
    within: Duration,
    clock: SharedClock,
    held: Arc<Held>,
}

/// Text that names of tables cannot begin with.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be the prefix of tables; write up to 30 letters, digits and '_', none of them a capital, such as auth_"
)]
pub struct BadPrefix(String);

/// A `main` that returns it prints this: the sentence.
impl fmt::Debug for BadPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const PREFIX: &str = "countersign_";
const LONGEST_PREFIX: usize = 30;

impl SqlStores {
    fn new(pool: Pool) -> Self {
        Self {
            pool,
            prefix: PREFIX.into(),
            within: Duration::from_secs(5),
            clock: SystemClock::shared(),
            held: Arc::default(),
        }
    }

    /// Stores in SQLite.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn sqlite(pool: sqlx::SqlitePool) -> Self {
        Self::new(Pool::Sqlite(pool))
    }

    /// Stores in PostgreSQL.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn postgres(pool: sqlx::PgPool) -> Self {
        Self::new(Pool::Postgres(pool))
    }

    /// Stores in whatever this pool is connected to.
    ///
    /// # Errors
    /// When that is neither SQLite nor PostgreSQL.
    #[cfg(feature = "any")]
    pub fn any(pool: sqlx::AnyPool) -> Result<Self, Error> {
        let dialect = match pool.connect_options().database_url.scheme() {
            "sqlite" => Dialect::Sqlite,
            "postgres" | "postgresql" => Dialect::Postgres,
            other => {
                let sentence = format!("countersign-sqlx knows SQLite and PostgreSQL, and no {other:?}");
                return Err(Error::Configuration(sentence.into()));
            }
        };
        Ok(Self::new(Pool::Any(pool, dialect)))
    }

    /// Names tables with this in front; `countersign_` unless told otherwise.
    ///
    /// # Errors
    /// When no table can be called so.
    pub fn prefixed(mut self, prefix: &str) -> Result<Self, BadPrefix> {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let begins = prefix.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if !begins || prefix.len() > LONGEST_PREFIX || !prefix.bytes().all(fits) {
            return Err(BadPrefix(prefix.to_owned()));
        }
        self.prefix = prefix.into();
        Ok(self)
    }

    /// Gives each call so long, waiting for a connection included; without an answer by then it has none. Five seconds unless told
    /// otherwise.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Ends the work in time, and says of an error that it is no answer.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Unavailable> {
        match tokio::time::timeout(self.within, work).await {
            Ok(done) => done.map_err(Unavailable::because),
            Err(_) => Err(Unavailable::because(format!("the database did not answer within {:?}", self.within))),
        }
    }

    /// A statement about tables of this prefix.
    fn sql(&self, text: &str) -> Statement {
        Statement::new(self.prefixed_text(text))
    }

    fn prefixed_text(&self, text: &str) -> String {
        match &*self.prefix {
            PREFIX => text.to_owned(),
            own => text.replace(PREFIX, own),
        }
    }

    /// Begins a change of what this subject has: two such changes follow each other.
    async fn begin_for(&self, subject: &str) -> Result<Change, Error> {
        let mut change = self.pool.begin().await?;
        if change.dialect() == Dialect::Postgres {
            // A name that many share by chance makes them wait, and nothing else.
            let hash = blake3::derive_key(
                "countersign-sqlx lock of a subject v1",
                format!("{}{subject}", self.prefix).as_bytes(),
            );
            let [first, ..] = hash.as_chunks::<8>().0 else { return Ok(change) };
            let lock = Statement::new("SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS held".to_owned())
                .number(i64::from_le_bytes(*first));
            change.row(lock).await?;
        }
        Ok(change)
    }
}

fn hex(handle: Handle) -> String {
    format!("{:032x}", handle.to_bits())
}

impl fmt::Debug for SqlStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStores").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
