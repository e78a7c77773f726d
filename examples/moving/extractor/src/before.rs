//! Before: an extractor over jsonwebtoken, as it is written in many apps.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, FromRequestParts},
    http::{
        StatusCode,
        header::{AUTHORIZATION, HeaderName, WWW_AUTHENTICATE},
        request::Parts,
    },
    routing::{get, post},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

use crate::{AUDIENCE, Caller, ISSUER};

/// What verifies tokens.
#[derive(Clone)]
struct Keys(Arc<(DecodingKey, Validation)>);

/// How every refusal looks.
type No = (StatusCode, [(HeaderName, &'static str); 1], &'static str);

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Keys: FromRef<S>,
{
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, No> {
        let no = || (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], "a token is needed");
        let sent = parts.headers.get(AUTHORIZATION).and_then(|sent| sent.to_str().ok());
        let token = sent.and_then(|sent| sent.strip_prefix("Bearer ")).ok_or_else(no)?;
        let Keys(keys) = Keys::from_ref(state);
        decode(token, &keys.0, &keys.1).map(|decoded| decoded.claims).map_err(|_| no())
    }
}

async fn home(visitor: Result<Caller, No>) -> String {
    format!("hello, {}", visitor.map_or("stranger".to_owned(), |me| me.sub))
}

async fn me(me: Caller) -> String {
    me.sub
}

async fn create(me: Caller) -> (StatusCode, String) {
    if !me.scope.split(' ').any(|scope| scope == "reports:write") {
        return (StatusCode::FORBIDDEN, "reports:write is needed".to_owned());
    }
    (StatusCode::CREATED, format!("report by {}", me.sub))
}

/// All of it, for tokens by this secret.
pub fn app(secret: &[u8]) -> Router {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    Router::new()
        .route("/", get(home))
        .route("/me", get(me))
        .route("/reports", post(create))
        .with_state(Keys(Arc::new((DecodingKey::from_secret(secret), validation))))
}
