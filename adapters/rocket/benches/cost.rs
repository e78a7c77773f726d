//! What a gate adds to a route of Rocket: each case less `bare`.
//!
//! `cargo bench -p countersign-rocket --bench cost`.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands its guards over")]

use countersign_conformance::cost::{
    Case,
    gate::{self, Caller},
    run,
};
use countersign_rocket::{GateExt, Granted, Visitor};
use rocket::{
    Build, Config, Rocket, config::LogLevel, get, http::Header, local::asynchronous::Client, routes,
    tokio::runtime::Builder,
};

#[get("/me")]
fn open() -> &'static str {
    "ok"
}

#[get("/me")]
fn granted(me: Granted<Caller>) -> String {
    me.name.clone()
}

#[get("/me")]
fn visited(_visitor: Visitor<Caller>) -> &'static str {
    "ok"
}

fn main() {
    let (gate, token) = gate::cached();
    let bare = || rocket::custom(Config { log_level: LogLevel::Off, ..Config::release_default() });
    let behind = || bare().attach(gate.attach());
    let cases = vec![
        case("bare", bare().mount("/", routes![open]), Some(&token), 200),
        case("attached", behind().mount("/", routes![open]), Some(&token), 200),
        case("Granted", behind().mount("/", routes![granted]), Some(&token), 200),
        case("enforce", behind().mount("/", gate.enforce(routes![open])), Some(&token), 200),
        case("enforce and Granted", behind().mount("/", gate.enforce(routes![granted])), Some(&token), 200),
        case("Visitor, nobody", behind().mount("/", routes![visited]), None, 200),
        case("refused", behind().mount("/", routes![granted]), None, 401),
    ];
    run(cases, |case| allocation_counter::measure(case).count_total);
}

fn case(name: &'static str, app: Rocket<Build>, token: Option<&str>, status: u16) -> Case {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(Client::untracked(app)).unwrap();
    Case::new(name, move || {
        let mut request = client.get("/me").header(Header::new("accept", "application/json"));
        if let Some(authorization) = &authorization {
            request = request.header(Header::new("authorization", authorization.clone()));
        }
        let response = runtime.block_on(request.dispatch());
        assert_eq!(response.status().code, status);
    })
}
