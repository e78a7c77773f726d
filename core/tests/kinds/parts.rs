//! Credentials of several parts.

use super::*;

/// A value and its signature in two cookies, or a keyword and a header field: whatever the parts stand in.
struct Pair {
    name: &'static str,
    signature: &'static str,
}

impl Extract for Pair {
    type Credential = (Vec<u8>, Vec<u8>);

    fn scheme(&self) -> &str {
        "pair"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.cookies(self.name).for_each(|raw| occurrences.add_part(0, raw));
        request.cookies(self.signature).for_each(|raw| occurrences.add_part(1, raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
        Some((raw.whole().to_vec(), raw.part(1)?.to_vec()))
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Cookie").with("cookie-name", self.name)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }
}

/// Takes each pair whose second part is the first one reversed, and counts how often it is asked.
struct Mirror(Arc<AtomicUsize>);

#[countersign::async_trait]
impl Verify<(Vec<u8>, Vec<u8>)> for Mirror {
    type Principal = Person;

    async fn verify(&self, pair: (Vec<u8>, Vec<u8>)) -> Answer<Person> {
        self.verify_now(&pair).unwrap_or(Answer::Refused)
    }

    fn verify_now(&self, (value, signature): &(Vec<u8>, Vec<u8>)) -> Option<Answer<Person>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let fits = !value.is_empty() && value.iter().rev().eq(signature);
        Some(if fits { Verified::new("emily").into() } else { Answer::Refused })
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

fn pairs() -> (Gate<Person>, Arc<AtomicUsize>) {
    let calls = Arc::<AtomicUsize>::default();
    let kind = Pair { name: "session", signature: "session.sig" };
    let gate = Gate::in_realm("r").accept(kind, Mirror(Arc::clone(&calls))).cached(CredentialCache::default());
    (gate.build().unwrap(), calls)
}

#[test]
fn a_credential_of_two_parts_is_one_and_each_part_stands_once() {
    let (half, over) = ("x".repeat(4096), "x".repeat(4097));
    let both = |value: &str, signature: &str| format!("session={value}; session.sig={signature}");
    let rows = [
        (both("abc", "cba"), by("emily", "pair")),
        ("session.sig=cba; other=1; session=abc".to_owned(), by("emily", "pair")),
        (both("abc", "abc"), Err(Reason::BadCredential)),
        (both("", ""), Err(Reason::BadCredential)),
        ("session=abc".to_owned(), Err(Reason::BadCredential)),
        ("session.sig=cba".to_owned(), Err(Reason::BadCredential)),
        (String::new(), Err(Reason::NoCredential)),
        (format!("{}; session=abc", both("abc", "cba")), Err(Reason::Ambiguous)),
        (format!("{}; session.sig=cba", both("abc", "cba")), Err(Reason::Ambiguous)),
        (format!("{0}; {0}", both("abc", "cba")), Err(Reason::Ambiguous)),
        // 8 KiB is for all parts together.
        (both(&half, &half), by("emily", "pair")),
        (both(&half, &over), Err(Reason::TooLarge)),
    ];
    for (line, expected) in rows {
        let (gate, _) = pairs();
        for _ in 0..2 {
            assert_eq!(answer(&gate, with(&[("cookie", &line)])), expected, "{line:.40}");
        }
    }
}

#[test]
fn parts_are_remembered_as_parts() {
    let (gate, calls) = pairs();
    let ask = |value: &str, signature: &str| {
        let line = format!("session={value}; session.sig={signature}");
        let known = calls.load(Ordering::Relaxed);
        let admitted = answer(&gate, with(&[("cookie", &line)])).is_ok();
        (admitted, calls.load(Ordering::Relaxed) - known)
    };
    assert_eq!(ask("aba", "aba"), (true, 1));
    assert_eq!(ask("aba", "aba"), (true, 0), "known");
    for (value, signature) in [("abaa", "ba"), ("ab", "aaba"), ("abaaba", ""), ("", "abaaba")] {
        assert_eq!(ask(value, signature), (false, 1), "the same bytes, divided elsewhere: {value} {signature}");
    }
}

#[test]
fn finding_a_known_pair_allocates_nothing() {
    let (gate, _) = pairs();
    let head = || with(&[("cookie", "session=abc; session.sig=cba")]).received_by(&gate);
    for _ in 0..100 {
        let _ = head().at(&gate);
    }
    let allocating = (0..640).filter(|_| {
        let head = head();
        allocation_counter::measure(|| drop(head.at(&gate))).count_total > 0
    });
    // The cache tidies up in one read of 64 at most.
    assert!(allocating.count() <= 10);
}
