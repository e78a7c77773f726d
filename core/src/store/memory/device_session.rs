//! Sessions that are bound to a device, in this process: gone with it, and shared with no copy.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    store::{DeviceSessionRecord, DeviceSessionStore},
    unavailable::Unavailable,
};

/// How many are kept.
const MOST: usize = 65_536;
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// How many of them are one subject's.
const SHARE: usize = 64;

/// Sessions in memory, 65,536 at most. When there is no room, ended ones are dropped; where none has ended, nobody signs in. 64 of them are
/// one subject's, and of more the one that ends first makes way: nobody keeps the others out by signing in again and again.
#[derive(Default)]
pub struct MemoryDeviceSessions {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    records: HashMap<Box<str>, DeviceSessionRecord>,
    /// The ends and ids of the same records, by whose they are.
    owned: HashMap<Box<str>, BTreeSet<(SystemTime, Box<str>)>>,
}

impl Kept {
    fn insert(&mut self, id: &str, record: DeviceSessionRecord) {
        self.remove(id);
        self.owned.entry(record.subject.clone()).or_default().insert((record.ends, id.into()));
        self.records.insert(id.into(), record);
    }

    fn remove(&mut self, id: &str) {
        let Some(record) = self.records.remove(id) else { return };
        if let Some(owned) = self.owned.get_mut(&record.subject) {
            owned.remove(&(record.ends, id.into()));
            if owned.is_empty() {
                self.owned.remove(&record.subject);
            }
        }
    }

    /// Makes room for one more of this subject.
    fn make_way(&mut self, subject: &str) {
        let owned = self.owned.get(subject).filter(|owned| owned.len() >= SHARE);
        if let Some((_, first)) = owned.and_then(BTreeSet::first).cloned() {
            self.remove(&first);
        }
    }

    fn drop_ended(&mut self, now: SystemTime) {
        let ended = self.records.iter().filter(|(_, record)| record.ends <= now);
        let ended: Vec<Box<str>> = ended.map(|(id, _)| id.clone()).collect();
        ended.iter().for_each(|id| self.remove(id));
    }
}

impl MemoryDeviceSessions {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DeviceSessionStore for MemoryDeviceSessions {
    async fn insert(&self, id: &str, record: DeviceSessionRecord, now: SystemTime) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        kept.make_way(&record.subject);
        if kept.records.len() >= MOST {
            kept.drop_ended(now);
        }
        if kept.records.len() >= MOST {
            return Err(Unavailable::busy(RETRY_AFTER));
        }
        kept.insert(id, record);
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<DeviceSessionRecord>, Unavailable> {
        Ok(self.kept().records.get(id).cloned())
    }

    async fn bind(&self, id: &str, key: &str) -> Result<bool, Unavailable> {
        let mut kept = self.kept();
        let unbound = kept.records.get_mut(id).filter(|record| record.key.is_none());
        Ok(unbound.map(|record| record.key = Some(key.into())).is_some())
    }

    async fn remove(&self, id: &str) -> Result<(), Unavailable> {
        self.kept().remove(id);
        Ok(())
    }
}

impl fmt::Debug for MemoryDeviceSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDeviceSessions").field("sessions", &self.kept().records.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn of(subject: &str, ends: u64) -> DeviceSessionRecord {
        DeviceSessionRecord { subject: subject.into(), ends: at(ends), key: None }
    }

    #[tokio::test]
    async fn who_signs_in_again_and_again_keeps_nobody_out() {
        let store = MemoryDeviceSessions::default();
        store.insert("hers", of("emma", 10), at(0)).await.unwrap();
        for number in 0..MOST as u64 + 10 {
            store.insert(&number.to_string(), of("emily", 1000 + number), at(0)).await.unwrap();
        }
        assert!(store.find("hers").await.unwrap().is_some(), "others make no way");
        let left = |number: u64| {
            let store = &store;
            async move { store.find(&number.to_string()).await.unwrap().is_some() }
        };
        let last = MOST as u64 + 9;
        assert!(left(last).await && left(last - 63).await && !left(last - 64).await && !left(0).await);
        store.remove(&last.to_string()).await.unwrap();
        store.insert("one more", of("emily", 5000), at(0)).await.unwrap();
        assert!(left(last - 63).await, "there was room");
        let kept = store.kept();
        assert_eq!((kept.records.len(), kept.owned.len()), (65, 2));
    }

    #[tokio::test]
    async fn where_there_is_no_room_what_has_ended_goes_and_nothing_else() {
        let store = MemoryDeviceSessions::default();
        for number in 0..MOST {
            store.insert(&number.to_string(), of(&number.to_string(), 10 + number as u64 % 2), at(0)).await.unwrap();
        }
        assert!(store.insert("late", of("late", 100), at(9)).await.is_err());
        store.insert("late", of("late", 100), at(10)).await.unwrap();
        let kept = store.kept();
        assert_eq!((kept.records.len(), kept.owned.len()), (MOST / 2 + 1, MOST / 2 + 1));
    }
}
