//! Passwords against their promises: costs, bounds, replaced hashes.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use countersign::{
    Answer, Secret, Verified, Verify, async_trait,
    credential::BasicCredential,
    store::{PasswordStore, StoreError, StoredPassword},
    throttle::Throttle,
    verifier::{HashError, PasswordCost, Passwords},
};
use tokio::sync::Notify;

/// One user, whose hash can change.
#[derive(Debug)]
struct Shelf {
    hash: Mutex<String>,
    keeps: bool,
    finds: AtomicUsize,
    replaced: Notify,
    down: bool,
}

impl Shelf {
    fn with(hash: impl Into<String>) -> Self {
        Self {
            hash: Mutex::new(hash.into()),
            keeps: true,
            finds: AtomicUsize::new(0),
            replaced: Notify::new(),
            down: false,
        }
    }
}

/// A shelf that is looked at from outside, too.
#[derive(Debug, Clone)]
struct Shared(Arc<Shelf>);

#[async_trait]
impl PasswordStore for Shared {
    type Principal = &'static str;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<&'static str>>, StoreError> {
        self.0.finds.fetch_add(1, Ordering::Relaxed);
        if self.0.down {
            return Err("the shelf is down".into());
        }
        let hash = self.0.hash.lock().unwrap().clone();
        Ok((name == "emily").then(|| StoredPassword::new(hash, Verified::new("Emily"))))
    }

    fn keeps_rehashed(&self) -> bool {
        self.0.keeps
    }

    async fn rehashed(&self, name: &str, old: &str, new: &str) -> Result<(), StoreError> {
        assert_eq!(name, "emily");
        let mut hash = self.0.hash.lock().unwrap();
        if *hash == old {
            *hash = new.to_owned();
        }
        self.0.replaced.notify_one();
        Ok(())
    }
}

fn hashed(cost: PasswordCost, password: &str) -> String {
    cost.hash_now(&Secret::new(password)).unwrap()
}

fn weak() -> PasswordCost {
    PasswordCost::new(64, 1, 1).unwrap()
}

fn passwords(shelf: Shelf) -> (Passwords<Shared>, Arc<Shelf>) {
    let shelf = Arc::new(shelf);
    (Passwords::in_store(Shared(shelf.clone())).cost(PasswordCost::fast()), shelf)
}

async fn outcome(passwords: &Passwords<Shared>, name: &str, password: &str) -> &'static str {
    match passwords.verify(BasicCredential::new(name, password)).await {
        Answer::Verified(_) => "verified",
        Answer::Refused => "refused",
        Answer::Unavailable(why) if why.retry_after().is_some() => "busy",
        Answer::Unavailable(_) => "unavailable",
    }
}

#[tokio::test]
async fn a_password_opens_its_own_name_alone() {
    let (passwords, _) = passwords(Shelf::with(hashed(PasswordCost::fast(), "s3cret")));
    for (name, password, expected) in [
        ("emily", "s3cret", "verified"),
        ("emily", "S3cret", "refused"),
        ("emily", "", "refused"),
        ("emma", "s3cret", "refused"),
        ("", "", "refused"),
        ("emily ", "s3cret", "refused"),
    ] {
        assert_eq!(outcome(&passwords, name, password).await, expected, "{name}:{password}");
    }
}

#[tokio::test]
async fn no_answer_is_not_no() {
    // H9, CVE-2019-11272.
    for hash in ["", "null", "s3cret", "$argon2id$v=19$m=4000000,t=1,p=1$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA"]
    {
        let (passwords, _) = passwords(Shelf::with(hash));
        for password in ["", "null", "s3cret"] {
            assert_eq!(outcome(&passwords, "emily", password).await, "unavailable", "{hash}:{password}");
        }
    }
    let (passwords, _) = passwords(Shelf { down: true, ..Shelf::with("") });
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "unavailable");
}

