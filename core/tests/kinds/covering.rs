//! Credentials that cover their request.

use super::*;

/// A token that is good for one method and one target.
struct Once(&'static [Covers]);

/// What a credential of [`Once`] says it is good for, and what its request is.
#[derive(Clone, Debug, PartialEq)]
struct For(String, String);

impl Extract for Once {
    type Credential = For;

    fn scheme(&self) -> &str {
        "once"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Once", request).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        self.0.to_vec()
    }

    fn read(&self, raw: Raw<'_>) -> Option<For> {
        let covered = raw.covered();
        let is = format!("{} {}", covered.method()?, covered.target()?);
        Some(For(std::str::from_utf8(raw.whole()).ok()?.to_owned(), is))
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Once")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

/// Lets its answers be kept for as long as anybody likes, and counts how often it is asked.
struct Counting {
    calls: Arc<AtomicUsize>,
    waits: bool,
    /// What to do before each answer.
    meanwhile: Box<dyn Fn() + Send + Sync>,
}

#[countersign::async_trait]
impl Verify<For> for Counting {
    type Principal = Person;

    async fn verify(&self, credential: For) -> Answer<Person> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.answer(&credential)
    }

    fn verify_now(&self, credential: &For) -> Option<Answer<Person>> {
        if self.waits {
            return None;
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Some(self.answer(credential))
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

impl Counting {
    fn answer(&self, For(said, is): &For) -> Answer<Person> {
        (self.meanwhile)();
        if said == is { Verified::new("emily").revocable_by(Handle::subject("emily")).into() } else { Answer::Refused }
    }
}

fn once(
    waits: bool,
    meanwhile: impl Fn(&CredentialCache) + Send + Sync + 'static,
) -> (Gate<Person>, CredentialCache, Arc<AtomicUsize>) {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let (counted, shared) = (Arc::clone(&calls), cache.clone());
    let verifier = Counting { calls: counted, waits, meanwhile: Box::new(move || meanwhile(&shared)) };
    let gate = Gate::in_realm("r").accept(Once(&[Covers::Method, Covers::Target]), verifier).cached(cache.clone());
    (gate.build().unwrap(), cache, calls)
}

#[tokio::test]
async fn what_covers_its_request_is_verified_for_each_request_and_once_for_its_guards() {
    for waits in [false, true] {
        let (gate, _, calls) = once(waits, |_| ());
        let head = || PlainHead::get("/a?x=1").with("authorization", "Once GET /a?x=1").received_by(&gate);
        let first = head();
        for _ in 0..3 {
            assert_eq!(status(&first.verdict_at(&gate).await), 200);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1, "guards of one request share its answer");
        assert_eq!(status(&head().verdict_at(&gate).await), 200);
        assert_eq!(calls.load(Ordering::Relaxed), 2, "another request does not");
        let other = PlainHead::new("DELETE", "/a?x=1").with("authorization", "Once GET /a?x=1").received_by(&gate);
        assert_eq!(status(&other.verdict_at(&gate).await), 401);
        assert_eq!(calls.load(Ordering::Relaxed), 3, "nor one of another method");
    }
}

#[tokio::test]
async fn nobody_joins_the_verification_of_what_covers_its_request() {
    let (gate, _, calls) = once(true, |_| ());
    let head = || PlainHead::get("/a").with("authorization", "Once GET /a").received_by(&gate);
    let (one, two) = (head(), head());
    let (one, two) = tokio::join!(one.verdict_at(&gate), two.verdict_at(&gate));
    assert_eq!((status(&one), status(&two), calls.load(Ordering::Relaxed)), (200, 200, 2));
}

#[tokio::test]
async fn what_covers_its_request_is_never_begun_again() {
    for waits in [false, true] {
        let (gate, _, calls) = once(waits, |cache| cache.revoke(Handle::subject("emily")));
        let head = PlainHead::get("/a").with("authorization", "Once GET /a").received_by(&gate);
        assert_eq!((status(&head.verdict_at(&gate).await), calls.load(Ordering::Relaxed)), (503, 1), "{waits}");

        let (gate, cache, calls) = once(waits, |_| ());
        let head = PlainHead::get("/a").with("authorization", "Once GET /a").received_by(&gate);
        assert_eq!(status(&head.verdict_at(&gate).await), 200);
        cache.revoke(Handle::subject("emily"));
        assert_eq!(status(&head.verdict_at(&gate).await), 503, "{waits}");
        assert_eq!(calls.load(Ordering::Relaxed), 1, "{waits}");
    }
}

#[test]
fn a_kind_that_covers_the_body_and_judges_none_cannot_be_built() {
    let verifier = verify_now_with(|_: &For| Answer::from(Verified::new("emily")));
    let faults = Gate::in_realm("r").accept(Once(&[Covers::Method, Covers::Body]), verifier).build().unwrap_err();
    assert!(faults.to_string().contains("covers the body, and has nothing that would judge it"), "{faults}");
}
