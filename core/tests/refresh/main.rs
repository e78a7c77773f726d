//! Refresh tokens and revocation, without a framework: the store against a model, and what happens between two steps.

#![cfg(feature = "jwt")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod meanwhile;
mod model;
mod revocation;
mod turns;

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use countersign::{
    Basic, Bearer, CredentialCache, Gate, Grant, Handle, JwtSigner, KeyRing, Reply, Scopes, SignedCookie, Unavailable,
    Verified,
    adapter::Guard,
    async_trait,
    gate::policy::{any_of, role, subject_is},
    mint::{
        access_token::AccessTokens,
        endpoint::{Endpoint, Work},
        refresh_token::{RefreshEndpoints, RefreshTokens},
        revocation::Revocation,
        session::Sessions,
    },
    secret::{TokenDigest, TokenPrefix},
    store::{
        Directory, FamilyRecord, MemorySessions, MemoryTokens, RefreshStore, RevocationStore, Rotated, Rotation,
        Standing, SubjectFloor,
    },
    testing::{ManualClock, PlainHead},
    verifier::{LookedUp, PasswordTable},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const BEGIN: SystemTime = SystemTime::UNIX_EPOCH;

fn at(seconds: u64) -> SystemTime {
    BEGIN + Duration::from_secs(1_800_000_000 + seconds)
}

/// Waits for a store that never waits.
fn now<T>(asked: impl Future<Output = T>) -> T {
    let mut asked = pin!(asked);
    let mut context = Context::from_waker(Waker::noop());
    match asked.as_mut().poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a store in memory waits for nothing"),
    }
}

fn digest(family: usize, turn: usize) -> TokenDigest {
    TokenDigest::of(format!("{family}.{turn}").as_bytes())
}

/// What waits in front of a store and behind it.
#[derive(Default)]
struct Distant {
    store: MemoryTokens,
    before: Mutex<Option<Then>>,
    after: Mutex<Option<Then>>,
    away: AtomicBool,
}

type Then = Box<dyn Fn() + Send + Sync>;

impl Distant {
    async fn call<T>(&self, call: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
        tokio::task::yield_now().await;
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::because("away"));
        }
        if let Some(before) = &*self.before.lock().unwrap() {
            before();
        }
        let done = call.await;
        if let Some(after) = &*self.after.lock().unwrap() {
            after();
        }
        tokio::task::yield_now().await;
        done
    }
}

#[async_trait]
impl RevocationStore for Distant {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::because("away"));
        }
        self.store.standing(subject, handles).await
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        self.call(self.store.revoke_subject(subject, now)).await
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        self.call(self.store.revoke(handle, until)).await
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.store.purge(now, most).await
    }
}

#[async_trait]
impl RefreshStore for Distant {
    async fn begin(&self, family: FamilyRecord, most: usize) -> Result<(), Unavailable> {
        self.call(self.store.begin(family, most)).await
    }

    async fn find(&self, id: &str, now: SystemTime) -> Result<Option<FamilyRecord>, Unavailable> {
        self.call(self.store.find(id, now)).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, Unavailable> {
        self.call(self.store.rotate(rotation)).await
    }

    async fn list(&self, subject: &str, now: SystemTime) -> Result<Vec<FamilyRecord>, Unavailable> {
        self.store.list(subject, now).await
    }
}

#[derive(Default)]
struct People {
    gone: Mutex<HashSet<String>>,
    away: AtomicBool,
}

fn person(name: &str) -> Verified<String> {
    let roles: &[&str] = if name == "jacob" { &["member", "admin"] } else { &["member"] };
    let scopes = "reports:read reports:write".parse().unwrap();
    Verified::new(name.to_owned()).with_subject(name).with_scopes(scopes).with_roles(roles.iter().copied())
}

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::because("away"));
        }
        let known = matches!(subject, "emily" | "emma" | "jacob") && !self.gone.lock().unwrap().contains(subject);
        Ok(known.then(|| person(subject)))
    }
}

struct Service {
    gate: Gate<String>,
    cache: CredentialCache,
    store: Arc<Distant>,
    people: Arc<People>,
    clock: Arc<ManualClock>,
    tokens: RefreshTokens<String>,
    endpoints: RefreshEndpoints<String>,
    revocation: Revocation<String>,
}

const EMILY: &str = "Basic ZW1pbHk6czNjcmV0";
const JACOB: &str = "Basic amFjb2I6eA==";