#[tokio::test]
async fn a_long_password_is_refused_unread() {
    // L4
    let long = "x".repeat(1025);
    let (passwords, shelf) = passwords(Shelf::with(hashed(PasswordCost::fast(), &long)));
    assert_eq!(outcome(&passwords, "emily", &long).await, "refused");
    assert_eq!(outcome(&passwords, "nobody", &long).await, "refused");
    assert_eq!(shelf.finds.load(Ordering::Relaxed), 0);
    assert!(matches!(passwords.hash(&Secret::new(long.as_str())).await, Err(HashError::TooLong)));
    let passwords = passwords.longest_password(1025);
    assert_eq!(outcome(&passwords, "emily", &long).await, "verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_costs_what_a_wrong_password_costs() {
    // L4, CVE-2012-5055, CVE-2026-41263. The fine comparison is the example `timing`.
    let cost = PasswordCost::new(8_192, 2, 1).unwrap();
    let shelf = Shared(Arc::new(Shelf::with(hashed(cost, "s3cret"))));
    let passwords = Passwords::in_store(shelf).cost(cost);
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..12 {
        for (name, fastest) in ["emily", "nobody"].iter().zip(&mut fastest) {
            let began = Instant::now();
            assert_eq!(outcome(&passwords, name, "wrong").await, "refused");
            *fastest = began.elapsed().min(*fastest);
        }
    }
    let ratio = fastest[1].as_secs_f64() / fastest[0].as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{ratio}: {fastest:?}");
}

#[tokio::test]
async fn a_full_queue_is_answered_at_once() {
    // L4
    let cost = PasswordCost::new(65_536, 3, 1).unwrap();
    let (passwords, shelf) = passwords(Shelf::with(hashed(weak(), "s3cret")));
    let passwords = Arc::new(passwords.cost(cost).threads(NonZeroUsize::MIN).queue(2));
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let passwords = passwords.clone();
            tokio::spawn(async move { outcome(&passwords, "nobody", "wrong").await })
        })
        .collect();
    let mut counts = [0, 0];
    for one in tries {
        match one.await.unwrap() {
            "refused" => counts[0] += 1,
            "busy" => counts[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(counts, [3, 5], "one on the thread and two in the queue");
    assert_eq!(shelf.finds.load(Ordering::Relaxed), 3, "the store is not asked in vain");
    assert_eq!((passwords.running(), passwords.waiting()), (0, 0));
}

#[tokio::test]
async fn an_outdated_hash_is_replaced_behind_the_answer() {
    let (passwords, shelf) = passwords(Shelf::with(hashed(weak(), "s3cret")));
    let old = shelf.hash.lock().unwrap().clone();
    assert_eq!(outcome(&passwords, "emily", "wrong").await, "refused");
    assert_eq!(*shelf.hash.lock().unwrap(), old, "not by a wrong password");
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "verified");
    shelf.replaced.notified().await;
    let new = shelf.hash.lock().unwrap().clone();
    assert!(new.starts_with("$argon2id$v=19$m=256,t=1,p=1$"), "{new}");
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "verified");
    assert_eq!(outcome(&passwords, "emily", "wrong").await, "refused");
    assert_eq!(*shelf.hash.lock().unwrap(), new, "once is enough");
}

#[tokio::test]
async fn a_store_that_keeps_no_new_hashes_is_given_none() {
    let (passwords, shelf) = passwords(Shelf { keeps: false, ..Shelf::with(hashed(weak(), "s3cret")) });
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "verified");
    assert_eq!(passwords.running() + passwords.waiting(), 0);
    tokio::task::yield_now().await;
    assert!(shelf.hash.lock().unwrap().contains("m=64,"));
}

#[cfg(feature = "legacy-passwords")]
#[tokio::test]
async fn who_moves_in_with_bcrypt_leaves_with_argon2() {
    let (passwords, shelf) = passwords(Shelf::with("$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"));
    assert_eq!(outcome(&passwords, "emily", "open sesame").await, "verified");
    shelf.replaced.notified().await;
    assert!(shelf.hash.lock().unwrap().starts_with("$argon2id$"));
    assert_eq!(outcome(&passwords, "emily", "open sesame").await, "verified");
}

#[tokio::test]
async fn a_hash_for_signing_up_opens_at_signing_in() {
    let (passwords, shelf) = passwords(Shelf::with(""));
    let hash = passwords.hash(&Secret::new("pässwörd-emma")).await.unwrap();
    *shelf.hash.lock().unwrap() = hash;
    assert_eq!(outcome(&passwords, "emily", "pässwörd-emma").await, "verified");
}

#[tokio::test]
async fn wrong_passwords_are_counted_unless_told_otherwise() {
    // L5
    let (passwords, _) = passwords(Shelf::with(""));
    let emily = BasicCredential::new("emily", "s3cret");
    let throttle = passwords.throttle().expect("by default").clone();
    assert_eq!(passwords.account(&emily), Some(throttle.account("emily")));
    assert_ne!(passwords.account(&BasicCredential::new("emma", "s3cret")), passwords.account(&emily));
    let shared = Throttle::default();
    let passwords = passwords.throttled_by(shared.clone());
    assert_eq!(passwords.account(&emily), Some(shared.account("emily")));
    let passwords = passwords.without_throttle();
    assert!(passwords.throttle().is_none() && passwords.account(&emily).is_none());
}

#[tokio::test]
async fn nothing_of_it_prints() {
    // L1
    let hash = hashed(PasswordCost::fast(), "s3cret");
    let row = StoredPassword::new(hash.as_str(), Verified::new("Emily"));
    let (passwords, _) = passwords(Shelf::with(hash.as_str()));
    let printed = format!("{passwords:?} {row:?}");
    assert!(!printed.contains("argon2id$") && !printed.contains("Emily"), "{printed}");
}
