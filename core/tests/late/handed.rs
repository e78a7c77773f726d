//! Who leaves while a bound key or a transient token is ended has ended it.

use countersign::{
    clock::SharedClock,
    mint::{bound_key::BoundKeys, transient_token::TransientTokens},
    store::{BoundKeyRecord, BoundKeyStore, KeySender, MemoryBoundKeys, MemoryTokens, RevocationStore, Standing},
    testing::ManualClock,
};
use tokio::task::yield_now;

use super::*;

/// A store that has to be waited for, before and behind each change.
#[derive(Default)]
struct Slow<S>(S);

#[async_trait]
impl BoundKeyStore for Slow<MemoryBoundKeys> {
    async fn insert(&self, digest: TokenDigest, record: BoundKeyRecord, now: SystemTime) -> Result<(), Unavailable> {
        yield_now().await;
        self.0.insert(digest, record, now).await
    }

    async fn use_now(
        &self,
        digest: TokenDigest,
        sender: &KeySender,
        now: SystemTime,
        idle: Duration,
    ) -> Result<Option<BoundKeyRecord>, Unavailable> {
        self.0.use_now(digest, sender, now, idle).await
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        yield_now().await;
        let removed = self.0.remove(digest).await;
        yield_now().await;
        removed
    }
}

#[async_trait]
impl RevocationStore for Slow<MemoryTokens> {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        self.0.standing(subject, handles).await
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        self.0.revoke_subject(subject, now).await
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        yield_now().await;
        let revoked = self.0.revoke(handle, until).await;
        yield_now().await;
        revoked
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.0.purge(now, most).await
    }
}

fn clock() -> SharedClock {
    Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)))
}

/// Knows whoever is asked for.
struct Anybody;

#[async_trait]
impl Directory<String> for Anybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

/// What this endpoint answers to who stays.
async fn whole(endpoint: &Endpoint<String>, gate: &Gate<String>, head: PlainHead, body: &str) -> Reply {
    work(endpoint, gate, head).await.run(body.as_bytes().to_vec()).await
}

async fn work(endpoint: &Endpoint<String>, gate: &Gate<String>, head: PlainHead) -> Work {
    let head = head.received_by(gate);
    let grant = match endpoint.gate() {
        Some(gate) => match head.verdict_at(gate).await {
            Verdict::Admitted(grant) => Some(grant),
            Verdict::Rejected(rejection) => panic!("{:?}", rejection.reason()),
            Verdict::Anonymous => panic!("anonymous"),
        },
        None => None,
    };
    endpoint.prepare(&head, head.exchange(), grant).unwrap_or_else(|reply| panic!("{}", reply.status()))
}

async fn admits(gate: &Gate<String>, head: PlainHead) -> bool {
    matches!(head.received_by(gate).verdict_at(gate).await, Verdict::Admitted(_))
}

fn member(reply: &Reply, name: &str) -> String {
    let document: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    document.get(name).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_leaves_while_a_bound_key_is_ended_has_ended_it() {
    for polls in 1..8 {
        let clock = clock();
        let store = Arc::new(Slow::<MemoryBoundKeys>::default());
        let keys = BoundKeys::in_header("Auth-Key", store, Arc::new(Anybody)).timed_by(clock.clone());
        let gate = Gate::in_realm("r").accept(keys.kind(), keys.clone()).timed_by(clock).build().unwrap();
        let passwords = verify_with(|credential: BasicCredential| async move {
            Answer::from(Verified::new(credential.name().to_owned()).with_subject(credential.name()))
        });
        let head = PlainHead::new("POST", "/").with("content-type", "application/json");
        let authenticate = keys.authenticate(&gate, Arc::new(passwords));
        let made = whole(&authenticate, &gate, head, r#"{"username":"emma","password":"x"}"#).await;
        let key = member(&made, "auth_key");
        let with = |method: &str| PlainHead::new(method, "/").with("auth-key", &key);
        assert!(admits(&gate, with("GET")).await, "and is known from now on");
        drop_after(polls, work(&keys.end(&gate), &gate, with("DELETE")).await.run(Vec::new()));
        gate.drained().await;
        assert!(!admits(&gate, with("GET")).await, "dropped after {polls}");
    }
}

#[tokio::test]
async fn who_leaves_while_a_transient_token_is_ended_has_ended_it() {
    for polls in 1..8 {
        let clock = clock();
        let store = Arc::new(Slow::<MemoryTokens>::default());
        let find = |name: &str| Some(Verified::new(name.to_owned()).with_subject(name));
        let tokens = TransientTokens::signed_by(KeyRing::random(), store, find).timed_by(clock.clone());
        let kind = tokens.kind("token");
        let gate = Gate::in_realm("r").accept(kind.clone(), tokens.clone()).timed_by(clock.clone()).build().unwrap();
        let passwords = verify_with(|credential: BasicCredential| async move {
            Answer::from(Verified::new(credential.name().to_owned()).with_subject(credential.name()))
        });
        let by_password = Gate::in_realm("r").accept(Basic, passwords).timed_by(clock).build().unwrap();
        let asks = PlainHead::new("POST", "/").with("authorization", "Basic ZW1tYTp4");
        let token = member(&whole(&tokens.issue(&by_password), &by_password, asks, "").await, "token");
        let with = |method: &str| PlainHead::new(method, "/").with("authorization", format!("Bearer {token}"));
        assert!(admits(&gate, with("GET")).await, "and is known from now on");
        drop_after(polls, work(&tokens.end(&kind, &gate), &gate, with("DELETE")).await.run(Vec::new()));
        gate.drained().await;
        assert!(!admits(&gate, with("GET")).await, "dropped after {polls}");
    }
}
