//! API keys in the database.

use std::time::SystemTime;

use countersign::{
    Unavailable, async_trait,
    principal::BadScopes,
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore},
};
use sqlx::{Row, any::AnyRow};

use super::{Database, can_be_text, from_seconds, to_seconds};

fn record(row: &AnyRow) -> Result<ApiKeyRecord, sqlx::Error> {
    let text = |column| row.try_get::<String, _>(column).map(String::into_boxed_str);
    let time = |column| row.try_get::<Option<i64>, _>(column).map(|seconds| seconds.map(from_seconds));
    Ok(ApiKeyRecord {
        id: text(0)?,
        subject: text(1)?,
        name: text(2)?,
        visible: text(3)?,
        scopes: text(4)?.parse().map_err(|error: BadScopes| sqlx::Error::Decode(error.into()))?,
        all_scopes: row.try_get::<i64, _>(5)? != 0,
        created: from_seconds(row.try_get(6)?),
        ends: time(7)?,
        used: time(8)?,
    })
}

#[async_trait]
impl ApiKeyStore for Database {
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable> {
        let insert = sqlx::query(
            "INSERT INTO api_keys (digest, id, owner, name, visible, scopes, all_scopes, created, ends) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(digest.to_hex())
        .bind(&*record.id)
        .bind(&*record.subject)
        .bind(&*record.name)
        .bind(&*record.visible)
        .bind(record.scopes.to_string())
        .bind(i64::from(record.all_scopes))
        .bind(to_seconds(record.created))
        .bind(record.ends.map(to_seconds));
        insert.execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable> {
        let select = sqlx::query(
            "SELECT id, owner, name, visible, scopes, all_scopes, created, ends, used FROM api_keys WHERE digest = $1",
        );
        let row = select.bind(digest.to_hex()).fetch_optional(&self.pool).await.map_err(Unavailable::because)?;
        row.as_ref().map(record).transpose().map_err(Unavailable::because)
    }

    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        let select = sqlx::query(
            "SELECT id, owner, name, visible, scopes, all_scopes, created, ends, used FROM api_keys WHERE owner = $1 \
             ORDER BY number",
        );
        let rows = select.bind(subject).fetch_all(&self.pool).await.map_err(Unavailable::because)?;
        rows.iter().map(record).collect::<Result<_, _>>().map_err(Unavailable::because)
    }

    async fn count(&self, subject: &str) -> Result<usize, Unavailable> {
        let count = sqlx::query("SELECT COUNT(*) FROM api_keys WHERE owner = $1").bind(subject);
        let row = count.fetch_one(&self.pool).await.map_err(Unavailable::because)?;
        let held: i64 = row.try_get(0).map_err(Unavailable::because)?;
        Ok(usize::try_from(held).unwrap_or_default())
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        if !can_be_text(id) {
            return Ok(false);
        }
        let delete = sqlx::query("DELETE FROM api_keys WHERE owner = $1 AND id = $2").bind(subject).bind(id);
        Ok(delete.execute(&self.pool).await.map_err(Unavailable::because)?.rows_affected() == 1)
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        let update = sqlx::query("UPDATE api_keys SET used = $1 WHERE digest = $2 AND (used IS NULL OR used < $1)");
        update.bind(to_seconds(used)).bind(digest.to_hex()).execute(&self.pool).await.map_err(Unavailable::because)?;
        Ok(())
    }
}
