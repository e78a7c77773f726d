//! What a gate adds to a route of axum beside what a careful user would write by hand with the usual crates, in one run.
//!
//! `cargo bench -p countersign-axum --bench by_hand`.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa,
};
use axum::{
    Router,
    body::Body,
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use cookie::{Cookie, CookieJar, Key};
use countersign::{
    Answer, Basic, Bearer, CredentialCache, Gate, KeyRing, Secret, SignedCookie, Verified,
    credential::{BasicCredential, CookieCredential},
    jose::{JwtAlgorithm, JwtSigner},
    verifier::{jwt::JwtVerifier, verify_now_with},
};
use countersign_axum::{GateExt, Granted};
use countersign_conformance::cost::{
    Case,
    beside::{Row, compare},
};
use futures_util::FutureExt;
use headers::{Authorization, HeaderMapExt, authorization};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;
use tower::Service;

const ISSUER: &str = "https://issuer.example";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What an app knows of who calls.
#[derive(Deserialize)]
struct User {
    name: String,
}

fn main() {
    compare(vec![rs256(), hs256(), signed_cookie(), basic(), refused()], |case| {
        allocation_counter::measure(case).count_total
    });
}

/// A token that is known: the gate asks its cache, the extractor checks the signature.
fn rs256() -> Row {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let der = STANDARD.encode(&*AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap());
    let signer = JwtSigner::pem(&format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")).unwrap();
    let keys: JwkSet = serde_json::from_str(&signer.jwks_json()).unwrap();
    let key = DecodingKey::from_jwk(keys.keys.first().unwrap()).unwrap();
    let gate = tokens(&signer).cached(CredentialCache::default()).build().unwrap();
    token_row("RS256, a token of 600 B, known", &signer, &gate, key, Algorithm::RS256)
}

/// No cache: both check.
fn hs256() -> Row {
    let signer = JwtSigner::secret(JwtAlgorithm::Hs256, &Secret::new(SECRET)).unwrap();
    let gate = tokens(&signer).build().unwrap();
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    token_row("HS256, a token of 500 B, verified", &signer, &gate, key, Algorithm::HS256)
}

fn tokens(signer: &JwtSigner) -> countersign::gate::GateBuilder<User> {
    let verifier = JwtVerifier::trusting(signer.trusted(ISSUER).audience("people")).principal::<User>().unwrap();
    Gate::in_realm("people").accept(Bearer, verifier)
}

fn token_row(name: &'static str, signer: &JwtSigner, gate: &Gate<User>, key: DecodingKey, algorithm: Algorithm) -> Row {
    struct Decoding {
        key: DecodingKey,
        validation: Validation,
    }
    struct Caller(User);
    impl<S: Send + Sync> FromRequestParts<S> for Caller
    where
        Arc<Decoding>: FromRef<S>,
    {
        type Rejection = Response;

        async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
            let decoding = Arc::<Decoding>::from_ref(state);
            let bearer = parts.headers.typed_get::<Authorization<authorization::Bearer>>().ok_or_else(unauthorized)?;
            let token =
                decode::<User>(bearer.token(), &decoding.key, &decoding.validation).map_err(|_| unauthorized())?;
            Ok(Self(token.claims))
        }
    }
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&["people"]);
    let decoding = Arc::new(Decoding { key, validation });
    let by_hand = Router::new().route("/me", get(async |me: Caller| me.0.name)).with_state(decoding);
    let headers = fields(&[("authorization", &format!("Bearer {}", token(signer)))]);
    Row {
        name,
        bare: case(open(), &headers, 200),
        gate: case(behind(gate), &headers, 200),
        by_hand: case(by_hand, &headers, 200),
    }
}

/// A token with the claims that issuers put in.
fn token(signer: &JwtSigner) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": ISSUER, "aud": "people", "sub": "248289761001", "exp": now + 3_600, "iat": now, "jti": "aYhG5ZpUvOTkq2nE",
        "scope": "reports:read reports:write profile email", "azp": "web", "email": "emily@people.example", "name": "Emily Jones",
        "preferred_username": "emily", "sid": "5b1fe7f0-6f2c-4f4c-9ad7-8c5a30e6d6a2", "acr": "1", "roles": ["member", "editor"],
    });
    signer.sign(&claims).unwrap()
}

