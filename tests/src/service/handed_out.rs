//! What is handed out, used and ended: a gate for each such kind of the library, and the endpoints that begin and end what it takes.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use countersign::{
    Answer, Basic, Bearer, Gate, KeyRing, Secret, Unavailable, Verified, Verify, async_trait,
    credential::CookieCredential,
    gate::GateBuilder,
    jose::jwe::{JweEncryption, JweKey, JweKeys},
    mint::{
        back_channel::{BackChannelLogout, EndSessions},
        bound_key::BoundKeys,
        device_bound::DeviceSessions,
        endpoint::Endpoint,
        sign_in::{SignIn, SignedIn},
        transient_token::TransientTokens,
        two_tokens::TwoTokens,
    },
    request::Proxies,
    store::{Directory, MemoryBoundKeys, MemoryDeviceSessions, MemoryReplay, MemorySessions, MemoryTokens},
    verifier::{
        SealedJwt,
        jwt::{JwtVerifier, Logout, LogoutTokens},
    },
};

use super::{
    Person,
    gate::{clock, cookie_named},
    ledger::Ledger,
    people::{Names, emily, person},
    resource::{ISSUER, signer},
};

/// For whom the tokens of the issuer are.
pub(crate) const CLIENT: &str = "the-cases";

/// The routes that each of these opens.
pub(super) const OPENED: [&str; 7] =
    ["/sealed", "/device", "/two-tokens", "/two-tokens/act", "/bound-key", "/transient", "/of-issuer"];

