//! Sessions in the database.

use std::time::SystemTime;

use countersign::{
    Unavailable, async_trait,
    secret::TokenDigest,
    store::{SessionRecord, SessionStore},
};
use sqlx::Row;

use super::{Database, from_seconds, to_seconds};

#[async_trait]
impl SessionStore for Database {
    async fn insert(&self, digest: TokenDigest, record: SessionRecord) -> Result<(), Unavailable> {
        let ended = sqlx::query("DELETE FROM sessions WHERE ends <= $1").bind(to_seconds(record.used));
        ended.execute(&self.pool).await.map_err(Unavailable::because)?;
        let insert = sqlx::query("INSERT INTO sessions (digest, owner, used, ends) VALUES ($1, $2, $3, $4)")
            .bind(digest.to_hex())
            .bind(&*record.subject)
            .bind(to_seconds(record.used))
            .bind(to_seconds(record.ends));
        insert.execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        let select = sqlx::query("SELECT owner, used, ends FROM sessions WHERE digest = $1").bind(digest.to_hex());
        let Some(row) = select.fetch_optional(&self.pool).await.map_err(Unavailable::because)? else { return Ok(None) };
        let read = || -> Result<_, sqlx::Error> {
            Ok(SessionRecord {
                subject: row.try_get::<String, _>(0)?.into(),
                used: from_seconds(row.try_get(1)?),
                ends: from_seconds(row.try_get(2)?),
            })
        };
        read().map(Some).map_err(Unavailable::because)
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        let update = sqlx::query("UPDATE sessions SET used = $1 WHERE digest = $2 AND used < $1");
        update.bind(to_seconds(used)).bind(digest.to_hex()).execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        let delete = sqlx::query("DELETE FROM sessions WHERE digest = $1").bind(digest.to_hex());
        delete.execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        let delete = sqlx::query("DELETE FROM sessions WHERE owner = $1").bind(subject);
        delete.execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }
}
