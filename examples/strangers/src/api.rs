//! An API that trusts the tokens of an authentication server: `strangers-api 127.0.0.1:4001 http://127.0.0.1:4000`.

#![expect(clippy::print_stdout, reason = "the address of what was started is what whoever starts it looks for")]

use std::{env, error::Error};

use axum::{Json, Router, extract::State, routing::get};
use countersign::{
    CredentialCache, Gate, credential::ProtectedResource, gate::policy::scope, verifier::jwt::JwtVerifier,
    verifier::remote::RemoteIssuer,
};
use countersign_axum::{GateExt, Granted, endpoint};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What this server takes from a token.
#[derive(Debug, Clone, Deserialize)]
struct Caller {
    sub: String,
}

async fn reports(me: Granted<Caller>) -> Json<Value> {
    Json(json!({ "reports": [format!("Quarterly figures, for {}", me.sub)] }))
}

/// For whoever runs this server: how it stands with the issuer.
async fn health(State(issuer): State<RemoteIssuer>) -> Json<Value> {
    let health = issuer.health();
    Json(json!({ "issuer": health.issuer, "keys": health.keys, "failures": health.failures, "error": health.error }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:4001".to_owned());
    let issuer = arguments.next().unwrap_or_else(|| "http://127.0.0.1:4000".to_owned());

    // Clients that have no token are told where to get one, and for what.
    let resource = ProtectedResource::at(&format!("http://{address}/reports"))?;
    let cache = CredentialCache::default();

    // These two lines are the trust: whose tokens count, and which of them are for this server.
    let issuer = RemoteIssuer::named(&issuer).revoking(&cache).start()?;
    let tokens = JwtVerifier::trusting(issuer.trusted().audience(resource.address())).principal::<Caller>()?;

    let gate = Gate::in_realm("reports").accept(resource.bearer(), tokens).cached(cache).build()?;
    let reads = gate.require(scope("reports:read"));
    let metadata = resource.enforced_by([&reads])?;
    let app = Router::new()
        .route("/reports", get(reports).route_layer(reads.enforce()))
        .with_state(gate.clone())
        .route("/health", get(health).with_state(issuer))
        .route(metadata.path(), endpoint(metadata.endpoint(&gate)))
        .layer(gate.attach());
    println!("reports at {}", resource.address());
    axum::serve(TcpListener::bind(&address).await?, app).await?;
    Ok(())
}
