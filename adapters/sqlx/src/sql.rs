//! Statements for either database, and the pools, connections and rows that sqlx has one type each of: [`Pool`].
//!
//! Placeholders are `$1`, which both understand. Texts and numbers are all that is stored.

use std::time::{Duration, SystemTime};

use sqlx::{AssertSqlSafe, Error, Row as _};

/// The pool of an app.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
    #[cfg(feature = "any")]
    Any(sqlx::AnyPool, Dialect),
}

/// Several statements that happen together or not at all.
pub(crate) enum Change {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
    #[cfg(feature = "any")]
    Any(sqlx::Transaction<'static, sqlx::Any>, Dialect),
}

/// One row of an answer.
pub(crate) enum Row {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::sqlite::SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
    #[cfg(feature = "any")]
    Any(sqlx::any::AnyRow),
}

/// Where the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A statement and what stands in its places.
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

impl Statement {
    /// The text is made of constants of this crate, a prefix that was checked, and numbers of places.
    pub(crate) fn new(text: String) -> Self {
        Self { text, values: Vec::new() }
    }

    /// Puts a text into the next place.
    pub(crate) fn text(self, text: &str) -> Self {
        self.maybe_text(Some(text))
    }

    pub(crate) fn maybe_text(mut self, text: Option<&str>) -> Self {
        self.values.push(Value::Text(text.map(str::to_owned)));
        self
    }

    /// Puts a number into the next place.
    pub(crate) fn number(mut self, number: i64) -> Self {
        self.values.push(Value::Number(Some(number)));
        self
    }

    pub(crate) fn size(self, size: usize) -> Self {
        self.number(i64::try_from(size).unwrap_or(i64::MAX))
    }

    pub(crate) fn count(self, count: u64) -> Self {
        self.number(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Puts a time into the next place: what is earlier than the microsecond counts as that.
    pub(crate) fn time(self, time: SystemTime) -> Self {
        self.number(to_micros(time))
    }

    pub(crate) fn maybe_time(mut self, time: Option<SystemTime>) -> Self {
        self.values.push(Value::Number(time.map(to_micros)));
        self
    }
}

/// The statement as the driver of this database takes it.
macro_rules! bound {
    ($database:ty, $statement:expr) => {{
        let $crate::sql::Statement { text, values } = $statement;
        values.into_iter().fold(sqlx::query::<$database>(sqlx::AssertSqlSafe(text)), |query, value| match value {
            $crate::sql::Value::Text(text) => query.bind(text),
            $crate::sql::Value::Number(number) => query.bind(number),
        })
    }};
}

pub(crate) use bound;

impl Dialect {
    /// What keeps a statement that tidies up from waiting for others, and others from waiting for it crosswise.
    pub(crate) fn skipping_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// SQLite lets one write at a time, and fails who begins to write after having read; so it is told at once. PostgreSQL is told not to
    /// take the app's default, under which a transaction that met another fails.
    fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }
}

impl Pool {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
            #[cfg(feature = "any")]
            Self::Any(_, dialect) => *dialect,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Change, Error> {
        let begin = self.dialect().begin();
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => Change::Sqlite(pool.begin_with(begin).await?),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => Change::Postgres(pool.begin_with(begin).await?),
            #[cfg(feature = "any")]
            Self::Any(pool, dialect) => Change::Any(pool.begin_with(begin).await?, *dialect),
        })
    }

    /// How many rows a statement changed.
    pub(crate) async fn run(&self, statement: Statement) -> Result<u64, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => bound!(sqlx::Sqlite, statement).execute(pool).await?.rows_affected(),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => bound!(sqlx::Postgres, statement).execute(pool).await?.rows_affected(),
            #[cfg(feature = "any")]
            Self::Any(pool, _) => bound!(sqlx::Any, statement).execute(pool).await?.rows_affected(),
        })
    }

    pub(crate) async fn row(&self, statement: Statement) -> Result<Option<Row>, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => bound!(sqlx::Sqlite, statement).fetch_optional(pool).await?.map(Row::Sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => bound!(sqlx::Postgres, statement).fetch_optional(pool).await?.map(Row::Postgres),
            #[cfg(feature = "any")]
            Self::Any(pool, _) => bound!(sqlx::Any, statement).fetch_optional(pool).await?.map(Row::Any),
        })
    }

    pub(crate) async fn rows(&self, statement: Statement) -> Result<Vec<Row>, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => all(bound!(sqlx::Sqlite, statement).fetch_all(pool).await?, Row::Sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => all(bound!(sqlx::Postgres, statement).fetch_all(pool).await?, Row::Postgres),
            #[cfg(feature = "any")]
            Self::Any(pool, _) => all(bound!(sqlx::Any, statement).fetch_all(pool).await?, Row::Any),
        })
    }
}

