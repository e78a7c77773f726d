//! Cases about families of refresh tokens, and what is void.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use countersign::{
    Handle,
    store::{FamilyRecord, Rotated, Rotation, SubjectFloor},
};

use super::{Harness, at_once};
use crate::stores::{
    Stores,
    samples::{at, digest, family, rotation},
};

async fn floor(stores: &Stores, subject: &str) -> SubjectFloor {
    stores.tokens().standing(subject, &[]).await.expect("an answer").floor
}

async fn is_void(stores: &Stores, handle: Handle) -> bool {
    stores.tokens().standing("somebody", &[Handle::issuer("another"), handle]).await.expect("an answer").revoked
}

pub(super) async fn what_is_kept_is_found_as_it_was(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let records = [
        family("emily", 1),
        FamilyRecord {
            all_scopes: true,
            previous: Some(digest(7)),
            address: Some("2001:db8::1".parse().expect("an address")),
            agent: Some("Mozilla/5.0 (Größe)".into()),
            generation: 12,
            ..family("emma", 2)
        },
    ];
    for record in &records {
        one.tokens().begin(record.clone(), 9).await.expect("kept");
    }
    for record in records {
        assert_eq!(other.tokens().find(&record.id, at(5)).await.expect("found"), Some(record.clone()));
        assert_eq!(other.tokens().list(&record.subject, at(5)).await.expect("listed"), std::slice::from_ref(&record));
        // Its end is outside.
        for (now, there) in [(record.ends - Duration::from_secs(1), true), (record.ends, false)] {
            assert_eq!(other.tokens().find(&record.id, now).await.expect("an answer").is_some(), there);
            assert_eq!(other.tokens().list(&record.subject, now).await.expect("an answer").len(), usize::from(there));
        }
    }
    for id in ["nothing", "", "a\0b"] {
        assert_eq!(other.tokens().find(id, at(5)).await.expect("an answer"), None);
    }
}

pub(super) async fn a_floor_rises_and_never_falls(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    assert_eq!(floor(&one, "emily").await, SubjectFloor::default());
    for (generation, now, revoked_at) in [(1, 10, 10), (2, 5, 10), (3, 11, 11)] {
        one.tokens().revoke_subject("emily", at(now)).await.expect("revoked");
        let expected = SubjectFloor { generation, revoked_at: Some(at(revoked_at)) };
        assert_eq!(floor(&other, "emily").await, expected);
    }
    assert_eq!(floor(&other, "emma").await, SubjectFloor::default(), "nobody else");
    other.tokens().purge(at(1_000_000), 100).await.expect("purged");
    assert_eq!(floor(&one, "emily").await.generation, 3, "a floor is kept for ever");
    assert_eq!(floor(&one, "a\0b").await, SubjectFloor::default());
}

pub(super) async fn each_of_many_revocations_at_once_counts(harness: Harness) {
    let copies = [harness.copy().await, harness.copy().await];
    at_once(40, |number| {
        let stores = copies[number as usize % 2].clone();
        async move { stores.tokens().revoke_subject("emily", at(number)).await.expect("revoked") }
    })
    .await;
    assert_eq!(floor(&copies[0], "emily").await, SubjectFloor { generation: 40, revoked_at: Some(at(39)) });
}

pub(super) async fn a_handle_is_void_until_its_latest_end(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let handle = Handle::subject("t");
    assert!(!is_void(&one, handle).await);
    for until in [at(20), at(10), at(30)] {
        one.tokens().revoke(handle, until).await.expect("revoked");
        assert!(is_void(&other, handle).await);
    }
    assert!(!is_void(&other, Handle::subject("another")).await);
    for (now, void) in [(29, true), (31, false)] {
        one.tokens().purge(at(now), 100).await.expect("purged");
        assert_eq!(is_void(&other, handle).await, void, "{now}");
    }
}

pub(super) async fn what_has_ended_goes_in_small_steps(harness: Harness) {
    let stores = harness.copy().await;
    for number in 0..7 {
        stores.tokens().revoke(Handle::subject(&number.to_string()), at(number)).await.expect("revoked");
    }
    // A store may forget what has ended by itself, or a moment late; it never forgets what has not.
    let mut gone = 0;
    for _ in 0..4 {
        let step = stores.tokens().purge(at(4), 2).await.expect("purged");
        assert!(step <= 2 * 3, "{step} in a step of two of each kind");
        gone += step;
    }
    assert!(gone <= 5, "{gone}");
    for number in 5..7 {
        assert!(is_void(&stores, Handle::subject(&number.to_string())).await, "{number}");
    }
}

