//! Signed links as a service hands them out, takes them, and voids them.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    Basic, CredentialCache, Gate, Grant, Handle, KeyRing, Reply, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    cache::CacheOptions,
    clock::{Clock, SharedClock},
    credential::SignedLink,
    gate::policy::role,
    mint::{
        endpoint::Endpoint,
        link::{LinkEndpoints, Links},
    },
    response::Rejection,
    store::{Directory, MemoryTokens, RevocationStore, Standing},
    testing::{ManualClock, PlainHead},
    verifier::PasswordTable,
};
use serde_json::Value;

struct People {
    gone: Arc<AtomicBool>,
}

fn person(name: &str) -> Verified<String> {
    Verified::new(name.to_owned()).with_subject(name).with_roles(["admin"]).with_scopes("reports:read".parse().unwrap())
}

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok((!self.gone.load(Ordering::SeqCst)).then(|| person(subject)))
    }
}

/// What is void, in a store that may be away, and behind which something happens.
#[derive(Default)]
struct Record {
    tokens: MemoryTokens,
    away: AtomicBool,
    then: std::sync::Mutex<Option<Box<dyn Fn() + Send>>>,
}

#[async_trait]
impl RevocationStore for Record {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::because("away"));
        }
        let standing = self.tokens.standing(subject, handles).await?;
        tokio::task::yield_now().await;
        if let Some(then) = self.then.lock().unwrap().take() {
            then();
        }
        Ok(standing)
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        self.tokens.revoke_subject(subject, now).await
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        self.tokens.revoke(handle, until).await
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.tokens.purge(now, most).await
    }
}

struct Service {
    clock: Arc<ManualClock>,
    cache: CredentialCache,
    record: Arc<Record>,
    gone: Arc<AtomicBool>,
    gate: Gate<String>,
    create: Endpoint<String>,
}

fn service() -> Service {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    let shared: SharedClock = clock.clone();
    let cache = CredentialCache::with(CacheOptions::default().timed_by(shared.clone()));
    let (record, gone) = (Arc::<Record>::default(), Arc::<AtomicBool>::default());
    let kind = SignedLink::in_parameter("link", KeyRing::random()).timed_by(shared.clone());
    let links = Links::signed_by(kind, Arc::new(People { gone: Arc::clone(&gone) })).recorded_in(record.clone());
    let passwords = PasswordTable::new().with("emily", "s3cret", person("emily"));
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords)
        .accept(links.kind(), links.clone())
        .cached(cache.clone())
        .timed_by(shared)
        .build()
        .unwrap();
    let create = LinkEndpoints::new(links).create(&gate.only(["basic"]).unwrap(), |request| {
        let id = request.parameter("id")?;
        (*id == *"1").then(|| format!("/photos/{id}"))
    });
    Service { clock, cache, record, gone, gate, create }
}

impl Service {
    async fn admit(&self, gate: &Gate<String>, head: PlainHead) -> Result<Grant<String>, Rejection> {
        match head.received_by(&self.gate).verdict_at(gate).await {
            Verdict::Admitted(grant) => Ok(grant),
            Verdict::Anonymous => panic!("anonymous"),
            Verdict::Rejected(rejection) => Err(rejection),
        }
    }

    async fn make(&self, id: &str, body: &str) -> Reply {
        let head = PlainHead::new("POST", "/photos/1/link")
            .with("authorization", "Basic ZW1pbHk6czNjcmV0")
            .with("content-type", "application/json")
            .with_parameter("id", id)
            .received_by(&self.gate);
        let Verdict::Admitted(grant) = head.verdict_at(self.create.gate().unwrap()).await else { panic!("refused") };
        match self.create.prepare(&head, head.exchange(), Some(grant)) {
            Ok(work) => work.run(body.as_bytes().to_vec()).await,
            Err(reply) => reply,
        }
    }

