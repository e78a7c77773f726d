//! Sessions in this process: gone with it, and shared with no copy.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use super::{
    MemoryOutbox,
    by_owner::{ByOwner, Owned},
};
use crate::{
    principal::Handle,
    secret::TokenDigest,
    store::{SessionRecord, SessionStore},
    unavailable::Unavailable,
};

/// Sessions in memory. Ended ones are dropped when new ones come, a few at a time.
#[derive(Default)]
pub struct MemorySessions {
    kept: Mutex<Kept>,
    outbox: Option<Arc<MemoryOutbox>>,
}

/// Both speak of the same sessions.
#[derive(Default)]
struct Kept {
    records: ByOwner<Numbered>,
    by_end: BTreeSet<(SystemTime, TokenDigest)>,
    /// How many ever came.
    came: u64,
}

/// A record, and the how manieth it was that came: two may begin in one moment.
struct Numbered {
    number: u64,
    record: SessionRecord,
}

/// How many that have ended are dropped with each that comes: more than come, so that they go, and few, so that nobody waits.
const DROPPED_AT_ONCE: usize = 4;

impl Owned for Numbered {
    fn owner(&self) -> &str {
        &self.record.subject
    }
}

impl MemorySessions {
    /// Writes into this outbox what is made void here, in one step with it: for several caches in one process.
    #[must_use]
    pub fn announcing_in(mut self, outbox: Arc<MemoryOutbox>) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Called while what it tells of is locked.
    fn announce(&self, gone: Handle) {
        if let Some(outbox) = &self.outbox {
            outbox.write_handle(gone);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn insert(&mut self, digest: TokenDigest, record: SessionRecord) {
        self.remove(&digest);
        self.came += 1;
        self.by_end.insert((record.ends, digest));
        self.records.insert(digest, Numbered { number: self.came, record });
    }

    fn remove(&mut self, digest: &TokenDigest) -> Option<SessionRecord> {
        let record = self.records.remove(digest)?.record;
        self.by_end.remove(&(record.ends, *digest));
        Some(record)
    }

    fn drop_some(&mut self, now: SystemTime) {
        for _ in 0..DROPPED_AT_ONCE {
            match self.by_end.first().copied() {
                Some((ends, digest)) if ends <= now => drop(self.remove(&digest)),
                _ => return,
            }
        }
    }

    /// Those of a subject that came first, as many as are too many.
    fn make_way(&mut self, subject: &str, most: usize) -> Vec<Box<str>> {
        let too_many = self.records.count_of(subject).saturating_sub(most);
        if too_many == 0 {
            return Vec::new();
        }
        let mut all: Vec<_> = self.records.of(subject).map(|(digest, kept)| (kept.number, *digest)).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        let first = all.into_iter().take(too_many);
        first.filter_map(|(_, digest)| self.remove(&digest)).map(|record| record.id).collect()
    }

    fn digest_of(&self, subject: &str, id: &str) -> Option<TokenDigest> {
        self.records.of(subject).find(|(_, kept)| *kept.record.id == *id).map(|(digest, _)| *digest)
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(
        &self,
        digest: TokenDigest,
        record: SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Unavailable> {
        let mut kept = self.kept();
        // A session begins now, by the clock of whoever begins it.
        kept.drop_some(record.used);
        let subject = record.subject.clone();
        kept.insert(digest, record);
        let gone = kept.make_way(&subject, most);
        gone.iter().for_each(|id| self.announce(SessionRecord::handle_of(id)));
        Ok(gone)
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        Ok(self.kept().records.get(&digest).map(|kept| kept.record.clone()))
    }

    async fn find_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        let kept = self.kept();
        let found = kept.records.of(subject).find(|(_, kept)| *kept.record.id == *id);
        Ok(found.map(|(_, kept)| kept.record.clone()))
    }

    async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable> {
        let mut listed: Vec<_> =
            self.kept().records.of(subject).map(|(_, kept)| (kept.number, kept.record.clone())).collect();
        // No lock is held by now.
        listed.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        Ok(listed.into_iter().map(|(_, record)| record).collect())
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        if let Some(kept) = self.kept().records.get_mut(&digest) {
            kept.record.used = kept.record.used.max(used);
        }
        Ok(())
    }

    async fn write(&self, subject: &str, id: &str, data: &str, revision: u64) -> Result<bool, Unavailable> {
        let mut kept = self.kept();
        let Some(digest) = kept.digest_of(subject, id) else { return Ok(false) };
        match kept.records.get_mut(&digest) {
            Some(Numbered { record, .. }) if record.revision == revision => {
                record.data = Some(data.into());
                record.revision += 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        if let Some(gone) = kept.remove(&digest) {
            self.announce(gone.handle());
        }
        Ok(())
    }

    async fn remove_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        let mut kept = self.kept();
        let found = kept.digest_of(subject, id);
        let gone = found.and_then(|digest| kept.remove(&digest));
        if let Some(gone) = &gone {
            self.announce(gone.handle());
        }
        Ok(gone)
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        for (digest, gone) in kept.records.remove_all_of(subject) {
            kept.by_end.remove(&(gone.record.ends, digest));
        }
        self.announce(Handle::subject(subject));
        Ok(())
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions").field("sessions", &self.kept().records.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn record(subject: &str, number: u64) -> SessionRecord {
        SessionRecord {
            id: number.to_string().into(),
            subject: subject.into(),
            generation: 0,
            created: at(number),
            authenticated: at(number),
            used: at(number),
            idle: Duration::from_secs(50),
            ends: at(number + 100),
            address: None,
            agent: None,
            data: None,
            revision: 0,
        }
    }

    fn digest(number: u64) -> TokenDigest {
        TokenDigest::of(&number.to_le_bytes())
    }

    #[tokio::test]
    async fn what_has_ended_goes_as_others_come_and_nothing_else_does() {
        let sessions = MemorySessions::default();
        for number in 0..10_000_u64 {
            assert!(sessions.insert(digest(number), record("emily", number), 1000).await.unwrap().is_empty());
            let kept = sessions.kept();
            assert_eq!(kept.records.len(), kept.by_end.len());
            assert!(kept.records.len() <= 101);
        }
        for (number, there) in [(9_000_u64, false), (9_950, true), (9_999, true)] {
            let found = sessions.find(digest(number)).await.unwrap();
            assert_eq!(found.is_some(), there, "{number}");
        }
        sessions.remove_all_of("emma").await.unwrap();
        assert!(sessions.kept().records.len() > 0);
        sessions.remove_all_of("emily").await.unwrap();
        let kept = sessions.kept();
        assert_eq!((kept.records.len(), kept.by_end.len()), (0, 0));
    }

    #[tokio::test]
    async fn the_first_of_a_subject_make_way_and_the_newest_are_listed_first() {
        let sessions = MemorySessions::default();
        for number in 0..3 {
            sessions.insert(digest(number), record("emily", number), 3).await.unwrap();
        }
        sessions.insert(digest(7), record("emma", 7), 1).await.unwrap();
        let gone = sessions.insert(digest(8), record("emily", 8), 2).await.unwrap();
        assert_eq!(gone, ["0".into(), "1".into()]);
        let ids: Vec<_> = sessions.list("emily").await.unwrap().into_iter().map(|record| record.id).collect();
        assert_eq!(ids, ["8".into(), "2".into()]);
        assert!(sessions.remove_of("emma", "8").await.unwrap().is_none(), "somebody else's");
        assert_eq!(sessions.remove_of("emily", "8").await.unwrap(), Some(record("emily", 8)));
        assert!(sessions.find_of("emily", "8").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_second_of_two_writers_is_told_of_the_first() {
        let sessions = MemorySessions::default();
        sessions.insert(digest(1), record("emily", 1), 3).await.unwrap();
        assert!(sessions.write("emily", "1", "{}", 0).await.unwrap());
        assert!(!sessions.write("emily", "1", "[]", 0).await.unwrap());
        assert!(!sessions.write("emma", "1", "[]", 1).await.unwrap(), "somebody else's");
        let kept = sessions.find_of("emily", "1").await.unwrap().unwrap();
        assert_eq!((kept.data.as_deref(), kept.revision), (Some("{}"), 1));
    }
}
