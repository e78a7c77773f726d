//! Cases about what may pass once.

use std::time::{Duration, SystemTime};

use countersign::store::First;

use super::{Harness, at_once};
use crate::stores::{REPLAY_SHARE, Stores};

/// Nonces end on the calendar of the store, so this is about now.
fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_secs(120)
}

async fn is_new(stores: &Stores, scope: &str, key: &[u8], until: SystemTime) -> bool {
    match stores.replay().first(scope, key, until).await {
        First::New => true,
        First::Seen => false,
        other => panic!("{scope} {key:?}: {other:?}"),
    }
}

pub(super) async fn what_came_once_does_not_pass_again(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let until = soon();
    for (row, (scope, key, new)) in [
        ("a", &b"1"[..], true),
        ("a", b"1", false),
        ("b", b"1", true),
        ("a", b"", true),
        ("a", b"\0\xff\xfe", true),
        ("a", b"\0\xff\xfe", false),
        ("", b"a1", true),
        ("a1", b"", true),
    ]
    .into_iter()
    .enumerate()
    {
        let copy = if row % 2 == 0 { &one } else { &other };
        assert_eq!(is_new(copy, scope, key, until).await, new, "row {row}");
    }
}

pub(super) async fn of_many_at_once_one_passes(harness: Harness) {
    let copies = [harness.copy().await, harness.copy().await];
    let until = soon();
    for round in 0..10_u8 {
        let passed = at_once(30, |number| {
            let stores = copies[number as usize % 2].clone();
            async move { is_new(&stores, "scope", &[round], until).await }
        });
        assert_eq!(passed.await.into_iter().filter(|passed| *passed).count(), 1);
    }
}

pub(super) async fn what_has_ended_is_never_new(harness: Harness) {
    let stores = harness.copy().await;
    for ago in [0, 1, 1000] {
        let until = SystemTime::now() - Duration::from_secs(ago);
        assert!(!is_new(&stores, "scope", b"old", until).await);
    }
}

pub(super) async fn a_full_scope_hurts_itself_alone(harness: Harness) {
    let stores = harness.copy().await;
    let until = soon();
    let mut passed = 0;
    let full = loop {
        match stores.replay().first("flood", &(passed as u64).to_le_bytes(), until).await {
            First::New => passed += 1,
            First::Full { retry_after } => break retry_after,
            other => panic!("{other:?}"),
        }
        assert!(passed <= 2 * REPLAY_SHARE, "it is bounded");
    };
    assert!(passed >= REPLAY_SHARE - 1, "there is room for the share of a scope: {passed}");
    assert!(full > Duration::ZERO);
    assert!(is_new(&stores, "another", b"nonce", until).await);
    assert!(!is_new(&stores, "flood", &0_u64.to_le_bytes(), until).await, "what came before is still told");
}
