//! What happens between a decision and its effect: bodies that come late, stores that wait, clients that leave.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bodies;
mod handed;
mod leaving;
mod sign_in;

use std::{
    convert::Infallible,
    future::{Future, pending},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, Basic, CredentialCache, Gate, Grant, Handle, KeyRing, Reply, SignedCookie, Unavailable, Verified,
    adapter::{Guard, Verdict},
    async_trait,
    credential::BasicCredential,
    mint::{
        api_key::{ApiKeyEndpoints, ApiKeys},
        endpoint::{Endpoint, Work, read_body},
        session::{SessionEndpoints, Sessions},
        sign_in::SignIn,
    },
    request::LONGEST_BODY,
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, Directory, MemoryApiKeys, MemorySessions, SessionRecord, SessionStore},
    testing::PlainHead,
    verifier::{VerifyWith, verify_with},
};

/// What a store does behind each change, before it says that the change is made.
type Then = Arc<Mutex<Option<Box<dyn Fn() + Send + Sync>>>>;

#[derive(Clone, Default)]
struct Stores {
    sessions: Arc<MemorySessions>,
    keys: Arc<MemoryApiKeys>,
    session_count: Arc<AtomicUsize>,
    then: Then,
    hangs: Arc<AtomicBool>,
}

impl Stores {
    async fn change<T>(&self, change: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
        if self.hangs.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
        tokio::task::yield_now().await;
        let changed = change.await;
        if let Some(then) = &*self.then.lock().unwrap() {
            then();
        }
        tokio::task::yield_now().await;
        changed
    }

    fn then(&self, then: impl Fn() + Send + Sync + 'static) {
        *self.then.lock().unwrap() = Some(Box::new(then));
    }
}

#[async_trait]
impl SessionStore for Stores {
    async fn insert(
        &self,
        digest: TokenDigest,
        record: SessionRecord,
        most: usize,
    ) -> Result<Vec<Box<str>>, Unavailable> {
        self.change(async {
            self.session_count.fetch_add(1, Ordering::SeqCst);
            self.sessions.insert(digest, record, most).await
        })
        .await
    }

    async fn find_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        self.sessions.find_of(subject, id).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<SessionRecord>, Unavailable> {
        self.sessions.list(subject).await
    }

    async fn write(&self, subject: &str, id: &str, data: &str, revision: u64) -> Result<bool, Unavailable> {
        self.change(self.sessions.write(subject, id, data, revision)).await
    }

    async fn remove_of(&self, subject: &str, id: &str) -> Result<Option<SessionRecord>, Unavailable> {
        self.change(async {
            let removed = self.sessions.remove_of(subject, id).await?;
            if removed.is_some() {
                self.session_count.fetch_sub(1, Ordering::SeqCst);
            }
            Ok(removed)
        })
        .await
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, Unavailable> {
        self.sessions.find(digest).await
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        self.sessions.touch(digest, used).await
    }

    async fn remove(&self, digest: TokenDigest) -> Result<(), Unavailable> {
        self.change(async {
            if self.sessions.find(digest).await?.is_some() {
                self.session_count.fetch_sub(1, Ordering::SeqCst);
            }
            self.sessions.remove(digest).await
        })
        .await
    }

    async fn remove_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        self.change(async {
            let there = SessionStore::list(self, subject).await?.len();
            self.session_count.fetch_sub(there, Ordering::SeqCst);
            self.sessions.remove_all_of(subject).await
        })
        .await
    }
}

#[async_trait]
impl ApiKeyStore for Stores {
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable> {
        self.change(self.keys.insert(digest, record)).await
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable> {
        self.keys.find(digest).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        self.keys.list(subject).await
    }

    async fn count(&self, subject: &str) -> Result<usize, Unavailable> {
        self.keys.count(subject).await
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        self.change(self.keys.remove(subject, id)).await
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        self.keys.touch(digest, used).await
    }
}

struct People;

fn emily() -> Verified<String> {
    Verified::new("emily".to_owned()).with_subject("emily").with_scopes("reports:read".parse().unwrap())
}

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, _: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(emily()))
    }
}

type Passwords = VerifyWith<Box<dyn Fn(BasicCredential) -> Answering + Send + Sync>, BasicCredential>;
type Answering = std::pin::Pin<Box<dyn Future<Output = Answer<String>> + Send>>;

struct Service {
    gate: Gate<String>,
    cache: CredentialCache,
    stores: Stores,
    password: Arc<Mutex<String>>,
    passwords_hang: Arc<AtomicBool>,
    passwords: Arc<Passwords>,
    door: Sessions<String>,
    sessions: SessionEndpoints<String>,
    keys: ApiKeyEndpoints<String>,
}

