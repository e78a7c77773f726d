//! Families of refresh tokens, and what is void, in the database.
//!
//! A transaction begins with what it writes: SQLite then lets nobody else write until it is over, and PostgreSQL holds the row. All take
//! rows in one order, or two of them could wait for each other: the floor of a subject, its families, what is void. What has ended is
//! left to [`purge`](RevocationStore::purge), which takes nothing else.

use std::{net::IpAddr, time::SystemTime};

use countersign::{
    Handle, Unavailable, async_trait,
    principal::BadScopes,
    secret::TokenDigest,
    store::{FamilyRecord, RefreshStore, RevocationStore, Rotated, Rotation, Standing, SubjectFloor},
};
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{Database, can_be_text, from_seconds, to_seconds};

/// `SERIAL` stands for what counts up.
pub(super) const TABLES: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS subject_floors (subject TEXT PRIMARY KEY, generation BIGINT NOT NULL, revoked_at BIGINT)",
    "CREATE TABLE IF NOT EXISTS refresh_families (number SERIAL, id TEXT NOT NULL UNIQUE, handle TEXT NOT NULL UNIQUE, \
     owner TEXT NOT NULL, generation BIGINT NOT NULL, scopes TEXT NOT NULL, all_scopes BIGINT NOT NULL, live TEXT NOT NULL, \
     spent TEXT, created BIGINT NOT NULL, used BIGINT NOT NULL, ends BIGINT NOT NULL, address TEXT, agent TEXT)",
    "CREATE INDEX IF NOT EXISTS refresh_families_by_owner ON refresh_families (owner)",
    "CREATE INDEX IF NOT EXISTS refresh_families_by_end ON refresh_families (ends)",
    "CREATE TABLE IF NOT EXISTS revoked_handles (handle TEXT PRIMARY KEY, ends BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS revoked_handles_by_end ON revoked_handles (ends)",
];

const FAMILY: &str = "SELECT id, owner, generation, scopes, all_scopes, live, spent, created, used, ends, address, agent \
                      FROM refresh_families";

/// A family stands if it has not ended at `$2` and its subject is in no later generation.
const STANDS: &str = "refresh_families.ends > $2 AND refresh_families.generation >= COALESCE((SELECT \
                      subject_floors.generation FROM subject_floors WHERE subject_floors.subject = refresh_families.owner), 0)";

fn hex(handle: Handle) -> String {
    format!("{:032x}", handle.to_bits())
}

fn digest(text: &str) -> Result<TokenDigest, sqlx::Error> {
    TokenDigest::from_hex(text).ok_or_else(|| sqlx::Error::Decode("a digest cannot be read".into()))
}

/// A row of [`FAMILY`].
fn family(row: &AnyRow) -> Result<FamilyRecord, sqlx::Error> {
    let text = |column| row.try_get::<String, _>(column).map(String::into_boxed_str);
    let time = |column| row.try_get(column).map(from_seconds);
    let spent: Option<String> = row.try_get(6)?;
    let address: Option<String> = row.try_get(10)?;
    Ok(FamilyRecord {
        id: text(0)?,
        subject: text(1)?,
        generation: u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or_default(),
        scopes: text(3)?.parse().map_err(|error: BadScopes| sqlx::Error::Decode(error.into()))?,
        all_scopes: row.try_get::<i64, _>(4)? != 0,
        current: digest(&text(5)?)?,
        previous: spent.as_deref().map(digest).transpose()?,
        created: time(7)?,
        used: time(8)?,
        ends: time(9)?,
        address: address.and_then(|address| address.parse().ok()),
        agent: row.try_get::<Option<String>, _>(11)?.map(String::into_boxed_str),
    })
}

fn written(address: Option<IpAddr>) -> Option<String> {
    address.map(|address| address.to_string())
}

/// PostgreSQL stores no NUL.
fn storable(agent: Option<&str>) -> Option<String> {
    agent.map(|agent| agent.replace('\0', ""))
}

fn to_number(generation: u64) -> i64 {
    i64::try_from(generation).unwrap_or(i64::MAX)
}

