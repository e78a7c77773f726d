//! Cases about waking other copies.

use std::time::{Duration, Instant};

use countersign::{
    CredentialCache, Handle,
    cache::copies::{Copies, Listening},
};
use tokio::time::timeout;

use super::Harness;
use crate::stores::{Stores, samples::at};

const SECOND: Duration = Duration::from_secs(1);

/// Waits until something is heard, whatever it is: repeated, since a message may be lost.
pub(super) async fn hears(line: &mut dyn Listening, from: &Stores) -> bool {
    for _ in 0..20 {
        from.bus().wake().await.expect("sent");
        if let Ok(heard) = timeout(SECOND / 2, line.next()).await {
            return heard.is_ok();
        }
    }
    false
}

pub(super) async fn a_copy_that_is_woken_hears_it(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let mut line = other.bus().listen().await.expect("a line");
    assert!(hears(&mut *line, &one).await);
    // Heartbeats between messages lose none and hear none.
    for _ in 0..10 {
        one.bus().wake().await.expect("sent");
        line.beat().await.expect("it is there");
        line.beat().await.expect("it is there");
    }
    let mut heard = 0;
    while let Ok(Ok(_)) = timeout(SECOND, line.next()).await {
        heard += 1;
    }
    assert!(heard >= 1, "what came between heartbeats is heard");
    // A future that is dropped loses nothing.
    for _ in 0..50 {
        assert!(timeout(Duration::from_millis(1), line.next()).await.is_err());
    }
    assert!(hears(&mut *line, &one).await);
}

pub(super) async fn a_revocation_here_is_forgotten_there(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let follow = |stores: &Stores, cache: &CredentialCache| {
        let outbox = stores.outbox.clone().expect("the harness has an outbox");
        let copies = Copies::sharing(outbox).woken_by(stores.bus.clone().expect("the harness has a bus"));
        // So seldom by itself that whatever is read was read because of the bus, while heartbeats come in time.
        copies.every(SECOND * 5).out_of_touch_after(SECOND * 20).follow(cache).expect("it follows")
    };
    let (here, there) = (CredentialCache::default(), CredentialCache::default());
    let (following, followed) = (follow(&one, &here), follow(&other, &there));
    following.settled().await;
    followed.settled().await;
    let deadline = Instant::now() + SECOND * 10;
    while !(following.is_in_touch() && followed.is_in_touch()) {
        assert!(Instant::now() < deadline, "both are in touch");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Past the look that a new line brings.
    tokio::time::sleep(SECOND).await;
    let mut took = Vec::new();
    for number in 0..20_u64 {
        let (before, since) = (there.counts().revocations, Instant::now());
        one.tokens().revoke_subject("emily", at(number)).await.expect("revoked");
        here.revoke(Handle::subject("emily"));
        while there.counts().revocations == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(since.elapsed() < SECOND * 8, "forgotten at the next look at the latest");
        }
        took.push(since.elapsed());
    }
    took.sort_unstable();
    assert!(took[took.len() / 2] < Duration::from_millis(500), "the median of {took:?}");
}