/// A value that only its signature protects, in a header of six cookies.
fn signed_cookie() -> Row {
    fn named(credential: &CookieCredential) -> Answer<User> {
        let name = String::from_utf8(credential.value().expose().to_vec());
        name.map_or(Answer::Refused, |name| Verified::new(User { name }).into())
    }
    struct Caller(String);
    impl<S: Send + Sync> FromRequestParts<S> for Caller
    where
        Key: FromRef<S>,
    {
        type Rejection = Response;

        async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
            let key = Key::from_ref(state);
            let mut jar = CookieJar::new();
            let lines = parts.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
            for cookie in lines.flat_map(|line| Cookie::split_parse(line.to_owned())).filter_map(Result::ok) {
                jar.add_original(cookie);
            }
            let cookie = jar.signed(&key).get("session").ok_or_else(unauthorized)?;
            Ok(Self(cookie.value().to_owned()))
        }
    }
    const OTHERS: &str = "_ga=GA1.1.1234567890.1700000000; theme=dark; lang=en-GB; consent=yes; tz=UTC";
    let kind = SignedCookie::named("session", KeyRing::random());
    let ours = kind.seal(b"emily", SystemTime::now() + Duration::from_secs(3_600));
    let gate = Gate::in_realm("people").accept(kind, verify_now_with(named)).build().unwrap();
    let key = Key::from(&[7; 64]);
    let mut jar = CookieJar::new();
    jar.signed_mut(&key).add(Cookie::new("session", "emily"));
    let theirs = jar.get("session").unwrap().to_string();
    let by_hand = Router::new().route("/me", get(async |me: Caller| me.0)).with_state(key);
    let ours = fields(&[("cookie", &format!("{OTHERS}; session={ours}"))]);
    Row {
        name: "a signed cookie out of six",
        bare: case(open(), &ours, 200),
        gate: case(behind(&gate), &ours, 200),
        by_hand: case(by_hand, &fields(&[("cookie", &format!("{OTHERS}; {theirs}"))]), 200),
    }
}

/// A name and a password that are compared with those of the settings.
fn basic() -> Row {
    const PASSWORD: &[u8] = b"s3cret-password";
    fn one(credential: &BasicCredential) -> Answer<User> {
        let is_right = credential.name() == "emily" && credential.password().matches(PASSWORD);
        if is_right { Verified::new(User { name: credential.name().to_owned() }).into() } else { Answer::Refused }
    }
    struct Caller(String);
    impl<S: Send + Sync> FromRequestParts<S> for Caller {
        type Rejection = Response;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
            let basic = parts.headers.typed_get::<Authorization<authorization::Basic>>().ok_or_else(unauthorized)?;
            let is_right = basic.username() == "emily" && bool::from(basic.password().as_bytes().ct_eq(PASSWORD));
            if is_right { Ok(Self(basic.username().to_owned())) } else { Err(unauthorized()) }
        }
    }
    let gate = Gate::in_realm("people").accept(Basic, verify_now_with(one)).build().unwrap();
    let by_hand = Router::new().route("/me", get(async |me: Caller| me.0));
    let headers = fields(&[("authorization", "Basic ZW1pbHk6czNjcmV0LXBhc3N3b3Jk")]);
    Row {
        name: "Basic, one name and password",
        bare: case(open(), &headers, 200),
        gate: case(behind(&gate), &headers, 200),
        by_hand: case(by_hand, &headers, 200),
    }
}

/// Without a credential: by hand a bare status and one challenge.
fn refused() -> Row {
    struct Nobody;
    impl<S: Send + Sync> FromRequestParts<S> for Nobody {
        type Rejection = Response;

        async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Response> {
            Err(unauthorized())
        }
    }
    let signer = JwtSigner::secret(JwtAlgorithm::Hs256, &Secret::new(SECRET)).unwrap();
    let gate = tokens(&signer).build().unwrap();
    let headers = fields(&[]);
    Row {
        name: "refused without a credential",
        bare: case(open(), &headers, 200),
        gate: case(behind(&gate), &headers, 401),
        by_hand: case(Router::new().route("/me", get(async |_: Nobody| "ok")), &headers, 401),
    }
}

fn open() -> Router {
    Router::new().route("/me", get(async || "emily".to_owned()))
}

fn behind(gate: &Gate<User>) -> Router {
    let route = get(async |me: Granted<User>| me.name.clone());
    Router::new().route("/me", route).layer(gate.attach()).with_state(gate.clone())
}

fn unauthorized() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"people\""))];
    (StatusCode::UNAUTHORIZED, challenge).into_response()
}

fn fields(more: &[(&'static str, &str)]) -> HeaderMap {
    let all = [("host", "people.example"), ("user-agent", "curl/8.5.0"), ("accept", "application/json")];
    let field = |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
    all.iter().chain(more).map(field).collect()
}

fn case(app: Router, headers: &HeaderMap, status: u16) -> Case {
    let (mut app, headers) = (app, headers.clone());
    Case::new("", move || {
        let mut request = Request::get("/me").body(Body::empty()).unwrap();
        *request.headers_mut() = headers.clone();
        let response = app.call(request).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), status);
    })
}
