//! Hashes that cannot be read, and users who have none.

use super::*;

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

#[test]
fn a_hash_that_cannot_be_read_shows_in_a_counter_and_once_a_minute_in_the_log() {
    let (counts, log) = (Counts::default(), Log::at(tracing::Level::TRACE));
    let counted = counts.0.clone();
    let (passwords, _) = passwords(Shelf::with("s3cret-row"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tries = async {
        for _ in 0..5 {
            assert_eq!(outcome(&passwords, "emily", "sent").await, "unjudged");
        }
    };
    metrics::with_local_recorder(&counts, || runtime.block_on(tries));
    assert_eq!((counted.load(Ordering::Relaxed), passwords.unreadable()), (5, 5));
    let logged = log.text();
    let [line] = logged.lines().collect::<Vec<_>>()[..] else { panic!("{logged}") };
    assert!(
        line.contains(" ERROR countersign: ") && line.contains("Passwords::check") && line.contains("damaged"),
        "{line}"
    );
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
