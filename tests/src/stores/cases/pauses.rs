//! Cases about a server that answers nobody.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Harness;
use crate::stores::{
    Stores,
    samples::{at, digest, family, rotation, session},
};

/// No call may take longer, whatever the server does: a request waits for it.
const LONGEST: Duration = Duration::from_secs(10);

/// Asks everything that lets somebody in, or changes something. None of it has an answer.
pub(super) async fn nothing_is_answered(stores: &Stores) {
    let stores = Arc::new(stores.clone());
    let since = Instant::now();
    let family = family("emily", 1);
    let handles = [family.handle()];
    let (one, two, three, four, five) = tokio::join!(
        stores.sessions().find(digest(1)),
        stores.sessions().insert(digest(2), session("emily", 2), 9),
        stores.tokens().standing("emily", &handles),
        stores.tokens().rotate(rotation(&family, family.current, digest(3))),
        stores.tokens().revoke_subject("emma", at(9)),
    );
    assert!(one.is_err() && two.is_err() && three.is_err() && four.is_err() && five.is_err(), "no answer is not no");
    assert!(since.elapsed() < LONGEST, "{:?}", since.elapsed());
}

/// Waits until it answers again.
pub(super) async fn answers_again(stores: &Stores) {
    let since = Instant::now();
    while stores.sessions().find(digest(1)).await.is_err() {
        assert!(since.elapsed() < Duration::from_secs(30), "the store finds its server again by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn a_server_that_is_silent_is_no_answer_and_is_found_again(harness: Harness) {
    let stores = harness.copy().await;
    let family = family("emily", 1);
    stores.sessions().insert(digest(1), session("emily", 1), 9).await.expect("kept");
    stores.tokens().begin(family.clone(), 9).await.expect("begun");
    for _ in 0..2 {
        harness.server().pause();
        nothing_is_answered(&stores).await;
        harness.server().resume();
        answers_again(&stores).await;
    }
    assert_eq!(stores.sessions().find(digest(1)).await.expect("found"), Some(session("emily", 1)));
    stores.sessions().remove(digest(1)).await.expect("removed");
    assert_eq!(stores.sessions().find(digest(1)).await.expect("an answer"), None);
}