/// The gates of the routes in [`OPENED`], and the endpoints with their paths. Cheap to clone.
#[derive(Clone)]
pub(super) struct HandedOut {
    gates: Arc<[(&'static str, Gate<Person>)]>,
    pub(super) endpoints: Arc<[(&'static str, Endpoint<Person>)]>,
}

/// What is put together of both.
#[derive(Default)]
struct Parts {
    gates: Vec<(&'static str, Gate<Person>)>,
    endpoints: Vec<(&'static str, Endpoint<Person>)>,
}

impl HandedOut {
    pub(super) fn new(ledger: &Arc<Ledger>) -> Self {
        let names = Arc::new(Names::new(Arc::clone(ledger)));
        let mut parts = Parts::default();
        parts.open("/sealed", built(realm().accept(Bearer, sealed())));
        parts.add_device(&names);
        parts.add_two_tokens(&names);
        parts.add_bound_key(&names);
        parts.add_transient(ledger);
        parts.add_sessions_of_issuer();
        Self { gates: parts.gates.into(), endpoints: parts.endpoints.into() }
    }

    /// The gate of one of the routes, if it is one of them.
    pub(super) fn gate_of(&self, route: &str) -> Option<Gate<Person>> {
        self.gates.iter().find(|(known, _)| *known == route).map(|(_, gate)| gate.clone())
    }
}

impl fmt::Debug for HandedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandedOut").finish_non_exhaustive()
    }
}

fn realm() -> GateBuilder<Person> {
    Gate::in_realm("people")
}

fn built(gate: GateBuilder<Person>) -> Gate<Person> {
    gate.timed_by(clock()).build().expect("the gate of the cases can be built")
}

fn keys() -> KeyRing {
    KeyRing::of([Secret::new(*b"the conformance cases seal by it")]).expect("the key is long enough")
}

fn replay() -> Arc<MemoryReplay> {
    Arc::new(MemoryReplay::default().timed_by(clock()))
}

/// The server's own machine ends TLS, and says so in `X-Forwarded-Proto`.
fn this_machine() -> Proxies {
    Proxies::trusting(["127.0.0.1"]).expect("an address")
}

/// A key that the cases share with the service.
pub(crate) fn shared_key() -> JweKey {
    let key = Secret::new(*b"the conformance cases seal by it");
    JweKey::direct(JweEncryption::A256Gcm, &key).expect("the key has its length")
}

fn sealed() -> SealedJwt<Person> {
    let signed = JwtVerifier::trusting(signer().trusted(ISSUER).audience(CLIENT)).timed_by(clock());
    let signed = signed.principal_by(|claims, known| match claims.subject() {
        Some(name) => known.map(|()| Person::called(name)).into(),
        None => Answer::Refused,
    });
    let signed = signed.expect("an issuer with a key");
    SealedJwt::opened_by(JweKeys::of(shared_key()), signed).with_claims_by_shared_keys()
}

/// Knows emily.
struct Everybody;

#[async_trait]
impl Directory<Person> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<Person>>, Unavailable> {
        Ok((subject == "emily").then(emily))
    }
}

impl Parts {
    fn open(&mut self, route: &'static str, gate: Gate<Person>) {
        self.gates.push((route, gate));
    }

    fn add(&mut self, path: &'static str, endpoint: Endpoint<Person>) {
        self.endpoints.push((path, endpoint));
    }

    fn add_device(&mut self, names: &Arc<Names>) {
        let store = Arc::new(MemoryDeviceSessions::default());
        let sessions = DeviceSessions::below("/device", keys(), store, replay(), Arc::new(Everybody))
            .in_cookies("device_session", "device_bound")
            .timed_by(clock());
        let gate = built(realm().accept(sessions.cookie(), sessions.clone()));
        let begins = sessions.clone();
        let sign_in = SignIn::at(&gate).then(Arc::clone(names), move |me: SignedIn<Person>| {
            let begins = begins.clone();
            async move { begins.begin(me.principal().name()).await }
        });
        self.add("/device/sign-in", sign_in);
        self.add("/device/register", sessions.register(&gate));
        self.add("/device/refresh", sessions.refresh(&gate));
        self.add("/device/end", sessions.sign_out(&gate));
        self.open("/device", gate);
    }

    fn add_two_tokens(&mut self, names: &Arc<Names>) {
        let tokens = TwoTokens::below("/two-tokens", Arc::new(MemorySessions::default()), Arc::new(Everybody));
        let tokens = tokens.timed_by(clock());
        let gate = |kind| built(realm().accept(kind, tokens.clone()).behind(this_machine()));
        let looks = gate(tokens.either());
        self.add("/two-tokens/sign-in", tokens.sign_in(&looks, Arc::clone(names)));
        self.open("/two-tokens", looks);
        self.open("/two-tokens/act", gate(tokens.secure()));
    }

    fn add_bound_key(&mut self, names: &Arc<Names>) {
        let keys = BoundKeys::in_header("Auth-Key", Arc::new(MemoryBoundKeys::default()), Arc::new(Everybody));
        let keys = keys.timed_by(clock());
        let gate = built(realm().accept(keys.kind(), keys.clone()).behind(this_machine()));
        self.add("/bound-key/authenticate", keys.authenticate(&gate, Arc::clone(names)));
        self.add("/bound-key/end", keys.end(&gate));
        self.open("/bound-key", gate);
    }

    fn add_transient(&mut self, ledger: &Arc<Ledger>) {
        let known = |subject: &str| (subject == "emily").then(emily);
        let tokens = TransientTokens::signed_by(keys(), Arc::new(MemoryTokens::default()), known);
        let tokens = tokens.lasting(Duration::from_secs(5)).timed_by(clock());
        // The attached gate takes it out of the URI by this name.
        let kind = tokens.kind("access_token");
        let gate = built(realm().accept(kind.clone(), tokens.clone()));
        let by_password = built(realm().accept(Basic, Names::new(Arc::clone(ledger))));
        self.add("/transient/tokens", tokens.issue(&by_password));
        self.add("/transient/end", tokens.end(&kind, &gate));
        self.open("/transient", gate);
    }

    fn add_sessions_of_issuer(&mut self) {
        let sessions = Arc::new(SessionsOfIssuer::default());
        let tokens = LogoutTokens::of(signer().trusted(ISSUER).audience(CLIENT), replay());
        let tokens = tokens.expect("an issuer with a name and a key").timed_by(clock());
        let gate = built(realm().accept(cookie_named("of_issuer"), Arc::clone(&sessions)));
        self.add("/logout", BackChannelLogout::new(tokens, sessions).endpoint(&gate));
        self.open("/of-issuer", gate);
    }
}

/// Sessions that an issuer can end: of whom, and its id (`sid`).
struct SessionsOfIssuer {
    live: Mutex<Vec<(&'static str, &'static str)>>,
}

impl Default for SessionsOfIssuer {
    fn default() -> Self {
        Self { live: Mutex::new(vec![("emily", "s-1"), ("emily", "s-2"), ("emma", "s-3")]) }
    }
}

#[async_trait]
impl EndSessions for SessionsOfIssuer {
    async fn end(&self, logout: &Logout) -> Result<(), Unavailable> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|(subject, id)| !logout.ends(subject, Some(id)));
        Ok(())
    }
}

#[async_trait]
impl Verify<CookieCredential> for SessionsOfIssuer {
    type Principal = Person;

    fn verify_now(&self, cookie: &CookieCredential) -> Option<Answer<Person>> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let known = live.iter().find(|(_, id)| cookie.value().matches(id.as_bytes()));
        Some(known.map_or(Answer::Refused, |(subject, _)| person(subject, "", &[]).into()))
    }

    async fn verify(&self, _: CookieCredential) -> Answer<Person> {
        Answer::Refused
    }
}
