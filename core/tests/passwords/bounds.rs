//! What a try costs, and who may try how often.

use super::*;

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
