//! The certificate that a client showed when the connection was made, where actix-web itself ends TLS.

#[cfg(feature = "rustls")]
use std::any::Any;
use std::sync::Arc;

#[cfg(feature = "rustls")]
use actix_web::{dev::Extensions, rt::net::TcpStream};

/// The client's certificate, DER, the leaf alone, as [`HttpRequest::conn_data`](actix_web::HttpRequest::conn_data) holds it once the handshake
/// found it good. With another TLS than rustls, put it there by a function of your own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a certificate and nothing else")]
pub struct PeerCertificate(
    /// Its DER.
    pub Arc<[u8]>,
);

/// Keeps the client's certificate of each connection over rustls, for the gate: `HttpServer::new(…).on_connect(peer_certificate)`, **before** the
/// server is bound.
///
/// Nothing is kept of a connection without TLS, or of one whose client showed no certificate.
#[cfg(feature = "rustls")]
pub fn peer_certificate(connection: &dyn Any, kept: &mut Extensions) {
    let tls = connection.downcast_ref::<actix_tls::accept::rustls_0_23::TlsStream<TcpStream>>();
    let leaf = tls.and_then(|tls| tls.get_ref().1.peer_certificates()?.first());
    if let Some(leaf) = leaf {
        kept.insert(PeerCertificate(Arc::from(leaf.as_ref())));
    }
}
