//! Families of refresh tokens, and what is void.

use std::time::SystemTime;

use countersign::{
    Handle, Unavailable, async_trait,
    principal::BadScopes,
    secret::TokenDigest,
    store::{FamilyRecord, RefreshStore, RevocationStore, Rotated, Rotation, Standing, SubjectFloor},
};
use sqlx::Error;

use crate::{
    SqlStores, hex,
    sql::{Change, Row, Statement, can_be_text, unreadable},
};

/// In the order in which [`family`] reads them.
const COLUMNS: &str = "id, subject, generation, scopes, all_scopes, live, spent, created, used, ends, address, agent";

/// A family stands if it has not ended at `$2` and its subject is in no later generation.
const STANDS: &str = "countersign_families.ends > $2 AND countersign_families.generation >= COALESCE((SELECT \
                      countersign_floors.generation FROM countersign_floors WHERE countersign_floors.subject = \
                      countersign_families.subject), 0)";

fn digest(text: &str) -> Result<TokenDigest, Error> {
    TokenDigest::from_hex(text).ok_or_else(|| unreadable("a digest cannot be read"))
}

fn family(row: &Row) -> Result<FamilyRecord, Error> {
    let address =
        row.maybe_text(10)?.map(|address| address.parse().map_err(|_| unreadable("an address cannot be read")));
    Ok(FamilyRecord {
        id: row.text(0)?,
        subject: row.text(1)?,
        generation: row.count(2)?,
        scopes: row.text(3)?.parse().map_err(|error: BadScopes| Error::Decode(error.into()))?,
        all_scopes: row.number(4)? != 0,
        current: digest(&row.text(5)?)?,
        previous: row.maybe_text(6)?.as_deref().map(digest).transpose()?,
        created: row.time(7)?,
        used: row.time(8)?,
        ends: row.time(9)?,
        address: address.transpose()?,
        agent: row.maybe_text(11)?,
    })
}

/// PostgreSQL stores no NUL.
fn storable(agent: Option<&str>) -> Option<String> {
    agent.map(|agent| agent.replace('\0', "\u{FFFD}"))
}

impl SqlStores {
    fn families(&self, condition: &str) -> Statement {
        self.sql(&format!("SELECT {COLUMNS} FROM countersign_families WHERE {condition}"))
    }

    /// Forgets the family of a handle, and makes it void.
    async fn make_void(&self, change: &mut Change, handle: Handle, until: SystemTime) -> Result<(), Error> {
        let delete = self.sql("DELETE FROM countersign_families WHERE handle = $1");
        change.run(delete.text(&hex(handle))).await?;
        let insert = "INSERT INTO countersign_void (handle, ends) VALUES ($1, $2) ON CONFLICT (handle) DO UPDATE SET ends = CASE \
                      WHEN countersign_void.ends < excluded.ends THEN excluded.ends ELSE countersign_void.ends END";
        // What is below a microsecond is cut off, and this one must not be early.
        let until = until.checked_add(std::time::Duration::from_micros(1)).unwrap_or(until);
        change.run(self.sql(insert).text(&hex(handle)).time(until)).await?;
        self.announce_handle(change, handle).await
    }

    async fn raise_floor(&self, subject: &str, now: SystemTime) -> Result<(), Error> {
        let mut change = self.begin_for(subject).await?;
        let raise = "INSERT INTO countersign_floors (subject, generation, revoked_at) VALUES ($1, 1, $2) ON CONFLICT (subject) DO \
                     UPDATE SET generation = countersign_floors.generation + 1, revoked_at = CASE WHEN \
                     countersign_floors.revoked_at > excluded.revoked_at THEN countersign_floors.revoked_at ELSE \
                     excluded.revoked_at END";
        change.run(self.sql(raise).text(subject).time(now)).await?;
        change.run(self.sql("DELETE FROM countersign_families WHERE subject = $1").text(subject)).await?;
        self.announce_handle(&mut change, Handle::subject(subject)).await?;
        change.commit().await
    }

    async fn begin_family(&self, family: &FamilyRecord, most: usize) -> Result<(), Error> {
        let mut change = self.begin_for(&family.subject).await?;
        // Those that have ended, or are of an earlier generation, count for nothing.
        let gone = "DELETE FROM countersign_families WHERE subject = $1 AND (ends <= $2 OR generation < COALESCE((SELECT \
                    countersign_floors.generation FROM countersign_floors WHERE countersign_floors.subject = $1), 0))";
        change.run(self.sql(gone).text(&family.subject).time(family.created)).await?;
        let too_many = "DELETE FROM countersign_families WHERE subject = $1 AND number <= (SELECT number FROM countersign_families \
                        WHERE subject = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)";
        change.run(self.sql(too_many).text(&family.subject).size(most.max(1) - 1)).await?;
        let insert = "INSERT INTO countersign_families (id, handle, subject, generation, scopes, all_scopes, live, spent, created, \
                      used, ends, address, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let insert = self
            .sql(insert)
            .text(&family.id)
            .text(&hex(family.handle()))
            .text(&family.subject)
            .count(family.generation)
            .text(&family.scopes.to_string())
            .number(family.all_scopes.into())
            .text(&family.current.to_hex())
            .maybe_text(family.previous.map(|previous| previous.to_hex()).as_deref())
            .time(family.created)
            .time(family.used)
            .time(family.ends)
            .maybe_text(family.address.map(|address| address.to_string()).as_deref())
            .maybe_text(storable(family.agent.as_deref()).as_deref());
        change.run(insert).await?;
        change.commit().await
    }

