//! Sessions.

use std::time::{Duration, SystemTime};

use countersign::{
    Handle, Unavailable, async_trait,
    secret::TokenDigest,
    store::{SessionRecord, SessionStore, Voided},
};
use sqlx::Error;

use crate::{
    SqlStores,
    sql::{Row, Statement, can_be_text, unreadable},
};

/// In the order in which [`record`] reads them.
const COLUMNS: &str =
    "id, subject, generation, created, authenticated, used, idle, ends, address, agent, data, revision";

/// How many that have ended go with each that comes: more than come, so that they go, and few, so that nobody waits.
const DROPPED_AT_ONCE: usize = 4;

fn record(row: &Row) -> Result<SessionRecord, Error> {
    let address =
        row.maybe_text(8)?.map(|address| address.parse().map_err(|_| unreadable("an address cannot be read")));
    Ok(SessionRecord {
        id: row.text(0)?,
        subject: row.text(1)?,
        generation: row.count(2)?,
        created: row.time(3)?,
        authenticated: row.time(4)?,
        used: row.time(5)?,
        idle: Duration::from_micros(row.count(6)?),
        ends: row.time(7)?,
        address: address.transpose()?,
        agent: row.maybe_text(9)?,
        data: row.maybe_text(10)?,
        revision: row.count(11)?,
    })
}

impl SqlStores {
    fn sessions(&self, condition: &str) -> Statement {
        self.sql(&format!("SELECT {COLUMNS} FROM countersign_sessions WHERE {condition}"))
    }

    async fn insert_session(
        &self,
        digest: TokenDigest,
        record: &SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Error> {
        let mut change = self.begin_for(&record.subject).await?;
        let skipping = change.dialect().skipping_locked();
        let ended = format!(
            "DELETE FROM countersign_sessions WHERE number IN (SELECT number FROM countersign_sessions WHERE ends <= $1 \
             ORDER BY ends LIMIT $2{skipping})"
        );
        // A session begins now, by the clock of whoever begins it.
        change.run(self.sql(&ended).time(record.used).size(DROPPED_AT_ONCE)).await?;
        let insert = "INSERT INTO countersign_sessions (digest, id, subject, generation, created, authenticated, used, idle, ends, \
                      address, agent, data, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let insert = self
            .sql(insert)
            .text(&digest.to_hex())
            .text(&record.id)
            .text(&record.subject)
            .count(record.generation)
            .time(record.created)
            .time(record.authenticated)
            .time(record.used)
            .count(u64::try_from(record.idle.as_micros()).unwrap_or(u64::MAX))
            .time(record.ends)
            .maybe_text(record.address.map(|address| address.to_string()).as_deref())
            .maybe_text(record.agent.as_deref())
            .maybe_text(record.data.as_deref())
            .count(record.revision);
        change.run(insert).await?;
        let too_many = "DELETE FROM countersign_sessions WHERE subject = $1 AND number <= (SELECT number FROM countersign_sessions \
                        WHERE subject = $1 ORDER BY number DESC LIMIT 1 OFFSET $2) RETURNING id, number";
        let gone = change.rows(self.sql(too_many).text(&record.subject).size(most)).await?;
        let mut gone: Vec<_> =
            gone.iter().map(|row| Ok((row.number(1)?, row.text(0)?))).collect::<Result<_, Error>>()?;
        gone.sort_unstable();
        let gone: Vec<_> = gone.into_iter().map(|(_, id)| id).collect();
        self.announce_in(&mut change, gone.iter().map(|id| Voided::Handle(SessionRecord::handle_of(id)))).await?;
        change.commit().await?;
        Ok(gone)
    }

    /// Removes what this statement removes, tells what it was, and announces it.
    async fn remove_session(&self, delete: Statement) -> Result<Option<SessionRecord>, Error> {
        let mut change = self.pool.begin().await?;
        let gone = change.row(delete).await?.as_ref().map(record).transpose()?;
        if let Some(gone) = &gone {
            self.announce_handle(&mut change, gone.handle()).await?;
        }
        change.commit().await?;
        Ok(gone)
    }
}

#[async_trait]
impl SessionStore for SqlStores {
    async fn insert(
        &self,
        digest: TokenDigest,
        record: SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Unavailable> {
        self.in_time(self.insert_session(digest, &record, most)).await
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        let row = self.in_time(self.pool.row(self.sessions("digest = $1").text(&digest.to_hex()))).await?;
        row.as_ref().map(record).transpose().map_err(Unavailable::because)
    }

    async fn find_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        if !can_be_text(subject) || !can_be_text(id) {
            return Ok(None);
        }
        let select = self.sessions("subject = $1 AND id = $2").text(subject).text(id);
        let row = self.in_time(self.pool.row(select)).await?;
        row.as_ref().map(record).transpose().map_err(Unavailable::because)
    }

    async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable> {
        if !can_be_text(subject) {
            return Ok(Vec::new());
        }
        let select = self.sessions("subject = $1 ORDER BY number DESC").text(subject);
        let rows = self.in_time(self.pool.rows(select)).await?;
        rows.iter().map(record).collect::<Result<_, _>>().map_err(Unavailable::because)
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        let update = "UPDATE countersign_sessions SET used = $1 WHERE digest = $2 AND used < $1";
        self.in_time(self.pool.run(self.sql(update).time(used).text(&digest.to_hex()))).await.map(drop)
    }

    async fn write(&self, subject: &str, id: &str, data: &str, revision: u64) -> Result<bool, Unavailable> {
        if !can_be_text(subject) || !can_be_text(id) {
            return Ok(false);
        }
        let update = "UPDATE countersign_sessions SET data = $1, revision = revision + 1 WHERE subject = $2 AND id = $3 AND \
                      revision = $4";
        let update = self.sql(update).text(data).text(subject).text(id).count(revision);
        Ok(self.in_time(self.pool.run(update)).await? == 1)
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        let delete = format!("DELETE FROM countersign_sessions WHERE digest = $1 RETURNING {COLUMNS}");
        self.in_time(self.remove_session(self.sql(&delete).text(&digest.to_hex()))).await.map(drop)
    }

    async fn remove_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        if !can_be_text(subject) || !can_be_text(id) {
            return Ok(None);
        }
        let delete = format!("DELETE FROM countersign_sessions WHERE subject = $1 AND id = $2 RETURNING {COLUMNS}");
        self.in_time(self.remove_session(self.sql(&delete).text(subject).text(id))).await
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        if !can_be_text(subject) {
            return Ok(());
        }
        let remove = async {
            let mut change = self.begin_for(subject).await?;
            change.run(self.sql("DELETE FROM countersign_sessions WHERE subject = $1").text(subject)).await?;
            self.announce_handle(&mut change, Handle::subject(subject)).await?;
            change.commit().await
        };
        self.in_time(remove).await
    }
}
