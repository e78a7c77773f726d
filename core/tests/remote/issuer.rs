//! An issuer in memory, a verifier that trusts it, and a clock that is told what time it is.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, CredentialCache, Unavailable, Verify, async_trait,
    cache::CacheOptions,
    credential::TokenCredential,
    jose::JwtSigner,
    testing::ManualClock,
    verifier::{
        jwt::{JwtVerifier, TrustedIssuer},
        remote::{HttpClient, HttpRequest, HttpResponse, RemoteIssuer, RemoteIssuerBuilder},
    },
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::yield_now};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const KEYS: &str = "https://issuer.example/keys";
pub(crate) const NOW: u64 = 1_700_000_000;

/// What an issuer answers at an address; `None` is nothing at all.
type Answers = Arc<Mutex<Box<dyn Fn(&str) -> Option<HttpResponse> + Send>>>;

/// An issuer in memory.
#[derive(Clone)]
pub(crate) struct Issuer {
    answers: Answers,
    asked: Arc<Mutex<Vec<String>>>,
    /// While it is closed, no answer leaves.
    door: Arc<watch::Sender<bool>>,
}

pub(crate) fn json_of(value: &Value) -> HttpResponse {
    HttpResponse::new(200, value.to_string()).with_field("content-type", "application/json")
}

pub(crate) fn document() -> HttpResponse {
    json_of(&json!({ "issuer": ISSUER, "jwks_uri": KEYS }))
}

/// The set of the public keys of these signers.
pub(crate) fn set_of(signers: &[&JwtSigner]) -> Value {
    let sets = signers.iter().map(|signer| serde_json::from_str::<Value>(&signer.jwks_json()).unwrap());
    let keys: Vec<Value> = sets.flat_map(|set| set["keys"].as_array().unwrap().clone()).collect();
    json!({ "keys": keys })
}

impl Issuer {
    /// One that has its document, and this set of keys.
    pub(crate) fn with(set: Value) -> Self {
        let issuer = Self {
            answers: Arc::new(Mutex::new(Box::new(|_| None))),
            asked: Arc::default(),
            door: Arc::new(watch::Sender::new(true)),
        };
        issuer.has(set);
        issuer
    }

    pub(crate) fn has(&self, set: Value) {
        self.answers(move |url| match url {
            KEYS => Some(json_of(&set)),
            _ => url.ends_with("/.well-known/openid-configuration").then(document),
        });
    }

    /// Lets answers leave, or holds them back.
    pub(crate) fn opens(&self, open: bool) {
        self.door.send_replace(open);
    }

    pub(crate) fn is_down(&self) {
        self.answers(|_| None);
    }

    pub(crate) fn answers(&self, answers: impl Fn(&str) -> Option<HttpResponse> + Send + 'static) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(answers);
    }

    /// How often its keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|url| *url == KEYS).count()
    }

    /// All addresses that were called.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl HttpClient for Issuer {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unavailable> {
        self.asked.lock().unwrap().push(request.url().to_owned());
        self.door.subscribe().wait_for(|open| *open).await.unwrap();
        let answer = (self.answers.lock().unwrap_or_else(PoisonError::into_inner))(request.url());
        answer.ok_or_else(|| Unavailable::because("nobody is there"))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuer")
    }
}

/// A verifier of an issuer's tokens, its cache and its clock.
pub(crate) struct Service {
    pub(crate) issuer: Issuer,
    pub(crate) remote: RemoteIssuer,
    pub(crate) verifier: JwtVerifier<()>,
    pub(crate) cache: CredentialCache,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)))
}

pub(crate) fn people(issuer: &RemoteIssuer) -> TrustedIssuer {
    issuer.trusted().audience("people")
}

impl Service {
    pub(crate) async fn of(issuer: &Issuer) -> Self {
        Self::set_up(issuer, |builder| builder).await
    }

    pub(crate) async fn set_up(
        issuer: &Issuer,
        set_up: impl FnOnce(RemoteIssuerBuilder) -> RemoteIssuerBuilder,
    ) -> Self {
        let clock = clock();
        let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
        let builder = RemoteIssuer::named(ISSUER).through(issuer.clone()).revoking(&cache).timed_by(clock.clone());
        let remote = set_up(builder).start().unwrap();
        let verifier = JwtVerifier::trusting(people(&remote)).timed_by(clock.clone());
        let verifier = verifier.principal_by(|_, verified| verified.into()).unwrap();
        let service = Self { issuer: issuer.clone(), remote, verifier, cache, clock };
        service.settle().await;
        service
    }

    /// Lets time pass, second by second, with all that falls due.
    pub(crate) async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            // The paused timer of the runtime moves on at once: the clock is looked at once a second.
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.settle().await;
        }
    }

    /// Lets everything run that can.
    pub(crate) async fn settle(&self) {
        for _ in 0..50 {
            yield_now().await;
        }
    }

    /// What a token is told, after whatever wait.
    pub(crate) async fn says(&self, token: &str) -> &'static str {
        said(&self.verifier.verify(read(token)).await)
    }

    /// What a token is told on the spot; `waits` if it has to wait.
    pub(crate) fn says_now(&self, token: &str) -> &'static str {
        self.verifier.verify_now(&read(token)).map_or("waits", |answer| said(&answer))
    }
}

pub(crate) fn read(token: &str) -> TokenCredential {
    TokenCredential::read(token.as_bytes()).unwrap()
}

pub(crate) fn said<P>(answer: &Answer<P>) -> &'static str {
    match answer {
        Answer::Verified(_) => "verified",
        Answer::Refused => "refused",
        Answer::Unjudged => "unjudged",
        Answer::Unavailable(_) => "no answer",
    }
}

pub(crate) fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "people", "sub": "emily", "scope": "reports:read", "exp": NOW + 6000 })
}

pub(crate) fn token(signer: &JwtSigner) -> String {
    signer.sign(&claims()).unwrap()
}

pub(crate) fn fresh() -> JwtSigner {
    JwtSigner::fresh().unwrap()
}