pub(super) async fn the_oldest_families_make_way(harness: Harness) {
    let stores = harness.copy().await;
    stores.tokens().begin(family("emma", 1), 1).await.expect("begun");
    let ended = FamilyRecord { ends: at(2), ..family("emily", 0) };
    stores.tokens().begin(ended, 3).await.expect("begun");
    for number in 3..8 {
        stores.tokens().begin(family("emily", number), 3).await.expect("begun");
    }
    let listed = stores.tokens().list("emily", at(9)).await.expect("listed");
    let listed: Vec<_> = listed.iter().map(|family| &*family.id).collect();
    assert_eq!(listed, ["f-emily-5", "f-emily-6", "f-emily-7"], "the oldest first");
    assert_eq!(stores.tokens().list("emma", at(9)).await.expect("listed").len(), 1, "nobody else's");
    let void = is_void(&stores, FamilyRecord::handle_of("f-emily-3")).await;
    assert!(!void, "what came of one that made way is good until it ends");
}

pub(super) async fn many_that_begin_at_once_are_never_more_than_may_be(harness: Harness) {
    let copies = [harness.copy().await, harness.copy().await];
    at_once(40, |number| {
        let stores = copies[number as usize % 2].clone();
        async move { stores.tokens().begin(family("emily", number), 5).await.expect("begun") }
    })
    .await;
    assert_eq!(copies[0].tokens().list("emily", at(100)).await.expect("listed").len(), 5);
}

pub(super) async fn a_token_is_spent_once_and_a_second_use_voids_its_family(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let family = family("emily", 1);
    one.tokens().begin(family.clone(), 9).await.expect("begun");
    let turn = Rotation {
        address: Some("192.0.2.1".parse().expect("an address")),
        agent: Some("curl/8".into()),
        ..rotation(&family, family.current, digest(1))
    };
    assert_eq!(one.tokens().rotate(turn.clone()).await.expect("an answer"), Rotated::Now);
    let found = other.tokens().find(&family.id, at(100)).await.expect("found").expect("there");
    let expected = FamilyRecord {
        current: digest(1),
        previous: Some(family.current),
        used: turn.now,
        ends: turn.ends,
        address: turn.address,
        agent: turn.agent.clone(),
        ..family.clone()
    };
    assert_eq!(found, expected);
    let second = rotation(&family, digest(1), digest(2));
    assert_eq!(other.tokens().rotate(second.clone()).await.expect("an answer"), Rotated::Now);
    assert!(!is_void(&one, family.handle()).await);
    assert_eq!(one.tokens().rotate(turn).await.expect("an answer"), Rotated::Reused, "spent two uses ago");
    assert!(is_void(&other, family.handle()).await);
    let third = rotation(&family, digest(2), digest(3));
    assert_eq!(other.tokens().rotate(third).await.expect("an answer"), Rotated::Unknown, "the good one went with it");
    assert_eq!(other.tokens().find(&family.id, at(100)).await.expect("an answer"), None);
    for id in ["f-nobody-1", "", "a\0b"] {
        let unknown = Rotation { id: id.into(), ..second.clone() };
        assert_eq!(one.tokens().rotate(unknown).await.expect("an answer"), Rotated::Unknown);
    }
}

pub(super) async fn a_lost_answer_is_forgiven_once_it_is_asked_for(harness: Harness) {
    let stores = harness.copy().await;
    let address = Some("192.0.2.1".parse().expect("an address"));
    for (number, (forgiven, later, from, expected)) in [
        (Duration::from_secs(10), 5, address, Rotated::Again),
        (Duration::from_secs(10), 10, address, Rotated::Reused),
        (Duration::from_secs(10), 5, Some("192.0.2.2".parse().expect("an address")), Rotated::Reused),
        (Duration::from_secs(10), 5, None, Rotated::Reused),
        (Duration::ZERO, 0, address, Rotated::Reused),
    ]
    .into_iter()
    .enumerate()
    {
        let family = family("emily", number as u64 + 10);
        stores.tokens().begin(family.clone(), 99).await.expect("begun");
        let turn = Rotation { address, forgiven, ..rotation(&family, family.current, digest(number as u64)) };
        assert_eq!(stores.tokens().rotate(turn.clone()).await.expect("an answer"), Rotated::Now);
        let again = Rotation { now: at(100 + later), address: from, ..turn.clone() };
        assert_eq!(stores.tokens().rotate(again).await.expect("an answer"), expected, "row {number}");
        let left = stores.tokens().find(&family.id, at(111)).await.expect("an answer");
        assert_eq!(
            left.map(|left| (left.current, left.used)),
            (expected == Rotated::Again).then_some((turn.successor, turn.now))
        );
    }
}

