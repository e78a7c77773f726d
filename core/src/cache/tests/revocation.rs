//! A revocation wins every race.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_refusal_from_before_a_request_and_a_change_is_asked_again() {
    // The password is set to what was refused a moment ago: whoever comes after the change is in.
    let (desk, slow) = (Desk::plain(), Slow::default());
    let before = tokio::spawn(desk.resolve(b"new", slow.verify(|| Answer::Refused)));
    settle().await;
    desk.cache.revoke(Handle::subject("emily"));
    let after = tokio::spawn(desk.resolve(b"new", || async { emily() }));
    settle().await;
    slow.go.notify_one();
    assert_eq!((says(&before.await.unwrap()), says(&after.await.unwrap())), (Err("refused"), Ok(1)));
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_under_way_is_begun_again_three_times_at_most() {
    // moka 0.12.16 loses an invalidation to a running load.
    for (revocations, expected, calls) in [(1, Ok(1), 2), (2, Ok(1), 3), (3, Err("unavailable"), 3)] {
        for life in [Some(MINUTE), None] {
            let mut desk = Desk::plain();
            desk.terms.life = life;
            let (cache, count) = (desk.cache.clone(), Arc::new(AtomicUsize::new(0)));
            let counted = count.clone();
            let verify = move || {
                let nth = counted.fetch_add(1, Ordering::Relaxed);
                let cache = cache.clone();
                async move {
                    if nth < revocations {
                        cache.revoke(Handle::subject("emily"));
                    }
                    emily()
                }
            };
            let answer = desk.resolve(b"abc", verify).await;
            assert_eq!((says(&answer), count.load(Ordering::Relaxed)), (expected, calls), "{revocations}, {life:?}");
        }
    }
}

#[test]
fn a_revocation_concerns_its_handle_alone_unless_it_is_of_everything() {
    let desk = Desk::plain();
    desk.decide_now(b"a", || Verified::new(1).with_subject("emily").into());
    desk.decide_now(b"b", || Verified::new(2).with_subject("emma").into());
    desk.decide_now(b"c", || Verified::new(3).into());
    desk.cache.revoke(Handle::subject("emily"));
    let all = |desk: &Desk| [b"a", b"b", b"c"].map(|raw| knows(&desk.look(raw)));
    assert_eq!(all(&desk), [None, Some(true), Some(true)]);
    desk.decide_now(b"a", || Verified::new(1).with_subject("emily").into());
    assert_eq!(all(&desk), [Some(true); 3], "what is verified afterwards counts");
    desk.cache.revoke_all();
    assert_eq!(all(&desk), [None; 3]);
}

#[test]
fn too_many_revocations_cost_everybody_a_verification_and_nobody_their_revocation() {
    let desk = Desk::new(CacheOptions::default().revocations(10));
    let known =
        |name: &'static str| match desk.decide_now(name.as_bytes(), || Verified::new(1).with_subject(name).into()) {
            Outcome::Good { entry: known, stale: false } => known,
            _ => panic!("refused"),
        };
    let (emily, emma) = (known("emily"), known("emma"));
    desk.cache.revoke(Handle::subject("emily"));
    for number in 0..8 {
        desk.cache.revoke(Handle::from_bits(number));
    }
    assert_eq!((desk.cache.still_stands(&emily), desk.cache.still_stands(&emma)), (false, true));
    for number in 8..20 {
        desk.cache.revoke(Handle::from_bits(number));
    }
    assert_eq!((desk.cache.still_stands(&emily), desk.cache.still_stands(&emma)), (false, false));
    assert!(desk.cache.still_stands(&known("emma")));
}

#[test]
fn a_grant_that_outlives_a_forgotten_revocation_is_not_trusted() {
    let desk = Desk::new(CacheOptions::default().revocations(10));
    let known =
        |name: &'static str| match desk.decide_now(name.as_bytes(), || Verified::new(1).with_subject(name).into()) {
            Outcome::Good { entry: known, stale: false } => known,
            _ => panic!("refused"),
        };
    let (asked, never_asked) = (known("emma"), known("emily"));
    desk.cache.revoke(Handle::subject("emily"));
    assert!(desk.cache.still_stands(&asked));
    // The floor is old enough to go, and makes way for younger ones.
    desk.clock.advance(2 * MINUTE);
    for number in 0..3 {
        desk.cache.revoke(Handle::from_bits(number));
    }
    let forgets = Handle::from_bits(3);
    for number in 4..11 {
        desk.clock.advance(2 * MINUTE);
        desk.cache.revoke(Handle::from_bits(number));
    }
    desk.cache.revoke(forgets);
    assert!(!desk.cache.still_stands(&never_asked), "it was revoked, whoever remembers it");
    assert!(desk.cache.still_stands(&known("emily")));
    assert!(!desk.cache.still_stands(&asked), "too long unasked to tell");
}
