//! HTTP/2 by Rocket, which speaks it over its own TLS alone.

mod harness;

use std::error::Error;

use countersign_conformance::{Running, Service, http2::OverTls, tls::Tls};
use harness::OnRocket;
use rocket::config::TlsConfig;

impl OverTls for OnRocket {
    fn start_over_tls(service: Service, tls: &Tls) -> Result<Running, Box<dyn Error>> {
        let configured = TlsConfig::from_bytes(tls.server().pem().as_bytes(), tls.server().key_pem().as_bytes());
        harness::serve(service, harness::config().merge(("tls", configured)))
    }
}

countersign_conformance::http2_suite!(OnRocket);
