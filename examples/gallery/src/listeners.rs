//! Where connections come from, from binding to an orderly end.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::map_request,
};
use countersign_tower::{PeerCertificate, SecureChannel};
use example_program::{PATIENCE, Stopping, print};
use tokio::net::TcpListener;

use crate::{
    Fault,
    exhibit::Shown,
    gallery::Gallery,
    options::Options,
    routes,
    tls::{TlsListener, TlsPeer, configuration},
    users,
};

/// Serves the gallery until it is told to stop.
pub(crate) async fn serve(options: &Options) -> Result<(), Fault> {
    let listener = bind(options.listen).await?;
    let address = listener.local_addr()?;
    let tls = match &options.tls {
        Some(tls) => Some((bind(tls.listen).await?, tls)),
        None => None,
    };
    let tls_address = match &tls {
        Some((listener, _)) => Some(listener.local_addr()?),
        None => None,
    };
    let gallery = Gallery::open(options, address, tls_address).await?;
    let (router, exhibits) = routes::all(&gallery)?;
    let router = router.layer(map_request(marked));
    let tls = match tls {
        Some((listener, options)) => {
            let configuration = configuration(options, Arc::clone(gallery.clock()))?;
            Some(TlsListener::new(listener, configuration)?)
        }
        None => None,
    };
    let stopping = Stopping::begin()?;
    announce(&gallery, &exhibits);

    let plain = axum::serve(listener, router.clone().into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stopped(stopping.clone()));
    let secure = serve_tls(tls, router, stopping.clone());
    tokio::select! {
        served = async { tokio::try_join!(async { plain.await }, secure) } => { served?; }
        () = async { stopping.stopped().await; tokio::time::sleep(PATIENCE).await } => {}
    }
    Ok(())
}

async fn serve_tls(listener: Option<TlsListener>, router: Router, stopping: Stopping) -> std::io::Result<()> {
    let Some(listener) = listener else { return Ok(()) };
    let router = router.into_make_service_with_connect_info::<TlsPeer>();
    axum::serve(listener, router).with_graceful_shutdown(stopped(stopping)).await
}

async fn stopped(stopping: Stopping) {
    stopping.stopped().await;
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| Fault::from(format!("{address} cannot be listened on: {error}")))
}

/// Says of a request over TLS what is known of its connection.
async fn marked(mut request: Request) -> Request {
    let peer = request.extensions_mut().remove::<ConnectInfo<TlsPeer>>();
    if let Some(ConnectInfo(peer)) = peer {
        request.extensions_mut().insert(ConnectInfo(peer.address));
        request.extensions_mut().insert(SecureChannel);
        if let Some(certificate) = peer.certificate {
            request.extensions_mut().insert(PeerCertificate(certificate));
        }
    }
    request
}

/// Says where the gallery listens, who its users are, and how each scheme is tried.
fn announce(gallery: &Gallery, exhibits: &[Shown]) {
    let mut text = format!("listening on {}\n", gallery.site());
    if let Some(site) = gallery.secure_site() {
        text.push_str(&format!("listening on {site}\n"));
    }
    text.push_str("\nUsers\n");
    for (number, name, password) in users::all() {
        text.push_str(&format!("  {number:<3} {name:<10} {password}\n"));
    }
    text.push_str("\nA line to paste for each route:\n");
    for (path, line) in exhibits.iter().flat_map(Shown::lines) {
        text.push_str(&format!("# {path}\n{line}\n"));
    }
    print(&text);
}
