//! Credentials that cover the body.

use super::*;

/// A token that says what the body is.
struct Written(Arc<AtomicUsize>);

impl Extract for Written {
    type Credential = String;

    fn scheme(&self) -> &str {
        "written"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Written", request).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<String> {
        String::from_utf8(raw.whole().to_vec()).ok()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Written")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }
}

impl Confirm for Written {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        self.0.fetch_add(1, Ordering::Relaxed);
        let shown = binding.proof::<String>().is_some_and(|text| Some(text.as_bytes()) == request.body());
        Box::pin(async move { if shown { Confirmation::shown() } else { Confirmation::not_shown() } })
    }

    fn needs_body(&self, _: &Binding, _: &RequestView<'_>) -> bool {
        true
    }
}

/// A gate that takes it, the cache with which to revoke, and how often a body was judged.
fn written() -> (Gate<Person>, CredentialCache, Arc<AtomicUsize>) {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let verifier = verify_now_with(|text: &String| match text.as_str() {
        "wrong" => Answer::Refused,
        text => Verified::new("emily")
            .revocable_by(Handle::subject("emily"))
            .bound_to(Binding::Proof(Proof::of(text.to_owned())))
            .into(),
    });
    let gate = Gate::in_realm("r")
        .accept(Written(Arc::clone(&calls)), verifier)
        .cached(cache.clone())
        .covering_bodies_up_to(8);
    (gate.build().unwrap(), cache, calls)
}

fn of_written(text: &str, body: &str, gate: &Gate<Person>) -> PlainHead {
    PlainHead::new("POST", "/").with("authorization", format!("Written {text}")).with_body(body).received_by(gate)
}

#[tokio::test]
async fn a_covered_body_is_judged_when_the_head_is_good_and_once() {
    let (gate, _, calls) = written();
    for (text, body, expected, judged) in [
        ("rain", "rain", 200, 1),
        ("rain", "sun", 401, 1),
        ("rain", "", 401, 1),
        ("wrong", "wrong", 401, 0),
        ("12345678", "12345678", 200, 1),
        ("123456789", "123456789", 413, 0),
    ] {
        let before = calls.load(Ordering::Relaxed);
        let head = of_written(text, body, &gate);
        assert_eq!(status(&head.verdict_at(&gate).await), expected, "{text} {body}");
        if expected == 200 {
            // A guard further in that cannot read the body needs not.
            let Admission::Decided(verdict) = head.at(&gate) else { panic!("known by now") };
            assert_eq!(status(&verdict), 200);
        }
        assert_eq!(calls.load(Ordering::Relaxed) - before, judged, "{text} {body}");
    }
}

#[tokio::test]
async fn what_is_revoked_while_its_body_comes_does_not_pass() {
    let (gate, cache, _) = written();
    let head = of_written("rain", "rain", &gate);
    let guard = Guard::in_front(&gate);
    let Admission::Body(unread) = guard.admit(&head, head.exchange()) else { panic!("it covers the body") };
    assert_eq!(unread.longest(), 8);
    cache.revoke(Handle::subject("emily"));
    let Admission::Decided(verdict) = guard.conclude_with_body(unread, Ok(b"rain"), &head, head.exchange()) else {
        panic!("it is over")
    };
    assert_eq!(status(&verdict), 503, "it is never begun again");

    let head = of_written("sun", "sun", &gate);
    let Admission::Body(unread) = guard.admit(&head, head.exchange()) else { panic!("it covers the body") };
    let Admission::Pending(pending) = guard.conclude_with_body(unread, Ok(b"sun"), &head, head.exchange()) else {
        panic!("it is confirmed")
    };
    cache.revoke(Handle::subject("emily"));
    let Admission::Decided(verdict) = head.concluded_at(&gate, pending.await) else { panic!("it is over") };
    assert_eq!(status(&verdict), 503);
}

#[tokio::test]
async fn a_body_that_one_gate_asked_for_is_not_shown_to_another() {
    let ((one, ..), (other, ..)) = (written(), written());
    let head = of_written("rain", "rain", &one);
    let Admission::Body(unread) = Guard::in_front(&one).admit(&head, head.exchange()) else { panic!("a body") };
    let admission = Guard::in_front(&other).conclude_with_body(unread, Ok(b"rain"), &head, head.exchange());
    let Admission::Decided(verdict) = admission else { panic!("decided") };
    assert_eq!(status(&verdict), 500);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_says_why() {
    for (why, expected) in [(Unreadable::TooLong, 413), (Unreadable::TooSlow, 408), (Unreadable::BrokenOff, 400)] {
        let (gate, ..) = written();
        let head = of_written("rain", "rain", &gate);
        let guard = Guard::in_front(&gate);
        let Admission::Body(unread) = guard.admit(&head, head.exchange()) else { panic!("it covers the body") };
        let admission = guard.conclude_with_body(unread, Err(why), &head, head.exchange());
        let Admission::Decided(verdict) = admission else { panic!("decided") };
        assert_eq!(status(&verdict), expected);
    }
}
