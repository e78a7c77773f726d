//! An authentication server: people sign in here, and clients get tokens for the servers that trust it.
//! `strangers-authentication 127.0.0.1:4000 http://127.0.0.1:4001/reports http://127.0.0.1:4002/images`

#![expect(clippy::print_stdout, reason = "the address of what was started is what whoever starts it looks for")]

mod approval;
mod devices;
mod page;
mod token;
mod users;

use std::{collections::HashMap, env, error::Error, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRef, State},
    routing::{get, post},
};
use countersign::{
    CredentialCache, Gate, JwtSigner, KeyRing, Page, SignedCookie,
    mint::{
        access_token::AccessTokens,
        refresh_token::{RefreshEndpoints, RefreshTokens},
        session::{SessionEndpoints, Sessions},
    },
    store::{Directory, MemorySessions, MemoryTokens, RefreshStore},
};
use countersign_axum::{GateExt, endpoint};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::{devices::Devices, users::Users};

/// What the handlers share.
#[derive(Clone)]
struct App {
    issuer: Arc<str>,
    gate: Gate<String>,
    cache: CredentialCache,
    /// Tokens for each server, by its address.
    tokens: Arc<HashMap<String, RefreshTokens<String>>>,
    devices: Arc<Devices>,
}

impl FromRef<App> for Gate<String> {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

/// Where a client finds what it needs (RFC 8414).
async fn metadata(State(App { issuer, .. }): State<App>) -> Json<Value> {
    Json(json!({
        "issuer": &*issuer,
        "jwks_uri": format!("{issuer}/keys"),
        "token_endpoint": format!("{issuer}/token"),
        "device_authorization_endpoint": format!("{issuer}/device_authorization"),
        "grant_types_supported": [devices::GRANT, "refresh_token"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
    }))
}

fn app(issuer: &str, servers: impl Iterator<Item = String>) -> Result<Router, Box<dyn Error>> {
    let (users, passwords) = (Arc::new(Users), Arc::new(users::passwords()));
    let cache = CredentialCache::default();
    // In memory, so that a restart forgets all: `countersign-sqlx` keeps them, and key and ring are then read from files.
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::clone(&users) as Arc<dyn Directory<String>>)
        .by(SignedCookie::named("session", KeyRing::random()))
        .revoking(&cache);
    let signer = JwtSigner::fresh()?;
    let store: Arc<dyn RefreshStore> = Arc::new(MemoryTokens::default());

    let mut tokens = HashMap::new();
    for server in servers {
        let access = AccessTokens::issued_by(issuer, signer.clone()).for_audience(&server, Arc::clone(&users) as _)?;
        tokens.insert(server, RefreshTokens::new("ref_".parse()?, access, Arc::clone(&store)));
    }
    let any =
        tokens.values().next().ok_or("name the servers that tokens are for, such as http://127.0.0.1:4001/reports")?;
    let keys = RefreshEndpoints::new(any.clone());

    let gate = Gate::in_realm("sign in")
        .accept(sessions.cookie(), sessions.clone())
        .cached(cache.clone())
        .sign_in_at("/sign-in")
        .build()?;
    let endpoints = SessionEndpoints::new(sessions, &gate)
        .showing(|_, entered| Some(Page::html(page::sign_in("That was not right.", entered.next))));
    let state =
        App { issuer: issuer.into(), gate: gate.clone(), cache, tokens: Arc::new(tokens), devices: Arc::default() };
    Ok(Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/keys", endpoint(keys.keys(&gate)))
        .route("/device_authorization", post(devices::begin))
        .route("/token", post(token::token))
        .route("/sign-in", get(approval::sign_in).route_layer(gate.or_anonymous_clearing_cookies().enforce()))
        .route("/session", endpoint(endpoints.sign_in(passwords)).merge(endpoint(endpoints.reload())))
        .route("/device", get(approval::ask).post(approval::decide))
        .layer(gate.attach())
        .with_state(state))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:4000".to_owned());
    let servers: Vec<String> = arguments.collect();
    let usual = ["http://127.0.0.1:4001/reports", "http://127.0.0.1:4002/images"].map(str::to_owned);
    let servers = if servers.is_empty() { usual.to_vec() } else { servers };

    let issuer = format!("http://{address}");
    let app = app(&issuer, servers.into_iter())?;
    let listener = TcpListener::bind(&address).await?;
    println!(
        "issuer {issuer}\nemily (password: a word of emily) may read reports and images, emma (a word of emma) images"
    );
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
