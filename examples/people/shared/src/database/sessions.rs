//! Sessions in the database.

use std::time::{Duration, SystemTime};

use countersign::{
    Unavailable, async_trait,
    secret::TokenDigest,
    store::{SessionRecord, SessionStore},
};
use sqlx::{Row, any::AnyRow};

use super::{Database, can_be_text, from_seconds, to_seconds};

/// In the order in which [`record`] reads them.
const COLUMNS: &str = "id, owner, created, authenticated, used, idle, ends, address, agent, data, revision, generation";

fn record(row: &AnyRow) -> Result<SessionRecord, sqlx::Error> {
    let text = |column| row.try_get::<Option<String>, _>(column).map(|text| text.map(String::into_boxed_str));
    let time = |column| row.try_get(column).map(from_seconds);
    let number = |column| row.try_get(column).map(|number: i64| u64::try_from(number).unwrap_or(0));
    Ok(SessionRecord {
        id: row.try_get::<String, _>(0)?.into(),
        subject: row.try_get::<String, _>(1)?.into(),
        created: time(2)?,
        authenticated: time(3)?,
        used: time(4)?,
        idle: Duration::from_secs(number(5)?),
        ends: time(6)?,
        address: text(7)?.and_then(|address| address.parse().ok()),
        agent: text(8)?,
        data: text(9)?,
        revision: number(10)?,
        generation: number(11)?,
    })
}

fn select(condition: &str) -> sqlx::AssertSqlSafe<String> {
    // Both texts are constants of this file.
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM sessions WHERE {condition}"))
}

#[async_trait]
impl SessionStore for Database {
    async fn insert(
        &self,
        digest: TokenDigest,
        record: SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Unavailable> {
        let mut change = self.pool.begin().await.map_err(Unavailable::because)?;
        let ended = sqlx::query("DELETE FROM sessions WHERE ends <= $1").bind(to_seconds(record.used));
        ended.execute(&mut *change).await.map_err(Unavailable::because)?;
        let insert = sqlx::query(
            "INSERT INTO sessions (digest, id, owner, created, authenticated, used, idle, ends, address, agent, data, revision, \
             generation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(digest.to_hex())
        .bind(&*record.id)
        .bind(&*record.subject)
        .bind(to_seconds(record.created))
        .bind(to_seconds(record.authenticated))
        .bind(to_seconds(record.used))
        .bind(i64::try_from(record.idle.as_secs()).unwrap_or(i64::MAX))
        .bind(to_seconds(record.ends))
        .bind(record.address.map(|address| address.to_string()))
        .bind(record.agent.as_deref())
        .bind(record.data.as_deref())
        .bind(i64::try_from(record.revision).unwrap_or(i64::MAX))
        .bind(i64::try_from(record.generation).unwrap_or(i64::MAX));
        insert.execute(&mut *change).await.map_err(Unavailable::because)?;
        let made_way = sqlx::query(
            "DELETE FROM sessions WHERE owner = $1 AND number <= \
             (SELECT number FROM sessions WHERE owner = $1 ORDER BY number DESC LIMIT 1 OFFSET $2) RETURNING id",
        )
        .bind(&*record.subject)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *change)
        .await
        .map_err(Unavailable::because)?;
        change.commit().await.map_err(Unavailable::because)?;
        let id = |row: &AnyRow| row.try_get::<String, _>(0).map(String::into_boxed_str);
        made_way.iter().map(id).collect::<Result<_, _>>().map_err(Unavailable::because)
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        let found = sqlx::query(select("digest = $1")).bind(digest.to_hex());
        let row = found.fetch_optional(&self.pool).await.map_err(Unavailable::because)?;
        row.as_ref().map(record).transpose().map_err(Unavailable::because)
    }

    async fn find_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        if !can_be_text(id) {
            return Ok(None);
        }
        let found = sqlx::query(select("owner = $1 AND id = $2")).bind(subject).bind(id);
        let row = found.fetch_optional(&self.pool).await.map_err(Unavailable::because)?;
        row.as_ref().map(record).transpose().map_err(Unavailable::because)
    }

    async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable> {
        let listed = sqlx::query(select("owner = $1 ORDER BY number DESC")).bind(subject);
        let rows = listed.fetch_all(&self.pool).await.map_err(Unavailable::because)?;
        rows.iter().map(record).collect::<Result<_, _>>().map_err(Unavailable::because)
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        let update = sqlx::query("UPDATE sessions SET used = $1 WHERE digest = $2 AND used < $1");
        update.bind(to_seconds(used)).bind(digest.to_hex()).execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }

    async fn write(&self, subject: &str, id: &str, data: &str, revision: u64) -> Result<bool, Unavailable> {
        let update = sqlx::query(
            "UPDATE sessions SET data = $1, revision = revision + 1 WHERE owner = $2 AND id = $3 AND revision = $4",
        )
        .bind(data)
        .bind(subject)
        .bind(id)
        .bind(i64::try_from(revision).unwrap_or(i64::MAX));
        Ok(update.execute(&self.pool).await.map_err(Unavailable::because)?.rows_affected() == 1)
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        let delete = sqlx::query("DELETE FROM sessions WHERE digest = $1").bind(digest.to_hex());
        delete.execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }

    async fn remove_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        if !can_be_text(id) {
            return Ok(None);
        }
        // A constant of this file.
        let delete = format!("DELETE FROM sessions WHERE owner = $1 AND id = $2 RETURNING {COLUMNS}");
        let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(subject).bind(id);
        let row = delete.fetch_optional(&self.pool).await.map_err(Unavailable::because)?;
        row.as_ref().map(record).transpose().map_err(Unavailable::because)
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        let delete = sqlx::query("DELETE FROM sessions WHERE owner = $1").bind(subject);
        delete.execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }
}
