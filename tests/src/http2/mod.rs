//! HTTP/2 over TLS, on a real socket: what its streams, its pseudo-fields and its frames make of a gate.
//!
//! An adapter starts its framework's server over TLS, with the same [service](crate::service) as for every other case
//! ([`OverTls`]), and writes [`http2_suite!`](crate::http2_suite). Requests go by the `h2` crate, so that a thousand of them share a
//! connection; what no client library would send goes frame by frame.

mod cases;
mod frames;
mod line;
mod odd;
mod slow;
mod streams;

use std::{collections::BTreeSet, error::Error, sync::Arc};

use tokio::{net::TcpStream, runtime::Runtime};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};

use self::line::{Asked, Line, Told};
use crate::{
    harness::{Harness, Quirk, Running},
    service::Service,
    tls::Tls,
};

/// A framework whose server ends TLS by itself, or beside something that does, and speaks HTTP/2 there.
pub trait OverTls: Harness {
    /// As [`Harness::start`], over TLS with the certificate of this, for HTTP/2 as ALPN names it.
    ///
    /// # Errors
    /// When it cannot be started; the case fails with what it says.
    fn start_over_tls(service: Service, tls: &Tls) -> Result<Running, Box<dyn Error>>;
}

/// Runs one case against an adapter; what [`http2_suite!`](crate::http2_suite) expands to calls it.
///
/// # Panics
/// When the adapter does not pass it.
#[doc(hidden)]
pub fn run<H: OverTls>(case: &str) {
    let (_, body) = cases::CASES.iter().find(|(name, _)| *name == case).expect("the suite names cases of this crate");
    body(&Site::open::<H>());
}

/// Expands to one `#[test]` for each case over HTTP/2.
#[macro_export]
macro_rules! http2_suite {
    ($harness:ty) => {
        $crate::__every_case_of_http2! { [$crate::__tests_of_http2] [$harness] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests_of_http2 {
    ([$harness:ty] $($case:ident)*) => { $(
        #[test]
        fn $case() {
            $crate::http2::run::<$harness>(stringify!($case));
        }
    )* };
}

/// One server, used by one case.
pub(crate) struct Site {
    service: Service,
    running: Running,
    quirks: &'static [Quirk],
    tls: Tls,
    runtime: Runtime,
}

impl Site {
    fn open<H: OverTls>() -> Self {
        let (service, tls) = (Service::new(), Tls::default());
        let running = H::start_over_tls(service.clone(), &tls).expect("the server starts");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { service, running, quirks: H::QUIRKS, tls, runtime: runtime.expect("a runtime") }
    }

    /// Runs this, and waits for it.
    fn by<T>(&self, asks: impl Future<Output = T>) -> T {
        self.runtime.block_on(asks)
    }

    /// A connection over TLS that is for HTTP/2, on which nothing was said.
    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.running.address()).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        let mut configuration = self.tls.client_config(None);
        configuration.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(configuration)).connect(name, stream).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        stream
    }

    /// A connection to ask over.
    async fn line(&self) -> Line {
        Line::over(self.connect().await).await
    }

    /// Asks over a connection of its own.
    async fn ask(&self, asked: &Asked) -> Told {
        self.line().await.ask(asked).await
    }

    /// The handlers that ran since this was asked last, each once.
    fn handlers(&self) -> BTreeSet<String> {
        self.service.ledger().take_handlers().into_iter().collect()
    }

    /// How many callers were verified since this was asked last.
    fn verified(&self) -> usize {
        self.service.ledger().take_verifications().len()
    }

    /// Shows that the server still serves, and serves rightly.
    async fn still_serves(&self) {
        let told = self.ask(&Asked::get("/me").with("authorization", "Bearer emily-reads")).await;
        assert_eq!(
            told,
            Told::Answer(200, "emily by bearer; scopes reports:read; roles member; ends never".to_owned())
        );
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("running", &self.running).finish_non_exhaustive()
    }
}