/// Forgets the family of a handle, and makes it void.
async fn make_void(connection: &mut AnyConnection, handle: Handle, until: SystemTime) -> Result<(), sqlx::Error> {
    let handle = hex(handle);
    sqlx::query("DELETE FROM refresh_families WHERE handle = $1").bind(&handle).execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO revoked_handles (handle, ends) VALUES ($1, $2) ON CONFLICT (handle) DO UPDATE SET ends = \
         CASE WHEN revoked_handles.ends < excluded.ends THEN excluded.ends ELSE revoked_handles.ends END",
    )
    .bind(&handle)
    // Times are stored in whole seconds, and this one must not be early.
    .bind(to_seconds(until).saturating_add(1))
    .execute(connection)
    .await?;
    Ok(())
}

impl Database {
    async fn floor(&self, subject: &str) -> Result<SubjectFloor, sqlx::Error> {
        let select = sqlx::query("SELECT generation, revoked_at FROM subject_floors WHERE subject = $1").bind(subject);
        let Some(row) = select.fetch_optional(&self.pool).await? else { return Ok(SubjectFloor::default()) };
        Ok(SubjectFloor {
            generation: u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default(),
            revoked_at: row.try_get::<Option<i64>, _>(1)?.map(from_seconds),
        })
    }

    async fn is_void(&self, handles: &[Handle]) -> Result<bool, sqlx::Error> {
        if handles.is_empty() {
            return Ok(false);
        }
        let places: Vec<String> = (1..=handles.len()).map(|place| format!("${place}")).collect();
        let text = format!("SELECT handle FROM revoked_handles WHERE handle IN ({}) LIMIT 1", places.join(", "));
        // Nothing but numbers of places was put in.
        let select = handles.iter().fold(sqlx::query(AssertSqlSafe(text)), |select, handle| select.bind(hex(*handle)));
        Ok(select.fetch_optional(&self.pool).await?.is_some())
    }

    async fn raise_floor(&self, subject: &str, now: SystemTime) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO subject_floors (subject, generation, revoked_at) VALUES ($1, 1, $2) ON CONFLICT (subject) DO UPDATE SET \
             generation = subject_floors.generation + 1, revoked_at = CASE WHEN subject_floors.revoked_at > excluded.revoked_at \
             THEN subject_floors.revoked_at ELSE excluded.revoked_at END",
        )
        .bind(subject)
        .bind(to_seconds(now))
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM refresh_families WHERE owner = $1 AND ends > $2")
            .bind(subject)
            .bind(to_seconds(now))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    async fn begin_family(&self, family: &FamilyRecord, most: i64) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        // Changes nothing, and holds the subject: those that begin at once follow each other.
        sqlx::query(
            "INSERT INTO subject_floors (subject, generation) VALUES ($1, 0) ON CONFLICT (subject) DO UPDATE SET \
             generation = subject_floors.generation",
        )
        .bind(&*family.subject)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM refresh_families WHERE owner = $1 AND ends > $2 AND (generation < (SELECT subject_floors.generation \
             FROM subject_floors WHERE subject_floors.subject = $1) OR number NOT IN (SELECT number FROM refresh_families \
             WHERE owner = $1 AND ends > $2 ORDER BY number DESC LIMIT $3))",
        )
        .bind(&*family.subject)
        .bind(to_seconds(family.created))
        .bind(most.max(1) - 1)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO refresh_families (id, handle, owner, generation, scopes, all_scopes, live, spent, created, used, ends, \
             address, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(&*family.id)
        .bind(hex(family.handle()))
        .bind(&*family.subject)
        .bind(to_number(family.generation))
        .bind(family.scopes.to_string())
        .bind(i64::from(family.all_scopes))
        .bind(family.current.to_hex())
        .bind(family.previous.map(|previous| previous.to_hex()))
        .bind(to_seconds(family.created))
        .bind(to_seconds(family.used))
        .bind(to_seconds(family.ends))
        .bind(written(family.address))
        .bind(storable(family.agent.as_deref()))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn turn_family(&self, rotation: &Rotation) -> Result<Rotated, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let update = format!(
            "UPDATE refresh_families SET live = $3, spent = $4, used = $2, ends = $5, address = $6, agent = $7 \
             WHERE id = $1 AND live = $4 AND {STANDS}"
        );
        // Both texts are constants of this file.
        let turned = sqlx::query(AssertSqlSafe(update))
            .bind(&*rotation.id)
            .bind(to_seconds(rotation.now))
            .bind(rotation.successor.to_hex())
            .bind(rotation.spent.to_hex())
            .bind(to_seconds(rotation.ends))
            .bind(written(rotation.address))
            .bind(storable(rotation.agent.as_deref()))
            .execute(&mut *transaction)
            .await?;
        if turned.rows_affected() == 1 {
            transaction.commit().await?;
            return Ok(Rotated::Now);
        }
        let row = sqlx::query(AssertSqlSafe(format!("{FAMILY} WHERE id = $1 AND {STANDS}")))
            .bind(&*rotation.id)
            .bind(to_seconds(rotation.now))
            .fetch_optional(&mut *transaction)
            .await?;
        let rotated = match row.as_ref().map(family).transpose()? {
            None => Rotated::Unknown,
            // Its token is the good one only now: it was begun since, and whoever brought the token had it from nowhere.
            Some(family) => match family.judge(rotation) {
                Rotated::Now => Rotated::Unknown,
                Rotated::Reused => {
                    make_void(&mut transaction, family.handle(), rotation.void_until).await?;
                    Rotated::Reused
                }
                other => other,
            },
        };
        transaction.commit().await?;
        Ok(rotated)
    }
}