pub(super) async fn a_family_is_void_with_its_subject_and_by_its_handle(harness: Harness) {
    let stores = harness.copy().await;
    let tokens = stores.tokens();
    let (first, second) = (family("emily", 1), family("emily", 2));
    tokens.begin(first.clone(), 9).await.expect("begun");
    tokens.begin(second.clone(), 9).await.expect("begun");
    tokens.revoke(first.handle(), at(60)).await.expect("revoked");
    assert_eq!(tokens.find(&first.id, at(5)).await.expect("an answer"), None);
    assert!(is_void(&stores, first.handle()).await && !is_void(&stores, second.handle()).await);
    tokens.revoke_subject("emily", at(6)).await.expect("revoked");
    assert!(tokens.list("emily", at(7)).await.expect("an answer").is_empty());
    // One that a sign-in of before the revocation begins after it.
    tokens.begin(family("emily", 3), 9).await.expect("begun");
    let late = family("emily", 3);
    assert_eq!(tokens.find(&late.id, at(8)).await.expect("an answer"), None);
    let turned = tokens.rotate(rotation(&late, late.current, digest(9))).await.expect("an answer");
    assert_eq!(turned, Rotated::Unknown);
    let now = FamilyRecord { generation: 1, ..family("emily", 4) };
    tokens.begin(now.clone(), 1).await.expect("begun");
    assert_eq!(tokens.list("emily", at(8)).await.expect("listed"), [now]);
}

/// How many families are turned by many at once, in each of which two have the token, or one that was spent before.
const INTERLEAVINGS: u64 = 1500;

pub(super) async fn no_family_ever_has_two_live_successors(harness: Harness) {
    let copies = [harness.copy().await, harness.copy().await];
    for round in 0..INTERLEAVINGS / 100 {
        let checks = at_once(100, |number| {
            let (one, other) = (copies[0].clone(), copies[(number % 2) as usize].clone());
            async move {
                let family = family(&format!("u{round}-{number}"), 1 + 1000 * round + number);
                one.tokens().begin(family.clone(), 9).await.expect("begun");
                let turn = |stores: Stores, spent, successor| {
                    let rotation = rotation(&family, spent, digest(successor));
                    tokio::spawn(async move { stores.tokens().rotate(rotation).await.expect("an answer") })
                };
                let tries = [
                    turn(one.clone(), family.current, 1),
                    turn(other.clone(), family.current, 2),
                    turn(one.clone(), digest(1), 3),
                ];
                let mut rotated = Vec::new();
                for tried in tries {
                    rotated.push(tried.await.expect("it ends"));
                }
                let left = other.tokens().find(&family.id, at(100)).await.expect("an answer");
                let alive = one.tokens().rotate(rotation(&family, digest(2), digest(4))).await.expect("an answer");
                (rotated, left, alive, is_void(&other, family.handle()).await)
            }
        });
        for (rotated, left, alive, void) in checks.await {
            // The token came twice. Whoever came first had a successor, and nobody has one that is good.
            let [one, other, _] = rotated[..] else { panic!("three tries") };
            assert!(one != Rotated::Now || other != Rotated::Now, "{rotated:?}");
            assert_eq!((left, alive, void), (None, Rotated::Unknown, true), "{rotated:?}");
        }
    }
}

pub(super) async fn nobody_is_turned_past_a_revocation(harness: Harness) {
    let copies = [harness.copy().await, harness.copy().await];
    let outcomes = at_once(60, |number| {
        let (one, other) = (copies[0].clone(), copies[1].clone());
        async move {
            let subject = format!("v{number}");
            let family = family(&subject, number + 1);
            one.tokens().begin(family.clone(), 9).await.expect("begun");
            let stop = Arc::new(AtomicBool::new(false));
            let turning = {
                let (stop, family, one) = (stop.clone(), family.clone(), one.clone());
                tokio::spawn(async move {
                    let (mut spent, mut turns) = (family.current, 0);
                    while !stop.load(Ordering::Relaxed) {
                        // A store in memory never waits by itself.
                        tokio::task::yield_now().await;
                        let successor = digest(1_000_000 + 1000 * number + turns);
                        match one.tokens().rotate(rotation(&family, spent, successor)).await.expect("an answer") {
                            Rotated::Now => (spent, turns) = (successor, turns + 1),
                            other => return other,
                        }
                    }
                    Rotated::Now
                })
            };
            tokio::task::yield_now().await;
            other.tokens().revoke_subject(&subject, at(101)).await.expect("revoked");
            let left = one.tokens().list(&subject, at(102)).await.expect("an answer");
            stop.store(true, Ordering::Relaxed);
            let last = turning.await.expect("it ends");
            let late = one.tokens().list(&subject, at(102)).await.expect("an answer");
            (left.len() + late.len(), last)
        }
    });
    for (left, last) in outcomes.await {
        assert_eq!(left, 0, "nothing stands once the revocation has returned");
        assert!(matches!(last, Rotated::Unknown | Rotated::Now), "{last:?}: a revoked family is unknown, not reused");
    }
}
