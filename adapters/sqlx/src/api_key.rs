//! API keys.

use std::time::SystemTime;

use countersign::{
    Unavailable, async_trait,
    principal::BadScopes,
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore},
};
use sqlx::Error;

use crate::{
    SqlStores,
    sql::{Row, can_be_text},
};

/// In the order in which [`record`] reads them.
const COLUMNS: &str = "id, subject, name, visible, scopes, all_scopes, created, ends, used";

fn record(row: &Row) -> Result<ApiKeyRecord, Error> {
    Ok(ApiKeyRecord {
        id: row.text(0)?,
        subject: row.text(1)?,
        name: row.text(2)?,
        visible: row.text(3)?,
        scopes: row.text(4)?.parse().map_err(|error: BadScopes| Error::Decode(error.into()))?,
        all_scopes: row.number(5)? != 0,
        created: row.time(6)?,
        ends: row.maybe_time(7)?,
        used: row.maybe_time(8)?,
    })
}

#[async_trait]
impl ApiKeyStore for SqlStores {
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable> {
        let insert = "INSERT INTO countersign_api_keys (digest, id, subject, name, visible, scopes, all_scopes, created, ends, used) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let insert = self
            .sql(insert)
            .text(&digest.to_hex())
            .text(&record.id)
            .text(&record.subject)
            .text(&record.name)
            .text(&record.visible)
            .text(&record.scopes.to_string())
            .number(record.all_scopes.into())
            .time(record.created)
            .maybe_time(record.ends)
            .maybe_time(record.used);
        self.in_time(self.pool.run(insert)).await.map(drop)
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable> {
        let select = format!("SELECT {COLUMNS} FROM countersign_api_keys WHERE digest = $1");
        let row = self.in_time(self.pool.row(self.sql(&select).text(&digest.to_hex()))).await?;
        row.as_ref().map(record).transpose().map_err(Unavailable::because)
    }

    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        if !can_be_text(subject) {
            return Ok(Vec::new());
        }
        let select = format!("SELECT {COLUMNS} FROM countersign_api_keys WHERE subject = $1 ORDER BY number");
        let rows = self.in_time(self.pool.rows(self.sql(&select).text(subject))).await?;
        rows.iter().map(record).collect::<Result<_, _>>().map_err(Unavailable::because)
    }

    async fn count(&self, subject: &str) -> Result<usize, Unavailable> {
        if !can_be_text(subject) {
            return Ok(0);
        }
        let count = self.sql("SELECT COUNT(*) FROM countersign_api_keys WHERE subject = $1").text(subject);
        let row = self.in_time(self.pool.row(count)).await?;
        let held = row.map_or(Ok(0), |row| row.count(0)).map_err(Unavailable::because)?;
        Ok(usize::try_from(held).unwrap_or(usize::MAX))
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        if !can_be_text(subject) || !can_be_text(id) {
            return Ok(false);
        }
        let remove = async {
            let mut change = self.pool.begin().await?;
            let delete = self.sql("DELETE FROM countersign_api_keys WHERE subject = $1 AND id = $2");
            let removed = change.run(delete.text(subject).text(id)).await? == 1;
            if removed {
                self.announce_handle(&mut change, ApiKeyRecord::handle_of(id)).await?;
            }
            change.commit().await?;
            Ok(removed)
        };
        self.in_time(remove).await
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        let update = "UPDATE countersign_api_keys SET used = $1 WHERE digest = $2 AND (used IS NULL OR used < $1)";
        self.in_time(self.pool.run(self.sql(update).time(used).text(&digest.to_hex()))).await.map(drop)
    }
}