impl Change {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
            #[cfg(feature = "any")]
            Self::Any(_, dialect) => *dialect,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.commit().await,
            #[cfg(feature = "any")]
            Self::Any(transaction, _) => transaction.commit().await,
        }
    }

    pub(crate) async fn run(&mut self, statement: Statement) -> Result<u64, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(within) => bound!(sqlx::Sqlite, statement).execute(&mut **within).await?.rows_affected(),
            #[cfg(feature = "postgres")]
            Self::Postgres(within) => bound!(sqlx::Postgres, statement).execute(&mut **within).await?.rows_affected(),
            #[cfg(feature = "any")]
            Self::Any(within, _) => bound!(sqlx::Any, statement).execute(&mut **within).await?.rows_affected(),
        })
    }

    pub(crate) async fn row(&mut self, statement: Statement) -> Result<Option<Row>, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(within) => {
                bound!(sqlx::Sqlite, statement).fetch_optional(&mut **within).await?.map(Row::Sqlite)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(within) => {
                bound!(sqlx::Postgres, statement).fetch_optional(&mut **within).await?.map(Row::Postgres)
            }
            #[cfg(feature = "any")]
            Self::Any(within, _) => bound!(sqlx::Any, statement).fetch_optional(&mut **within).await?.map(Row::Any),
        })
    }

    pub(crate) async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(within) => all(bound!(sqlx::Sqlite, statement).fetch_all(&mut **within).await?, Row::Sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(within) => {
                all(bound!(sqlx::Postgres, statement).fetch_all(&mut **within).await?, Row::Postgres)
            }
            #[cfg(feature = "any")]
            Self::Any(within, _) => all(bound!(sqlx::Any, statement).fetch_all(&mut **within).await?, Row::Any),
        })
    }

    /// Several statements in one text, without places.
    pub(crate) async fn script(&mut self, text: String) -> Result<(), Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(text));
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(within) => script.execute(&mut **within).await.map(drop),
            #[cfg(feature = "postgres")]
            Self::Postgres(within) => script.execute(&mut **within).await.map(drop),
            #[cfg(feature = "any")]
            Self::Any(within, _) => script.execute(&mut **within).await.map(drop),
        }
    }
}

fn all<R>(rows: Vec<R>, wrap: fn(R) -> Row) -> Vec<Row> {
    rows.into_iter().map(wrap).collect()
}

impl Row {
    pub(crate) fn maybe_text(&self, column: usize) -> Result<Option<Box<str>>, Error> {
        let text: Option<String> = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => row.try_get(column)?,
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row.try_get(column)?,
            #[cfg(feature = "any")]
            Self::Any(row) => row.try_get(column)?,
        };
        Ok(text.map(String::into_boxed_str))
    }

    pub(crate) fn maybe_number(&self, column: usize) -> Result<Option<i64>, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => row.try_get(column),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row.try_get(column),
            #[cfg(feature = "any")]
            Self::Any(row) => row.try_get(column),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<Box<str>, Error> {
        self.maybe_text(column)?.ok_or_else(|| unreadable("a text is missing"))
    }

    pub(crate) fn number(&self, column: usize) -> Result<i64, Error> {
        self.maybe_number(column)?.ok_or_else(|| unreadable("a number is missing"))
    }

    pub(crate) fn count(&self, column: usize) -> Result<u64, Error> {
        u64::try_from(self.number(column)?).map_err(|_| unreadable("a count is below zero"))
    }

    pub(crate) fn time(&self, column: usize) -> Result<SystemTime, Error> {
        self.number(column).map(from_micros)
    }

    pub(crate) fn maybe_time(&self, column: usize) -> Result<Option<SystemTime>, Error> {
        Ok(self.maybe_number(column)?.map(from_micros))
    }
}

/// A row that holds what this crate never writes.
pub(crate) fn unreadable(why: &'static str) -> Error {
    Error::Decode(why.into())
}

/// PostgreSQL stores no NUL, so nothing is stored under a text with one.
pub(crate) fn can_be_text(text: &str) -> bool {
    !text.contains('\0')
}

fn to_micros(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn from_micros(micros: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_to_the_microsecond_and_never_overflow() {
        let at = |nanos| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
        for (time, kept) in [
            (at(0), at(0)),
            (at(1_999), at(1_000)),
            (at(1_700_000_000_123_456_789), at(1_700_000_000_123_456_000)),
            (SystemTime::UNIX_EPOCH - Duration::from_secs(1), at(0)),
        ] {
            assert_eq!(from_micros(to_micros(time)), kept);
        }
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(999_999_999_999);
        assert_eq!(from_micros(to_micros(last)), last, "the last moment that is written anywhere");
        assert_eq!(to_micros(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60)), i64::MAX);
    }
}
