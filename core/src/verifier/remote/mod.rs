//! Issuers elsewhere whose tokens are trusted here: [`RemoteIssuer`] keeps the keys that they publish.
//!
//! - **The issuer is a name that the application wrote down.** It is found by its discovery document (OpenID Connect Discovery, else
//!   RFC 8414), which must name it byte for byte. No address that stands in a token is ever called.
//! - `https` only, or `http` on this very machine; no redirects; status, type and size of each answer are checked.
//! - Keys are fetched in the background: every five minutes, or sooner where `Cache-Control` says so. **No request with a known key waits.**
//! - A token by a key that is not known has the issuer asked at once, but at most every three seconds, however many such tokens come. Until
//!   then they are refused.
//! - While the issuer cannot be asked, the last keys count, up to a bound. A token by another key is then answered with 503, because
//!   nobody can tell whether it is good. The app starts while the issuer is down, and needs no restart when it is back.
//! - What a key verified ends when the issuer withdraws it, in the caches that were [told](RemoteIssuerBuilder::revoking), and nobody else's.
//! - A key that cannot be used is skipped, and costs the others nothing. Keys of one issuer never verify tokens of another.
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer, CredentialCache, async_trait,
//!     verifier::{jwt::JwtVerifier, remote::RemoteIssuer},
//! };
//! # use countersign::{Unavailable, Verify, credential::TokenCredential, verifier::remote::{HttpClient, HttpRequest, HttpResponse}};
//! # #[derive(Debug)]
//! # struct Nobody;
//! # #[async_trait]
//! # impl HttpClient for Nobody {
//! #     async fn send(&self, _: HttpRequest) -> Result<HttpResponse, Unavailable> { Err(Unavailable::because("nobody is there")) }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = CredentialCache::default();
//! let issuer = RemoteIssuer::named("https://issuer.example").revoking(&cache);
//! # let issuer = issuer.through(Nobody);
//! let issuer = issuer.start()?;
//! let verifier = JwtVerifier::trusting(issuer.trusted().audience("people")).principal_by(
//!     |claims, verified| match claims.subject() {
//!         Some(name) => verified.map(|()| name.to_owned()).into(),
//!         None => Answer::Refused,
//!     },
//! )?;
//! # let token = TokenCredential::read(b"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIn0.AA").ok_or("no token")?;
//! # assert!(matches!(verifier.verify(token).await, Answer::Unavailable(_)));
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not map a stranger's subject to a user of ours: [`LookedUp`](crate::verifier::LookedUp) does. It
//! does not ask the issuer about single tokens: [`introspection`] does.
//!
//! # Deployment
//! Start it in the runtime that outlives the server, such as that of `main`. A proxy of the environment (`HTTPS_PROXY`) is used for issuers
//! over TLS. Where the issuer's certificate is a company's own, hand in [`WebClient::trusting_only`].
//!
//! # Why
//! See [`manual::defaults`](crate::manual::defaults).

mod address;
mod client;
mod document;
mod http;
pub mod introspection;
mod keeper;
pub mod login;
mod state;

use std::{fmt, sync::Arc, time::Duration};

use thiserror::Error;

use self::{
    address::Address,
    keeper::{Kept, Source},
    state::Lives,
};
pub use self::{
    client::WebClient,
    http::{HttpClient, HttpRequest, HttpResponse},
    introspection::{Introspection, IntrospectionBuilder, IntrospectionClient},
    login::{HttpLogin, HttpLoginBuilder},
    state::IssuerHealth,
};
use super::jwt::TrustedIssuer;
use crate::{
    cache::CredentialCache,
    clock::{SharedClock, SystemClock},
    jose::JwtAlgorithm,
};

/// An issuer elsewhere, whose keys are kept up to date. Cheap to clone. See the [module](self).
#[derive(Clone)]
pub struct RemoteIssuer(Arc<Kept>);

/// An issuer that is being set up; [`RemoteIssuer::named`] begins one.
#[derive(Debug)]
#[must_use]
pub struct RemoteIssuerBuilder {
    name: Box<str>,
    keys_at: Option<Box<str>>,
    rsa: JwtAlgorithm,
    lives: Lives,
    caches: Vec<CredentialCache>,
    clock: SharedClock,
    client: Option<Box<dyn HttpClient>>,
}

