//! Rocket's own TLS: client certificates, and HTTP/2.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{net::SocketAddr, sync::mpsc, thread};

use countersign::Gate;
use countersign_conformance::{
    many_cookies::{self, they_are_served_or_refused_alike},
    tls::{Tls, certificates_count_by_their_connection, gate},
};
use countersign_rocket::{GateExt, Granted};
use rocket::{
    Config, Request, Route, Shutdown,
    config::{MutualTls, TlsConfig},
    fairing::AdHoc,
    get, post,
    request::{FromRequest, Outcome},
    routes,
};

#[get("/me")]
async fn me(me: Granted<String>) -> String {
    me.principal().clone()
}

#[post("/me")]
async fn post_me(me: Granted<String>) -> String {
    me.principal().clone()
}

/// How many `Cookie` fields there are.
struct Cookies(usize);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Cookies {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(request.headers().get("cookie").count()))
    }
}

#[get("/me")]
async fn me_of_many_cookies(me: Granted<String>, cookies: Cookies) -> String {
    format!("{}, {}", me.principal(), cookies.0)
}

/// Starts a server with these routes behind the gate.
fn serve(tls: &Tls, gate: &Gate<String>, routes: Vec<Route>) -> (SocketAddr, Shutdown) {
    let configured = TlsConfig::from_bytes(tls.server().pem().as_bytes(), tls.server().key_pem().as_bytes())
        .with_mutual(MutualTls::from_bytes(tls.clients().pem().as_bytes()));
    let config = Config::figment()
        .merge(("port", 0))
        .merge(("log_level", "off"))
        .merge(("shutdown.ctrlc", false))
        .merge(("shutdown.signals", [""; 0]))
        .merge(("shutdown.grace", 0))
        .merge(("shutdown.mercy", 0))
        .merge(("tls", configured));
    let (tell, told) = mpsc::channel();
    let rocket = rocket::custom(config).attach(gate.attach()).mount("/", gate.enforce(routes)).attach(
        AdHoc::on_liftoff("started", move |rocket| {
            let address = SocketAddr::from((rocket.config().address, rocket.config().port));
            let _ = tell.send((address, rocket.shutdown()));
            Box::pin(async {})
        }),
    );
    thread::spawn(move || rocket::execute(rocket.launch()).map(|_| ()).map_err(|error| error.to_string()));
    told.recv().expect("it launches")
}

#[test]
fn a_certificate_counts_by_its_connection() {
    let tls = Tls::default();
    let own = tls.client("own", &[]);
    let (address, shutdown) = serve(&tls, &gate(&own), routes![me, post_me]);
    certificates_count_by_their_connection(address, &tls, &own);
    shutdown.notify();
}

#[test]
fn hundreds_of_cookie_fields_are_served_or_refused_as_few_are() {
    let (address, shutdown) = serve(&Tls::default(), &many_cookies::gate(), routes![me_of_many_cookies]);
    they_are_served_or_refused_alike(address, true);
    shutdown.notify();
}
