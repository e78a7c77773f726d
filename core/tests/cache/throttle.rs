//! Wrong passwords, counted whether the cache knows them or not.

use super::*;

#[tokio::test]
async fn a_known_credential_passes_the_throttle_like_any_other() {
    for cached in [true, false] {
        let (gate, calls, clock) = guarded(cached);
        let ask = async |password: &str, address| status(&verdict(&gate, basic(password, address)).await);
        assert_eq!(ask("right", HERE).await, 200);
        for guess in 0..5 {
            assert_eq!(ask(&guess.to_string(), HERE).await, 401, "cached: {cached}");
        }
        let asked = calls.load(Ordering::Relaxed);
        assert_eq!(ask("right", HERE).await, 429, "the owner's entry tells a guesser nothing");
        assert_eq!(ask("0", HERE).await, 429, "nor does a stored refusal");
        assert_eq!(calls.load(Ordering::Relaxed), asked);
        assert_eq!(ask("right", ELSEWHERE).await, 200, "the owner is not locked out");
        clock.advance(MINUTE);
        assert_eq!(ask("right", HERE).await, 200);
    }
}

#[tokio::test]
async fn the_same_wrong_password_counts_each_time_and_is_verified_once() {
    let (gate, calls, _) = guarded(true);
    for expected in [401, 401, 401, 401, 401, 429] {
        assert_eq!(status(&verdict(&gate, basic("wrong", HERE)).await), expected);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn tries_in_parallel_are_counted_exactly_and_right_ones_all_pass() {
    for cached in [true, false] {
        let (gate, calls, _) = guarded(cached);
        let ask = |password: String| {
            let gate = gate.clone();
            async move { status(&verdict(&gate, basic(&password, HERE)).await) }
        };
        let right: JoinSet<u16> = (0..20).map(|_| ask("right".to_owned())).collect();
        assert!(right.join_all().await.iter().all(|status| *status == 200), "cached: {cached}");
        calls.store(0, Ordering::Relaxed);
        let wrong: JoinSet<u16> = (0..20).map(|guess| ask(guess.to_string())).collect();
        let answers = wrong.join_all().await;
        let count = |wanted| answers.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(401), count(429), calls.load(Ordering::Relaxed)), (5, 15, 5), "cached: {cached}");
    }
}

#[tokio::test]
async fn a_request_counts_once_however_many_guards_it_meets() {
    let (gate, _, _) = guarded(true);
    for guess in 0..4 {
        // The same guess twice over: once verified, once from the store.
        let head = basic(&(guess / 2).to_string(), HERE).received_by(&gate);
        for _ in 0..3 {
            let verdict = head.verdict_at(&gate).await;
            assert_eq!(status(&verdict), 401);
        }
    }
    assert_eq!(status(&verdict(&gate, basic("right", HERE)).await), 200);
}

#[tokio::test]
async fn whoever_leaves_at_once_does_not_guess_for_nothing() {
    for cached in [true, false] {
        let (gate, calls, _) = guarded(cached);
        for guess in 0..5 {
            let gate = gate.clone();
            let request = tokio::spawn(async move { status(&verdict(&gate, basic(&guess.to_string(), HERE)).await) });
            yield_now().await;
            yield_now().await;
            request.abort();
        }
        for _ in 0..20 {
            yield_now().await;
        }
        assert_eq!(calls.load(Ordering::Relaxed), 5);
        assert_eq!(status(&verdict(&gate, basic("right", HERE)).await), 429, "cached: {cached}");
    }
}
