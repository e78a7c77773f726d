//! The HTTP client that is used where an application brings none: [`WebClient`].

use std::{fmt, time::Duration};

use async_trait::async_trait;
use reqwest::{Certificate, Client, ClientBuilder, Method, redirect::Policy};

use super::{HttpClient, HttpRequest, HttpResponse, RemoteSetupError};
use crate::unavailable::Unavailable;

/// Asks issuers over HTTP: without redirects, with a deadline of 4 seconds, and with the certificates that the operating system trusts.
#[derive(Clone)]
pub struct WebClient(Client);

const PATIENCE: Duration = Duration::from_secs(4);

impl WebClient {
    /// A client that trusts whom the operating system trusts.
    ///
    /// # Errors
    /// When the operating system has no certificates.
    pub fn new() -> Result<Self, RemoteSetupError> {
        Self::of(Client::builder())
    }

    /// A client that trusts the certificate authorities in this PEM, and nobody else: for issuers inside a company.
    ///
    /// # Errors
    /// When there is no certificate in it, or one that cannot be read.
    pub fn trusting_only(roots: &str) -> Result<Self, RemoteSetupError> {
        let roots = Certificate::from_pem_bundle(roots.as_bytes()).map_err(|_| RemoteSetupError::Roots)?;
        if roots.is_empty() {
            return Err(RemoteSetupError::Roots);
        }
        Self::of(Client::builder().tls_certs_only(roots))
    }

    /// For issuers on this machine, to which nobody else is on the way: neither a certificate nor a proxy.
    pub(super) fn local() -> Result<Self, RemoteSetupError> {
        Self::of(Client::builder().tls_certs_only([]).no_proxy())
    }

    fn of(builder: ClientBuilder) -> Result<Self, RemoteSetupError> {
        let builder = builder
            .redirect(Policy::none())
            .referer(false)
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
        builder.build().map(Self).map_err(|_| RemoteSetupError::Client)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
        let method = if request.method() == "POST" { Method::POST } else { Method::GET };
        let mut asked = self.0.request(method, request.url());
        for (name, value) in request.fields() {
            asked = asked.header(name, value.expose());
        }
        if let Some(body) = request.body() {
            asked = asked.body(body.expose().to_vec());
        }
        let mut answered = asked.send().await?;
        let mut body = Vec::new();
        // One byte more than is allowed shows that it is too long.
        while let Some(chunk) = answered.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > request.longest() {
                break;
            }
        }
        let read = |name: &str| answered.headers().get(name).and_then(|value| value.to_str().ok());
        let response = HttpResponse::new(answered.status().as_u16(), body);
        Ok(["content-type", "cache-control"]
            .into_iter()
            .filter_map(|name| Some((name, read(name)?)))
            .fold(response, |response, (name, value)| response.with_field(name, value)))
    }
}

#[async_trait]
impl HttpClient for WebClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unavailable> {
        self.ask(request).await.map_err(|error| Unavailable::because(whole(&error.without_url())))
    }
}

/// An error with what it came of, which alone says what happened.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(deeper) = source {
        text.push_str(": ");
        text.push_str(&deeper.to_string());
        source = deeper.source();
    }
    text
}

impl fmt::Debug for WebClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebClient(..)")
    }
}
