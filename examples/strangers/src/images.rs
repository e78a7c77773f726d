//! A server of images that trusts the same authentication server: `strangers-images 127.0.0.1:4002 http://127.0.0.1:4000`.
//! A token for the API opens nothing here, and a token for here nothing there.

#![expect(clippy::print_stdout, reason = "the address of what was started is what whoever starts it looks for")]

use std::{env, error::Error};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use countersign::{
    CredentialCache, Gate, credential::ProtectedResource, gate::policy::scope, verifier::jwt::JwtVerifier,
    verifier::remote::RemoteIssuer,
};
use countersign_axum::{GateExt, Granted, endpoint};
use serde::Deserialize;
use tokio::net::TcpListener;

#[derive(Debug, Clone, Deserialize)]
struct Caller {}

const HILLS: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 40"><path d="M0 40 20 15 35 28 55 8 80 40z" fill="#486"/></svg>"##;

async fn image(_: Granted<Caller>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], HILLS)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:4002".to_owned());
    let issuer = arguments.next().unwrap_or_else(|| "http://127.0.0.1:4000".to_owned());

    let resource = ProtectedResource::at(&format!("http://{address}/images"))?;
    let cache = CredentialCache::default();
    let issuer = RemoteIssuer::named(&issuer).revoking(&cache).start()?;
    let tokens = JwtVerifier::trusting(issuer.trusted().audience(resource.address())).principal::<Caller>()?;

    let gate = Gate::in_realm("images").accept(resource.bearer(), tokens).cached(cache).build()?;
    let reads = gate.require(scope("images:read"));
    let metadata = resource.enforced_by([&reads])?;
    let app = Router::new()
        .route("/images", get(image).route_layer(reads.enforce()))
        .with_state(gate.clone())
        .route(metadata.path(), endpoint(metadata.endpoint(&gate)))
        .layer(gate.attach());
    println!("images at {}", resource.address());
    axum::serve(TcpListener::bind(&address).await?, app).await?;
    Ok(())
}
