//! Verifications that run, shared by those that wait and left by those that go.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_at_once_verify_once() {
    let (cache, calls) = (CredentialCache::default(), Arc::default());
    let gate = gate_of(&cache, &calls, named);
    let requests: JoinSet<String> = (0..1000)
        .map(|_| {
            let gate = gate.clone();
            async move { grant(&gate, bearer("emily")).await.principal().clone() }
        })
        .collect();
    assert!(requests.join_all().await.iter().all(|name| name == "emily"));
    assert_eq!((calls.load(Ordering::Relaxed), gate.counts().verifications[0].1), (1, 1));
    let counts = cache.counts();
    assert_eq!((counts.hits + counts.misses, counts.flights), (1000, 0));
}

#[tokio::test]
async fn a_request_dropped_at_each_of_its_waits_restarts_nothing() {
    for waits in 0..4 {
        let (cache, calls) = (CredentialCache::default(), Arc::default());
        let gate = gate_of(&cache, &calls, named);
        let (first, second) = (gate.clone(), gate.clone());
        let leader = tokio::spawn(async move { status(&verdict(&first, bearer("emily")).await) });
        for _ in 0..waits {
            yield_now().await;
        }
        let joiner = tokio::spawn(async move { status(&verdict(&second, bearer("emily")).await) });
        yield_now().await;
        leader.abort();
        assert_eq!((joiner.await.unwrap(), calls.load(Ordering::Relaxed)), (200, 1), "after {waits} waits");
    }
}

#[tokio::test]
async fn a_panic_is_one_503() {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let gate = gate_of(&cache, &calls, move |name| match count.load(Ordering::Relaxed) {
        1 => panic!("a verifier's fault"),
        _ => named(name),
    });
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 503);
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
}

#[tokio::test]
async fn an_outage_is_503_and_is_asked_again() {
    let (cache, calls) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let gate = gate_of(&cache, &calls, move |name| match count.load(Ordering::Relaxed) {
        1 => Answer::Unavailable(Unavailable::because("away")),
        _ => named(name),
    });
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 503);
    assert_eq!(status(&verdict(&gate, bearer("emily")).await), 200);
}

#[tokio::test]
async fn whether_requests_share_a_verification_depends_on_what_they_sent_alone() {
    // Traefik CVE-2026-88010: coalescing told known names from unknown ones.
    for name in ["known", "unknown"] {
        let (cache, calls) = (CredentialCache::default(), Arc::default());
        let gate = gate_of(&cache, &calls, |name| if name == "known" { named(name) } else { Answer::Refused });
        let requests: JoinSet<u16> = (0..10)
            .map(|_| {
                let gate = gate.clone();
                async move { status(&verdict(&gate, bearer(name)).await) }
            })
            .collect();
        requests.join_all().await;
        assert_eq!((calls.load(Ordering::Relaxed), cache.counts().joins), (1, 9), "{name}");
    }
}
