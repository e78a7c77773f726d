//! An app's own users in SQLite, and all that Countersign has to know of them.

use countersign::{
    Unavailable, Verified, async_trait,
    store::{Directory, PasswordStore, StoredPassword},
};
use sqlx::{Row, SqlitePool};

/// A user as handlers see them.
#[derive(Debug, Clone)]
pub struct User {
    /// By which they sign in.
    pub(crate) name: String,
}

/// The table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Users(SqlitePool);

impl Users {
    /// Opens the table, and makes it where it is missing.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(url: &str) -> Result<Self, sqlx::Error> {
        let pool = SqlitePool::connect(url).await?;
        let table = "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, hash TEXT NOT NULL, role TEXT)";
        sqlx::query(table).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Adds a user; whether the name was free.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn add(&self, name: &str, hash: &str) -> Result<bool, Unavailable> {
        let query = sqlx::query("INSERT INTO users (name, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        let added = query.bind(name).bind(hash).execute(&self.0).await.map_err(Unavailable::because)?;
        Ok(added.rows_affected() == 1)
    }

    /// Changes a password.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn change(&self, name: &str, hash: &str) -> Result<(), Unavailable> {
        let query = sqlx::query("UPDATE users SET hash = $2 WHERE name = $1");
        query.bind(name).bind(hash).execute(&self.0).await.map_err(Unavailable::because).map(|_| ())
    }

    async fn row(&self, name: &str) -> Result<Option<(String, Verified<User>)>, Unavailable> {
        let query = sqlx::query("SELECT hash, role FROM users WHERE name = $1");
        let row = query.bind(name).fetch_optional(&self.0).await.map_err(Unavailable::because)?;
        let Some(row) = row else { return Ok(None) };
        let verified = Verified::new(User { name: name.to_owned() }).with_subject(name);
        Ok(Some((row.get(0), verified.with_roles(row.get::<Option<String>, _>(1)))))
    }
}

#[async_trait]
impl PasswordStore for Users {
    type Principal = User;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<User>>, Unavailable> {
        Ok(self.row(name).await?.map(|(hash, verified)| StoredPassword::new(hash, verified)))
    }
}

#[async_trait]
impl Directory<User> for Users {
    async fn find(&self, subject: &str) -> Result<Option<Verified<User>>, Unavailable> {
        Ok(self.row(subject).await?.map(|(_, verified)| verified))
    }
}
