//! Cases about a server that is killed and comes back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use countersign::Handle;
use tokio::time::{sleep, timeout};

use super::{
    Harness,
    bus::hears,
    pauses::{answers_again, nothing_is_answered},
};
use crate::stores::samples::{at, digest, family, session};

pub(super) async fn a_server_that_is_gone_is_no_answer_and_is_found_again(harness: Harness) {
    let stores = harness.copy().await;
    stores.sessions().insert(digest(1), session("emily", 1), 9).await.expect("kept");
    stores.tokens().begin(family("emily", 1), 9).await.expect("begun");
    for _ in 0..2 {
        harness.server().kill();
        nothing_is_answered(&stores).await;
        harness.server().start_again();
        answers_again(&stores).await;
        assert_eq!(stores.sessions().find(digest(1)).await.expect("found"), Some(session("emily", 1)));
    }
}

pub(super) async fn nothing_is_lost_that_was_acknowledged(harness: Harness) {
    let stores = harness.copy().await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let workers: Vec<_> = (0..8_u64)
        .map(|worker| {
            let (stores, stop, acknowledged) = (stores.clone(), stop.clone(), acknowledged.clone());
            tokio::spawn(async move {
                for number in (0..).map(|step| worker * 1_000_000 + step) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = number.to_string();
                    let begun = stores.sessions().insert(digest(number), session(&name, 1), 9).await;
                    if begun.is_ok() && stores.tokens().revoke(Handle::subject(&name), at(60_000)).await.is_ok() {
                        acknowledged.lock().expect("no panic").push(number);
                    }
                }
            })
        })
        .collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(700)).await;
        harness.server().kill();
        sleep(Duration::from_millis(300)).await;
        harness.server().start_again();
    }
    sleep(Duration::from_millis(700)).await;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.expect("no worker panics");
    }
    answers_again(&stores).await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().expect("no panic"));
    assert!(acknowledged.len() > 50, "there was load: {}", acknowledged.len());
    for number in acknowledged {
        let name = number.to_string();
        assert!(stores.sessions().find(digest(number)).await.expect("an answer").is_some(), "session {name}");
        let standing = stores.tokens().standing("x", &[Handle::subject(&name)]).await.expect("an answer");
        assert!(standing.revoked, "revocation {name}");
    }
    if let Some(outbox) = &stores.outbox {
        let page = outbox.since(0, 1_000_000).await.expect("read");
        assert!(page.rows.iter().map(|row| row.number).eq(1..=page.newest), "numbers leave out none");
    }
}

pub(super) async fn a_bus_is_heard_again_after_its_server_came_back(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let mut line = other.bus().listen().await.expect("a line");
    assert!(hears(&mut *line, &one).await);
    harness.server().kill();
    let told = timeout(Duration::from_secs(5), async { while line.next().await.is_ok() {} });
    assert!(told.await.is_ok(), "a line that was cut says so");
    harness.server().start_again();
    answers_again(&one).await;
    let mut line = other.bus().listen().await.expect("a line");
    line.beat().await.expect("it is there");
    while one.bus().wake().await.is_err() {
        sleep(Duration::from_millis(50)).await;
    }
    assert!(hears(&mut *line, &one).await);
}
