//! Access tokens of our own: signed, short-lived, and narrowed to what was asked for.
//!
//! A token names its subject, its scopes, and whether those were all that the subject had. What the subject may today is looked up
//! again when a token is verified: one whose owner is gone opens nothing, and none holds more than its owner still has. Roles
//! come only with a token that was issued for all.
//!
//! A token lives for ten minutes, without leeway, since one clock issues and verifies it.
//!
//! # Example
//! ```
//! # use std::sync::Arc;
//! # use countersign::{Bearer, Gate, JwtSigner, gate::GateBuilder, mint::access_token::AccessTokens, store::Directory};
//! fn accept(directory: Arc<dyn Directory<String>>) -> Result<Gate<String>, Box<dyn std::error::Error>> {
//!     let tokens = AccessTokens::new(JwtSigner::fresh()?, "https://people.example", "people", directory)?;
//!     Ok(Gate::in_realm("people").accept(Bearer, tokens.clone()).build()?)
//! }
//! ```
//! Issuing is an endpoint: see [`TokenEndpoints`].

mod endpoint;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

pub use self::endpoint::TokenEndpoints;
use crate::{
    clock::{SharedClock, SystemClock},
    credential::TokenCredential,
    jose::{JwtSetupError, JwtSigner},
    principal::{Handle, HandleKind, Scopes},
    secret::random::random_bytes,
    store::Directory,
    unavailable::Unavailable,
    verifier::{Answer, Verify, jwt::JwtVerifier},
};

/// Issues and verifies access tokens. Cheap to clone. See the [module](self).
pub struct AccessTokens<P> {
    shared: Arc<Shared>,
    directory: Arc<dyn Directory<P>>,
}

struct Shared {
    signer: JwtSigner,
    verifier: JwtVerifier<Issued>,
    issuer: Box<str>,
    audience: Box<str>,
    life: Duration,
    clock: SharedClock,
}

/// What a good token says.
#[derive(Debug, Clone)]
struct Issued {
    subject: Box<str>,
    id: Box<str>,
    scopes: Scopes,
    all_scopes: bool,
    ends: SystemTime,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    jti: &'a str,
    iat: u64,
    exp: u64,
    scope: String,
    all_scopes: bool,
}

/// A token that was just issued.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) life: Duration,
}

/// How long a look-up may be remembered: changes of roles and scopes show after that at the latest.
const LOOK_UP_LIFE: Duration = Duration::from_secs(60);

impl<P: Send + Sync + 'static> AccessTokens<P> {
    /// Tokens signed by this signer, from this issuer for this audience.
    ///
    /// # Errors
    /// When the signer's keys cannot verify what it signs.
    pub fn new(
        signer: JwtSigner,
        issuer: &str,
        audience: &str,
        directory: Arc<dyn Directory<P>>,
    ) -> Result<Self, JwtSetupError> {
        Self::timed_by(signer, issuer, audience, directory, SystemClock::shared())
    }

    /// The same, with time from this clock.
    ///
    /// # Errors
    /// When the signer's keys cannot verify what it signs.
    pub fn timed_by(
        signer: JwtSigner,
        issuer: &str,
        audience: &str,
        directory: Arc<dyn Directory<P>>,
        clock: SharedClock,
    ) -> Result<Self, JwtSetupError> {
        let verifier = signer.verifier(issuer, audience).leeway(Duration::ZERO).with_clock(Arc::clone(&clock));
        let verifier = verifier.principal_by(|claims, verified| {
            let all_scopes = claims.get::<bool>("all_scopes").ok().flatten();
            match (claims.subject(), claims.id(), claims.ends(), all_scopes) {
                (Some(subject), Some(id), Some(ends), Some(all_scopes)) => {
                    let scopes = claims.scopes().clone();
                    let issued = Issued { subject: subject.into(), id: id.into(), scopes, all_scopes, ends };
                    verified.map(|()| issued).into()
                }
                _ => Answer::Refused,
            }
        })?;
        let (issuer, audience, life) = (issuer.into(), audience.into(), Duration::from_secs(600));
        Ok(Self { shared: Arc::new(Shared { signer, verifier, issuer, audience, life, clock }), directory })
    }

    /// The public keys that verify these tokens, as a JSON Web Key Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks_json(&self) -> String {
        self.shared.signer.jwks_json()
    }

    pub(crate) fn issue(&self, subject: &str, scopes: &Scopes, all_scopes: bool) -> Result<Token, Unavailable> {
        let shared = &*self.shared;
        let now = shared.clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            iss: &shared.issuer,
            aud: &shared.audience,
            sub: subject,
            jti: &URL_SAFE_NO_PAD.encode(random_bytes::<16>()),
            iat: now,
            exp: now + shared.life.as_secs(),
            scope: scopes.to_string(),
            all_scopes,
        };
        let text = shared.signer.sign(&claims).map_err(Unavailable::because)?;
        Ok(Token { text, life: shared.life })
    }

    async fn look_up(&self, issued: &Issued) -> Result<Answer<P>, Unavailable> {
        let Some(owner) = self.directory.find(&issued.subject).await? else { return Ok(Answer::Refused) };
        let verified = owner.narrowed_to(&issued.scopes, issued.all_scopes).not_after(issued.ends);
        Ok(verified.revocable_by(Handle::of(HandleKind::Token, &issued.id)).into())
    }

    fn signed(&self, credential: &TokenCredential) -> Option<Answer<Issued>> {
        self.shared.verifier.verify_now(credential)
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for AccessTokens<P> {
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        match self.signed(credential) {
            Some(Answer::Verified(_)) | None => None,
            Some(Answer::Refused) => Some(Answer::Refused),
            Some(Answer::Unjudged) => Some(Answer::Unjudged),
            Some(Answer::Unavailable(source)) => Some(Answer::Unavailable(source)),
        }
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        match self.signed(&credential) {
            Some(Answer::Verified(issued)) => {
                self.look_up(issued.principal()).await.unwrap_or_else(Answer::Unavailable)
            }
            Some(Answer::Unavailable(source)) => Answer::Unavailable(source),
            Some(Answer::Unjudged) => Answer::Unjudged,
            Some(Answer::Refused) | None => Answer::Refused,
        }
    }

    fn reusable_for(&self) -> Option<Duration> {
        Some(LOOK_UP_LIFE)
    }
}

impl<P> Clone for AccessTokens<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), directory: Arc::clone(&self.directory) }
    }
}

impl<P> fmt::Debug for AccessTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").field("issuer", &self.shared.issuer).finish_non_exhaustive()
    }
}
