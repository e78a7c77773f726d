//! A verifier's queue, and one address that would fill it.

use super::*;

/// Answers when it is told to, and takes little at a time.
struct Crowded(Arc<Notify>);

#[countersign::async_trait]
impl Verify<TokenCredential> for Crowded {
    type Principal = String;

    async fn verify(&self, _: TokenCredential) -> Answer<String> {
        self.0.notified().await;
        named("emily")
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always).queued(QueueLimits::at_once(1).waiting(8).share(2))
    }
}

#[tokio::test]
async fn an_address_that_fills_its_share_of_the_queue_is_told_when_to_come_back() {
    // L4: 503 with Retry-After, and the others are served.
    for cache in [Some(CredentialCache::default()), None] {
        let go = Arc::new(Notify::new());
        let gate = Gate::in_realm("people").accept(Bearer, Crowded(go.clone()));
        let gate = cache.into_iter().fold(gate, GateBuilder::cached).build().unwrap();
        let ask = |token: &'static str, address: &str| {
            let (gate, head) = (gate.clone(), bearer(token).from(address.parse().unwrap()));
            async move {
                match verdict(&gate, head).await {
                    Verdict::Rejected(rejection) => (rejection.status(), rejection.retry_after()),
                    verdict => (status(&verdict), None),
                }
            }
        };
        // The last two are one network.
        let mut waiting = JoinSet::new();
        for (token, address) in [("a", HERE), ("b", HERE), ("c", "2001:db8::1"), ("d", "2001:db8::2")] {
            waiting.spawn(ask(token, address));
        }
        for _ in 0..10 {
            yield_now().await;
        }
        assert_eq!(ask("e", HERE).await, (503, Some(seconds(2))));
        assert_eq!(ask("e", "2001:db8::3").await, (503, Some(seconds(2))));
        waiting.spawn(ask("e", ELSEWHERE));
        for _ in 0..50 {
            go.notify_one();
            yield_now().await;
        }
        assert_eq!(waiting.join_all().await, [(200, None); 5]);
        assert_eq!(gate.counts().queued[0].1, 0);
    }
}
