//! HTTP/2 by actix-web, over its own TLS and in the clear.

mod harness;

use std::{error::Error, sync::mpsc, thread};

use actix_web::{App, HttpRequest, HttpServer, web};
use countersign_actix_web::{GateExt, Granted};
use countersign_conformance::{
    Running, Service,
    http2::OverTls,
    many_cookies::{gate, they_are_served_or_refused_alike},
    tls::Tls,
};
use harness::ActixWeb;

impl OverTls for ActixWeb {
    fn start_over_tls(service: Service, tls: &Tls) -> Result<Running, Box<dyn Error>> {
        harness::serve(service, Some(tls))
    }
}

countersign_conformance::http2_suite!(ActixWeb);

async fn me(me: Granted<String>, request: HttpRequest) -> String {
    format!("{}, {}", me.principal(), request.headers().get_all("cookie").count())
}

#[test]
fn hundreds_of_cookie_fields_are_served_or_refused_as_few_are() {
    let gate = gate();
    let (started, start) = mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                App::new()
                    .service(web::resource("/me").route(web::get().to(me)).wrap(gate.enforce()))
                    .wrap(gate.attach())
            };
            let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(0);
            let server = server.bind_auto_h2c("127.0.0.1:0").unwrap();
            let addresses = server.addrs();
            let server = server.run();
            started.send((addresses[0], server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = start.recv().unwrap();
    they_are_served_or_refused_alike(address, false);
    drop(handle.stop(false));
}