fn service() -> Service {
    service_with(|tokens| tokens)
}

fn service_with(change: impl FnOnce(RefreshTokens<String>) -> RefreshTokens<String>) -> Service {
    let clock = Arc::new(ManualClock::at(at(0)));
    let (store, people) = (Arc::<Distant>::default(), Arc::<People>::default());
    let access = AccessTokens::issued_by("https://people", JwtSigner::fresh().unwrap())
        .timed_by(clock.clone())
        .for_audience("people", people.clone())
        .unwrap();
    let tokens = change(RefreshTokens::new("pplr_".parse().unwrap(), access, store.clone()));
    let cache = CredentialCache::with(countersign::cache::CacheOptions::default().timed_by(clock.clone()));
    let passwords = PasswordTable::new().with("emily", "s3cret", person("emily")).with("jacob", "x", person("jacob"));
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords)
        .accept(Bearer, tokens.access_tokens().clone())
        .cached(cache.clone())
        .timed_by(clock.clone())
        .build()
        .unwrap();
    let revocation = Revocation::recorded_in(store.clone(), people.clone(), &cache);
    Service { endpoints: RefreshEndpoints::new(tokens.clone()), gate, cache, store, people, clock, tokens, revocation }
}

fn document(reply: &Reply) -> Value {
    serde_json::from_slice(reply.body()).unwrap()
}

fn field(reply: &Reply, member: &str) -> String {
    document(reply)[member].as_str().unwrap_or_else(|| panic!("{member} of {:?}", document(reply))).to_owned()
}

async fn admit(gate: &Gate<String>, head: &PlainHead) -> Result<Grant<String>, Reply> {
    Guard::in_front(gate).granted(head.verdict_at(gate).await).map_err(|rejection| rejection.reply())
}

impl Service {
    /// The work of an endpoint whose head is read, and whose body has yet to come.
    async fn begun(&self, endpoint: &Endpoint<String>, head: PlainHead) -> Result<Work, Reply> {
        let head = head.received_by(&self.gate);
        let grant = match endpoint.gate() {
            Some(gate) => Some(admit(gate, &head).await?),
            None => None,
        };
        endpoint.prepare(&head, head.exchange(), grant)
    }

    async fn call(&self, endpoint: &Endpoint<String>, head: PlainHead, body: &str) -> Reply {
        match self.begun(endpoint, head).await {
            Ok(work) => work.run(body.as_bytes().to_vec()).await,
            Err(reply) => reply,
        }
    }

    async fn issue(&self, authorization: &str) -> Reply {
        let head = PlainHead::new("POST", "/tokens").with("authorization", authorization);
        self.call(&self.endpoints.issue(&self.gate.only(["basic"]).unwrap()), head, "").await
    }

    fn refreshing(&self) -> PlainHead {
        PlainHead::new("POST", "/tokens/refresh").with("content-type", "application/json")
    }

    async fn refresh(&self, token: &str) -> Reply {
        self.refresh_from(token, self.refreshing()).await
    }

    async fn refresh_from(&self, token: &str, head: PlainHead) -> Reply {
        let body = json!({ "refresh_token": token }).to_string();
        self.call(&self.endpoints.refresh(&self.gate), head, &body).await
    }

    async fn caller(&self, access: &str) -> Result<Grant<String>, u16> {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {access}")).received_by(&self.gate);
        admit(&self.gate, &head).await.map_err(|reply| reply.status())
    }

    async fn give_back(&self, access: &str) -> Reply {
        let head = PlainHead::new("DELETE", "/tokens").with("authorization", format!("Bearer {access}"));
        self.call(&self.revocation.of_token(&self.gate.only(["bearer"]).unwrap()), head, "").await
    }

    async fn revoke(&self, authorization: &str, name: &str) -> Reply {
        let myself = any_of((role("admin"), subject_is("name")));
        let head = PlainHead::new("DELETE", "/users/x/tokens").with_parameter("name", name);
        let of_subject = self.revocation.of_subject(&self.gate.require(myself));
        self.call(&of_subject, head.with("authorization", authorization), "").await
    }
}

fn is_no_grant(reply: &Reply) {
    assert_eq!((reply.status(), document(reply)["error"].as_str()), (400, Some("invalid_grant")));
    assert!(reply.fields().all(|(name, _)| name != "www-authenticate"));
}
