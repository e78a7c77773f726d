//! Passwords against their promises: costs, bounds, replaced hashes.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::{
    fmt,
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
use tracing::{Event, Subscriber, field::Field, span};

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

#[tokio::test]
async fn no_answer_is_not_no() {
    // H9
    let (passwords, _) = passwords(Shelf { down: true, ..Shelf::with("") });
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "unavailable");
}

#[tokio::test]
async fn who_has_no_password_is_refused_like_a_name_that_nobody_has() {
    // CVE-2019-11272: nor does no password open it.
    for hash in WITHOUT {
        let (passwords, _) = passwords(Shelf::with(hash));
        for password in ["", " ", "!", "!abc", "*", "null", "s3cret"] {
            assert_eq!(outcome(&passwords, "emily", password).await, "refused", "{hash:?}:{password}");
        }
        assert_eq!(passwords.unreadable(), 0, "{hash:?}");
    }
    let (passwords, _) = passwords(Shelf::with(format!("!{}", hashed(PasswordCost::fast(), "s3cret"))));
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "refused", "locked, with a hash behind");
}

#[tokio::test]
async fn a_hash_that_cannot_be_read_is_nobodys_fault_and_shows() {
    for (hash, _) in UNREADABLE {
        let (passwords, _) = passwords(Shelf::with(hash));
        for (tries, password) in ["", "null", "s3cret", hash].into_iter().enumerate() {
            assert_eq!(passwords.unreadable(), tries as u64);
            assert_eq!(outcome(&passwords, "emily", password).await, "unjudged", "{hash}:{password}");
        }
        assert_eq!(outcome(&passwords, "emma", "s3cret").await, "refused");
        assert_eq!(passwords.unreadable(), 4, "{hash}");
    }
}

/// Every counter of this name, added up.
#[derive(Default)]
struct Counts(Arc<AtomicU64>);

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let ours = key.name() == "countersign_unreadable_hashes_total"
            && key.labels().any(|label| label.value() == "malformed");
        if ours { Counter::from_arc(self.0.clone()) } else { Counter::noop() }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// The lines of the log, with all that is in them.
#[derive(Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "countersign"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = event.metadata().level().to_string();
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| line.push_str(&format!(" {field}={value:?}")));
        self.0.lock().unwrap().push(line);
    }
}

