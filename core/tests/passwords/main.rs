//! Passwords against their promises: costs, bounds, replaced hashes.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod bounds;
#[path = "../log/mod.rs"]
mod log;
mod replaced;
mod rows;
mod unreadable;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    Answer, Basic, CredentialCache, Gate, Secret, Unavailable, Verified, Verify,
    adapter::Verdict,
    async_trait,
    credential::BasicCredential,
    store::{PasswordStore, StoredHash, StoredPassword},
    testing::PlainHead,
    throttle::{Account, Throttle},
    verifier::{HashError, HashFault, HashLimits, PasswordCost, Passwords},
};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tokio::sync::Notify;

use self::log::Log;

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

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<&'static str>>, Unavailable> {
        self.0.finds.fetch_add(1, Ordering::Relaxed);
        if self.0.down {
            return Err(Unavailable::because("the shelf is down"));
        }
        let hash = self.0.hash.lock().unwrap().clone();
        Ok((name == "emily").then(|| StoredPassword::new(hash, Verified::new("Emily"))))
    }

    fn keeps_rehashed(&self) -> bool {
        self.0.keeps
    }

    async fn rehashed(&self, name: &str, old: &str, new: &str) -> Result<(), Unavailable> {
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
        Answer::Unjudged => "unjudged",
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
async fn a_hash_for_signing_up_opens_at_signing_in() {
    let (passwords, shelf) = passwords(Shelf::with(""));
    let hash = passwords.hash(&Secret::new("pässwörd-emma")).await.unwrap();
    *shelf.hash.lock().unwrap() = hash;
    assert_eq!(outcome(&passwords, "emily", "pässwörd-emma").await, "verified");
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

/// Rows whose hash cannot be verified, and why.
const UNREADABLE: [(&str, HashFault); 6] = [
    ("null", HashFault::Malformed),
    ("s3cret", HashFault::Malformed),
    ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQtMTZieXRlcw", HashFault::Malformed),
    ("{noop}s3cret", HashFault::Unsupported),
    ("$6$somesalt$UeWzvxGlFoRPGTVXsbTTRPBmmF", HashFault::Unsupported),
    ("$argon2id$v=19$m=4000000,t=1,p=1$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA", HashFault::TooCostly),
];

/// Rows that say that there is no password.
const WITHOUT: [&str; 8] = ["", " ", "\0\0", "!", "!abc", "*", "*LK*", "{CRYPT}!"];
