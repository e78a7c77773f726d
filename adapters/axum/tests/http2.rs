//! HTTP/2, by hyper as `axum::serve` has it, but for longer heads; and TLS, which rustls ends in the same process.

mod harness;

use std::{error::Error, net::SocketAddr, sync::Arc, thread};

use axum::{Extension, Router, extract::ConnectInfo, http::HeaderMap, routing::get};
use countersign_axum::{GateExt, Granted, PeerCertificate, SecureChannel};
use countersign_conformance::{
    Running, Service,
    http2::OverTls,
    many_cookies::{gate, they_are_served_or_refused_alike},
    tls::{self, Tls, certificates_count_by_their_connection},
};
use harness::Axum;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

impl OverTls for Axum {
    fn start_over_tls(service: Service, tls: &Tls) -> Result<Running, Box<dyn Error>> {
        serve(harness::routes(&service)?, tls)
    }
}

countersign_conformance::http2_suite!(Axum);

/// Serves this behind a TLS acceptor, which says of each connection what it knows.
fn serve(app: Router, tls: &Tls) -> Result<Running, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let mut configuration = tls.server_config();
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(configuration));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    thread::spawn(move || {
        runtime.block_on(async {
            let accept = async {
                loop {
                    let Ok((stream, peer)) = listener.accept().await else { continue };
                    tokio::spawn(answer(stream, peer, acceptor.clone(), app.clone()));
                }
            };
            tokio::select! { () = accept => {}, _ = stopped => {} }
        });
        runtime.shutdown_background();
    });
    Ok(Running::at(address, move || drop(stop)))
}

async fn answer(stream: TcpStream, peer: SocketAddr, acceptor: TlsAcceptor, app: Router) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let shown = shown.map(|certificate| PeerCertificate(certificate.as_ref().into()));
    let app = app.layer(Extension(SecureChannel)).layer(Extension(ConnectInfo(peer)));
    let app = match shown {
        Some(shown) => app.layer(Extension(shown)),
        None => app,
    };
    let builder = auto::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(app)).await;
}

async fn whoever(me: Granted<String>) -> String {
    me.principal().clone()
}

#[test]
fn a_certificate_counts_by_its_connection() {
    let tls = Tls::default();
    let own = tls.client("own", &[]);
    let gate = tls::gate(&own);
    let route = get(whoever).post(whoever).route_layer(gate.enforce());
    let app = Router::new().route("/me", route).layer(gate.attach()).with_state(gate);
    let server = serve(app, &tls).unwrap();
    certificates_count_by_their_connection(server.address(), &tls, &own);
}

async fn me(me: Granted<String>, fields: HeaderMap) -> String {
    format!("{}, {}", me.principal(), fields.get_all("cookie").iter().count())
}

#[test]
fn hundreds_of_cookie_fields_are_served_or_refused_as_few_are() {
    let gate = gate();
    let app = Router::new().route("/me", get(me).route_layer(gate.enforce())).layer(gate.attach()).with_state(gate);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let handle = runtime.handle().clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = thread::spawn(move || {
        handle.block_on(async move {
            let accept = async {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let app = TowerToHyperService::new(app.clone());
                    tokio::spawn(async move {
                        let mut builder = auto::Builder::new(TokioExecutor::new());
                        builder.http2().max_header_list_size(1 << 16);
                        let _ = builder.serve_connection(TokioIo::new(stream), app).await;
                    });
                }
            };
            tokio::select! { () = accept => {}, _ = stopped => {} }
        });
    });
    they_are_served_or_refused_alike(address, false);
    drop(stop);
    serving.join().unwrap();
}