#[test]
fn a_hash_that_cannot_be_read_shows_in_a_counter_and_once_a_minute_in_the_log() {
    let (counts, lines) = (Counts::default(), Lines::default());
    let (counted, logged) = (counts.0.clone(), lines.0.clone());
    let (passwords, _) = passwords(Shelf::with("s3cret-row"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tries = async {
        for _ in 0..5 {
            assert_eq!(outcome(&passwords, "emily", "sent").await, "unjudged");
        }
    };
    tracing::subscriber::with_default(lines, || metrics::with_local_recorder(&counts, || runtime.block_on(tries)));
    assert_eq!((counted.load(Ordering::Relaxed), passwords.unreadable()), (5, 5));
    let logged = logged.lock().unwrap();
    let [line] = logged.as_slice() else { panic!("{logged:?}") };
    assert!(line.starts_with("ERROR") && line.contains("Passwords::check") && line.contains("damaged"), "{line}");
    for secret in ["emily", "sent", "s3cret-row"] {
        assert!(!line.contains(secret), "{line}");
    }
}

#[tokio::test]
async fn what_a_file_or_a_column_leaves_behind_a_hash_does_not_count() {
    let hash = hashed(weak(), "s3cret");
    for behind in ["\n", "\r\n", "   ", "\0\0", " \n"] {
        let (passwords, shelf) = passwords(Shelf::with(format!("{hash}{behind}")));
        assert_eq!(outcome(&passwords, "emily", "wrong").await, "refused", "{behind:?}");
        assert_eq!(outcome(&passwords, "emily", "s3cret").await, "verified", "{behind:?}");
        // The store is given the old hash as it has it, or it would find another and keep it.
        shelf.replaced.notified().await;
        assert!(shelf.hash.lock().unwrap().contains("m=256,"), "{behind:?}");
    }
}

/// What a gate that counts wrong passwords answers to the same one, sent so often, for a row with this hash; and how often it asked the
/// store.
async fn statuses(hash: &str, tries: usize) -> (Vec<u16>, usize) {
    let (passwords, shelf) = passwords(Shelf::with(hash));
    let gate = Gate::in_realm("people").accept(Basic, passwords).cached(CredentialCache::default()).build().unwrap();
    let mut statuses = Vec::new();
    for _ in 0..tries {
        let head = PlainHead::get("/me").with("authorization", "Basic ZW1pbHk6czNjcmV0").received_by(&gate);
        let verdict = head.verdict_at(&gate).await;
        statuses.push(match verdict {
            Verdict::Rejected(rejection) => rejection.status(),
            _ => 200,
        });
    }
    (statuses, shelf.finds.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_hash_that_cannot_be_read_is_refused_and_neither_counted_nor_kept() {
    for (hash, _) in UNREADABLE {
        assert_eq!(statuses(hash, 8).await, (vec![401; 8], 8), "{hash}");
    }
    let counted = (vec![401, 401, 401, 401, 401, 429, 429, 429], 1);
    for hash in [hashed(weak(), "another"), "!abc".into(), String::new()] {
        assert_eq!(statuses(&hash, 8).await, counted, "a refusal is, {hash:?}");
    }
}

/// Rows in the order of their names.
#[derive(Debug)]
struct Rows {
    rows: Vec<(String, String)>,
    pages: AtomicUsize,
    /// Whether it lists on from the name that it is given.
    goes_on: bool,
    fails_at: Option<usize>,
}

#[async_trait]
impl PasswordStore for Rows {
    type Principal = ();

    async fn find(&self, _: &str) -> Result<Option<StoredPassword<()>>, Unavailable> {
        Ok(None)
    }

    async fn hashes(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredHash>, Unavailable> {
        if self.fails_at == Some(self.pages.fetch_add(1, Ordering::Relaxed)) {
            return Err(Unavailable::because("the rows are away"));
        }
        let listed = |name: &str| after.is_none_or(|after| !self.goes_on || name > after);
        let rows = self.rows.iter().filter(|(name, _)| listed(name)).take(most);
        Ok(rows.map(|(name, hash)| StoredHash::new(name.as_str(), hash.as_str())).collect())
    }
}

fn rows(hashes: impl IntoIterator<Item = String>) -> Rows {
    let rows = hashes.into_iter().enumerate().map(|(number, hash)| (format!("{number:06}"), hash)).collect();
    Rows { rows, pages: AtomicUsize::new(0), goes_on: true, fails_at: None }
}

#[tokio::test]
async fn a_look_at_all_rows_lists_those_that_cannot_be_verified() {
    let good = hashed(weak(), "s3cret");
    let hashes = UNREADABLE.iter().map(|(hash, _)| *hash).chain(WITHOUT).chain([good.as_str()]).map(str::to_owned);
    let report = Passwords::in_store(rows(hashes)).check().await.unwrap();
    assert_eq!((report.listed(), report.unreadable(), report.without_password()), (15, 6, 8));
    let told: Vec<_> = report.rows().iter().map(|row| (row.name(), row.why())).collect();
    let expected = ["000000", "000001", "000002", "000003", "000004", "000005"];
    assert_eq!(told, expected.into_iter().zip(UNREADABLE.map(|(_, why)| why)).collect::<Vec<_>>());

    // By the limits that are set, not by the default ones.
    let costly = || rows([hashed(PasswordCost::new(128, 2, 1).unwrap(), "s3cret")]);
    let strict = Passwords::in_store(costly()).limits(HashLimits::default().passes(1));
    assert_eq!(strict.check().await.unwrap().rows()[0].why(), HashFault::TooCostly);
    assert_eq!(Passwords::in_store(costly()).check().await.unwrap().unreadable(), 0);
}

#[tokio::test]
async fn rows_are_read_by_pages_to_the_last_one() {
    for (number, pages) in [(0, 1), (1, 2), (999, 2), (1000, 2), (1001, 3), (2500, 4)] {
        let store = Arc::new(rows((0..number).map(|_| "null".to_owned())));
        let report = Passwords::in_store(Shelved(store.clone())).check().await.unwrap();
        assert_eq!((report.listed(), report.unreadable()), (number, number));
        assert_eq!(store.pages.load(Ordering::Relaxed), pages, "{number}");
        assert_eq!(report.rows().len() as u64, number.min(1000), "the first thousand have a name");
    }
}

#[tokio::test]
async fn a_store_that_cannot_list_is_no_store_without_faults() {
    let two = || (0..2).map(|_| "null".to_owned());
    let round = Passwords::in_store(Rows { goes_on: false, ..rows(two()) });
    assert!(round.check().await.unwrap_err().to_string().contains("list on"));
    let away = Passwords::in_store(Rows { fails_at: Some(1), ..rows(two()) });
    assert_eq!(away.check().await.unwrap_err().to_string(), "the rows are away");
    let (silent, _) = passwords(Shelf::with("null"));
    assert_eq!(silent.check().await.unwrap().listed(), 0, "without a list nothing was looked at");
}

/// Rows that are looked at from outside, too.
#[derive(Debug)]
struct Shelved(Arc<Rows>);

#[async_trait]
impl PasswordStore for Shelved {
    type Principal = ();

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<()>>, Unavailable> {
        self.0.find(name).await
    }

    async fn hashes(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredHash>, Unavailable> {
        self.0.hashes(after, most).await
    }
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
    // The last one is a salted digest, which costs nothing by itself.
    let odd = ["!", "null", "{noop}s3cret", "{SSHA}9I68aZ+Sq6YloGeS2bn7usV4S1ifE6K0"].map(str::to_owned);
    let rows = odd.into_iter().chain([hashed(cost, "s3cret")]);
    for hash in rows {
        let passwords = Passwords::in_store(Shared(Arc::new(Shelf::with(hash.as_str())))).cost(cost);
        let (mut fastest, mut ratio) = ([Duration::MAX; 2], 0.0);
        // On a busy machine it takes some tries until neither was held up; what costs nothing stays apart.
        for _ in 0..100 {
            for (name, fastest) in ["emily", "nobody"].iter().zip(&mut fastest) {
                let began = Instant::now();
                assert!(matches!(outcome(&passwords, name, "wrong").await, "refused" | "unjudged"));
                *fastest = began.elapsed().min(*fastest);
            }
            ratio = fastest[1].as_secs_f64() / fastest[0].as_secs_f64();
            if (0.67..1.5).contains(&ratio) {
                break;
            }
        }
        assert!((0.67..1.5).contains(&ratio), "{ratio}: {fastest:?} {hash:?}");
    }
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
async fn who_moves_in_from_another_library_leaves_with_argon2() {
    // How they were made: passwords/README.md.
    let made: Vec<serde_json::Value> =
        include_str!("passwords/hashes.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(made.len(), 60);
    for row in made {
        let [by, password, hash] = ["by", "password", "hash"].map(|name| row[name].as_str().unwrap());
        let (passwords, shelf) = passwords(Shelf::with(hash));
        assert_eq!(outcome(&passwords, "emily", &format!("{password} ")).await, "refused", "{by}: {hash}");
        assert_eq!(outcome(&passwords, "emily", password).await, "verified", "{by}: {hash}");
        if !hash.contains("argon2id") {
            shelf.replaced.notified().await;
            assert!(shelf.hash.lock().unwrap().starts_with("$argon2id$v=19$m=256,"), "{by}");
            assert_eq!(outcome(&passwords, "emily", password).await, "verified", "{by}, replaced");
        }
        assert_eq!(passwords.unreadable(), 0);
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
async fn wrong_passwords_are_counted_unless_told_otherwise() {
    // L5
    let (passwords, _) = passwords(Shelf::with(""));
    let emily = BasicCredential::new("emily", "s3cret");
    let throttle = passwords.terms().throttle().expect("by default").clone();
    assert_eq!(passwords.account(&emily), Some(throttle.account("emily")));
    assert_ne!(passwords.account(&BasicCredential::new("emma", "s3cret")), passwords.account(&emily));
    for spelling in ["EMILY", " emily", "ｅｍｉｌｙ"] {
        assert_eq!(passwords.account(&BasicCredential::new(spelling, "")), passwords.account(&emily), "{spelling}");
    }
    let shared = Throttle::default();
    let passwords = passwords.throttled_by(shared.clone());
    assert_eq!(passwords.account(&emily), Some(shared.account("emily")));
    let passwords = passwords.without_throttle();
    assert!(passwords.terms().throttle().is_none() && passwords.account(&emily).is_none());
}

#[tokio::test]
async fn a_password_that_is_too_long_counts_for_its_address_alone() {
    // L5: nothing is hashed for it, so that anybody could use up the tries of any name by it.
    let (passwords, _) = passwords(Shelf::with(hashed(PasswordCost::fast(), "s3cret")));
    for (length, counts_for_the_name) in [(1_024, true), (1_025, false)] {
        let account = passwords.account(&BasicCredential::new("emily", "x".repeat(length).as_str()));
        let of_the_name = passwords.terms().throttle().map(|throttle| throttle.account("emily"));
        assert_eq!(account == of_the_name, counts_for_the_name, "{length}");
        assert_eq!(account == Some(Account::of_no_name()), !counts_for_the_name, "{length}");
    }
    let gate = Gate::in_realm("people").accept(Basic, passwords).build().unwrap();
    let status = async |name: &str, password: &str| {
        let sent = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        match PlainHead::get("/").with("authorization", sent).received_by(&gate).verdict_at(&gate).await {
            Verdict::Admitted(_) => 200,
            Verdict::Rejected(rejection) => rejection.status(),
            Verdict::Anonymous => 0,
        }
    };
    for number in 0..25 {
        assert_eq!(status("emily", &format!("{number}{}", "x".repeat(1_100))).await, 401);
    }
    assert_eq!(status("emily", "s3cret").await, 200);
    for number in 0..40 {
        let name = if number < 25 { "emily" } else { "emma" };
        assert_eq!(status(name, &format!("a{number}{}", "x".repeat(1_100))).await, if number < 25 { 401 } else { 429 });
    }
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
