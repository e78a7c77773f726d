//! Making the tables.

use sqlx::Error;

use crate::{
    SqlStores,
    sql::{Dialect, Statement},
};

/// A step from one version of the tables to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// Its number; they are run in this order.
    pub number: u32,
    /// Its statements, with the prefix `countersign_`. The last one notes in `countersign_migrations` that it was run.
    pub sql: &'static str,
}

/// The steps for SQLite, for who runs them by means of their own.
pub const SQLITE_MIGRATIONS: [Migration; 1] =
    [Migration { number: 1, sql: include_str!("../migrations/sqlite/0001_stores.sql") }];

/// The steps for PostgreSQL.
pub const POSTGRES_MIGRATIONS: [Migration; 1] =
    [Migration { number: 1, sql: include_str!("../migrations/postgres/0001_stores.sql") }];

impl SqlStores {
    /// Makes the tables that are missing, step by step, in one transaction. Copies of a service that start together may all call it.
    ///
    /// An app whose user of the database may make no tables runs the files in `migrations` by other means.
    ///
    /// # Errors
    /// When the database cannot be reached, or lets no tables be made.
    pub async fn migrate(&self) -> Result<(), Error> {
        let dialect = self.pool.dialect();
        let mut change = self.pool.begin().await?;
        if dialect == Dialect::Postgres {
            // Copies that start at once would all find the tables missing.
            change.row(Statement::new(format!("SELECT 1 FROM (SELECT pg_advisory_xact_lock({LOCK})) AS held"))).await?;
        }
        let known = match dialect {
            Dialect::Sqlite => "SELECT CAST(COUNT(*) AS BIGINT) FROM sqlite_master WHERE type = 'table' AND name = $1",
            Dialect::Postgres => "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass($1)",
        };
        let table = Statement::new(known.to_owned()).text(&format!("{}migrations", self.prefix));
        let begun = change.row(table).await?.map_or(Ok(0), |row| row.number(0))? > 0;
        let done = match begun {
            true => change.row(self.sql("SELECT MAX(number) FROM countersign_migrations")).await?,
            false => None,
        };
        let done = done.map_or(Ok(None), |row| row.maybe_number(0))?.unwrap_or(0);
        let steps = match dialect {
            Dialect::Sqlite => SQLITE_MIGRATIONS,
            Dialect::Postgres => POSTGRES_MIGRATIONS,
        };
        for step in steps.into_iter().filter(|step| i64::from(step.number) > done) {
            change.script(self.prefixed_text(step.sql)).await?;
        }
        change.commit().await
    }
}

/// Any number will do that nobody else takes.
const LOCK: i64 = 7_016_996_765_293_437_282;