    async fn link(&self) -> String {
        let reply = self.make("1", r#"{"expires_in":60}"#).await;
        assert_eq!(reply.status(), 200);
        let document: Value = serde_json::from_slice(reply.body()).unwrap();
        document["url"].as_str().unwrap().to_owned()
    }

    async fn status(&self, target: &str) -> u16 {
        self.admit(&self.gate, PlainHead::get(target)).await.map_or_else(|rejection| rejection.status(), |_| 200)
    }
}

#[tokio::test]
async fn a_link_says_in_whose_name_and_brings_nothing_else() {
    let service = service();
    let url = service.link().await;
    let grant = service.admit(&service.gate, PlainHead::get(&url)).await.unwrap();
    assert_eq!((grant.subject(), grant.scheme(), grant.roles().len()), (Some("emily"), "link", 0));
    assert!(grant.scopes().is_empty() && grant.ends().is_some());
    let admins = service.gate.require(role("admin"));
    assert_eq!(service.admit(&admins, PlainHead::get(&url)).await.unwrap_err().status(), 403);
    assert!(service.admit(&service.gate, PlainHead::new("HEAD", &url)).await.is_ok());
    assert_eq!(service.admit(&service.gate, PlainHead::new("DELETE", &url)).await.unwrap_err().status(), 401);
    assert_eq!(service.cache.counts().entries, 0, "no answer to a link is kept");
}

#[tokio::test]
async fn a_link_ends_by_its_time_its_subject_and_the_subjects_end() {
    let service = service();
    let url = service.link().await;
    service.clock.advance(Duration::from_secs(59));
    assert_eq!(service.status(&url).await, 200);
    service.clock.advance(Duration::from_secs(1));
    assert_eq!(service.status(&url).await, 401);

    // Wherever in a second it was made.
    service.clock.advance(Duration::from_millis(900));
    let url = service.link().await;
    service.clock.advance(Duration::from_millis(59_999));
    assert_eq!(service.status(&url).await, 200);
    service.clock.advance(Duration::from_millis(1));
    assert_eq!(service.status(&url).await, 401);

    let url = service.link().await;
    service.record.revoke_subject("emily", service.clock.wall()).await.unwrap();
    assert_eq!(service.status(&url).await, 401, "for the very next request");
    let url = service.link().await;
    assert_eq!(service.status(&url).await, 200, "in the same second, and of the next generation");
    service.record.revoke_subject("emma", service.clock.wall()).await.unwrap();
    assert_eq!(service.status(&url).await, 200);
    service.gone.store(true, Ordering::SeqCst);
    assert_eq!(service.status(&url).await, 401, "nobody is called so any more");
}

#[tokio::test]
async fn a_store_without_an_answer_lets_nobody_in_and_makes_nothing() {
    let service = service();
    let url = service.link().await;
    service.record.away.store(true, Ordering::SeqCst);
    assert_eq!(service.status(&url).await, 503);
    assert_eq!(service.make("1", r#"{"expires_in":60}"#).await.status(), 503);
    service.record.away.store(false, Ordering::SeqCst);
    assert_eq!(service.status(&url).await, 200);
}

#[tokio::test]
async fn who_is_revoked_while_a_link_is_made_or_looked_up_gets_nothing() {
    let service = service();
    let cache = service.cache.clone();
    *service.record.then.lock().unwrap() = Some(Box::new(move || cache.revoke(Handle::subject("emily"))));
    assert_eq!(service.make("1", r#"{"expires_in":60}"#).await.status(), 401);
    let url = service.link().await;
    let cache = service.cache.clone();
    *service.record.then.lock().unwrap() = Some(Box::new(move || cache.revoke(Handle::subject("emily"))));
    // It was verified for this request alone, and what became of it meanwhile is not known.
    assert_eq!(service.status(&url).await, 503);
    assert_eq!(service.status(&url).await, 200);
}

#[tokio::test]
async fn what_cannot_be_linked_to_is_said_before_the_body_is_read() {
    let service = service();
    for (id, body, status) in [
        ("2", r#"{"expires_in":60}"#, 404),
        ("1", "{}", 400),
        ("1", r#"{"expires_in":0}"#, 400),
        ("1", r#"{"expires_in":31622401}"#, 400),
        ("1", r#"{"expires_in":31622400}"#, 200),
    ] {
        assert_eq!(service.make(id, body).await.status(), status, "{id} {body}");
    }
}
