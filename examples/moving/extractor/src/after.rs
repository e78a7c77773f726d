//! After: the same by a gate.

use std::error::Error;

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use countersign::{
    Bearer, Gate, Secret,
    gate::policy::scope,
    jose::{JwtAlgorithm, JwtKey},
    verifier::jwt::{JwtVerifier, TrustedIssuer},
};
use countersign_axum::{GateExt, Granted, Visitor};

use crate::{AUDIENCE, Caller, ISSUER};

async fn home(visitor: Visitor<Caller>) -> String {
    format!("hello, {}", visitor.grant().map_or("stranger", |me| &me.sub))
}

async fn me(me: Granted<Caller>) -> String {
    me.sub.clone()
}

async fn create(me: Granted<Caller>) -> (StatusCode, String) {
    (StatusCode::CREATED, format!("report by {}", me.sub))
}

/// All of it, for tokens by this secret.
///
/// # Errors
/// When the secret is too short for what it signs, or the gate could not work.
pub fn app(secret: &[u8]) -> Result<Router, Box<dyn Error>> {
    let key = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new(secret))?;
    let tokens = JwtVerifier::trusting(TrustedIssuer::named(ISSUER).audience(AUDIENCE).key(key)).principal()?;
    let gate = Gate::in_realm("reports").accept(Bearer, tokens).build()?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/me", get(me))
        .route("/reports", post(create).route_layer(gate.require(scope("reports:write")).enforce()))
        .layer(gate.attach())
        .with_state(gate))
}
