//! How long an answer is known.

use super::*;

#[test]
fn a_refusal_is_kept_for_a_short_while_and_until_anything_is_revoked() {
    let desk = Desk::plain();
    let wrong = || Answer::Refused;
    assert_eq!(says(&desk.decide_now(b"abc", wrong)), Err("refused"));
    let Some(Outcome::Refused { account }) = desk.look(b"abc") else { panic!("not kept") };
    assert!(account == Some(self::account()));
    desk.clock.advance(Duration::from_secs(5));
    assert_eq!(knows(&desk.look(b"abc")), None, "its life is over");
    assert_eq!(says(&desk.decide_now(b"abc", wrong)), Err("refused"));
    desk.cache.revoke(Handle::subject("somebody"));
    assert_eq!(knows(&desk.look(b"abc")), None, "something was revoked");
    // One that was under way meanwhile is not kept either.
    desk.decide_now(b"abc", || {
        desk.cache.revoke(Handle::subject("somebody"));
        Answer::Refused
    });
    assert_eq!(knows(&desk.look(b"abc")), None);
}

#[test]
fn a_life_is_the_shortest_of_three_and_use_does_not_prolong_it() {
    // L3; Pelican#3696: touch on hit. Rows: the verifier's, the cache's, the credential's own.
    for (verifier, cache, own, expected) in [(30, 60, 90, 30), (90, 60, 90, 60), (90, 60, 10, 10)] {
        let mut desk = Desk::new(CacheOptions::default().longest_life(Duration::from_secs(cache)));
        desk.terms.life = Some(Duration::from_secs(verifier));
        let end = desk.clock.wall() + Duration::from_secs(own);
        desk.decide_now(b"abc", || Verified::new(1).ending_at(end).into());
        for _ in 0..expected {
            assert_eq!(knows(&desk.look(b"abc")), Some(true));
            desk.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(knows(&desk.look(b"abc")), None, "{verifier}, {cache}, {own}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_life_begins_with_the_verification_and_not_with_its_answer() {
    let (desk, slow) = (Desk::plain(), Slow::default());
    let request = tokio::spawn(desk.resolve(b"abc", slow.verify(emily)));
    settle().await;
    desk.clock.advance(MINUTE / 2);
    slow.go.notify_one();
    request.await.unwrap();
    for (by, expected) in [(MINUTE / 2 - Duration::from_secs(1), Some(true)), (Duration::from_secs(1), None)] {
        desk.clock.advance(by);
        assert_eq!(knows(&desk.look(b"abc")), expected);
    }
}

#[test]
fn what_has_ended_already_is_refused() {
    let desk = Desk::plain();
    let now = desk.clock.wall();
    for end in [now, now - Duration::from_secs(1)] {
        assert_eq!(says(&desk.decide_now(b"abc", || Verified::new(1).ending_at(end).into())), Err("refused"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stale_serves_in_an_outage_if_allowed_and_never_when_revoked_or_ended() {
    let down = || async { Answer::Unavailable(Unavailable::because("down")) };
    let beyond = Duration::from_secs(30);
    for (allowed, age, revoked, expected) in [
        (true, 60, false, "stale"),
        (true, 89, false, "stale"),
        (true, 90, false, "unavailable"),
        (true, 60, true, "unavailable"),
        (false, 60, false, "unavailable"),
    ] {
        let beyond = if allowed { beyond } else { Duration::ZERO };
        let desk = Desk::new(CacheOptions::default().stale_if_unavailable_for(beyond));
        desk.decide_now(b"abc", emily);
        desk.clock.advance(Duration::from_secs(age));
        if revoked {
            desk.cache.revoke(Handle::subject("emily"));
        }
        assert_eq!(knows(&desk.look(b"abc")), None);
        assert_eq!(says(&desk.resolve(b"abc", down).await), Err(expected), "{allowed}, {age}, {revoked}");
        assert_eq!(says(&desk.resolve(b"abc", || async { Answer::Refused }).await), Err("refused"), "no is no");
    }
}
