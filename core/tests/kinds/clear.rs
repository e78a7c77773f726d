//! Secrets that must not travel in the clear.

use super::*;

/// A token that must not travel in the clear, good until it is void.
struct Sealed(Arc<Void>);

#[derive(Default)]
struct Void {
    tokens: Mutex<Vec<Vec<u8>>>,
    is_away: AtomicBool,
    told: AtomicUsize,
    verified: AtomicUsize,
    cache: CredentialCache,
}

impl Extract for Sealed {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "sealed"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Sealed", request).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read(raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Sealed")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn needs_secure_channel(&self) -> bool {
        true
    }

    fn seen_in_the_clear(&self, token: TokenCredential) -> Option<Voiding> {
        let void = Arc::clone(&self.0);
        Some(Box::pin(async move {
            void.told.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if void.is_away.load(Ordering::Relaxed) {
                return Err(Unavailable::because("away"));
            }
            void.tokens.lock().unwrap().push(token.token().expose().to_vec());
            void.cache.revoke(Handle::subject("emily"));
            Ok(())
        }))
    }
}

struct Unvoided(Arc<Void>);

#[countersign::async_trait]
impl Verify<TokenCredential> for Unvoided {
    type Principal = Person;

    async fn verify(&self, token: TokenCredential) -> Answer<Person> {
        self.0.verified.fetch_add(1, Ordering::Relaxed);
        let is_void = self.0.tokens.lock().unwrap().iter().any(|void| token.token().matches(void));
        let emily = || Verified::new("emily").revocable_by(Handle::subject("emily")).into();
        if is_void { Answer::Refused } else { emily() }
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

fn sealed() -> (Gate<Person>, Arc<Void>) {
    let void = Arc::<Void>::default();
    let gate = Gate::in_realm("r")
        .accept(Sealed(Arc::clone(&void)), Unvoided(Arc::clone(&void)))
        .accept(ApiKey::in_header("X-API-Key"), token("k", "by key"))
        .accept(cookie("session"), always("by cookie"))
        .cached(void.cache.clone())
        .behind(Proxies::trusting(["10.0.0.1"]).unwrap())
        .build()
        .unwrap();
    (gate, void)
}

#[tokio::test]
async fn a_secret_that_was_seen_in_the_clear_is_void_from_then_on() {
    let (gate, void) = sealed();
    let sent = || with(&[("authorization", "Sealed abc")]);
    for _ in 0..2 {
        assert_eq!(reason(&gate, sent().over_tls()).await, None);
    }
    assert_eq!(void.verified.load(Ordering::Relaxed), 1, "it is known");
    assert_eq!(reason(&gate, sent()).await, Some(Reason::InTheClear));
    assert_eq!(reason(&gate, sent().over_tls()).await, Some(Reason::BadCredential));
    let rejection = match sent().received_by(&gate).verdict_at(&gate).await {
        Verdict::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    };
    assert_eq!((rejection.status(), rejection.challenges().len()), (403, 0));
}

#[tokio::test]
async fn nothing_in_the_clear_is_verified_whatever_stands_beside_it() {
    let session = sent("session");
    let long = format!("Sealed {}", "x".repeat(8 * 1024 + 1));
    type Row<'r> = (&'r [(&'r str, &'r str)], Option<Reason>, usize);
    let rows: [Row<'_>; 9] = [
        (&[("authorization", "Sealed abc"), ("x-api-key", "k")], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed abc"), ("cookie", &session)], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed abc"), ("authorization", "Unknown x")], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed !")], Some(Reason::InTheClear), 0),
        (&[("authorization", "Sealed abc"), ("x-forwarded-proto", "https")], Some(Reason::InTheClear), 1),
        (&[("authorization", "Sealed abc"), ("authorization", "Sealed abc")], Some(Reason::Ambiguous), 0),
        (&[("authorization", &long)], Some(Reason::TooLarge), 0),
        (&[("x-api-key", "k")], None, 0),
        (&[], Some(Reason::NoCredential), 0),
    ];
    for (fields, expected, told) in rows {
        let (gate, void) = sealed();
        assert_eq!(reason(&gate, with(fields)).await, expected, "{fields:?}");
        assert_eq!((void.told.load(Ordering::Relaxed), void.verified.load(Ordering::Relaxed)), (told, 0), "{fields:?}");
        if expected == Some(Reason::InTheClear) {
            assert_eq!(reason(&gate.or_anonymous(), with(fields)).await, expected, "{fields:?}");
        }
    }
    // What a trusted proxy says of the channel counts, and what another says does not.
    for (peer, expected) in [("10.0.0.1", None), ("10.0.0.2", Some(Reason::InTheClear))] {
        let head = with(&[("authorization", "Sealed abc"), ("x-forwarded-proto", "https")]);
        assert_eq!(reason(&sealed().0, head.from(peer.parse().unwrap())).await, expected, "{peer}");
    }
}

#[tokio::test]
async fn guards_of_one_request_void_once_and_an_outage_is_503() {
    let (gate, void) = sealed();
    let head = with(&[("authorization", "Sealed abc")]).received_by(&gate);
    for _ in 0..3 {
        assert_eq!(status(&head.verdict_at(&gate).await), 403);
    }
    assert_eq!(void.told.load(Ordering::Relaxed), 1);
    void.is_away.store(true, Ordering::Relaxed);
    assert_eq!(reason(&gate, with(&[("authorization", "Sealed def")])).await, Some(Reason::Unavailable));
}

#[tokio::test]
async fn what_an_app_verifies_by_itself_must_not_have_come_in_the_clear_either() {
    let (gate, void) = sealed();
    let kind = Sealed(Arc::clone(&void));
    for (head, expected) in [
        (PlainHead::get("/").over_tls(), None),
        (PlainHead::get("/"), Some(Reason::InTheClear)),
        (PlainHead::get("/").over_tls(), Some(Reason::BadCredential)),
    ] {
        let from = head.view().client_info();
        let verdict = gate.verify(&kind, TokenCredential::read(b"abc").unwrap(), &from).await;
        assert_eq!(verdict.err().map(|rejection| rejection.reason()), expected);
    }
}

#[tokio::test]
async fn who_hangs_up_does_not_keep_a_secret_from_being_voided() {
    let (gate, void) = sealed();
    let head = with(&[("authorization", "Sealed abc")]).received_by(&gate);
    let Admission::Pending(mut pending) = head.at(&gate) else { panic!("it waits for the store") };
    let waits = std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut pending).poll(context).is_pending())).await;
    drop(pending);
    gate.drained().await;
    assert!(waits && void.tokens.lock().unwrap().len() == 1);
}
