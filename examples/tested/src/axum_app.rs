//! The app in axum.

use axum::{
    Router,
    extract::{FromRef, State},
    routing::{get, post},
};
use countersign::Gate;
use countersign_axum::{ClientInfo, GateExt, Granted, Refused, Written};

use crate::{Gates, User};

impl FromRef<Gates> for Gate<User> {
    fn from_ref(gates: &Gates) -> Self {
        gates.all.clone()
    }
}

/// Where a provider sends a browser back whose user it has verified: here that is always emily.
async fn callback(State(gates): State<Gates>, from: ClientInfo) -> Result<Written, Refused> {
    Ok(gates.sessions.begin("emily", &from).await?.going_to("/me").into())
}

async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

/// All of it.
pub fn app(gates: Gates) -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/callback", get(callback))
        .route("/salaries", get(|| async { "the salaries" }).route_layer(gates.admins.enforce()))
        .route("/password", post(|| async { "changed" }).route_layer(gates.just_signed_in.enforce()))
        .layer(gates.all.attach())
        .with_state(gates)
}
