//! HTTP/2, by hyper as `axum::serve` has it, but for longer heads.

use std::thread;

use axum::{Router, http::HeaderMap, routing::get};
use countersign_axum::{GateExt, Granted};
use countersign_conformance::many_cookies::{gate, they_are_served_or_refused_alike};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};

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
