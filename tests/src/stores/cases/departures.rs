//! Cases about clients that go away: an endpoint that is dropped at each of its waits, with the store under test behind it.
//!
//! What was begun is done whole: in the store, and in the cache of the copy that did it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};

use countersign::{
    Basic, Bearer, CredentialCache, Gate, Grant, JwtSigner, KeyRing, Reply, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    mint::{
        access_token::AccessTokens,
        api_key::{ApiKeyEndpoints, ApiKeys},
        endpoint::Endpoint,
        refresh_token::{RefreshEndpoints, RefreshTokens},
        revocation::Revocation,
        session::{SessionEndpoints, Sessions},
    },
    store::Directory,
    testing::PlainHead,
    verifier::PasswordTable,
};
use serde_json::Value;
use tokio::time::sleep;

use super::Harness;
use crate::stores::Stores;

/// After so many polls every endpoint here has answered.
const POLLS: usize = 8;
const EMILY: &str = "Basic ZW1pbHk6czNjcmV0";

pub(super) struct People;

fn emily() -> Verified<String> {
    let scopes = "reports:read".parse().expect("scopes");
    Verified::new("emily".to_owned()).with_subject("emily").with_scopes(scopes)
}

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok((subject == "emily").then(emily))
    }
}

/// A service with these stores, and all that it remembers.
struct Service {
    stores: Stores,
    gate: Gate<String>,
    passwords: Arc<PasswordTable<String>>,
    sessions: SessionEndpoints<String>,
    tokens: RefreshEndpoints<String>,
    keys: ApiKeyEndpoints<String>,
    revocation: Revocation<String>,
}

impl Service {
    async fn on(harness: &Harness) -> Self {
        let stores = harness.copy().await;
        let (sessions, keys) = (stores.sessions.clone(), stores.api_keys.clone());
        let tokens = stores.tokens.clone().expect("the harness has tokens");
        let sessions = sessions.expect("the harness has sessions");
        let cache = CredentialCache::default();
        let door = Sessions::new(Arc::clone(&sessions), Arc::new(People))
            .by(SignedCookie::named("session", KeyRing::random()))
            .recorded_in(Arc::clone(&tokens) as _)
            .revoking(&cache);
        let signer = JwtSigner::fresh().expect("a key");
        let access = AccessTokens::issued_by("people", signer).for_audience("people", Arc::new(People));
        let prefix = |text: &str| text.parse().expect("a prefix");
        let refresh = RefreshTokens::new(prefix("ref_"), access.expect("tokens"), Arc::clone(&tokens));
        let passwords = Arc::new(PasswordTable::new().with("emily", "s3cret", emily()));
        let gate = Gate::in_realm("people")
            .accept(Basic, Arc::clone(&passwords))
            .accept(door.cookie(), door.clone())
            .accept(Bearer, refresh.access_tokens().clone())
            .cached(cache.clone());
        let gate = gate.build().expect("a gate");
        let keys = ApiKeys::new(prefix("ppl_"), keys.expect("the harness has keys"), Arc::new(People)).revoking(&cache);
        Self {
            sessions: SessionEndpoints::new(door, &gate),
            tokens: RefreshEndpoints::new(refresh),
            keys: ApiKeyEndpoints::new(keys).at_most(usize::MAX),
            revocation: Revocation::recorded_in(tokens, Arc::new(People), &cache).ending_sessions_in(sessions),
            stores,
            gate,
            passwords,
        }
    }

    /// The work of an endpoint, behind its gate.
    async fn work(
        &self,
        endpoint: &Endpoint<String>,
        head: PlainHead,
        body: &str,
    ) -> impl Future<Output = Reply> + use<> {
        let head = head.received_by(&self.gate);
        let grant = match endpoint.gate() {
            Some(gate) => Some(admitted(gate, &head).await.expect("the gate lets it in")),
            None => None,
        };
        let work = endpoint.prepare(&head, head.exchange(), grant);
        work.unwrap_or_else(|reply| panic!("{}", reply.status())).run(body.as_bytes().to_vec())
    }

    async fn whole(&self, endpoint: &Endpoint<String>, head: PlainHead, body: &str) -> Reply {
        self.work(endpoint, head, body).await.await
    }

    /// Sends a request and goes away after so many polls; until what was begun is done.
    async fn dropped(&self, polls: usize, endpoint: &Endpoint<String>, head: PlainHead, body: &str) {
        let mut work = Box::pin(self.work(endpoint, head, body).await);
        for _ in 0..polls {
            let mut polled = pin!(poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready())));
            if polled.as_mut().await {
                break;
            }
            // Each time a little further on the way to the store and back.
            sleep(Duration::from_micros(300)).await;
        }
        drop(work);
        self.gate.drained().await;
    }

    async fn session(&self) -> String {
        let head = PlainHead::new("POST", "/session").with("content-type", "application/json");
        let sign_in = self.sessions.sign_in(Arc::clone(&self.passwords));
        let reply = self.whole(&sign_in, head, r#"{"username":"emily","password":"s3cret"}"#).await;
        let cookie = reply.fields().find(|(name, _)| *name == "set-cookie").expect("a session").1;
        cookie.split(';').next().expect("a value").to_owned()
    }

    /// An access token and a refresh token.
    async fn tokens(&self) -> (String, String) {
        let head = PlainHead::new("POST", "/tokens").with("authorization", EMILY);
        let reply = self.whole(&self.tokens.issue(&self.gate), head, "").await;
        let told: Value = serde_json::from_slice(reply.body()).expect("tokens");
        let token = |name: &str| told[name].as_str().expect("a token").to_owned();
        (format!("Bearer {}", token("access_token")), token("refresh_token"))
    }

    /// Whether this field opens the gate, of a request like any other.
    async fn opens(&self, name: &'static str, value: &str) -> bool {
        admitted(&self.gate, &PlainHead::get("/").with(name, value).received_by(&self.gate)).await.is_some()
    }

    async fn sessions_left(&self) -> usize {
        self.stores.sessions().list("emily").await.expect("listed").len()
    }
}

