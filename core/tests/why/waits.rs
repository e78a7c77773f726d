//! Who has no place in a verifier's queue, because those that wait there came from the same address.

use std::{sync::Arc, time::Duration};

use countersign::{
    Answer, Bearer, Gate, Verified, Verify,
    adapter::Verdict,
    async_trait,
    credential::TokenCredential,
    verifier::{QueueLimits, Terms},
};
use tokio::sync::Semaphore;

use super::{Log, auth};

/// Says who it is when it is let.
struct Waits(Terms, Arc<Semaphore>);

#[async_trait]
impl Verify<TokenCredential> for Waits {
    type Principal = &'static str;

    async fn verify(&self, _: TokenCredential) -> Answer<&'static str> {
        let _let = self.1.acquire().await.unwrap();
        Verified::new("emma").into()
    }

    fn terms(&self) -> Terms {
        self.0.clone()
    }
}

/// What the log says of the last of so many requests, each with a token of its own and from its address, while none is answered.
async fn told(limits: QueueLimits, addresses: &[[u8; 4]]) -> (u16, String) {
    let may = Arc::new(Semaphore::new(0));
    let verifier = Waits(Terms::new().queued(limits), Arc::clone(&may));
    let gate = Gate::in_realm("house").accept(Bearer, verifier).build().unwrap();
    let head =
        |place: usize, address: [u8; 4]| auth(format!("Bearer token-{place}")).from(address.into()).received_by(&gate);
    let (last, before) = addresses.split_last().unwrap();
    let heads: Vec<_> = before.iter().enumerate().map(|(place, address)| head(place, *address)).collect();
    let mut waiting: Vec<_> = heads.iter().map(|head| Box::pin(head.verdict_at(&gate))).collect();
    for request in &mut waiting {
        let polled = tokio::time::timeout(Duration::ZERO, request).await;
        assert!(polled.is_err(), "it waits");
    }
    let log = Log::at(tracing::Level::DEBUG);
    let verdict = head(before.len(), *last).verdict_at(&gate).await;
    let text = log.text();
    may.add_permits(1000);
    for request in waiting {
        assert!(matches!(request.await, Verdict::Admitted(_)), "who has a place keeps it");
    }
    let Verdict::Rejected(rejection) = verdict else { panic!("there is no place left") };
    (rejection.status(), text)
}

#[tokio::test]
async fn a_full_share_and_a_full_queue_are_two_things() {
    const A: [u8; 4] = [192, 0, 2, 7];
    const B: [u8; 4] = [192, 0, 2, 8];
    for (limits, addresses, why) in [
        (
            QueueLimits::at_once(1).waiting(9).share(2),
            &[A, A, A][..],
            "its sender's share of the places in the queue is taken",
        ),
        (QueueLimits::at_once(1).waiting(1).share(2), &[A, B, A], "all places in the queue are taken"),
    ] {
        let (status, text) = told(limits, addresses).await;
        assert_eq!(status, 503, "{text}");
        let line = text.lines().find(|line| line.contains(why)).unwrap_or_else(|| panic!("{why} is not in\n{text}"));
        assert!(line.contains("path=\"/a\"") || line.contains(r#"path="\"/a\"""#), "{line}");
        let refused = text.lines().find(|line| line.contains("reason=\"unavailable\""));
        assert!(refused.is_some_and(|line| line.contains("why=")), "{text}");
        assert!(!text.contains("token-"), "{text}");
    }
}
