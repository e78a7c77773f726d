//! Why a signed request, a proof or another framework's cookie was refused, as an operator reads it: what failed, and neither a secret nor a
//! stranger's bytes unescaped.

#![cfg(all(
    feature = "digest",
    feature = "foreign-cookies",
    feature = "jwe",
    feature = "jwt",
    feature = "message-signatures",
    feature = "mint",
    feature = "signed-requests"
))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../log/mod.rs"]
mod log;
mod opened;
mod waits;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use countersign::{
    Answer, Gate, JwtSigner, KeyRing, Secret, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    clock::SharedClock,
    credential::{
        Dpop, DpopKey, Extract, KeyBound, Nonces,
        cookie::foreign::{CookieRs, DjangoSession, Express, ForeignCookie, Itsdangerous, OpenedCookie, Play, Rails},
        digest::{Digest, DigestAlgorithm, DigestAnswer, DigestClient},
        signed_request::{
            hawk::{Bewit, Hawk, HawkRequest},
            message_signature::{MessageKeys, MessageSignature, MessageSigner},
            oauth1::{OAuth1, OAuth1Signer},
            sigv4::{SigV4, SigV4Signer},
            wsse::Wsse,
        },
    },
    mint::session::{SessionEndpoints, Sessions},
    principal::Binding,
    request::ClientInfo,
    store::{Directory, MemoryCounts, MemoryReplay, MemorySecrets, MemorySessions, StoredSecret},
    testing::{ManualClock, PlainHead},
    throttle::{Throttle, ThrottleLimits},
    verifier::{PasswordTable, Secrets, SignedBy, TokenTable, verify_now_with},
};
use serde_json::json;

use self::log::Log;

const NOW: u64 = 1_700_000_000;
const KEY: &str = "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn clock_at(seconds: u64) -> SharedClock {
    Arc::new(ManualClock::at(at(seconds)))
}

/// The clock of gates and kinds, which is one.
fn clock() -> SharedClock {
    static CLOCK: OnceLock<SharedClock> = OnceLock::new();
    Arc::clone(CLOCK.get_or_init(|| clock_at(NOW)))
}

fn replay() -> Arc<MemoryReplay> {
    Arc::new(MemoryReplay::holding(99).timed_by(clock()))
}

fn keys(name: &str, secret: Secret) -> SignedBy<MemorySecrets<&'static str>> {
    let known = MemorySecrets::new().with(name, StoredSecret::new(secret, Verified::new("emma")));
    SignedBy::secrets(Secrets::in_store(known).without_throttle())
}

/// Asks this gate so often, and looks at what the log says of the last.
async fn refused(gate: &Gate<&'static str>, requests: Vec<PlainHead>, expected: &str) -> Result<(), String> {
    let count = requests.len();
    for (place, head) in requests.into_iter().enumerate() {
        let log = Log::at(tracing::Level::DEBUG);
        let verdict = head.received_by(gate).verdict_at(gate).await;
        let text = log.text();
        if place + 1 < count {
            assert!(matches!(verdict, Verdict::Admitted(_)), "{text}");
            continue;
        }
        if !matches!(verdict, Verdict::Rejected(_)) {
            return Err(format!("{expected}: admitted"));
        }
        if !text.contains(expected) {
            return Err(format!("{expected} is not in\n{text}"));
        }
        if let Some(line) = text.lines().find(|line| !line.contains(" DEBUG admit{realm=\"house\" path=\"")) {
            return Err(format!("{expected}: {line:?} is a line of\n{text}"));
        }
        for secret in [KEY, "\x1b", "s3cret"] {
            if text.contains(secret) {
                return Err(format!("{expected}: {secret:?} stands in\n{text}"));
            }
        }
    }
    Ok(())
}

