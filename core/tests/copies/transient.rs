//! Transient tokens that are remembered: looked up once on each copy, void on all at a word.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    Basic, CredentialCache, Gate, Handle, KeyRing, Reply, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    cache::{CacheOptions, copies::Copies},
    clock::Clock,
    mint::{endpoint::Endpoint, transient_token::TransientTokens},
    store::{MemoryOutbox, MemoryTokens, RevocationStore, Standing},
    testing::PlainHead,
    verifier::PasswordTable,
};
use tokio::time::{Instant, sleep};

use super::world::TokioClock;

/// Counts how often it is asked.
struct Counting {
    store: MemoryTokens,
    asked: AtomicUsize,
}

#[async_trait]
impl RevocationStore for Counting {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.store.standing(subject, handles).await
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        self.store.revoke_subject(subject, now).await
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        self.store.revoke(handle, until).await
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.store.purge(now, most).await
    }
}

async fn call(endpoint: &Endpoint<String>, head: PlainHead) -> Reply {
    let gate = endpoint.gate().unwrap();
    let head = head.received_by(gate);
    let Verdict::Admitted(grant) = head.verdict_at(gate).await else { panic!("it is let in") };
    endpoint.prepare(&head, head.exchange(), Some(grant)).unwrap().run(Vec::new()).await
}

#[tokio::test(start_paused = true)]
async fn a_transient_token_that_is_remembered_is_looked_up_once_on_each_copy_and_void_on_all_at_a_word() {
    let (clock, outbox) = (Arc::new(TokioClock(Instant::now())), Arc::<MemoryOutbox>::default());
    let store = MemoryTokens::default().announcing_in(outbox.clone());
    let store = Arc::new(Counting { store, asked: AtomicUsize::new(0) });
    let keys = KeyRing::random();
    let copies = [(); 2].map(|()| {
        let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
        // It names no subject: the tokens know theirs.
        let find = |name: &str| Some(Verified::new(name.to_owned()));
        let tokens = TransientTokens::signed_by(keys.clone(), store.clone(), find).remembered();
        let tokens = tokens.lasting(Duration::from_secs(30)).timed_by(clock.clone());
        let kind = tokens.kind("token");
        let gate = Gate::in_realm("r").accept(kind.clone(), tokens.clone()).cached(cache.clone());
        let gate = gate.timed_by(clock.clone()).build().unwrap();
        let following = Copies::sharing(outbox.clone()).follow(&cache).unwrap();
        (tokens, kind, gate, following)
    });
    let [(tokens, kind, gate, _), _] = &copies;
    let passwords = PasswordTable::new().with("emma", "x", Verified::new("emma".to_owned()).with_subject("emma"));
    let by_password = Gate::in_realm("r").accept(Basic, passwords).timed_by(clock.clone()).build().unwrap();
    sleep(Duration::from_secs(1)).await;

    for round in 0..2 {
        let asks = PlainHead::new("POST", "/").with("authorization", "Basic ZW1tYTp4");
        let issued = call(&tokens.issue(&by_password), asks).await;
        let issued: serde_json::Value = serde_json::from_slice(issued.body()).unwrap();
        let bearer = format!("Bearer {}", issued["token"].as_str().unwrap());
        let with = |method: &str| PlainHead::new(method, "/").with("authorization", &bearer);
        let admitted = async || {
            let mut admitted = [false; 2];
            for ((_, _, gate, _), admitted) in copies.iter().zip(&mut admitted) {
                *admitted = matches!(with("GET").received_by(gate).verdict_at(gate).await, Verdict::Admitted(_));
            }
            admitted
        };
        let before = store.asked.load(Ordering::Relaxed);
        for _ in 0..50 {
            assert_eq!(admitted().await, [true; 2]);
        }
        assert_eq!(store.asked.load(Ordering::Relaxed) - before, 2, "once on each copy");
        if round == 0 {
            assert_eq!(call(&tokens.end(kind, gate), with("DELETE")).await.status(), 204);
            assert!(!admitted().await[0], "here at once");
        } else {
            // By another copy, or by hand.
            store.revoke_subject("emma", clock.wall()).await.unwrap();
        }
        sleep(Duration::from_millis(510)).await;
        assert_eq!(admitted().await, [false; 2], "and everywhere");
    }
}
