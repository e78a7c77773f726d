//! Connections over TLS, with client certificates asked for and not demanded.
//!
//! A certificate that the client CA did not issue for clients, or that has ended, fails the handshake. Sessions are not resumed: a resumed one
//! would bring the certificate of the first handshake along, unjudged.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use countersign::clock::SharedClock;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
        server::{NoServerSessionStorage, WebPkiClientVerifier},
        time_provider::TimeProvider,
    },
    server::TlsStream,
};

use crate::{Fault, options::TlsOptions};

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many handshakes run at once; who comes then waits to be accepted.
const HANDSHAKES: usize = 256;

/// Who is at the other end of a connection over TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsPeer {
    pub(crate) address: SocketAddr,
    /// The client's certificate, the leaf alone, DER, if it showed one that the handshake found good.
    pub(crate) certificate: Option<Arc<[u8]>>,
}

/// Accepts connections over TLS. Handshakes run beside each other, so that a slow one holds up nobody.
pub(crate) struct TlsListener {
    address: SocketAddr,
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, TlsPeer)>,
    accepting: JoinHandle<()>,
}

impl TlsListener {
    /// A listener that shakes hands as configured.
    pub(crate) fn new(listener: TcpListener, configuration: ServerConfig) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(16);
        let acceptor = TlsAcceptor::from(Arc::new(configuration));
        let accepting = tokio::spawn(accept_all(listener, acceptor, sender));
        Ok(Self { address, accepted, accepting })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = TlsPeer;

    async fn accept(&mut self) -> (Self::Io, TlsPeer) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The task that accepts ends with this listener.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<TlsPeer> {
        Ok(TlsPeer { address: self.address, certificate: None })
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for TlsPeer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        stream.remote_addr().clone()
    }
}

async fn accept_all(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    accepted: mpsc::Sender<(TlsStream<TcpStream>, TlsPeer)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!("a connection cannot be accepted: {error}");
                // Whatever is short, such as file descriptors, is not there at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let certificate = chain.first().map(|leaf| Arc::from(leaf.as_ref()));
                let _ = accepted.send((stream, TlsPeer { address, certificate })).await;
            }
        });
    }
}

/// The configuration of a server by these files.
pub(crate) fn configuration(options: &TlsOptions, clock: SharedClock) -> Result<ServerConfig, Fault> {
    let unreadable =
        |path: &std::path::Path, why: &dyn std::fmt::Display| Fault::from(format!("{}: {why}", path.display()));
    let certificates = |path: &std::path::Path| -> Result<Vec<CertificateDer<'static>>, Fault> {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match read {
            Ok(read) if !read.is_empty() => Ok(read),
            Ok(_) => Err(unreadable(path, &"holds no certificate")),
            Err(error) => Err(unreadable(path, &error)),
        }
    };
    let chain = certificates(&options.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&options.private_key);
    let key = key.map_err(|error| unreadable(&options.private_key, &error))?;

    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(Wall(clock)));
    let builder = builder.with_safe_default_protocol_versions()?;
    let builder = match &options.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| unreadable(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
        }
    };
    let mut configuration = builder.with_single_cert(chain, key)?;
    configuration.session_storage = Arc::new(NoServerSessionStorage {});
    configuration.send_tls13_tickets = 0;
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(configuration)
}

/// The gallery's clock, by which certificates end.
#[derive(Debug)]
struct Wall(SharedClock);

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.0.wall().duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(UnixTime::since_unix_epoch(since))
    }
}
