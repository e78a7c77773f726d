//! Bound keys in this process: [`MemoryBoundKeys`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    clock::later,
    secret::TokenDigest,
    store::{BoundKeyRecord, BoundKeyStore, KeySender},
    unavailable::Unavailable,
};

/// How many keys are kept at once.
const MOST: usize = 65_536;

/// How many of them are one subject's.
const SHARE: usize = 64;

/// Bound keys in this process: gone with it, and shared with no copy. 65,536 of them are kept at once, and more than that is no answer; 64 of
/// them are one subject's, and of these the one that was idle longest makes way.
#[derive(Default)]
pub struct MemoryBoundKeys {
    rows: Mutex<HashMap<TokenDigest, BoundKeyRecord>>,
}

fn is_good(record: &BoundKeyRecord, now: SystemTime) -> bool {
    now < record.ends && now < record.idle_ends
}

#[async_trait]
impl BoundKeyStore for MemoryBoundKeys {
    async fn insert(&self, digest: TokenDigest, record: BoundKeyRecord, now: SystemTime) -> Result<(), Unavailable> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        // Keys are few and short-lived, and making one takes a password: looking at all of them costs nothing beside that.
        rows.retain(|_, known| is_good(known, now));
        let of_subject = || rows.iter().filter(|(_, known)| known.subject == record.subject);
        if of_subject().count() >= SHARE {
            let oldest = of_subject().min_by_key(|(_, known)| known.idle_ends).map(|(digest, _)| *digest);
            oldest.and_then(|oldest| rows.remove(&oldest));
        }
        if rows.len() >= MOST {
            return Err(Unavailable::busy(Duration::from_secs(5)));
        }
        rows.insert(digest, record);
        Ok(())
    }

    async fn use_now(
        &self,
        digest: TokenDigest,
        sender: &KeySender,
        now: SystemTime,
        idle: Duration,
    ) -> Result<Option<BoundKeyRecord>, Unavailable> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = rows.get_mut(&digest) else { return Ok(None) };
        if !is_good(record, now) {
            rows.remove(&digest);
            return Ok(None);
        }
        if record.sender != *sender {
            return Ok(None);
        }
        record.idle_ends = later(now, idle);
        Ok(Some(record.clone()))
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
        Ok(())
    }
}

impl fmt::Debug for MemoryBoundKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryBoundKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn digest(nth: usize) -> TokenDigest {
        TokenDigest::of(&nth.to_le_bytes())
    }

    fn record(subject: &str, idle_ends: u64) -> BoundKeyRecord {
        let sender = KeySender { address: None, agent: None };
        BoundKeyRecord { subject: subject.into(), sender, idle_ends: at(idle_ends), ends: at(12) }
    }

    #[tokio::test]
    async fn a_use_moves_the_idle_end_for_its_sender_alone() {
        let store = MemoryBoundKeys::default();
        let (sender, other) =
            (record("emma", 4).sender, KeySender { address: None, agent: Some(b"other".as_slice().into()) });
        store.insert(digest(1), record("emma", 4), at(0)).await.unwrap();
        let idle = Duration::from_secs(4);
        for (now, by, good) in [
            (3, &other, false),
            (3, &sender, true),
            (6, &other, false),
            (6, &sender, true),
            (9, &sender, true),
            (11, &sender, true),
            (12, &sender, false),
        ] {
            assert_eq!(store.use_now(digest(1), by, at(now), idle).await.unwrap().is_some(), good, "{now}");
        }
        store.insert(digest(2), record("emma", 4), at(0)).await.unwrap();
        assert!(store.use_now(digest(2), &sender, at(4), idle).await.unwrap().is_none(), "idle");
        store.insert(digest(3), record("emma", 4), at(0)).await.unwrap();
        store.remove(digest(3)).await.unwrap();
        assert!(store.use_now(digest(3), &sender, at(1), idle).await.unwrap().is_none(), "removed");
    }

    #[tokio::test]
    async fn one_subject_has_its_share() {
        let store = MemoryBoundKeys::default();
        for nth in 0..=SHARE {
            store.insert(digest(nth), record("emma", 4), at(0)).await.unwrap();
        }
        store.insert(digest(1000), record("emily", 4), at(0)).await.unwrap();
        assert_eq!(store.rows.lock().unwrap().len(), SHARE + 1);
        store.insert(digest(1001), record("emily", 11), at(10)).await.unwrap();
        assert_eq!(store.rows.lock().unwrap().len(), 1, "what has ended goes");
    }
}