fn all(results: Vec<Result<(), String>>) {
    let wrong: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn get(target: &str) -> PlainHead {
    PlainHead::get(target).with("host", "house.example")
}

fn auth(value: impl AsRef<[u8]>) -> PlainHead {
    get("/a").with("authorization", value)
}

#[tokio::test]
async fn hawk() {
    let key = Secret::new(KEY);
    let kind = Hawk::new(replay()).timed_by(clock());
    let gate = Gate::in_realm("house").accept(kind, keys("emma", key.clone())).timed_by(clock()).build().unwrap();
    let request = || HawkRequest::to("house.example", 80).asking("GET", "/a");
    let signed = |seconds: u64| request().authorization("emma", &key, &clock_at(seconds));
    let other = request().authorization("emma", &Secret::new("another key that is as long as this"), &clock_at(NOW));
    let stranger = request().authorization("em\"\x1bma", &key, &clock_at(NOW));
    let unknown = request().authorization("emily", &key, &clock_at(NOW));
    let good = signed(NOW);
    let mut results = Vec::new();
    for (requests, why) in [
        (vec![auth(signed(NOW - 61))], "its time is 61 s behind ours"),
        (vec![auth(signed(NOW + 75))], "its time is 75 s ahead of ours"),
        (vec![auth(other)], "its signature does not match"),
        (vec![auth(unknown)], "nobody has the name of its signer"),
        (vec![auth(good.clone()), auth(good.clone())], "it was used before"),
        (vec![auth(good.replace("nonce=", "ext="))], "its nonce is missing"),
        (vec![auth(stranger)], "its parameters are malformed"),
        (vec![auth(good.replace("nonce=", "n0nce="))], "an attribute that Hawk does not know"),
        (vec![auth(signed(NOW)).with("content-length", "1").with_body("x")], "its hash of the body is missing"),
    ] {
        results.push(refused(&gate, requests, why).await);
    }
    let gate = Gate::in_realm("house").accept(Bewit::new().timed_by(clock()), keys("emma", key.clone()));
    let gate = gate.timed_by(clock()).build().unwrap();
    let link = |ends: u64| format!("/a?bewit={}", request().bewit("emma", &key, at(ends)));
    results.push(refused(&gate, vec![get(&link(NOW - 40))], "it ended 40 s ago").await);
    results.push(refused(&gate, vec![get("/a?bewit=e30")], "it has not the four parts of a bewit").await);
    all(results);
}

#[tokio::test]
async fn digest() {
    let (key, clock) = (Secret::new("s3cret of emma"), Arc::new(ManualClock::at(at(NOW))));
    let nonces = Nonces::of("digest", KeyRing::random()).timed_by(clock.clone());
    let counts = Arc::new(MemoryCounts::default().timed_by(clock.clone()));
    let kind = Digest::in_realm("house", nonces.clone(), counts).by([DigestAlgorithm::Sha256]);
    let opaque = kind.opaque().to_owned();
    let gate = Gate::in_realm("house").accept(kind, keys("emma", key.clone())).timed_by(clock.clone()).build().unwrap();
    let nonce = nonces.hand_out();
    let answer = |realm: &str, nonce: &str| DigestClient::named("emma").answer(realm, nonce).with_opaque(&opaque);
    let made = |answer: DigestAnswer| auth(answer.authorization("GET", "/a", &key));
    let good = answer("house", &nonce).authorization("GET", "/a", &key);
    let mut results = Vec::new();
    for (requests, why) in [
        (vec![made(answer("house", "made-up"))], "its nonce was not handed out here"),
        (vec![made(answer("ho\x1b", &nonce))], "its parameters are malformed"),
        (vec![made(answer("other", &nonce))], r#"its realm is \"other\""#),
        (vec![made(answer("house", &nonce).by(DigestAlgorithm::Md5))], "which was not asked for"),
        (vec![auth(good.replace("nc=00000001, ", ""))], "its nc is missing"),
        (vec![auth(good.replace(&opaque, "0000"))], "its opaque is not what was handed out"),
        (vec![auth(answer("house", &nonce).authorization("GET", "/a", &Secret::new("wrong")))], "does not match"),
        (vec![auth(good.clone()), auth(good)], "it was used before"),
    ] {
        results.push(refused(&gate, requests, why).await);
    }
    clock.advance(Duration::from_secs(301));
    let late = made(answer("house", &nonce).counted(2));
    results.push(refused(&gate, vec![late], "its nonce is past its life").await);
    all(results);
}

#[tokio::test]
async fn sigv4() {
    let key = Secret::new(KEY);
    let kind = SigV4::of("us-east-1", "service", replay()).timed_by(clock());
    let gate = Gate::in_realm("house").accept(kind, keys("AKID", key.clone())).timed_by(clock()).build().unwrap();
    let signer = |region: &str| SigV4Signer::new("AKID", key.clone(), region, "service");
    let link = |seconds: u64| signer("us-east-1").presigned("GET", "/a", "house.example", 60, at(seconds));
    let wrong = link(NOW).replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    let elsewhere = signer("eu-west-1").presigned("GET", "/a", "house.example", 60, at(NOW));
    let late = get(&link(NOW)).with("x-amz-later", "x");
    let mut results = Vec::new();
    for (head, why) in [
        (get(&link(NOW - 100)), "it ended 40 s ago"),
        (get(&link(NOW + 100)), "its time is 100 s ahead of ours"),
        (get(&wrong), "its signature does not match"),
        (get(&elsewhere), "its scope is "),
        (late, r#"its SignedHeaders lack \"x-amz-later\""#),
        (get(&link(NOW).replace("X-Amz-Expires", "X-Amz-Nothing")), "a parameter of its link is missing"),
        (auth("AWS4-HMAC-SHA256 Credential=\x1b[31m"), "each once"),
    ] {
        results.push(refused(&gate, vec![head], why).await);
    }
    all(results);
}

#[tokio::test]
async fn oauth1() {
    let key = OAuth1::key(&Secret::new(KEY), &Secret::new(""));
    let kind = OAuth1::new(replay()).timed_by(clock());
    let gate = Gate::in_realm("house")
        .accept(kind, keys(&OAuth1::signer("emma", None), key.clone()))
        .timed_by(clock())
        .build()
        .unwrap();
    let signer = |consumer: &str| OAuth1Signer::new(consumer, key.clone()).with_nonce("n");
    let signed = |seconds: u64| signer("emma").authorization("GET", "http://house.example/a", &clock_at(seconds));
    let good = signed(NOW);
    let unknown = signer("emily").authorization("GET", "http://house.example/a", &clock_at(NOW));
    let other = signer("emma").authorization("GET", "http://house.example/b", &clock_at(NOW));
    let mut results = Vec::new();
    for (requests, why) in [
        (vec![auth(signed(NOW - 301))], "its time is 301 s behind ours"),
        (vec![auth(unknown)], "nobody has the name of its signer"),
        (vec![auth(other)], "its signature does not match"),
        (vec![auth(good.replace("oauth_nonce", "oauth_once"))], "oauth_nonce is missing"),
        (vec![auth(good.replace("HMAC-SHA1", "PLAINTEXT"))], "by no oauth_signature_method that is taken"),
        (vec![auth(good.clone()), auth(good)], "it was used before"),
    ] {
        results.push(refused(&gate, requests, why).await);
    }
    all(results);
}

#[tokio::test]
async fn message_signatures() {
    let signer = || JwtSigner::fresh().unwrap().with_id("k");
    let (ours, theirs) = (signer(), signer());
    let known = MessageKeys::new().with("k", ours.key(), Verified::new("emma")).unwrap();
    let kind = MessageSignature::new("house", replay()).timed_by(clock());
    let gate = Gate::in_realm("house").accept(kind, known).timed_by(clock()).build().unwrap();
    let signed = |id: &str, signer: &JwtSigner, tag: &str, seconds: u64| {
        let signer = MessageSigner::new(id, signer.clone()).with_tag(tag);
        signer.sign("GET", "http://house.example/a", &clock_at(seconds)).unwrap()
    };
    let head = |input: &str, signature: &str| get("/a").with("signature-input", input).with("signature", signature);
    let good = signed("k", &ours, "house", NOW);
    let mut results = Vec::new();
    for (id, signer, tag, seconds, why) in [
        ("k", &ours, "house", NOW - 301, "its time is 301 s behind ours"),
        ("other", &ours, "house", NOW, "no key of this id is known"),
        ("k", &theirs, "house", NOW, "its signature does not match"),
        ("k", &ours, "mouse", NOW, r#"its tag is \"mouse\", and ours is \"house\""#),
    ] {
        let fields = signed(id, signer, tag, seconds);
        results.push(refused(&gate, vec![head(&fields.input, &fields.signature)], why).await);
    }
    let twice = vec![head(&good.input, &good.signature), head(&good.input, &good.signature)];
    results.push(refused(&gate, twice, "it was used before").await);
    let odd = vec![head("sig=(\x1b", &good.signature)];
    results.push(refused(&gate, odd, r#"the field \"signature-input\" is malformed"#).await);
    let little = good.input.replace("\"@method\" ", "");
    results.push(refused(&gate, vec![head(&little, &good.signature)], "it does not cover @method").await);
    all(results);
}

#[tokio::test]
async fn wsse() {
    let key = Secret::new(KEY);
    let kind = Wsse::new(replay()).timed_by(clock());
    let gate = Gate::in_realm("house").accept(kind, keys("emma", key.clone())).timed_by(clock()).build().unwrap();
    let head = |token: &str| auth("WSSE profile=\"UsernameToken\"").with("x-wsse", token);
    let token = |name: &str, seconds: u64| Wsse::token(name, &key, &clock_at(seconds));
    let good = token("emma", NOW);
    let mut results = Vec::new();
    for (requests, why) in [
        (vec![head(&token("emma", NOW - 400))], "its time is 400 s behind ours"),
        (vec![head(&token("emily", NOW))], "nobody has the name of its signer"),
        (vec![head(&good.replace("Nonce=", "Once="))], "X-WSSE holds no UsernameToken"),
        (vec![head(&good.replace("UsernameToken ", "Other "))], "X-WSSE holds no UsernameToken"),
        (vec![head(&good), head(&good)], "it was used before"),
    ] {
        results.push(refused(&gate, requests, why).await);
    }
    all(results);
}

#[tokio::test]
async fn proofs_of_tokens() {
    let kind = Dpop::remembered_in(replay()).timed_by(clock());
    let bound = Verified::new("emma").bound_to(Binding::KeyThumbprint([7; 32]));
    let tokens = TokenTable::new().with("bound", bound).with("loose", Verified::new("emma"));
    let gate = Gate::in_realm("house").accept(kind, KeyBound(tokens)).timed_by(clock()).build().unwrap();
    let mut results = Vec::new();
    for (head, why) in [
        (auth("DPoP bound"), r#"why="there is none""#),
        (auth("DPoP bound").with("dpop", "e30.e30.\x1b"), "a DPoP proof was refused"),
        (auth("DPoP loose"), "it is bound to no key, and came behind DPoP"),
    ] {
        results.push(refused(&gate, vec![head], why).await);
    }
    all(results);
}

#[tokio::test]
async fn proofs_of_another_time_or_without_a_nonce_of_ours() {
    let key = DpopKey::of(&JwtSigner::fresh().unwrap()).unwrap();
    let tokens = || TokenTable::new().with("bound", Verified::new("emma").bound_to(key.binding()));
    let gate_by = |kind: Dpop| {
        let kind = kind.timed_by(clock());
        Gate::in_realm("house").accept(kind, KeyBound(tokens())).timed_by(clock()).build().unwrap()
    };
    let proof_for = |target: &str, token: &str, nonce: Option<&str>, seconds: u64| {
        let url = format!("http://house.example{target}");
        auth("DPoP bound").with("dpop", key.proof("GET", &url, token, nonce, &clock_at(seconds)))
    };
    let proof = |nonce: Option<&str>, seconds: u64| proof_for("/a", "bound", nonce, seconds);
    let plain = || Dpop::remembered_in(replay());
    let nonces = || plain().with_nonces(KeyRing::random(), Duration::from_secs(300));
    let old = "x".repeat(40);
    let mut results = Vec::new();
    for (kind, head, why) in [
        (plain(), proof(None, NOW - 400), "its time is 400 s behind ours"),
        (plain(), proof(None, NOW - 400), "iat is too long ago"),
        (plain(), proof(None, NOW + 400), "its time is 400 s ahead of ours"),
        (plain(), proof(None, NOW + 400), "iat lies ahead"),
        (plain(), proof_for("/b", "bound", None, NOW), "htu is another address"),
        (plain(), proof_for("/a", "loose", None, NOW), "ath is of another token"),
        (plain(), proof(Some(&old), NOW), "it has a nonce, and none is handed out here"),
        (nonces(), proof(Some(&old), NOW), "it has no live nonce of ours"),
        (nonces().needing_nonces(), proof(None, NOW), "it has no live nonce of ours"),
    ] {
        results.push(refused(&gate_by(kind), vec![head], why).await);
    }
    let gate = gate_by(plain());
    let text = key.proof("GET", "http://house.example/a", "bound", None, &clock());
    let once = || auth("DPoP bound").with("dpop", &text);
    results.push(refused(&gate, vec![once(), once()], "its jti was used").await);
    all(results);
}

/// A gate that takes this cookie of another framework's.
fn gate_of<V: Send + 'static>(kind: impl Extract<Credential = OpenedCookie<V>>) -> Gate<&'static str> {
    let verifier = verify_now_with(|_: &OpenedCookie<V>| Answer::from(Verified::new("emma")));
    Gate::in_realm("house").accept(kind, verifier).timed_by(clock()).build().unwrap()
}

#[tokio::test]
async fn cookies_of_others() {
    let secret = || Secret::new(KEY);
    let value = json!({ "user": "emma" });
    let cookie = |value: &str| get("/a").with("cookie", format!("c={value}"));
    let unsigned = "no secret that is known signed it";
    let mut results = Vec::new();

    let flask = Itsdangerous::flask_session(secret());
    let gate = gate_of(ForeignCookie::named("c", Itsdangerous::flask_session(secret())).timed_by(clock()));
    let month = 31 * 86_400;
    results.push(refused(&gate, vec![cookie(&flask.seal(&value, at(NOW - month - 41)))], "it ended 40 s ago").await);
    results.push(refused(&gate, vec![cookie(&flask.seal(&value, at(NOW + 100)))], "it was signed in 100 s").await);
    results.push(refused(&gate, vec![cookie(&format!("{}x", flask.seal(&value, at(NOW))))], unsigned).await);

    let django = DjangoSession::signed_by(secret());
    let gate = gate_of(ForeignCookie::named("c", DjangoSession::signed_by(secret())).timed_by(clock()));
    let sealed = django.seal(&value, at(NOW));
    results.push(refused(&gate, vec![cookie(&sealed.replace(':', "-"))], "a credential was not read").await);
    results.push(refused(&gate, vec![cookie(&format!("{sealed}x"))], unsigned).await);

    let rails = Rails::by_key_base(&secret());
    let gate = gate_of(ForeignCookie::named("c", Rails::by_key_base(&secret())).timed_by(clock()));
    results.push(refused(&gate, vec![cookie(&rails.seal("c", &value, Some(at(NOW - 5))))], "it ended 5 s ago").await);
    results.push(refused(&gate, vec![cookie(&rails.seal("d", &value, None))], "signed for another purpose").await);

    let play = Play::signed_by(secret());
    let gate = gate_of(ForeignCookie::named("c", Play::signed_by(secret())).timed_by(clock()));
    let ended = play.seal([("user", "emma")], at(NOW - 9000), Some(at(NOW - 340)));
    results.push(refused(&gate, vec![cookie(&ended)], "it ended 40 s ago").await);

    let gate = gate_of(ForeignCookie::named("c", Express::signed_by(secret())).timed_by(clock()));
    results.push(refused(&gate, vec![cookie("s:id.forged")], unsigned).await);
    let gate = gate_of(ForeignCookie::named("c", CookieRs::derived_from(&secret())).timed_by(clock()));
    let forged = cookie(&format!("{}=value", "A".repeat(43)));
    results.push(refused(&gate, vec![forged], unsigned).await);
    all(results);
}

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

/// Answers a form by the endpoint, and says what the log says.
async fn signed_in(gate: &Gate<String>, endpoints: &SessionEndpoints<String>, head: PlainHead, body: &str) -> String {
    let table = PasswordTable::new().with("emily", "s3cret", Verified::new("emily".to_owned()).with_subject("emily"));
    let sign_in = endpoints.sign_in(Arc::new(table));
    let log = Log::at(tracing::Level::DEBUG);
    let head = head.received_by(gate);
    let reply = match sign_in.prepare(&head, head.exchange(), None) {
        Ok(work) => work.run(body.as_bytes().to_vec()).await,
        Err(reply) => reply,
    };
    assert!(reply.status() >= 400, "{}", reply.status());
    log.text()
}

#[tokio::test]
async fn signing_in() {
    let cookie = SignedCookie::named("session", KeyRing::random());
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody)).by(cookie);
    let gate = Gate::in_realm("house").accept(sessions.cookie(), sessions.clone()).build().unwrap();
    let endpoints = SessionEndpoints::new(sessions, &gate);
    let form = || {
        PlainHead::new("POST", "/session")
            .with("host", "house.example")
            .with("content-type", "application/x-www-form-urlencoded")
            .with("x-request-id", "r-17")
    };
    for (head, body, reason, why) in [
        (form(), "username=emily&password=wrong", "bad_credential", "nobody has this name and this password"),
        (form(), "username=em%00ily&password=s3cret", "bad_credential", "its name holds a control character"),
        (
            form().with("origin", "https://evil.example\x1b"),
            "username=emily&password=s3cret",
            "cross_site",
            r#"`Origin` \"https://evil.example\\x1b\", and the host is \"house.example\""#,
        ),
    ] {
        let text = signed_in(&gate, &endpoints, head, body).await;
        let line = text.lines().find(|line| line.contains(&format!("reason=\"{reason}\""))).unwrap_or("nothing");
        for piece in [why, "path=\"/session\"", "request_id=\"r-17\""] {
            assert!(line.contains(piece), "{piece} is not in {line}\n{text}");
        }
        assert!(!text.contains("s3cret") && !text.contains('\x1b'), "{text}");
    }
}

#[tokio::test]
async fn an_app_that_asks_whose_page_it_is() {
    let tokens = TokenTable::new().with("a-long-random-token", Verified::new("emma"));
    let gate = Gate::in_realm("house").accept(countersign::Bearer, tokens).build().unwrap();
    let head = PlainHead::new("POST", "/sign-up")
        .with("host", "house.example")
        .with("sec-fetch-site", "cross-site")
        .with("x-request-id", "r-18")
        .received_by(&gate);
    let from: ClientInfo = head.view().client_info();
    let log = Log::at(tracing::Level::DEBUG);
    assert!(gate.from_own_site(&from).is_err());
    let text = log.text();
    for piece in [r#"`Sec-Fetch-Site` says \"cross-site\""#, "path=\"/sign-up\"", "request_id=\"r-18\""] {
        assert!(text.contains(piece), "{piece} is not in {text}");
    }
}

#[tokio::test]
async fn too_many_tries() {
    let wrong = || Wsse::token("emma", &Secret::new("wrong"), &clock_at(NOW));
    let limits =
        || ThrottleLimits::default().timed_by(clock()).per_name_and_address(1000).per_name(1000).per_address(1000);
    for (limits, why) in [
        (limits().per_name_and_address(1), "too many tries for this name from this address were wrong"),
        (limits().per_name(1), "too many tries for this name, from wherever, were wrong"),
        (limits().per_address(1), "too many tries from this address, or the network around it, were wrong"),
    ] {
        let known = MemorySecrets::new().with("emma", StoredSecret::new(Secret::new(KEY), Verified::new("emma")));
        let verifier = SignedBy::secrets(Secrets::in_store(known).throttled_by(Throttle::new(&limits)));
        let kind = Wsse::new(replay()).timed_by(clock());
        let gate = Gate::in_realm("house").accept(kind, verifier).timed_by(clock()).build().unwrap();
        let ask = || auth("WSSE profile=\"UsernameToken\"").with("x-wsse", wrong()).from([192, 0, 2, 7].into());
        let _ = ask().received_by(&gate).verdict_at(&gate).await;
        // A name over its budget has one turn a second.
        let _ = ask().received_by(&gate).verdict_at(&gate).await;
        refused(&gate, vec![ask()], why).await.unwrap();
    }
}

#[tokio::test]
async fn lines_of_a_verifier_that_waits_tell_the_request() {
    let waits = countersign::verifier::verify_with(|_: countersign::credential::TokenCredential| async {
        tokio::task::yield_now().await;
        tracing::info!("the verifier's own line");
        tokio::task::yield_now().await;
        Answer::<&'static str>::Unavailable(Unavailable::because("the store is away"))
    });
    let kept = waits.reusable_for(Duration::from_secs(60));
    let gate = Gate::in_realm("house").accept(countersign::Bearer, kept).build().unwrap();
    let ask = || auth("Bearer abc").with("x-request-id", "r-19").received_by(&gate);

    let log = Log::at(tracing::Level::DEBUG);
    let _ = ask().verdict_at(&gate).await;
    let text = log.text();
    for line in ["the verifier's own line", "a verifier has no answer: the store is away", "refused"] {
        let line = text.lines().find(|text| text.contains(line)).unwrap_or_else(|| panic!("{line} is not in {text}"));
        assert!(line.contains("admit{realm=\"house\" path=\"/a\" request_id=\"r-19\"}"), "{line}");
    }
    drop(log);

    // Without DEBUG a warning says it by itself.
    let log = Log::at(tracing::Level::WARN);
    let _ = ask().verdict_at(&gate).await;
    let text = log.text();
    assert!(text.contains("path=\"/a\"") || text.contains(r#"path="\"/a\"""#), "{text}");
    assert!(text.contains("request_id=\"r-19\""), "{text}");
}