    async fn turn_family(&self, rotation: &Rotation) -> Result<Rotated, Error> {
        let mut change = self.pool.begin().await?;
        // Whoever comes second finds another token living here, since the row is held until the first is done.
        let turn = format!(
            "UPDATE countersign_families SET live = $3, spent = $4, used = $2, ends = $5, address = $6, agent = $7 \
             WHERE id = $1 AND live = $4 AND {STANDS}"
        );
        let turn = self
            .sql(&turn)
            .text(&rotation.id)
            .time(rotation.now)
            .text(&rotation.successor.to_hex())
            .text(&rotation.spent.to_hex())
            .time(rotation.ends)
            .maybe_text(rotation.address.map(|address| address.to_string()).as_deref())
            .maybe_text(storable(rotation.agent.as_deref()).as_deref());
        if change.run(turn).await? == 1 {
            change.commit().await?;
            return Ok(Rotated::Now);
        }
        let select = self.families(&format!("id = $1 AND {STANDS}")).text(&rotation.id).time(rotation.now);
        let rotated = match change.row(select).await?.as_ref().map(family).transpose()? {
            None => Rotated::Unknown,
            // Its token is the good one only now: it was begun since, and whoever brought the token had it from nowhere.
            Some(family) => match family.judge(rotation) {
                Rotated::Now => Rotated::Unknown,
                Rotated::Reused => {
                    self.make_void(&mut change, family.handle(), rotation.void_until).await?;
                    Rotated::Reused
                }
                other => other,
            },
        };
        change.commit().await?;
        Ok(rotated)
    }

    async fn ask_standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Error> {
        let places: Vec<_> = (2..handles.len() + 2).map(|place| format!("${place}")).collect();
        let void = match handles {
            [] => "0".to_owned(),
            _ => format!("(SELECT COUNT(*) FROM countersign_void WHERE handle IN ({}))", places.join(", ")),
        };
        // One statement, so that all is of one moment.
        let text = format!(
            "SELECT (SELECT generation FROM countersign_floors WHERE subject = $1), (SELECT revoked_at FROM countersign_floors \
             WHERE subject = $1), CAST({void} AS BIGINT)"
        );
        let select = handles.iter().fold(self.sql(&text).text(subject), |select, handle| select.text(&hex(*handle)));
        let row = self.pool.row(select).await?.ok_or_else(|| unreadable("nothing was selected"))?;
        let floor = match row.maybe_number(0)? {
            None => SubjectFloor::default(),
            Some(_) => SubjectFloor { generation: row.count(0)?, revoked_at: row.maybe_time(1)? },
        };
        Ok(Standing { floor, revoked: row.number(2)? > 0 })
    }
}

#[async_trait]
impl RevocationStore for SqlStores {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        // Nobody is called so, and is asked for all the same, for the sake of the handles.
        let subject = if can_be_text(subject) { subject } else { "" };
        self.in_time(self.ask_standing(subject, handles)).await
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        if !can_be_text(subject) {
            return Ok(());
        }
        self.in_time(self.raise_floor(subject, now)).await
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        let revoke = async {
            let mut change = self.pool.begin().await?;
            self.make_void(&mut change, handle, until).await?;
            change.commit().await
        };
        self.in_time(revoke).await
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        let (mut gone, skipping) = (0, self.pool.dialect().skipping_locked());
        for (table, key) in [("void", "handle"), ("families", "id"), ("sessions", "id")] {
            let step = format!(
                "DELETE FROM countersign_{table} WHERE {key} IN (SELECT {key} FROM countersign_{table} WHERE ends <= $1 \
                 ORDER BY ends LIMIT $2{skipping})"
            );
            let done = self.in_time(self.pool.run(self.sql(&step).time(now).size(most))).await?;
            gone += usize::try_from(done).unwrap_or(usize::MAX);
        }
        Ok(gone)
    }
}

#[async_trait]
impl RefreshStore for SqlStores {
    async fn begin(&self, family: FamilyRecord, most: usize) -> Result<(), Unavailable> {
        self.in_time(self.begin_family(&family, most)).await
    }

    async fn find(&self, id: &str, now: SystemTime) -> Result<Option<FamilyRecord>, Unavailable> {
        if !can_be_text(id) {
            return Ok(None);
        }
        let select = self.families(&format!("id = $1 AND {STANDS}")).text(id).time(now);
        let row = self.in_time(self.pool.row(select)).await?;
        row.as_ref().map(family).transpose().map_err(Unavailable::because)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, Unavailable> {
        if !can_be_text(&rotation.id) {
            return Ok(Rotated::Unknown);
        }
        self.in_time(self.turn_family(&rotation)).await
    }

    async fn list(&self, subject: &str, now: SystemTime) -> Result<Vec<FamilyRecord>, Unavailable> {
        if !can_be_text(subject) {
            return Ok(Vec::new());
        }
        let select = self.families(&format!("subject = $1 AND {STANDS} ORDER BY number")).text(subject).time(now);
        let rows = self.in_time(self.pool.rows(select)).await?;
        rows.iter().map(family).collect::<Result<_, _>>().map_err(Unavailable::because)
    }
}
