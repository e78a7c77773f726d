//! Client certificates over Rocket's own TLS.

use std::{net::SocketAddr, sync::mpsc, thread};

use countersign_conformance::tls::{Tls, certificates_count_by_their_connection, gate};
use countersign_rocket::{GateExt, Granted};
use rocket::{
    Config,
    config::{MutualTls, TlsConfig},
    fairing::AdHoc,
    get, post, routes,
};

#[get("/me")]
async fn me(me: Granted<String>) -> String {
    me.principal().clone()
}

#[post("/me")]
async fn post_me(me: Granted<String>) -> String {
    me.principal().clone()
}

#[test]
fn a_certificate_counts_by_its_connection() {
    let tls = Tls::default();
    let own = tls.client("own", &[]);
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
    let gate = gate(&own);
    let rocket = rocket::custom(config).attach(gate.attach()).mount("/", gate.enforce(routes![me, post_me])).attach(
        AdHoc::on_liftoff("started", move |rocket| {
            let address = SocketAddr::from((rocket.config().address, rocket.config().port));
            let _ = tell.send((address, rocket.shutdown()));
            Box::pin(async {})
        }),
    );
    thread::spawn(move || rocket::execute(rocket.launch()).map(|_| ()).map_err(|error| error.to_string()));
    let (address, shutdown) = told.recv().expect("it launches");
    certificates_count_by_their_connection(address, &tls, &own);
    shutdown.notify();
}
