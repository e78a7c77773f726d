//! What other copies must forget.

use std::time::SystemTime;

use countersign::{
    Handle, Unavailable, async_trait,
    store::{Announcement, Outbox, OutboxPage, Voided},
};
use sqlx::Error;

use crate::{
    SqlStores, hex,
    sql::{Change, Row, Statement, bound, unreadable},
};

/// So many rows are written by one statement.
const ROWS: usize = 100;

impl SqlStores {
    /// Writes a row for each handle, as the last thing of a change: the counter is held from here until it is committed.
    pub(crate) async fn announce_in(
        &self,
        change: &mut Change,
        voided: impl IntoIterator<Item = Voided>,
    ) -> Result<(), Error> {
        let handles: Vec<_> = voided.into_iter().map(handle_of).collect();
        if handles.is_empty() {
            return Ok(());
        }
        let newest = newest_in(change.row(self.counting(handles.len())).await?)?;
        for insert in self.writing(&handles, newest) {
            change.run(insert).await?;
        }
        Ok(())
    }

    pub(crate) async fn announce_handle(&self, change: &mut Change, handle: Handle) -> Result<(), Error> {
        self.announce_in(change, [Voided::Handle(handle)]).await
    }

    /// Writes rows in a transaction of the app's own, so that its change and what the copies are told are one step: a new password, and
    /// [`Handle::subject`]. Let it be the last statement of the transaction, since other changes wait for it from here on. When it is
    /// committed, [revoke](countersign::CredentialCache::revoke) the same in the cache of this copy.
    ///
    /// # Errors
    /// When the database does not take it.
    #[cfg(feature = "postgres")]
    pub async fn announce_in_postgres(
        &self,
        transaction: &mut sqlx::Transaction<'_, sqlx::Postgres>,
        voided: &[Voided],
    ) -> Result<(), Error> {
        let handles: Vec<_> = voided.iter().copied().map(handle_of).collect();
        let counted = bound!(sqlx::Postgres, self.counting(handles.len())).fetch_optional(&mut **transaction).await?;
        for insert in self.writing(&handles, newest_in(counted.map(Row::Postgres))?) {
            bound!(sqlx::Postgres, insert).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    /// The same in SQLite.
    ///
    /// # Errors
    /// When the database does not take it.
    #[cfg(feature = "sqlite")]
    pub async fn announce_in_sqlite(
        &self,
        transaction: &mut sqlx::Transaction<'_, sqlx::Sqlite>,
        voided: &[Voided],
    ) -> Result<(), Error> {
        let handles: Vec<_> = voided.iter().copied().map(handle_of).collect();
        let counted = bound!(sqlx::Sqlite, self.counting(handles.len())).fetch_optional(&mut **transaction).await?;
        for insert in self.writing(&handles, newest_in(counted.map(Row::Sqlite))?) {
            bound!(sqlx::Sqlite, insert).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    /// Draws so many numbers, and gives the last.
    fn counting(&self, rows: usize) -> Statement {
        self.sql("UPDATE countersign_outbox_counter SET newest = newest + $1 WHERE one = 1 RETURNING newest").size(rows)
    }

    /// Writes these under the numbers up to this one.
    fn writing(&self, handles: &[Option<String>], newest: i64) -> Vec<Statement> {
        let now = self.clock.wall();
        let mut numbers = newest - i64::try_from(handles.len()).unwrap_or(i64::MAX) + 1..;
        let mut insert = |handles: &[Option<String>]| {
            let places = |row: usize| format!("(${}, ${}, ${})", 3 * row + 1, 3 * row + 2, 3 * row + 3);
            let rows: Vec<_> = (0..handles.len()).map(places).collect();
            let text = format!("INSERT INTO countersign_outbox (number, handle, written) VALUES {}", rows.join(", "));
            handles.iter().zip(&mut numbers).fold(self.sql(&text), |insert, (handle, number)| {
                insert.number(number).maybe_text(handle.as_deref()).time(now)
            })
        };
        handles.chunks(ROWS).map(&mut insert).collect()
    }
}

fn newest_in(row: Option<Row>) -> Result<i64, Error> {
    row.ok_or_else(|| unreadable("the counter of the outbox is missing"))?.number(0)
}

fn handle_of(voided: Voided) -> Option<String> {
    match voided {
        Voided::Handle(handle) => Some(hex(handle)),
        Voided::Everything => None,
    }
}

fn announcement(row: &Row) -> Result<Option<Announcement>, Error> {
    let Some(number) = row.maybe_number(1)? else { return Ok(None) };
    let number = u64::try_from(number).map_err(|_| unreadable("a row of the outbox has no number"))?;
    let voided = match row.maybe_text(2)? {
        None => Voided::Everything,
        Some(handle) => {
            let bits = u128::from_str_radix(&handle, 16).map_err(|_| unreadable("a handle cannot be read"))?;
            Voided::Handle(Handle::from_bits(bits))
        }
    };
    Ok(Some(Announcement { number, voided }))
}

#[async_trait]
impl Outbox for SqlStores {
    async fn announce(&self, voided: &[Voided]) -> Result<(), Unavailable> {
        let announce = async {
            let mut change = self.pool.begin().await?;
            self.announce_in(&mut change, voided.iter().copied()).await?;
            change.commit().await
        };
        self.in_time(announce).await
    }

    async fn since(&self, cursor: u64, most: usize) -> Result<OutboxPage, Unavailable> {
        // One statement, so that counter and rows are of one moment. Without rows it gives one that has the counter alone.
        let text = "SELECT counter.newest, news.number, news.handle FROM countersign_outbox_counter AS counter LEFT JOIN \
                    (SELECT number, handle FROM countersign_outbox WHERE number > $1 ORDER BY number LIMIT $2) AS news ON 1 = 1 \
                    WHERE counter.one = 1 ORDER BY news.number";
        let rows = self.in_time(self.pool.rows(self.sql(text).count(cursor).size(most))).await?;
        let page = || {
            let counter = rows.first().ok_or_else(|| unreadable("the counter of the outbox is missing"))?;
            let newest = counter.count(0)?;
            let rows = rows.iter().filter_map(|row| announcement(row).transpose()).collect::<Result<_, _>>()?;
            Ok::<_, Error>(OutboxPage { newest, rows })
        };
        page().map_err(Unavailable::because)
    }

    async fn purge(&self, before: SystemTime, most: usize) -> Result<usize, Unavailable> {
        let skipping = self.pool.dialect().skipping_locked();
        let text = format!(
            "DELETE FROM countersign_outbox WHERE number IN (SELECT number FROM countersign_outbox WHERE written < $1 \
             ORDER BY number LIMIT $2{skipping})"
        );
        let gone = self.in_time(self.pool.run(self.sql(&text).time(before).size(most))).await?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }
}
