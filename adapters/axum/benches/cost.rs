//! What a gate adds to a route of axum: each case less `bare`.
//!
//! `cargo bench -p countersign-axum --bench cost`.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use axum::{
    Router,
    body::Body,
    routing::{MethodRouter, get},
};
use countersign::Gate;
use countersign_axum::{GateExt, Granted, Visitor};
use countersign_conformance::cost::{
    Case,
    gate::{self, Caller},
    run,
};
use futures_util::FutureExt;
use http::Request;
use tower::Service;

fn main() {
    let (gate, token) = gate::cached();
    let granted = || get(async |me: Granted<Caller>| me.name.clone());
    let enforced = |route: MethodRouter<Gate<Caller>>| route.route_layer(gate.enforce());
    let behind = |route| Router::new().route("/me", route).layer(gate.attach()).with_state(gate.clone());
    let cases = vec![
        case("bare", Router::new().route("/me", open()), Some(&token), 200),
        case("attached", behind(open()), Some(&token), 200),
        case("Granted", behind(granted()), Some(&token), 200),
        case("enforce", behind(enforced(open())), Some(&token), 200),
        case("enforce and Granted", behind(enforced(granted())), Some(&token), 200),
        case("Visitor, nobody", behind(get(async |_: Visitor<Caller>| "ok")), None, 200),
        case("refused", behind(granted()), None, 401),
    ];
    run(cases, |case| allocation_counter::measure(case).count_total);
}

fn open<S: Clone + Send + Sync + 'static>() -> MethodRouter<S> {
    get(async || "ok")
}

fn case(name: &'static str, app: Router, token: Option<&str>, status: u16) -> Case {
    let (mut app, authorization) = (app, token.map(|token| format!("Bearer {token}")));
    Case::new(name, move || {
        let mut request = Request::get("/me").header("host", "people.example").header("accept", "application/json");
        if let Some(authorization) = &authorization {
            request = request.header("authorization", authorization);
        }
        let response = app.call(request.body(Body::empty()).unwrap()).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), status);
    })
}