#[async_trait]
impl RevocationStore for Database {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        if !can_be_text(subject) {
            return Ok(Standing::default());
        }
        let floor = self.floor(subject).await.map_err(Unavailable::because)?;
        Ok(Standing { floor, revoked: self.is_void(handles).await.map_err(Unavailable::because)? })
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        if !can_be_text(subject) {
            return Ok(());
        }
        self.raise_floor(subject, now).await.map_err(Unavailable::because)
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        let revoke = async {
            let mut transaction = self.pool.begin().await?;
            make_void(&mut transaction, handle, until).await?;
            transaction.commit().await
        };
        revoke.await.map_err(Unavailable::because)
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        let mut gone = 0;
        for step in [
            "DELETE FROM revoked_handles WHERE handle IN (SELECT handle FROM revoked_handles WHERE ends <= $1 ORDER BY ends LIMIT $2)",
            "DELETE FROM refresh_families WHERE id IN (SELECT id FROM refresh_families WHERE ends <= $1 ORDER BY ends LIMIT $2)",
        ] {
            let step = sqlx::query(step).bind(to_seconds(now)).bind(i64::try_from(most).unwrap_or(i64::MAX));
            let done = step.execute(&self.pool).await.map_err(Unavailable::because)?;
            gone += usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
        }
        Ok(gone)
    }
}

#[async_trait]
impl RefreshStore for Database {
    async fn begin(&self, family: FamilyRecord, most: usize) -> Result<(), Unavailable> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.begin_family(&family, most).await.map_err(Unavailable::because)
    }

    async fn find(&self, id: &str, now: SystemTime) -> Result<Option<FamilyRecord>, Unavailable> {
        if !can_be_text(id) {
            return Ok(None);
        }
        // Both texts are constants of this file.
        let select = sqlx::query(AssertSqlSafe(format!("{FAMILY} WHERE id = $1 AND {STANDS}")));
        let row = select.bind(id).bind(to_seconds(now)).fetch_optional(&self.pool).await;
        row.map_err(Unavailable::because)?.as_ref().map(family).transpose().map_err(Unavailable::because)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, Unavailable> {
        self.turn_family(&rotation).await.map_err(Unavailable::because)
    }

    async fn list(&self, subject: &str, now: SystemTime) -> Result<Vec<FamilyRecord>, Unavailable> {
        if !can_be_text(subject) {
            return Ok(Vec::new());
        }
        // Both texts are constants of this file.
        let select = sqlx::query(AssertSqlSafe(format!("{FAMILY} WHERE owner = $1 AND {STANDS} ORDER BY number")));
        let rows = select.bind(subject).bind(to_seconds(now)).fetch_all(&self.pool).await;
        let rows = rows.map_err(Unavailable::because)?;
        rows.iter().map(family).collect::<Result<_, _>>().map_err(Unavailable::because)
    }
}
