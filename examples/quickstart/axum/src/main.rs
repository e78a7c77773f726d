//! Countersign in an axum app: who is asking, and may they?

use std::{error::Error, net::SocketAddr};

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use countersign::{
    Basic, Bearer, Gate, Verified,
    gate::policy::scope,
    verifier::{PasswordTable, TokenTable},
};
use countersign_axum::{GateExt, Granted, Visitor};

#[derive(Clone)]
struct User {
    name: String,
}

fn emily() -> Verified<User> {
    Verified::new(User { name: "emily".to_owned() })
}

async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

async fn home(visitor: Visitor<User>) -> String {
    format!("hello, {}", visitor.grant().map_or("stranger", |me| &me.name))
}

async fn create(me: Granted<User>) -> (StatusCode, String) {
    (StatusCode::CREATED, format!("report by {}", me.name))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let writes = "reports:write".parse()?;
    let gate = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", emily()))
        .accept(Bearer, TokenTable::new().with("a-long-random-token", emily().with_scopes(writes)))
        .build()?;

    let app = Router::new()
        .route("/", get(home))
        .route("/me", get(me))
        .route("/reports", post(create).route_layer(gate.require(scope("reports:write")).enforce()))
        .layer(gate.attach())
        .with_state(gate);

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