fn passwords(password: Arc<Mutex<String>>, hang: Arc<AtomicBool>) -> Passwords {
    verify_with(Box::new(move |credential: BasicCredential| -> Answering {
        // Read at the start, as a store is, and answered later.
        let good = credential.password().matches(password.lock().unwrap().as_bytes());
        let hang = hang.load(Ordering::SeqCst);
        Box::pin(async move {
            if hang {
                pending::<()>().await;
            }
            tokio::task::yield_now().await;
            if good { emily().into() } else { Answer::Refused }
        })
    }))
}

fn service() -> Service {
    let (stores, cache) = (Stores::default(), CredentialCache::default());
    let (password, passwords_hang) = (Arc::new(Mutex::new("s3cret".to_owned())), Arc::<AtomicBool>::default());
    let verifier = || passwords(Arc::clone(&password), Arc::clone(&passwords_hang));
    let sessions = Sessions::new(Arc::new(stores.clone()), Arc::new(People))
        .by(SignedCookie::named("session", KeyRing::random()))
        .revoking(&cache);
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(stores.clone()), Arc::new(People));
    let gate = Gate::in_realm("people")
        .accept(Basic, verifier())
        .accept(sessions.cookie(), sessions.clone())
        .cached(cache.clone())
        .build()
        .unwrap();
    Service {
        door: sessions.clone(),
        sessions: SessionEndpoints::new(sessions, &gate),
        keys: ApiKeyEndpoints::new(keys),
        passwords: Arc::new(verifier()),
        password,
        passwords_hang,
        stores,
        cache,
        gate,
    }
}

async fn admit(gate: &Gate<String>, head: &PlainHead) -> Result<Grant<String>, Reply> {
    Guard::in_front(gate).granted(head.verdict_at(gate).await).map_err(|rejection| rejection.reply())
}

impl Service {
    /// The work of an endpoint whose head is read, and whose body has yet to come.
    async fn begun(&self, endpoint: &Endpoint<String>, head: PlainHead) -> Work {
        let head = head.received_by(&self.gate);
        let grant = match endpoint.gate() {
            Some(gate) => Some(admit(gate, &head).await.unwrap()),
            None => None,
        };
        endpoint.prepare(&head, head.exchange(), grant).unwrap()
    }

    async fn call(&self, endpoint: &Endpoint<String>, head: PlainHead, body: &str) -> Reply {
        self.begun(endpoint, head).await.run(body.as_bytes().to_vec()).await
    }

    async fn sign_in(&self) -> Reply {
        let head = PlainHead::new("POST", "/session").with("content-type", "application/json");
        let sign_in = self.sessions.sign_in(Arc::clone(&self.passwords));
        self.call(&sign_in, head, r#"{"username":"emily","password":"s3cret"}"#).await
    }

    async fn session(&self) -> String {
        let reply = self.sign_in().await;
        let cookie = reply.fields().find(|(name, _)| *name == "set-cookie").unwrap().1;
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn sign_out(&self, session: &str) -> Reply {
        self.call(&self.sessions.sign_out(), PlainHead::new("DELETE", "/session").with("cookie", session), "").await
    }

    async fn may(&self, session: &str) -> bool {
        admit(&self.gate, &PlainHead::get("/").with("cookie", session).received_by(&self.gate)).await.is_ok()
    }

    async fn kept(&self) -> usize {
        self.stores.keys.list("emily").await.unwrap().len()
    }
}

fn fields<'r>(reply: &'r Reply, name: &str) -> Vec<&'r str> {
    reply.fields().filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
}

fn is_refused_as_by_a_guard(reply: &Reply) {
    assert_eq!(reply.status(), 401);
    let challenges = ["Basic realm=\"people\", charset=\"UTF-8\"", "Cookie realm=\"people\", cookie-name=\"session\""];
    assert_eq!(fields(reply, "www-authenticate"), challenges);
    assert_eq!(fields(reply, "set-cookie").len(), 1, "the cookie is cleared");
    assert_eq!(fields(reply, "cache-control"), ["no-store"]);
}

fn making(session: &str) -> PlainHead {
    PlainHead::new("POST", "/keys").with("content-type", "application/json").with("cookie", session)
}

/// Polls an endpoint so often and no more, as a framework does when its client goes away.
fn drop_after(polls: usize, work: impl Future) {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if work.as_mut().poll(&mut context).is_ready() {
            return;
        }
    }
}
