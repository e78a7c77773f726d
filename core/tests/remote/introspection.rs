//! Opaque tokens, about which their issuer is asked.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, Bearer, Gate, Handle, Secret, Unavailable, Verified, Verify,
    adapter::Verdict,
    async_trait,
    cache::CacheOptions,
    jose::{JwtAlgorithm, JwtSigner},
    testing::PlainHead,
    verifier::{
        jwt::{JwtVerifier, TrustedIssuer},
        remote::{
            HttpClient, HttpRequest, HttpResponse, Introspection, IntrospectionBuilder, IntrospectionClient,
            RemoteSetupError,
        },
    },
};
use serde_json::{Value, json};

use crate::issuer::{ISSUER, NOW, clock, json_of, read, said};

const ASKED_AT: &str = "https://issuer.example/introspect";

/// An issuer that says one thing of every token, and remembers how it was asked.
#[derive(Debug, Clone, Default)]
struct Says {
    answer: Arc<Mutex<Option<HttpResponse>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Says {
    fn says(&self, answer: Option<HttpResponse>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn times(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl HttpClient for Says {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unavailable> {
        assert_eq!((request.method(), request.url()), ("POST", ASKED_AT));
        let text = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
        let authorization = request.fields().find(|(name, _)| *name == "authorization").map(|(_, value)| text(value));
        let body = text(request.body().unwrap());
        assert!(!format!("{request:?}").contains("token"), "{request:?}");
        self.asked.lock().unwrap().push((authorization.unwrap_or_default(), body));
        self.answer.lock().unwrap().clone().ok_or_else(|| Unavailable::because("nobody is there"))
    }
}

fn ourselves() -> IntrospectionClient {
    IntrospectionClient::with_secret("people api", &Secret::new("s3cret:ü"))
}

fn asking(says: &Says) -> IntrospectionBuilder {
    Introspection::of(ISSUER, ASKED_AT, ourselves()).audience("people").through(says.clone()).timed_by(clock())
}

fn named(claims: &countersign::verifier::jwt::Claims<'_>, verified: Verified<()>) -> Answer<String> {
    match claims.subject() {
        Some(name) => verified.map(|()| name.to_owned()).into(),
        None => Answer::Refused,
    }
}

fn active() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": "people", "sub": "emily", "scope": "reports:read", "exp": NOW + 600,
        "jti": "t-1", "token_type": "Bearer", "client_id": "app",
    })
}

#[tokio::test]
async fn what_an_issuer_says_of_a_token_is_taken_as_claims_are() {
    let says = Says::default();
    let verifier = asking(&says).principal_by(named).unwrap();
    let with = |name: &str, value: Value| {
        let mut said = active();
        said[name] = value;
        Some(json_of(&said))
    };
    let without = |name: &str| {
        let mut said = active();
        said.as_object_mut().unwrap().remove(name);
        Some(json_of(&said))
    };
    let typed = |status, typ: &str, body: &str| Some(HttpResponse::new(status, body).with_field("content-type", typ));
    let raw = |body: &str| typed(200, "application/json", body);
    for (row, (answer, expected)) in [
        (Some(json_of(&active())), "verified"),
        (without("iss"), "verified"),
        (without("exp"), "verified"),
        (without("token_type"), "verified"),
        (with("token_type", json!("bearer")), "verified"),
        (with("aud", json!(["other", "people"])), "verified"),
        (Some(json_of(&json!({ "active": false }))), "refused"),
        (with("active", json!(false)), "refused"),
        (with("aud", json!("other")), "refused"),
        (with("aud", json!("people2")), "refused"),
        (without("aud"), "refused"),
        (with("iss", json!("https://other.example")), "refused"),
        (with("exp", json!(NOW)), "refused"),
        (with("token_type", json!("DPoP")), "refused"),
        (with("token_type", json!(7)), "refused"),
        (with("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" })), "refused"),
        (without("sub"), "refused"),
        // None of these says whether the token is active.
        (with("active", json!("true")), "no answer"),
        (with("active", json!(1)), "no answer"),
        (without("active"), "no answer"),
        (with("exp", json!("soon")), "no answer"),
        (with("sub", json!("")), "no answer"),
        (with("scope", json!(7)), "no answer"),
        (raw(r#"{"active":true,"active":false}"#), "refused"),
        (raw(r#"{"active":true,"sub":"emily","sub":"jacob","aud":"people"}"#), "no answer"),
        (raw("[true]"), "no answer"),
        (raw(""), "no answer"),
        (typed(200, "text/html", r#"{"active":true}"#), "no answer"),
        (typed(401, "application/json", r#"{"active":true}"#), "no answer"),
        (typed(400, "application/json", r#"{"error":"invalid_request"}"#), "no answer"),
        (typed(400, "application/json", r#"{"error":"unsupported_token_type"}"#), "refused"),
        (typed(500, "application/json", r#"{"error":"unsupported_token_type"}"#), "no answer"),
        (typed(500, "application/json", r#"{"active":true}"#), "no answer"),
        (typed(302, "application/json", r#"{"active":true}"#), "no answer"),
        (None, "no answer"),
    ]
    .into_iter()
    .enumerate()
    {
        says.says(answer);
        assert_eq!(said(&verifier.verify(read("2YotnFZFEjr1zCsicMWpAA")).await), expected, "row {row}");
    }
    says.says(Some(json_of(&active())));
    let Answer::Verified(verified) = verifier.verify(read("t")).await else { panic!("verified") };
    assert_eq!((verified.subject(), verified.scopes().to_string().as_str()), (Some("emily"), "reports:read"));
    assert_eq!(verified.ends(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + 600)));
    for handle in [Handle::subject_of(ISSUER, "emily"), Handle::token_of(ISSUER, "t-1"), Handle::issuer(ISSUER)] {
        assert!(verified.handles().contains(&handle));
    }
}

#[tokio::test]
async fn we_show_who_we_are_by_a_secret_or_a_key() {
    let says = Says::default();
    says.says(Some(json_of(&active())));
    let verifier = asking(&says).principal_by(named).unwrap();
    let _ = verifier.verify(read("a+b/c==")).await;
    let (authorization, body) = says.asked.lock().unwrap().pop().unwrap();
    // RFC 6749 §2.3.1: both are encoded as in a form before they are Basic.
    let pair = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "people%20api:s3cret%3A%C3%BC");
    assert_eq!(authorization, format!("Basic {pair}"));
    assert_eq!(body, "token=a%2Bb%2Fc%3D%3D&token_type_hint=access_token");

    let signer = JwtSigner::fresh().unwrap();
    let key = signer.key();
    let ourselves = IntrospectionClient::with_key("people", signer);
    assert!(!format!("{ourselves:?}").contains("key"));
    let builder = Introspection::of(ISSUER, ASKED_AT, ourselves).any_audience().through(says.clone()).timed_by(clock());
    let verifier = builder.principal_by(named).unwrap();
    let _ = (verifier.verify(read("t")).await, verifier.verify(read("t")).await);
    let judge = JwtVerifier::trusting(TrustedIssuer::named("people").audience(ISSUER).key(key)).timed_by(clock());
    let judge = judge.principal::<Value>().unwrap();
    let mut ids = Vec::new();
    for (authorization, body) in says.asked.lock().unwrap().drain(..) {
        assert!(authorization.is_empty());
        assert!(body.contains("&client_id=people&"), "{body}");
        let kind = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient%2Dassertion%2Dtype%3Ajwt%2Dbearer";
        assert!(body.contains(kind), "{body}");
        let (_, assertion) = body.split_once("client_assertion=").unwrap();
        let Some(Answer::Verified(verified)) = judge.verify_now(&read(assertion)) else { panic!("{assertion}") };
        assert_eq!(verified.subject(), Some("people"));
        assert_eq!(verified.principal()["exp"], NOW + 60);
        ids.push(verified.principal()["jti"].clone());
    }
    assert!(ids.len() == 2 && ids[0] != ids[1]);
}

#[tokio::test]
async fn an_answer_is_remembered_up_to_its_end_and_an_outage_is_not() {
    let says = Says::default();
    let time = clock();
    let builder = Introspection::of(ISSUER, ASKED_AT, ourselves()).audience("people").through(says.clone());
    let verifier = builder.timed_by(time.clone()).principal_by(named).unwrap();
    let cache = countersign::CredentialCache::with(CacheOptions::default().timed_by(time.clone()));
    let gate = Gate::in_realm("people").accept(Bearer, verifier).cached(cache).build().unwrap();
    let admitted = || async {
        let head = PlainHead::get("/").with("authorization", "Bearer opaque").received_by(&gate);
        matches!(head.verdict_at(&gate).await, Verdict::Admitted(_))
    };
    says.says(None);
    assert!(!admitted().await && !admitted().await);
    assert_eq!(says.times(), 2);
    let mut short = active();
    short["exp"] = json!(NOW + 10);
    says.says(Some(json_of(&short)));
    assert!(admitted().await && admitted().await);
    assert_eq!(says.times(), 3);
    time.advance(Duration::from_secs(10));
    assert!(!admitted().await);
    assert_eq!(says.times(), 4);
    says.says(Some(json_of(&active())));
    time.advance(Duration::from_secs(10));
    assert!(admitted().await && admitted().await);
    assert_eq!(says.times(), 5);
    time.advance(Duration::from_secs(60));
    says.says(Some(json_of(&json!({ "active": false }))));
    assert!(!admitted().await);
    assert_eq!(says.times(), 6);
}

#[test]
fn what_cannot_work_is_not_set_up() {
    let of = |address: &str| Introspection::of(ISSUER, address, ourselves());
    let error = of(ASKED_AT).principal_by(named).unwrap_err();
    assert!(matches!(error, RemoteSetupError::NoAudience { .. }), "{error}");
    for address in ["http://issuer.example/introspect", "issuer.example", "https://emily@issuer.example", ""] {
        let error = of(address).any_audience().principal_by(named).unwrap_err();
        assert!(matches!(error, RemoteSetupError::Introspection { .. }), "{error}");
    }
}

/// The npm package `oidc-provider`, running.
struct Provider(Child, String);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn provider() -> Provider {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(".tools/oidc");
    if !home.join("node_modules/oidc-provider/package.json").exists() {
        std::fs::create_dir_all(&home).unwrap();
        let installed = Command::new("npm")
            .args(["install", "--silent", "--no-save", "--prefix"])
            .arg(&home)
            .arg("oidc-provider@9.13.3")
            .status();
        assert!(installed.unwrap().success());
    }
    let mut child = Command::new("node")
        .args(["--input-type=module", "-e", include_str!("provider.mjs")])
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{"port":0,"make":["RS256"]}"#).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let issuer = lines.find(|line| line.starts_with("http://")).unwrap();
    Provider(child, issuer)
}

fn curl(provider: &Provider, path: &str, form: &str) -> Value {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "10", "--user", "emily:a-secret-of-the-tests", "--data", form])
        .arg(format!("{}{path}", provider.1))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test]
async fn a_real_provider_is_asked_about_its_opaque_tokens() {
    let provider = provider();
    let form = "grant_type=client_credentials&scope=reports:read&resource=urn:opaque";
    let token = curl(&provider, "/token", form)["access_token"].as_str().unwrap().to_owned();
    assert!(!token.contains('.'), "it is opaque");
    let asking = |secret: &str, audience: &str| {
        let ourselves = IntrospectionClient::with_secret("jacob", &Secret::new(secret));
        let address = format!("{}/token/introspection", provider.1);
        let builder = Introspection::of(&provider.1, &address, ourselves).audience(audience);
        builder.principal_by(|claims, verified| match claims.get::<String>("client_id") {
            Ok(Some(client)) => verified.map(|()| client).into(),
            _ => Answer::Refused,
        })
    };
    let verifier = asking("a-secret-of-the-tests", "opaque").unwrap();
    let Answer::Verified(verified) = verifier.verify(read(&token)).await else { panic!("verified") };
    assert_eq!((verified.principal().as_str(), verified.scopes().to_string().as_str()), ("emily", "reports:read"));
    assert_eq!(said(&verifier.verify(read("made-up")).await), "refused");
    assert_eq!(said(&asking("a-secret-of-the-tests", "people").unwrap().verify(read(&token)).await), "refused");
    assert_eq!(said(&asking("another-secret", "opaque").unwrap().verify(read(&token)).await), "no answer");
    curl(&provider, "/token/revocation", &format!("token={token}"));
    assert_eq!(said(&verifier.verify(read(&token)).await), "refused");
    let signed = JwtSigner::secret(JwtAlgorithm::Hs256, &Secret::new("0123456789abcdef0123456789abcdef")).unwrap();
    assert_eq!(said(&verifier.verify(read(&signed.sign(&json!({ "sub": "emily" })).unwrap())).await), "refused");
}
