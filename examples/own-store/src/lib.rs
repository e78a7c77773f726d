//! A store of an app's own, for sessions: what the trait asks of each call, in as few lines as that takes.
//!
//! It keeps a list under one lock, where another would have a table and its transactions. `tests/suite.rs` proves with one line that it
//! does what [`SessionStore`] says.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use countersign::{
    Unavailable, async_trait,
    secret::TokenDigest,
    store::{SessionRecord, SessionStore},
};

/// Sessions, in the order in which they began.
#[derive(Default)]
pub struct ListedSessions(Mutex<Vec<(TokenDigest, SessionRecord)>>);

impl ListedSessions {
    /// Each call is one step for all others, because it holds this from its beginning to its end.
    fn all(&self) -> MutexGuard<'_, Vec<(TokenDigest, SessionRecord)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for ListedSessions {
    async fn insert(
        &self,
        digest: TokenDigest,
        record: SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Unavailable> {
        let mut all = self.all();
        let (now, subject) = (record.used, record.subject.clone());
        all.retain(|(_, kept)| kept.ends > now);
        all.push((digest, record));
        let mut too_many = all.iter().filter(|(_, kept)| kept.subject == subject).count().saturating_sub(most);
        let makes_way = |(_, kept): &mut (TokenDigest, SessionRecord)| {
            let goes = kept.subject == subject && too_many > 0;
            too_many -= usize::from(goes);
            goes
        };
        Ok(all.extract_if(.., makes_way).map(|(_, gone)| gone.id).collect())
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        Ok(self.all().iter().find(|(known, _)| *known == digest).map(|(_, kept)| kept.clone()))
    }

    async fn find_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        Ok(self.all().iter().find(|(_, kept)| is_of(kept, subject, id)).map(|(_, kept)| kept.clone()))
    }

    async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable> {
        let all = self.all();
        let own = all.iter().rev().filter(|(_, kept)| *kept.subject == *subject);
        Ok(own.map(|(_, kept)| kept.clone()).collect())
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        if let Some((_, kept)) = self.all().iter_mut().find(|(known, _)| *known == digest) {
            kept.used = kept.used.max(used);
        }
        Ok(())
    }

    async fn write(&self, subject: &str, id: &str, data: &str, revision: u64) -> Result<bool, Unavailable> {
        let mut all = self.all();
        let found = all.iter_mut().find(|(_, kept)| is_of(kept, subject, id) && kept.revision == revision);
        Ok(found.is_some_and(|(_, kept)| {
            (kept.data, kept.revision) = (Some(data.into()), revision + 1);
            true
        }))
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        self.all().retain(|(known, _)| *known != digest);
        Ok(())
    }

    async fn remove_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        Ok(self.all().extract_if(.., |(_, kept)| is_of(kept, subject, id)).map(|(_, gone)| gone).next())
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        self.all().retain(|(_, kept)| *kept.subject != *subject);
        Ok(())
    }
}

fn is_of(kept: &SessionRecord, subject: &str, id: &str) -> bool {
    *kept.subject == *subject && *kept.id == *id
}

impl fmt::Debug for ListedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedSessions").field("sessions", &self.all().len()).finish()
    }
}
