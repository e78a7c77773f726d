//! What happens between a decision and its effect: bodies that come late, stores that wait, clients that leave.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

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
    adapter::Verdict,
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
    let verdict = head.verdict_at(gate).await;
    match verdict {
        Verdict::Admitted(grant) => Ok(grant),
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => Err(rejection.reply()),
    }
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

fn making(session: &str) -> PlainHead {
    PlainHead::new("POST", "/keys").with("content-type", "application/json").with("cookie", session)
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

#[tokio::test]
async fn a_body_that_comes_after_the_session_ended_makes_no_key() {
    let service = service();
    let session = service.session().await;
    let work = service.begun(&service.keys.create(&service.gate), making(&session)).await;
    assert_eq!(service.sign_out(&session).await.status(), 204);
    service.stores.then(|| panic!("nothing is stored, not even for a moment"));
    is_refused_as_by_a_guard(&work.run(br#"{"name":"loot"}"#.to_vec()).await);
    assert_eq!(service.kept().await, 0);
}

#[tokio::test]
async fn a_key_that_is_stored_after_the_session_ended_is_removed() {
    let service = service();
    let session = service.session().await;
    let cache = service.cache.clone();
    service.stores.then(move || cache.revoke(Handle::subject("emily")));
    let reply = service.call(&service.keys.create(&service.gate), making(&session), r#"{"name":"loot"}"#).await;
    is_refused_as_by_a_guard(&reply);
    assert_eq!(service.kept().await, 0);
}

#[cfg(feature = "jwt")]
#[tokio::test]
async fn a_body_that_comes_after_the_session_ended_makes_no_token() {
    use countersign::{
        JwtSigner,
        mint::access_token::{AccessTokens, TokenEndpoints},
    };

    let service = service();
    let tokens = AccessTokens::issued_by("people", JwtSigner::fresh().unwrap())
        .for_audience("people", Arc::new(People))
        .unwrap();
    let issue = TokenEndpoints::new(tokens).issue(&service.gate);
    let session = service.session().await;
    let (late, in_time) =
        (service.begun(&issue, making(&session)).await, service.begun(&issue, making(&session)).await);
    assert_eq!(in_time.run(Vec::new()).await.status(), 200);
    assert_eq!(service.sign_out(&session).await.status(), 204);
    is_refused_as_by_a_guard(&late.run(Vec::new()).await);
}

#[tokio::test]
async fn a_password_that_is_changed_during_a_sign_in_begins_no_session() {
    let service = service();
    let (password, cache) = (Arc::clone(&service.password), service.cache.clone());
    service.stores.then(move || {
        *password.lock().unwrap() = "changed".to_owned();
        cache.revoke(Handle::subject("emily"));
    });
    assert_eq!(service.sign_in().await.status(), 401);
    assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_password_that_is_changed_during_any_sign_in_gets_nothing_handed_out() {
    let service = service();
    let (password, cache) = (Arc::clone(&service.password), service.cache.clone());
    let made = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&made);
    let endpoint = SignIn::at(&service.gate).then(Arc::clone(&service.passwords), move |_| {
        let (password, cache) = (Arc::clone(&password), cache.clone());
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            // The owner is faster than the store.
            *password.lock().unwrap() = "a new one".to_owned();
            cache.revoke(Handle::subject("emily"));
            Ok(Reply::new(200).with_body("text/plain", "a token"))
        }
    });
    let head = PlainHead::new("POST", "/token").with("content-type", "application/json");
    let reply = service.call(&endpoint, head, r#"{"username":"emily","password":"s3cret"}"#).await;
    assert_eq!((reply.status(), made.load(Ordering::SeqCst)), (401, 1));
}

#[tokio::test]
async fn whose_password_still_holds_is_signed_in_though_something_was_revoked_meanwhile() {
    let service = service();
    let (cache, once) = (service.cache.clone(), AtomicBool::new(false));
    service.stores.then(move || {
        if !once.swap(true, Ordering::SeqCst) {
            cache.revoke_all();
        }
    });
    assert_eq!(service.sign_in().await.status(), 204);
    assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_verifier_or_a_store_that_hangs_keeps_nobody_out_for_long() {
    for store_hangs in [false, true] {
        let service = Arc::new(service());
        let hangs = if store_hangs { &service.stores.hangs } else { &service.passwords_hang };
        hangs.store(true, Ordering::SeqCst);
        let waiting: Vec<_> = (0..300)
            .map(|_| {
                let service = Arc::clone(&service);
                tokio::spawn(async move { service.sign_in().await })
            })
            .collect();
        for sign_in in waiting {
            let reply = tokio::time::timeout(Duration::from_secs(16), sign_in).await.unwrap().unwrap();
            assert_eq!((reply.status(), fields(&reply, "retry-after").len()), (503, 1));
        }
        hangs.store(false, Ordering::SeqCst);
        assert_eq!(service.sign_in().await.status(), 204, "store hangs: {store_hangs}");
    }
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

#[tokio::test]
async fn who_leaves_during_a_sign_out_is_signed_out() {
    for polls in 1..6 {
        let service = service();
        let session = service.session().await;
        assert!(service.may(&session).await, "and is in the cache from now on");
        let head = PlainHead::new("DELETE", "/session").with("cookie", &session);
        let work = service.begun(&service.sessions.sign_out(), head).await;
        drop_after(polls, work.run(Vec::new()));
        service.gate.drained().await;
        assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 0);
        assert!(!service.may(&session).await, "dropped after {polls}");
    }
}

#[tokio::test]
async fn who_leaves_while_a_device_is_ended_has_ended_it() {
    type Ending = fn(Arc<Service>, String) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;
    let by_endpoint: Ending = |service, id| {
        Box::pin(async move {
            let session = service.session().await;
            let head = PlainHead::new("DELETE", "/sessions/x").with_parameter("id", &id).with("cookie", &session);
            let _ = service.call(&service.sessions.end_one(&service.gate), head, "").await;
        })
    };
    let by_id: Ending = |service, id| Box::pin(async move { drop(service.door.end_one_of("emily", &id).await) });
    let all: Ending = |service, _| Box::pin(async move { drop(service.door.end_all_of("emily").await) });
    for (name, ending) in [("endpoint", by_endpoint), ("id", by_id), ("all", all)] {
        for polls in 1..24 {
            let service = Arc::new(service());
            let session = service.session().await;
            assert!(service.may(&session).await, "and is in the cache from now on");
            let id = service.door.list("emily").await.unwrap()[0].id.to_string();
            drop_after(polls, ending(Arc::clone(&service), id.clone()));
            service.gate.drained().await;
            service.door.drained().await;
            let there = service.door.list("emily").await.unwrap().iter().any(|record| *record.id == *id);
            assert_eq!(service.may(&session).await, there, "{name}: dropped after {polls}");
            assert!(!there || name == "endpoint", "{name}: a call that was begun runs to its end");
        }
    }
}

#[tokio::test]
async fn a_sign_in_under_way_is_void_before_sessions_are_removed() {
    let service = service();
    let (cache, revoked) = (service.cache.clone(), Arc::<AtomicUsize>::default());
    let seen = Arc::clone(&revoked);
    service.stores.then(move || {
        seen.fetch_max(usize::try_from(cache.counts().revocations).unwrap(), Ordering::SeqCst);
    });
    service.door.end_all_of("emily").await.unwrap();
    // Else one that stored its session behind the removal, and asked before the cache was told, would stand.
    assert_eq!(revoked.load(Ordering::SeqCst), 1);
    assert_eq!(service.cache.counts().revocations, 2, "and what was looked up meanwhile is void too");
}

#[tokio::test]
async fn a_session_that_is_begun_by_the_app_is_whole_whoever_hangs_up() {
    for polls in 1..8 {
        let service = service();
        let earlier = service.session().await;
        let from = PlainHead::get("/callback").with("cookie", &earlier).view().client_info();
        drop_after(polls, service.door.begin("emily", &from));
        service.door.drained().await;
        // The new one is there, and the one that the browser brought along is not.
        assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 1);
        assert!(!service.may(&earlier).await, "dropped after {polls}");
    }
}

#[tokio::test]
async fn whoever_leaves_a_sign_in_has_one_session_and_not_the_earlier_one() {
    for polls in 1..12 {
        let service = service();
        let earlier = service.session().await;
        let head = PlainHead::new("POST", "/session").with("content-type", "application/json").with("cookie", &earlier);
        let sign_in = service.sessions.sign_in(Arc::clone(&service.passwords));
        let work = service.begun(&sign_in, head).await;
        drop_after(polls, work.run(br#"{"username":"emily","password":"s3cret"}"#.to_vec()));
        service.gate.drained().await;
        assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 1, "dropped after {polls}");
        assert!(!service.may(&earlier).await, "dropped after {polls}");
    }
}

#[tokio::test]
async fn whoever_leaves_while_a_key_is_made_or_ended_has_made_or_ended_it() {
    for polls in 1..12 {
        let service = service();
        let session = service.session().await;
        let create = service.keys.create(&service.gate);
        let work = service.begun(&create, making(&session)).await;
        drop_after(polls, work.run(br#"{"name":"mine"}"#.to_vec()));
        service.gate.drained().await;
        let kept = service.stores.keys.list("emily").await.unwrap();
        assert_eq!(kept.len(), 1, "dropped after {polls}");

        let head = PlainHead::new("DELETE", "/keys/x").with_parameter("id", &kept[0].id).with("cookie", &session);
        let work = service.begun(&service.keys.delete(&service.gate), head).await;
        drop_after(polls, work.run(Vec::new()));
        service.gate.drained().await;
        assert_eq!(service.kept().await, 0, "dropped after {polls}");
    }
}

#[tokio::test]
async fn a_store_that_fails_at_a_sign_out_leaves_nothing_in_the_cache() {
    let service = service();
    let session = service.session().await;
    assert!(service.may(&session).await);
    let stores = service.stores.clone();
    service.stores.then(move || {
        // The row is gone, and the answer is lost.
        assert_eq!(stores.session_count.load(Ordering::SeqCst), 0);
        std::panic::resume_unwind(Box::new("the connection broke"));
    });
    assert_eq!(service.sign_out(&session).await.status(), 503);
    assert!(!service.may(&session).await);
}

#[tokio::test]
async fn what_is_shielded_runs_to_its_end() {
    let service = service();
    let session = service.session().await;
    let me =
        admit(&service.gate, &PlainHead::get("/").with("cookie", session).received_by(&service.gate)).await.unwrap();
    let done = Arc::<AtomicBool>::default();
    let shielded = || {
        let done = Arc::clone(&done);
        me.shielded(async move {
            tokio::task::yield_now().await;
            done.store(true, Ordering::SeqCst);
            7
        })
    };
    drop_after(1, shielded());
    assert!(!done.load(Ordering::SeqCst));
    service.gate.drained().await;
    assert!(done.load(Ordering::SeqCst));
    assert_eq!(shielded().await.unwrap(), 7);
    assert!(me.shielded(async { panic!("no") }).await.is_err());
    // One subject's share.
    let mut hanging: Vec<_> =
        (0..256).map(|_| Box::pin(me.shielded(tokio::time::sleep(Duration::from_millis(50))))).collect();
    for shielded in &mut hanging {
        drop_after(1, shielded.as_mut());
    }
    assert!(me.shielded(async {}).await.unwrap_err().retry_after().is_some());
    service.gate.drained().await;
    assert!(me.shielded(async {}).await.is_ok());
}

async fn read(pieces: impl IntoIterator<Item = (u64, Result<Vec<u8>, ()>)>) -> Result<usize, u16> {
    let mut pieces = pieces.into_iter();
    let mut waiting = None;
    let body = read_body(move |context| {
        if waiting.is_none() {
            waiting = pieces
                .next()
                .map(|(seconds, piece)| (Box::pin(tokio::time::sleep(Duration::from_secs(seconds))), piece));
        }
        let Some((pause, _)) = &mut waiting else { return Poll::Ready(None) };
        match pause.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(waiting.take().map(|(_, piece)| piece)),
            Poll::Pending => Poll::Pending,
        }
    });
    body.await.map(|body| body.len()).map_err(|reply| reply.status())
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_length_and_a_time() {
    let piece = |seconds, bytes| (seconds, Ok(vec![b'x'; bytes]));
    assert_eq!(read([]).await, Ok(0));
    assert_eq!(read([piece(9, 1), piece(9, LONGEST_BODY - 1)]).await, Ok(LONGEST_BODY));
    assert_eq!(read([piece(0, 1), piece(0, LONGEST_BODY)]).await, Err(413));
    assert_eq!(read([piece(0, usize::from(u16::MAX) * 9)]).await, Err(413));
    assert_eq!(read([piece(0, 1), piece(11, 1)]).await, Err(408), "a pause");
    assert_eq!(read((0..13).map(|_| piece(5, 1))).await, Err(408), "more than a minute in all");
    assert_eq!(read([piece(0, 1), (1, Err(()))]).await, Err(400));
    assert_eq!(read_body(|_| Poll::Ready(None::<Result<Vec<u8>, Infallible>>)).await, Ok(Vec::new()));
}
