//! Users, friends, invitations and reports, in SQLite or PostgreSQL. Sessions, tokens and keys are beside them, in tables of
//! `countersign-sqlx`.
//!
//! Placeholders are `$1`, which both understand; lists are text with blanks. Nothing is stored from which a password could be had.

mod schema;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::{
    Reply, Scopes, Unavailable, Verified, async_trait,
    store::{Directory, PasswordStore, StoredPassword},
};
use countersign_sqlx::{PgBus, SqlStores};
use sqlx::{
    AnyConnection, AnyPool, Connection, Row,
    any::{AnyPoolOptions, AnyRow},
};

pub(crate) use self::schema::first_users;
use crate::{User, answer};

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    stores: Arc<SqlStores>,
    /// Where it is PostgreSQL: what wakes other copies that share it.
    bus: Option<Arc<PgBus>>,
    /// Holds a database in memory, which is gone with its last connection. No request ever has this one: a request that is dropped
    /// while it asks takes its connection along.
    _keeper: Option<Arc<Mutex<AnyConnection>>>,
}

/// A user as others may see them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) friends: Vec<String>,
}

/// What became of looking a user up.
#[derive(Debug)]
#[must_use]
pub struct Found(pub(crate) Result<Option<Person>, sqlx::Error>);

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Report {
    pub(crate) id: i64,
    pub(crate) title: String,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invited {
    Now,
    Unknown,
    Already,
}

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(3);

impl Database {
    /// Connects, and makes the tables and the first users where they are missing. `hash` makes the stored form of a password.
    ///
    /// # Errors
    /// When the database cannot be reached or used; one line says which and why.
    pub(crate) async fn open(url: &str, hash: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let kind = schema::Kind::of(url)
            .ok_or_else(|| "--database: write sqlite::memory:, sqlite:FILE or postgres://…".to_owned())?;
        sqlx::any::install_default_drivers();
        let url = kind.url(url);
        let unreachable = |error: sqlx::Error| format!("the database cannot be reached: {}", one_line(&error));
        // A pool tries until its time is up, and then says that and not why.
        let first = tokio::time::timeout(PATIENCE, AnyConnection::connect(&url)).await;
        let first = first.map_err(|_| "the database cannot be reached: it does not answer".to_owned())?;
        let first = first.map_err(unreachable)?;
        let keeper = kind.is_in_memory().then(|| Arc::new(Mutex::new(first)));
        let pool = AnyPoolOptions::new()
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            // Connections that share a database in memory lock each other's tables.
            .max_connections(if kind.is_in_memory() { 1 } else { 10 })
            .connect(&url)
            .await
            .map_err(unreachable)?;
        let unusable = |error: sqlx::Error| format!("the database cannot be used: {}", one_line(&error));
        schema::is_no_earlier(&pool).await?;
        kind.create_tables(&pool).await.map_err(unusable)?;
        let stores = SqlStores::any(pool.clone()).map_err(unusable)?;
        stores.migrate().await.map_err(unusable)?;
        let bus = kind.is_postgres().then(|| url.parse().map(PgBus::connecting_with)).transpose().map_err(unusable)?;
        let database = Self { pool, stores: Arc::new(stores), bus: bus.map(Arc::new), _keeper: keeper };
        schema::add_first_users(&database.pool, hash).await?;
        Ok(database)
    }

    /// Whether it is in the memory of this process, and nobody else's.
    pub(crate) fn is_in_memory(&self) -> bool {
        self._keeper.is_some()
    }

    /// Sessions, tokens and keys, in this database.
    pub(crate) fn stores(&self) -> Arc<SqlStores> {
        Arc::clone(&self.stores)
    }

    /// What wakes other copies, where the database can.
    pub(crate) fn bus(&self) -> Option<Arc<PgBus>> {
        self.bus.clone()
    }

    /// Waits for what runs, and closes.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn person(&self, name: &str) -> Found {
        Found(self.look_up(name).await)
    }

    async fn look_up(&self, name: &str) -> Result<Option<Person>, sqlx::Error> {
        if !self.knows(name).await? {
            return Ok(None);
        }
        let rows = sqlx::query("SELECT friend FROM friends WHERE owner = $1 ORDER BY friend")
            .bind(name)
            .fetch_all(&self.pool)
            .await?;
        let friends = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(Some(Person { name: name.to_owned(), friends }))
    }

    async fn knows(&self, name: &str) -> Result<bool, sqlx::Error> {
        if !can_be_text(name) {
            return Ok(false);
        }
        let row = sqlx::query("SELECT name FROM users WHERE name = $1").bind(name).fetch_optional(&self.pool).await?;
        Ok(row.is_some())
    }

    pub(crate) async fn invite(&self, from: &str, to: &str) -> Result<Invited, sqlx::Error> {
        let Some(host) = self.look_up(from).await? else { return Ok(Invited::Unknown) };
        if !self.knows(to).await? {
            return Ok(Invited::Unknown);
        }
        if from == to || host.friends.iter().any(|friend| friend == to) {
            return Ok(Invited::Already);
        }
        let added = sqlx::query("INSERT INTO invitations (sender, recipient) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(from)
            .bind(to)
            .execute(&self.pool)
            .await?;
        Ok(if added.rows_affected() == 1 { Invited::Now } else { Invited::Already })
    }

    pub(crate) async fn reports(&self) -> Result<Vec<Report>, sqlx::Error> {
        let rows = sqlx::query("SELECT id, title FROM reports ORDER BY id").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(Report { id: row.try_get(0)?, title: row.try_get(1)? })).collect()
    }

    pub(crate) async fn add_report(&self, title: &str) -> Result<Report, sqlx::Error> {
        let row = sqlx::query("INSERT INTO reports (title) VALUES ($1) RETURNING id")
            .bind(title)
            .fetch_one(&self.pool)
            .await?;
        Ok(Report { id: row.try_get(0)?, title: title.to_owned() })
    }

    async fn user(&self, name: &str) -> Result<Option<AnyRow>, sqlx::Error> {
        if !can_be_text(name) {
            return Ok(None);
        }
        sqlx::query("SELECT name, roles, password FROM users WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
    }
}

/// PostgreSQL stores no NUL, so nothing is stored under a name with one.
pub(crate) fn can_be_text(text: &str) -> bool {
    !text.contains('\0')
}

impl Found {
    /// Whether this caller may see the user, or that there is none: the user, a friend, an admin. Where nothing could be found out,
    /// nothing is shown either.
    #[must_use]
    pub fn may_be_seen_by(&self, caller: &countersign::Grant<User>) -> bool {
        let admin = caller.roles().iter().any(|role| &**role == "admin");
        match &self.0 {
            Ok(Some(person)) => {
                admin || person.name == caller.name() || person.friends.iter().any(|friend| friend == caller.name())
            }
            Ok(None) => admin,
            Err(_) => true,
        }
    }

    /// The user, 404, or 503.
    pub fn shown(self) -> Reply {
        match self.0 {
            Ok(Some(person)) => answer::json(200, &person),
            Ok(None) => Reply::problem(404, "There is no such user.", None),
            Err(error) => answer::unavailable(&error),
        }
    }
}

/// A row of `name, roles` as somebody known, with everything that their roles give them.
fn verified(row: &AnyRow) -> Result<Verified<User>, sqlx::Error> {
    let (name, roles): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let roles: Vec<&str> = roles.split_whitespace().collect();
    let scopes = roles.iter().flat_map(|role| match *role {
        "admin" => &["reports:read", "reports:write"][..],
        "member" => &["reports:read"],
        _ => &[],
    });
    let scopes = Scopes::of(scopes.copied()).unwrap_or_default();
    Ok(Verified::new(User::named(&name)).with_subject(name).with_roles(roles).with_scopes(scopes))
}

#[async_trait]
impl Directory<User> for Database {
    async fn find(&self, subject: &str) -> Result<Option<Verified<User>>, Unavailable> {
        let row = self.user(subject).await.map_err(Unavailable::because)?;
        row.as_ref().map(verified).transpose().map_err(Unavailable::because)
    }
}

#[async_trait]
impl PasswordStore for Database {
    type Principal = User;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<User>>, Unavailable> {
        let Some(row) = self.user(name).await.map_err(Unavailable::because)? else { return Ok(None) };
        let hash: String = row.try_get(2).map_err(Unavailable::because)?;
        Ok(Some(StoredPassword::new(hash, verified(&row).map_err(Unavailable::because)?)))
    }

    fn keeps_rehashed(&self) -> bool {
        true
    }

    async fn rehashed(&self, name: &str, old: &str, new: &str) -> Result<(), Unavailable> {
        let update = sqlx::query("UPDATE users SET password = $1 WHERE name = $2 AND password = $3");
        update.bind(new).bind(name).bind(old).execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }
}

/// An error for a line of the terminal.
pub(crate) fn one_line(error: &sqlx::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
