//! What may pass once, and has.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use countersign::{
    async_trait,
    store::{First, ReplayStore},
};
use sqlx::Error;

use crate::{
    SqlStores,
    sql::{Statement, unreadable},
};

/// How much is held, as this copy knows it: counted anew every few seconds, and in between what this copy has added.
pub(crate) struct Held {
    most: usize,
    share: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    all: Counted,
    of: HashMap<String, Counted>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    rows: usize,
    at: Option<Duration>,
}

/// How long a count is good.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// More scopes than that are counted anew rather than remembered.
const SCOPES: usize = 10_000;

/// What has ended goes so long afterwards, so that a calendar that is set back by less opens nothing.
const KEPT_AFTER: Duration = Duration::from_secs(60);

/// How many that have ended go with each that comes.
const DROPPED_AT_ONCE: usize = 4;

/// When there may be room again, if nobody knows.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Default for Held {
    fn default() -> Self {
        Self { most: 1_000_000, share: 250_000, known: Mutex::default() }
    }
}

impl SqlStores {
    /// Has room for so many nonces in all, and for so many of each scope; for a million, and a quarter of that, unless told otherwise. Copies
    /// that share the store count together to within five seconds.
    #[must_use]
    pub fn remembering_nonces(mut self, most: usize, share: usize) -> Self {
        self.held = Held { most: most.max(1), share: share.max(1), known: Mutex::default() }.into();
        self
    }

    async fn count_rows(&self, scope: Option<&str>, bound: usize) -> Result<usize, Error> {
        // A count that is past the bound need not be exact.
        let (condition, place) = match scope {
            Some(_) => ("WHERE scope = $1", 2),
            None => ("", 1),
        };
        let text = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM countersign_replay {condition} LIMIT ${place}) AS some_of_them"
        );
        let select = scope.into_iter().fold(self.sql(&text), Statement::text).size(bound);
        let row = self.pool.row(select).await?.ok_or_else(|| unreadable("nothing was counted"))?;
        Ok(usize::try_from(row.count(0)?).unwrap_or(usize::MAX))
    }

    /// Whether there is room for one more of this scope.
    async fn has_room(&self, scope: &str) -> Result<bool, Error> {
        let now = self.clock.monotonic();
        let (all, own) = self.held.known(scope, now);
        let all = match all {
            Some(rows) => rows,
            None => self.held.counted(None, self.count_rows(None, self.held.most).await?, now),
        };
        let own = match own {
            Some(rows) => rows,
            None => self.held.counted(Some(scope), self.count_rows(Some(scope), self.held.share).await?, now),
        };
        Ok(all < self.held.most && own < self.held.share)
    }

    async fn first_of(&self, scope: &str, nonce: &str, until: SystemTime, now: SystemTime) -> Result<First, Error> {
        // Whether it is there already is told in a full store too.
        let known = self.sql("SELECT ends FROM countersign_replay WHERE scope = $1 AND nonce = $2 AND ends > $3");
        if self.pool.row(known.text(scope).text(nonce).time(now)).await?.is_some() {
            return Ok(First::Seen);
        }
        let skipping = self.pool.dialect().skipping_locked();
        let old = format!(
            "DELETE FROM countersign_replay WHERE (scope, nonce) IN (SELECT scope, nonce FROM countersign_replay WHERE ends <= $1 \
             ORDER BY ends LIMIT $2{skipping})"
        );
        let before = now.checked_sub(KEPT_AFTER).unwrap_or(SystemTime::UNIX_EPOCH);
        let gone = self.pool.run(self.sql(&old).time(before).size(DROPPED_AT_ONCE)).await?;
        self.held.freed(usize::try_from(gone).unwrap_or_default());
        if !self.has_room(scope).await? {
            return Ok(First::Full { retry_after: RETRY_AFTER });
        }
        // Of two at once the second waits for the first here, and changes nothing.
        let insert = "INSERT INTO countersign_replay (scope, nonce, ends) VALUES ($1, $2, $3) ON CONFLICT (scope, nonce) DO UPDATE SET \
                      ends = excluded.ends WHERE countersign_replay.ends <= $4";
        match self.pool.run(self.sql(insert).text(scope).text(nonce).time(until).time(now)).await? {
            0 => Ok(First::Seen),
            _ => {
                self.held.added(scope);
                Ok(First::New)
            }
        }
    }
}

impl Held {
    /// What is known of all and of this scope, as far as it is good.
    fn known(&self, scope: &str, now: Duration) -> (Option<usize>, Option<usize>) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let good = |counted: &Counted| {
            let at = counted.at?;
            (now.saturating_sub(at) < GOOD_FOR).then_some(counted.rows)
        };
        (good(&known.all), known.of.get(scope).and_then(good))
    }

    fn counted(&self, scope: Option<&str>, rows: usize, now: Duration) -> usize {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = Counted { rows, at: Some(now) };
        match scope {
            None => known.all = counted,
            Some(scope) => {
                if known.of.len() >= SCOPES {
                    known.of.clear();
                }
                known.of.insert(scope.to_owned(), counted);
            }
        }
        rows
    }

    fn added(&self, scope: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.all.rows = known.all.rows.saturating_add(1);
        if let Some(counted) = known.of.get_mut(scope) {
            counted.rows = counted.rows.saturating_add(1);
        }
    }

    /// Of whichever scope they were: that is found out when it is counted anew.
    fn freed(&self, rows: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.all.rows = known.all.rows.saturating_sub(rows);
    }
}

#[async_trait]
impl ReplayStore for SqlStores {
    async fn first(&self, scope: &str, key: &[u8], until: SystemTime) -> First {
        let now = self.clock.wall();
        if until <= now {
            return First::Seen;
        }
        let hash = |parts: [&[u8]; 2]| {
            let mut hasher = blake3::Hasher::new_derive_key("countersign-sqlx nonce v1");
            for part in parts {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
            hasher.finalize().to_hex()
        };
        let (scope, nonce) = (hash([scope.as_bytes(), b""]), hash([scope.as_bytes(), key]));
        let asked = self.in_time(self.first_of(&scope, &nonce, until, now)).await;
        asked.unwrap_or_else(First::Unavailable)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("most", &self.most).field("share", &self.share).finish_non_exhaustive()
    }
}
