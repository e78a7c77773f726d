//! What a gate costs alone, without a framework.
//!
//! `cargo bench -p countersign-conformance --bench core`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    Basic, Bearer, CredentialCache, Gate, KeyRing, Secret, SignedCookie, Unavailable, Verified,
    adapter::{Admission, Verdict},
    credential::{BasicCredential, CookieCredential, Extract, Occurrences},
    jose::{JwtAlgorithm, JwtSigner},
    mint::session::Sessions,
    store::{Directory, MemorySessions},
    testing::PlainHead,
    verifier::{jwt::JwtVerifier, verify_now_with},
};
use countersign_conformance::cost::{Case, run};
use serde::Deserialize;
use serde_json::json;

/// What an app wants to know of who calls.
#[derive(Deserialize)]
struct User {
    #[expect(dead_code, reason = "it is read from the token, and nobody asks")]
    name: String,
}

const ISSUER: &str = "https://issuer.example";

fn main() {
    run(vec![cached(), enforced_twice(), hs256(), cookie(), basic(), refusal(), session()], |case| {
        allocation_counter::measure(case).count_total
    });
}

/// Whether this gate admits it, which takes no wait.
fn admit<P: Send + Sync + 'static>(gate: &Gate<P>, head: &PlainHead) {
    assert!(matches!(head.at(gate), Admission::Decided(Verdict::Admitted(_))));
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// A token of some 600 bytes, as issuers make them.
fn token(signer: &JwtSigner) -> String {
    let claims = json!({
        "iss": ISSUER, "aud": "people", "sub": "248289761001", "exp": now() + 3_600, "iat": now(), "jti": "aYhG5ZpUvOTkq2nE",
        "scope": "reports:read reports:write profile email", "azp": "web", "email": "emily@people.example", "name": "Emily Jones",
        "preferred_username": "emily", "sid": "5b1fe7f0-6f2c-4f4c-9ad7-8c5a30e6d6a2", "acr": "1", "roles": ["member", "editor"],
    });
    signer.sign(&claims).unwrap()
}

fn bearer(token: &str) -> PlainHead {
    PlainHead::get("/me")
        .with("host", "people.example")
        .with("user-agent", "curl/8.5.0")
        .with("accept", "application/json")
        .with("authorization", format!("Bearer {token}"))
        .from([192, 0, 2, 1].into())
}

fn verifier(signer: &JwtSigner) -> JwtVerifier<User> {
    JwtVerifier::trusting(signer.trusted(ISSUER).audience("people")).principal().unwrap()
}

fn cached() -> Case {
    let signer = JwtSigner::fresh().unwrap();
    let gate =
        Gate::in_realm("people").accept(Bearer, verifier(&signer)).cached(CredentialCache::default()).build().unwrap();
    let head = bearer(&token(&signer)).received_by(&gate);
    Case::new("cached", move || admit(&gate, &head))
}

/// A guard in front of the route, and one in the handler's signature.
fn enforced_twice() -> Case {
    let signer = JwtSigner::fresh().unwrap();
    let gate =
        Gate::in_realm("people").accept(Bearer, verifier(&signer)).cached(CredentialCache::default()).build().unwrap();
    let head = bearer(&token(&signer)).received_by(&gate);
    Case::new("cached, twice", move || {
        admit(&gate, &head);
        admit(&gate, &head);
    })
}

fn hs256() -> Case {
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    let signer = JwtSigner::secret(JwtAlgorithm::Hs256, &secret).unwrap();
    let gate = Gate::in_realm("people").accept(Bearer, verifier(&signer)).build().unwrap();
    let token = token(&signer);
    Case::new("HS256", anew(gate, move || bearer(&token)))
}

fn cookie() -> Case {
    let kind = SignedCookie::named("session", KeyRing::random());
    let sealed = kind.seal(b"0123456789abcdef0123456789abcdef", SystemTime::now() + Duration::from_secs(3_600));
    let cookies =
        format!("_ga=GA1.1.1234567890.1700000000; theme=dark; lang=en-GB; consent=yes; session={sealed}; tz=UTC");
    let gate = Gate::in_realm("people")
        .accept(kind, verify_now_with(|_: &CookieCredential| Verified::new(String::new()).into()))
        .build()
        .unwrap();
    let request = move || PlainHead::get("/me").with("host", "people.example").with("cookie", &cookies);
    Case::new("signed cookie of six", anew(gate, request))
}

/// Alone: where the bytes stand, and what they say.
fn basic() -> Case {
    let head = PlainHead::get("/me")
        .with("host", "people.example")
        .with("authorization", "Basic ZW1pbHk6czNjcmV0LXBhc3N3b3Jk");
    Case::new("Basic, located and read", move || {
        let view = head.view();
        let mut found = Occurrences::default();
        Basic.locate(&view, &mut found);
        let credential: Option<BasicCredential> = found.only().and_then(|raw| Basic.read(raw));
        assert!(credential.is_some());
    })
}

fn refusal() -> Case {
    let signer = JwtSigner::fresh().unwrap();
    let gate =
        Gate::in_realm("people").accept(Bearer, verifier(&signer)).cached(CredentialCache::default()).build().unwrap();
    let head = PlainHead::get("/me").with("host", "people.example").with("accept", "*/*").received_by(&gate);
    Case::new("refused", move || {
        let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate) else { panic!("it is let in") };
        drop(rejection);
    })
}

fn session() -> Case {
    struct Everybody;
    #[countersign::async_trait]
    impl Directory<String> for Everybody {
        async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
            Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let cache = CredentialCache::default();
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody))
        .by(SignedCookie::named("session", KeyRing::random()))
        .revoking(&cache);
    let gate = Gate::in_realm("people").accept(sessions.cookie(), sessions.clone()).cached(cache).build().unwrap();
    let from = PlainHead::get("/").view().client_info();
    let begun = runtime.block_on(sessions.begin("emily", &from)).unwrap();
    let cookie = begun.set_cookie().split(';').next().unwrap().to_owned();
    let head = PlainHead::get("/me").with("host", "people.example").with("cookie", cookie).received_by(&gate);
    assert!(matches!(runtime.block_on(head.verdict_at(&gate)), Verdict::Admitted(_)));
    let entered = runtime;
    Case::new("session, cached", move || {
        let _inside = entered.enter();
        admit(&gate, &head);
    })
}

/// A request of which nothing is remembered yet, made before it is measured.
fn anew<P: Send + Sync + 'static>(gate: Gate<P>, make: impl Fn() -> PlainHead + 'static) -> impl FnMut() {
    let mut ready: Vec<_> = (0..8_192).map(|_| make().received_by(&gate)).collect();
    move || {
        let head = ready.pop().unwrap_or_else(|| {
            ready.extend((0..511).map(|_| make().received_by(&gate)));
            make().received_by(&gate)
        });
        admit(&gate, &head);
    }
}
