//! What was revoked, and what a grant is worth then.

use super::*;

#[tokio::test]
async fn a_grant_stands_until_it_is_revoked_or_ends() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + MINUTE));
    let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
    let end = clock.wall() + 2 * MINUTE;
    let gate = gate_of(&cache, &Arc::default(), move |name| {
        Verified::new(name.to_owned()).with_subject(name).ending_at(end).into()
    });
    let (emily, emma) = (grant(&gate, bearer("emily")).await, grant(&gate, bearer("emma")).await);
    // A socket stays open past the life of the entry.
    clock.advance(MINUTE + seconds(1));
    assert!(emily.still_stands() && emma.still_stands());
    cache.revoke(Handle::subject("emily"));
    assert!(!emily.still_stands() && emma.still_stands());
    clock.set_wall(end);
    assert!(!emma.still_stands());
    clock.set_wall(end - MINUTE);
    assert!(!emma.still_stands(), "once false, it stays false");
}

#[tokio::test]
async fn a_second_guard_of_a_request_asks_again_what_was_revoked_between() {
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, named);
    let head = bearer("emily").received_by(&gate);
    for (revoke, expected) in [(false, 1), (false, 1), (true, 2)] {
        if revoke {
            cache.revoke(Handle::subject("emily"));
        }
        let verdict = head.verdict_at(&gate).await;
        assert_eq!((status(&verdict), calls.load(Ordering::Relaxed)), (200, expected));
    }
}

#[tokio::test]
async fn an_answer_that_is_revoked_before_it_is_concluded_is_begun_again() {
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, named);
    let head = bearer("emily").received_by(&gate);
    // Whoever is still in order gets in, though everything was revoked.
    let Admission::Pending(pending) = head.at(&gate) else { panic!("not known yet") };
    let answered = pending.await;
    cache.revoke_all();
    let Admission::Pending(pending) = head.concluded_at(&gate, answered) else { panic!("void") };
    let Admission::Decided(verdict) = head.concluded_at(&gate, pending.await) else { panic!("still void") };
    assert_eq!((status(&verdict), calls.load(Ordering::Relaxed)), (200, 2));
    // But not for ever.
    cache.revoke_all();
    let head = bearer("emily").received_by(&gate);
    let mut admission = head.at(&gate);
    for _ in 0..4 {
        let Admission::Pending(pending) = admission else { panic!("not known yet") };
        let answered = pending.await;
        cache.revoke(Handle::subject("emily"));
        admission = head.concluded_at(&gate, answered);
    }
    let Admission::Decided(verdict) = admission else { panic!("again and again") };
    assert_eq!(status(&verdict), 503);
}

#[tokio::test]
async fn a_revocation_is_in_force_when_it_returns() {
    // go-guardian: swapped arguments, and revoking did nothing; better-auth#6893: it took effect after the cache's life.
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let gate = gate_of(&cache, &calls, move |name| match count.load(Ordering::Relaxed) {
        1 => named(name),
        _ => Answer::Refused,
    });
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
    cache.revoke(Handle::subject("emma"));
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
    cache.revoke(Handle::subject("emily"));
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 401);
}

#[tokio::test]
async fn one_handle_revokes_a_credential_wherever_it_was_sent() {
    // One token has several keys: by header, by query, by another keyword.
    let cache = CredentialCache::default();
    let verifier = || verify_with(|_: TokenCredential| async { named("emily") }).reusable_for(MINUTE);
    let gate = Gate::in_realm("people")
        .accept(Bearer, verifier())
        .accept(QueryParam::named("access_token"), verifier())
        .cached(cache.clone())
        .build()
        .unwrap();
    let heads = || [bearer("abc"), PlainHead::get("/me?access_token=abc"), PlainHead::get("/me?access_token=%61bc")];
    for head in heads() {
        grant(&gate, head).await;
    }
    cache.revoke(Handle::subject("emily"));
    let hits = cache.counts().hits;
    for head in heads() {
        grant(&gate, head).await;
    }
    assert_eq!(cache.counts().hits, hits);
    for head in heads() {
        grant(&gate, head).await;
    }
    assert_eq!(cache.counts().hits, hits + 3);
}