async fn admitted(gate: &Gate<String>, head: &PlainHead) -> Option<Grant<String>> {
    match head.verdict_at(gate).await {
        Verdict::Admitted(grant) => Some(grant),
        Verdict::Anonymous => None,
        Verdict::Rejected(rejection) => {
            assert_eq!(rejection.status(), 401, "nothing is out of reach");
            None
        }
    }
}

pub(super) async fn who_leaves_a_sign_in_has_one_session_and_not_the_earlier_one(harness: Harness) {
    let service = Service::on(&harness).await;
    let sign_in = service.sessions.sign_in(Arc::clone(&service.passwords));
    let mut earlier = service.session().await;
    for polls in 1..POLLS {
        assert!(service.opens("cookie", &earlier).await, "it is in the cache from now on");
        let head = PlainHead::new("POST", "/session").with("content-type", "application/json");
        let body = r#"{"username":"emily","password":"s3cret"}"#;
        service.dropped(polls, &sign_in, head.with("cookie", &earlier), body).await;
        assert!(!service.opens("cookie", &earlier).await, "dropped after {polls}");
        assert_eq!(service.sessions_left().await, 1, "dropped after {polls}");
        service.stores.sessions().remove_all_of("emily").await.expect("removed");
        earlier = service.session().await;
    }
}

pub(super) async fn who_leaves_a_sign_out_is_signed_out(harness: Harness) {
    let service = Service::on(&harness).await;
    for polls in 1..POLLS {
        for one_device in [false, true] {
            let session = service.session().await;
            assert!(service.opens("cookie", &session).await, "it is in the cache from now on");
            let listed = service.stores.sessions().list("emily").await.expect("listed");
            let head = PlainHead::new("DELETE", "/session").with("cookie", &session);
            let (endpoint, head) = match one_device {
                true => (service.sessions.end_one(&service.gate), head.with_parameter("id", &listed[0].id)),
                false => (service.sessions.sign_out(), head),
            };
            service.dropped(polls, &endpoint, head, "").await;
            assert!(!service.opens("cookie", &session).await, "{one_device}: dropped after {polls}");
            assert_eq!(service.sessions_left().await, 0, "{one_device}: dropped after {polls}");
        }
    }
}

pub(super) async fn who_leaves_while_a_key_is_made_or_ended_has_made_or_ended_it(harness: Harness) {
    let service = Service::on(&harness).await;
    for polls in 1..POLLS {
        let head = PlainHead::new("POST", "/keys").with("content-type", "application/json");
        let head = head.with("authorization", EMILY);
        service.dropped(polls, &service.keys.create(&service.gate), head, r#"{"name":"mine"}"#).await;
        let kept = service.stores.api_keys().list("emily").await.expect("listed");
        assert_eq!(kept.len(), 1, "dropped after {polls}");
        let head = PlainHead::new("DELETE", "/keys/x").with_parameter("id", &kept[0].id).with("authorization", EMILY);
        service.dropped(polls, &service.keys.delete(&service.gate), head, "").await;
        assert!(service.stores.api_keys().list("emily").await.expect("listed").is_empty(), "dropped after {polls}");
    }
}

pub(super) async fn who_leaves_a_refresh_has_spent_the_token(harness: Harness) {
    let service = Service::on(&harness).await;
    let now = SystemTime::now();
    for polls in 1..POLLS {
        let (access, refresh) = service.tokens().await;
        assert!(service.opens("authorization", &access).await, "it is in the cache from now on");
        let body = format!(r#"{{"refresh_token":"{refresh}"}}"#);
        let head = || PlainHead::new("POST", "/tokens/refresh").with("content-type", "application/json");
        service.dropped(polls, &service.tokens.refresh(&service.gate), head(), &body).await;
        let families = service.stores.tokens().list("emily", now).await.expect("listed");
        assert!(families.len() == 1 && families[0].previous.is_some(), "dropped after {polls}");
        // The second use voids the family, also for whoever leaves.
        service.dropped(polls, &service.tokens.refresh(&service.gate), head(), &body).await;
        assert!(!service.opens("authorization", &access).await, "dropped after {polls}");
        let families = service.stores.tokens().list("emily", now).await.expect("listed");
        assert!(families.is_empty(), "dropped after {polls}: {families:?}");
    }
}

pub(super) async fn who_leaves_a_revocation_has_revoked(harness: Harness) {
    let service = Service::on(&harness).await;
    for polls in 1..POLLS {
        for of_subject in [false, true] {
            let ((access, refresh), session) = (service.tokens().await, service.session().await);
            assert!(service.opens("authorization", &access).await && service.opens("cookie", &session).await);
            let head = PlainHead::new("DELETE", "/tokens").with("authorization", &access);
            let endpoint = match of_subject {
                true => service.revocation.of_subject(&service.gate),
                false => service.revocation.of_token(&service.gate),
            };
            service.dropped(polls, &endpoint, head.with_parameter("name", "emily"), "").await;
            assert!(!service.opens("authorization", &access).await, "{of_subject}: dropped after {polls}");
            assert_eq!(service.opens("cookie", &session).await, !of_subject, "dropped after {polls}");
            let head = PlainHead::new("POST", "/tokens/refresh").with("content-type", "application/json");
            let body = format!(r#"{{"refresh_token":"{refresh}"}}"#);
            let reply = service.whole(&service.tokens.refresh(&service.gate), head, &body).await;
            assert_eq!(reply.status(), 400, "{of_subject}: dropped after {polls}");
        }
    }
}
