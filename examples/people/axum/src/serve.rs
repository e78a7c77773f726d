//! A server as `axum::serve` is one, and with a deadline for request heads, which that has not: without one, whoever sends half a head
//! holds a connection for ever.

use std::{io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// How long a connection may take for the head of its next request, idle or not.
const FOR_A_HEAD: Duration = Duration::from_secs(30);

/// How long to wait when there is no room for another connection.
const FOR_ROOM: Duration = Duration::from_millis(100);

/// Serves until it is told to stop, and then until the requests that run have been answered.
pub(crate) async fn serve(listener: TcpListener, app: Router, stopped: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        match accepted {
            Ok((stream, peer)) => serve_connection(stream, peer, app.clone(), &connections),
            Err(error) => wait_after(&error).await,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

fn serve_connection(stream: TcpStream, peer: SocketAddr, app: Router, connections: &GracefulShutdown) {
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(FOR_A_HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // What a client did to its connection is no news.
        let _ = connection.await;
    });
}

/// A client that left before it was accepted is no reason to wait; too many open files are.
async fn wait_after(error: &io::Error) {
    let of_one = [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if !of_one.contains(&error.kind()) {
        tracing::error!("no connection can be accepted: {error}");
        tokio::time::sleep(FOR_ROOM).await;
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Time stands still but where everybody waits.
    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_holds_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }));
        tokio::spawn(serve(listener, app, std::future::pending()));
        let whole = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        for (sent, answered) in [("", false), ("G", false), ("GET / HTTP/1.1\r\nHost: x\r\n", false), (whole, true)] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // It ends: the server hangs up, behind an answer or without one.
            let _ = stream.read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert_eq!(
                answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"),
                answered,
                "{sent:?}: {answer}"
            );
        }
    }
}
