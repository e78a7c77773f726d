//! Client certificates over actix-web's own TLS.

use std::{sync::mpsc, thread};

use actix_web::{App, HttpServer, web};
use countersign_actix_web::{GateExt, Granted, peer_certificate};
use countersign_conformance::tls::{Tls, certificates_count_by_their_connection, gate};

async fn me(me: Granted<String>) -> String {
    me.principal().clone()
}

#[test]
fn a_certificate_counts_by_its_connection() {
    let tls = Tls::default();
    let own = tls.client("own", &[]);
    let (gate, configuration) = (gate(&own), tls.server_config());
    let (started, start) = mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let route = web::resource("/me").route(web::get().to(me)).route(web::post().to(me));
                App::new().service(route.wrap(gate.enforce())).wrap(gate.attach())
            };
            let server = HttpServer::new(app)
                .on_connect(peer_certificate)
                .workers(1)
                .disable_signals()
                .shutdown_timeout(0)
                .bind_rustls_0_23("127.0.0.1:0", configuration)
                .unwrap();
            let addresses = server.addrs();
            let server = server.run();
            started.send((addresses[0], server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = start.recv().unwrap();
    certificates_count_by_their_connection(address, &tls, &own);
    drop(handle.stop(false));
}
