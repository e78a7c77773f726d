//! Tables, and who is in them from the start.

use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{AnyPool, AssertSqlSafe};

/// The kinds of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Memory,
    File,
    Postgres,
}

/// `SERIAL` stands for what counts up, which the two spell differently.
const TABLES: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, password TEXT NOT NULL, roles TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS friends (owner TEXT NOT NULL, friend TEXT NOT NULL, PRIMARY KEY (owner, friend))",
    "CREATE TABLE IF NOT EXISTS invitations (sender TEXT NOT NULL, recipient TEXT NOT NULL, PRIMARY KEY (sender, recipient))",
    "CREATE TABLE IF NOT EXISTS reports (id SERIAL, title TEXT NOT NULL)",
];

/// Name, password, roles, friends.
const USERS: [(&str, &str, &str, &[&str]); 3] = [
    ("emily", "emily:s3cret", "member", &["emma"]),
    ("emma", "pässwörd-emma", "member", &["emily"]),
    ("jacob", "jacob-is-admin", "member admin", &[]),
];

impl Kind {
    pub(super) fn of(url: &str) -> Option<Self> {
        match url {
            "sqlite::memory:" | "sqlite://:memory:" => Some(Self::Memory),
            _ if url.len() > "sqlite:".len() && url.starts_with("sqlite:") => Some(Self::File),
            _ if url.starts_with("postgres://") || url.starts_with("postgresql://") => Some(Self::Postgres),
            _ => None,
        }
    }

    pub(super) fn is_in_memory(self) -> bool {
        self == Self::Memory
    }

    pub(super) fn is_postgres(self) -> bool {
        self == Self::Postgres
    }

    /// A file that is not there yet is made. A database in memory gets a name, by which several connections find it.
    pub(super) fn url(self, url: &str) -> String {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        match self {
            Self::Memory => {
                format!("sqlite:file:people-{}?mode=memory&cache=shared", OPENED.fetch_add(1, Ordering::Relaxed))
            }
            Self::File if !url.contains('?') => format!("{url}?mode=rwc"),
            _ => url.to_owned(),
        }
    }

    pub(super) async fn create_tables(self, pool: &AnyPool) -> Result<(), sqlx::Error> {
        if self == Self::File {
            // Readers need not wait for a writer; it is a property of the file.
            sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await?;
        }
        let mut transaction = pool.begin().await?;
        if self == Self::Postgres {
            // Two copies that start at once would both find a table missing.
            sqlx::query("SELECT 1 FROM (SELECT pg_advisory_xact_lock(7016996765293437281)) AS locked")
                .execute(&mut *transaction)
                .await?;
        }
        let serial = match self {
            Self::Postgres => "BIGSERIAL PRIMARY KEY",
            Self::Memory | Self::File => "INTEGER PRIMARY KEY AUTOINCREMENT",
        };
        for table in TABLES {
            // Both texts are constants of this file.
            sqlx::query(AssertSqlSafe(table.replace("SERIAL", serial))).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

/// Earlier versions kept keys and sessions in other tables, under which nothing would be found any more.
pub(super) async fn is_no_earlier(pool: &AnyPool) -> Result<(), String> {
    match sqlx::query("SELECT visible, all_scopes FROM api_keys LIMIT 0").fetch_optional(pool).await {
        Ok(_) => Err("the database is of an earlier version of this program, which kept keys and sessions in other tables; name another \
                      one, or drop the tables api_keys, sessions, refresh_families, revoked_handles and subject_floors"
            .to_owned()),
        // There is no such table, which is as it should be; what else may be wrong shows next.
        Err(_) => Ok(()),
    }
}

pub(super) async fn add_first_users(pool: &AnyPool, hash: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let failed = |error: sqlx::Error| format!("the database cannot be used: {}", super::one_line(&error));
    for (name, password, roles, friends) in USERS {
        let known = sqlx::query("SELECT name FROM users WHERE name = $1").bind(name);
        if known.fetch_optional(pool).await.map_err(failed)?.is_some() {
            continue;
        }
        let hash = hash(password).ok_or("there is no memory to hash a password")?;
        let added = sqlx::query("INSERT INTO users (name, password, roles) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
        added.bind(name).bind(hash).bind(roles).execute(pool).await.map_err(failed)?;
        for friend in friends {
            let added = sqlx::query("INSERT INTO friends (owner, friend) VALUES ($1, $2) ON CONFLICT DO NOTHING");
            added.bind(name).bind(*friend).execute(pool).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// What the program prints about them.
pub(crate) fn first_users() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    USERS.into_iter().map(|(name, password, roles, _)| (name, password, roles))
}