/// Why an issuer cannot be trusted.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RemoteSetupError {
    /// Its name is no address that may be called.
    #[error("the issuer {issuer:?} cannot be asked: {why}")]
    Issuer {
        /// The name.
        issuer: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address of its keys is none that may be called.
    #[error("the keys of {issuer:?} cannot be fetched from there: {why}")]
    Keys {
        /// The issuer's name.
        issuer: String,
        /// What is wrong with the address.
        why: &'static str,
    },
    /// The address for questions about tokens is none that may be called.
    #[error("{issuer:?} cannot be asked about tokens there: {why}")]
    Introspection {
        /// The issuer's name.
        issuer: String,
        /// What is wrong with the address.
        why: &'static str,
    },
    /// The address of a login is none that may be called.
    #[error("{address:?} cannot be asked about passwords: {why}")]
    Login {
        /// The address.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing was said about the audience.
    #[error(
        "say which audience the tokens of {issuer:?} must name with `audience`, or `any_audience` to take them all"
    )]
    NoAudience {
        /// The issuer's name.
        issuer: String,
    },
    /// The certificates to trust cannot be read.
    #[error("these are no certificates to trust; hand in PEM with a CERTIFICATE at least")]
    Roots,
    /// No client can be made.
    #[error("no HTTP client can be made; the operating system may have no certificates (install ca-certificates)")]
    Client,
    /// An RSA algorithm was expected.
    #[error("{0} is no algorithm for RSA keys")]
    Algorithm(JwtAlgorithm),
    /// There is no runtime to fetch keys in.
    #[error("start it within a tokio runtime, such as that of main")]
    Runtime,
}

impl RemoteIssuer {
    /// Begins the issuer of this name: the `iss` of its tokens, byte for byte, and where it is found.
    pub fn named(name: &str) -> RemoteIssuerBuilder {
        RemoteIssuerBuilder {
            name: name.into(),
            keys_at: None,
            rsa: JwtAlgorithm::Rs256,
            lives: Lives { renewed: Duration::from_secs(300), kept: Duration::from_secs(3600) },
            caches: Vec::new(),
            clock: SystemClock::shared(),
            client: None,
        }
    }

    /// The issuer as a verifier trusts it; say for which audience. It has no keys until it was asked for them.
    #[must_use]
    pub fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer::named(self.0.issuer()).with_live_keys(self.0.clone())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.issuer()
    }

    /// How it stands with it.
    #[must_use]
    pub fn health(&self) -> IssuerHealth {
        self.0.health()
    }

    /// Whether they are one.
    #[cfg(all(test, feature = "config"))]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Waits until it was asked once, whether it answered or not. For who wants the first request to find its keys there.
    pub async fn asked(&self) {
        self.0.asked_once().await;
    }
}

impl RemoteIssuerBuilder {
    /// Fetches the keys from this address, and asks the issuer for no document.
    pub fn keys_at(mut self, address: &str) -> Self {
        self.keys_at = Some(address.into());
        self
    }

    /// Takes RSA keys without `alg` for this algorithm; RS256 unless set here.
    pub fn rsa_keys_for(mut self, algorithm: JwtAlgorithm) -> Self {
        self.rsa = algorithm;
        self
    }

    /// Ends in this cache what a key verified, when the issuer withdraws the key. Without it such answers last as long as the verifier
    /// lets a cache reuse them. Said again, in that cache too.
    pub fn revoking(mut self, cache: &CredentialCache) -> Self {
        self.caches.push(cache.clone());
        self
    }

    /// Fetches the keys after so long, or sooner where `Cache-Control` says so, but not before 30 seconds are over; five minutes unless set
    /// here. So long a withdrawn key may verify tokens.
    pub fn renewed_every(mut self, time: Duration) -> Self {
        self.lives.renewed = time.max(Duration::from_secs(1));
        self
    }

    /// Lets the last keys count for so long while the issuer cannot be asked; an hour unless set here.
    pub fn kept_for(mut self, time: Duration) -> Self {
        self.lives.kept = time;
        self
    }

    /// Asks through this client.
    pub fn through(mut self, client: impl HttpClient) -> Self {
        self.client = Some(Box::new(client));
        self
    }

    /// Takes time from this clock; without it from the system's.
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Begins to fetch the keys, in the background and until the last clone is gone. It does not wait for them.
    ///
    /// # Errors
    /// When the issuer, or the address of its keys, is no `https` URL (nor one of this very machine), when no client can be made, or
    /// outside of a tokio runtime. Never because the issuer does not answer.
    pub fn start(self) -> Result<RemoteIssuer, RemoteSetupError> {
        let Self { name, keys_at, rsa, lives, caches, clock, client } = self;
        let issuer = || name.to_string();
        let address = Address::of_issuer(&name).map_err(|why| RemoteSetupError::Issuer { issuer: issuer(), why })?;
        let keys_at = keys_at.map(|keys| Address::read(&keys)).transpose();
        let keys_at = keys_at.map_err(|why| RemoteSetupError::Keys { issuer: issuer(), why })?;
        rsa.must_be_of_rsa().map_err(|_| RemoteSetupError::Algorithm(rsa))?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(RemoteSetupError::Runtime);
        }
        let local = address.is_plain() && keys_at.as_ref().is_none_or(Address::is_plain);
        let client = match client {
            Some(client) => client,
            None if local => Box::new(WebClient::local()?),
            None => Box::new(WebClient::new()?),
        };
        let source = Source { issuer: name, address, keys_at, rsa, client, found_at: Default::default() };
        Ok(RemoteIssuer(Kept::start(source, clock, lives, caches)))
    }
}

impl fmt::Debug for RemoteSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for RemoteIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteIssuer").field("health", &self.health()).finish()
    }
}
