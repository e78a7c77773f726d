//! Client certificates, by rustls and hyper in front of the router: whoever ends TLS says what it knows of the connection.

use std::{sync::Arc, thread};

use axum::{Router, extract::Request, routing::get};
use countersign_axum::{GateExt, Granted, PeerCertificate, SecureChannel};
use countersign_conformance::tls::{Tls, certificates_count_by_their_connection, gate};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

async fn me(me: Granted<String>) -> String {
    me.principal().clone()
}

#[test]
fn a_certificate_counts_by_its_connection() {
    let tls = Tls::default();
    let own = tls.client("own", &[]);
    let gate = gate(&own);
    let route = get(me).post(me).route_layer(gate.enforce());
    let app = Router::new().route("/me", route).layer(gate.attach()).with_state(gate);
    let acceptor = TlsAcceptor::from(Arc::new(tls.server_config()));
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
                    let (acceptor, app) = (acceptor.clone(), app.clone());
                    tokio::spawn(async move {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                        let leaf = chain.first().map(|leaf| PeerCertificate(Arc::from(leaf.as_ref())));
                        let marked = app.map_request(move |mut request: Request<_>| {
                            request.extensions_mut().insert(SecureChannel);
                            if let Some(leaf) = &leaf {
                                request.extensions_mut().insert(leaf.clone());
                            }
                            request
                        });
                        let marked = TowerToHyperService::new(marked);
                        let _ = auto::Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(stream), marked)
                            .await;
                    });
                }
            };
            tokio::select! { () = accept => {}, _ = stopped => {} }
        });
    });
    certificates_count_by_their_connection(address, &tls, &own);
    drop(stop);
    serving.join().unwrap();
}
