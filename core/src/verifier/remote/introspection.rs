//! Opaque tokens of others, about which their issuer is asked (RFC 7662): [`Introspection`].
//!
//! - The issuer says whether a token is active; what is not is refused. What it says of the token must be of the types of RFC 7519, and name
//!   the audience, exactly as the claims of a signed token.
//! - **An answer that is no answer is an outage**: another status than 200, something else than JSON, no `active`. Also where the issuer does
//!   not take our own credential.
//! - A cache remembers what it says for a minute, and never past `exp`. Within that time a token that was revoked elsewhere is still let in.
//! - A token that is bound to a key or a certificate (`cnf`), or of another type than `Bearer`, is refused: nothing here shows its proof.
//!
//! # Example
//! ```
//! use countersign::{Answer, Secret, verifier::remote::{Introspection, IntrospectionClient}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = "a secret of 24 characters";
//! let ourselves = IntrospectionClient::with_secret("people", &Secret::new(secret));
//! let verifier = Introspection::of("https://issuer.example", "https://issuer.example/introspect", ourselves)
//!     .audience("people")
//!     # .through(Nobody)
//!     .principal_by(|claims, verified| match claims.subject() {
//!         Some(name) => verified.map(|()| name.to_owned()).into(),
//!         None => Answer::Refused,
//!     })?;
//! # let _ = verifier; Ok(()) }
//! # #[derive(Debug)]
//! # struct Nobody;
//! # #[countersign::async_trait]
//! # impl countersign::verifier::remote::HttpClient for Nobody {
//! #     async fn send(
//! #         &self,
//! #         _: countersign::verifier::remote::HttpRequest,
//! #     ) -> Result<countersign::verifier::remote::HttpResponse, countersign::Unavailable> {
//! #         Err(countersign::Unavailable::because("nobody is there"))
//! #     }
//! # }
//! ```
//!
//! # What it does not do
//! It does not read an answer that is itself a signed token (RFC 9701).

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::{HttpClient, HttpRequest, RemoteSetupError, WebClient, address::Address};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::TokenCredential,
    jose::JwtSigner,
    principal::Verified,
    secret::{Secret, random::random_bytes},
    unavailable::Unavailable,
    verifier::{
        Answer, Terms, Verify,
        jwt::{Claims, TrustedIssuer, answered},
        reuse::Reuse,
    },
};

/// The longest answer.
const LONGEST: usize = 64 << 10;

type Principal<P> = dyn Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Send + Sync;

/// Verifies tokens by asking their issuer. See the [module](self).
pub struct Introspection<P> {
    asks: Asks,
    terms: Terms,
    principal: Box<Principal<P>>,
}

/// A verifier that is being set up; [`Introspection::of`] begins one.
#[derive(Debug)]
#[must_use]
pub struct IntrospectionBuilder {
    issuer: TrustedIssuer,
    name: Box<str>,
    address: Box<str>,
    ourselves: IntrospectionClient,
    client: Option<Box<dyn HttpClient>>,
    scope_claim: Option<Box<str>>,
    clock: SharedClock,
    reuse: Reuse,
}

/// Who we are to the issuer.
#[derive(Clone)]
pub struct IntrospectionClient {
    id: Box<str>,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    Secret(Secret),
    Key(Arc<JwtSigner>),
}

#[derive(Debug)]
struct Asks {
    issuer: TrustedIssuer,
    name: Box<str>,
    address: Address,
    ourselves: IntrospectionClient,
    client: Box<dyn HttpClient>,
    scope_claim: Option<Box<str>>,
    clock: SharedClock,
    reuse: Reuse,
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
}

impl IntrospectionClient {
    /// The client of this id and secret, sent as Basic (RFC 6749 §2.3.1).
    #[must_use]
    pub fn with_secret(id: &str, secret: &Secret) -> Self {
        Self { id: id.into(), proof: Proof::Secret(secret.clone()) }
    }

    /// The client of this id, which signs an assertion of a minute for each question (`private_key_jwt`, RFC 7523 §2.2).
    #[must_use]
    pub fn with_key(id: &str, signer: JwtSigner) -> Self {
        Self { id: id.into(), proof: Proof::Key(Arc::new(signer)) }
    }

    /// What shows who we are: a header field, or what is added to the form.
    fn shown(&self, audience: &str, now: SystemTime) -> Result<(Option<Secret>, String), Unavailable> {
        match &self.proof {
            Proof::Secret(secret) => {
                let secret =
                    std::str::from_utf8(secret.expose()).map_err(|_| Unavailable::because("the secret is no text"))?;
                let pair = format!("{}:{}", encoded(&self.id), encoded(secret));
                Ok((Some(Secret::new(format!("Basic {}", STANDARD.encode(pair)))), String::new()))
            }
            Proof::Key(signer) => {
                let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                let jti = URL_SAFE_NO_PAD.encode(random_bytes::<16>());
                let claims = Assertion { iss: &self.id, sub: &self.id, aud: audience, jti, iat: now, exp: now + 60 };
                let assertion = signer.sign(&claims).map_err(Unavailable::because)?;
                let kind = encoded("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                let id = encoded(&self.id);
                Ok((None, format!("&client_id={id}&client_assertion_type={kind}&client_assertion={assertion}")))
            }
        }
    }
}

impl Introspection<()> {
    /// Begins a verifier of the tokens of the issuer of this name, which is asked at this address by a client that it knows: ourselves.
    pub fn of(issuer: &str, address: &str, ourselves: IntrospectionClient) -> IntrospectionBuilder {
        IntrospectionBuilder {
            issuer: TrustedIssuer::named(issuer),
            name: issuer.into(),
            address: address.into(),
            ourselves,
            client: None,
            scope_claim: None,
            clock: SystemClock::shared(),
            reuse: Reuse::A_MINUTE,
        }
    }
}

impl IntrospectionBuilder {
    /// Its tokens must name this audience in `aud`. Said again, one of them.
    pub fn audience(mut self, name: &str) -> Self {
        self.issuer = self.issuer.audience(name);
        self
    }

    /// Its tokens may be for anyone, and without `aud`: right only where the issuer serves this service alone.
    pub fn any_audience(mut self) -> Self {
        self.issuer = self.issuer.any_audience();
        self
    }

    /// Takes scopes from the claim of this name, and from no other.
    pub fn scopes_from(mut self, claim: &str) -> Self {
        self.scope_claim = Some(claim.into());
        self
    }

    /// How long a cache may reuse an answer; a minute unless set here. `None` asks each time.
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.reuse = Reuse(life);
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

    /// Makes the principal of what the issuer says, as [`JwtVerifierBuilder::principal_by`](crate::verifier::jwt::JwtVerifierBuilder::principal_by)
    /// does of claims.
    ///
    /// # Errors
    /// When nothing was said about the audience, the address is none that may be called, or no client can be made.
    pub fn principal_by<P: Send + Sync + 'static>(
        self,
        principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Send + Sync + 'static,
    ) -> Result<Introspection<P>, RemoteSetupError> {
        let Self { issuer, name, address, ourselves, client, scope_claim, clock, reuse } = self;
        if issuer.says_no_audience() {
            return Err(RemoteSetupError::NoAudience { issuer: name.into() });
        }
        let address =
            Address::read(&address).map_err(|why| RemoteSetupError::Introspection { issuer: name.to_string(), why })?;
        let client = match client {
            Some(client) => client,
            None => Box::new(if address.is_plain() { WebClient::local()? } else { WebClient::new()? }),
        };
        let terms = issuer.told_in(Terms::new().kept(reuse.kept()));
        let asks = Asks { issuer, name, address, ourselves, client, scope_claim, clock, reuse };
        Ok(Introspection { asks, terms, principal: Box::new(principal) })
    }
}

impl Asks {
    /// What the issuer says of a token, as JSON; `None` if it says that it answers no questions about such tokens.
    async fn ask(&self, token: &[u8]) -> Result<Option<String>, Unavailable> {
        let failed =
            |why: Unavailable| Unavailable::because(format!("{} cannot be asked about a token: {why}", self.name));
        let (authorization, proof) = self.ourselves.shown(&self.name, self.clock.wall()).map_err(failed)?;
        let token = std::str::from_utf8(token).map_err(|_| Unavailable::because("the token is no text"))?;
        let form = format!("token={}&token_type_hint=access_token{proof}", encoded(token));
        let request = HttpRequest::post_form(self.address.as_str(), authorization, Secret::new(form), LONGEST);
        let response = self.client.send(request).await.map_err(failed)?;
        // What a server that answers about opaque tokens alone says of a signed one, which anybody can send.
        if response.error().as_deref() == Some("unsupported_token_type") {
            return Ok(None);
        }
        let json = response.json(LONGEST).map_err(failed)?;
        String::from_utf8(json.to_vec()).map(Some).map_err(|_| failed(Unavailable::because("its answer is no text")))
    }

    fn judge<P>(&self, said: &str, principal: &Principal<P>) -> Answer<P> {
        let no_answer = || {
            Answer::Unavailable(Unavailable::because(format!("{} does not say whether a token is active", self.name)))
        };
        match serde_json::from_str::<Value>(said).ok().and_then(|said| said.get("active")?.as_bool()) {
            None => return no_answer(),
            Some(false) => return refused("its issuer says that it is not active"),
            Some(true) => {}
        }
        // A member that is ill-typed or stands there twice is no answer either: two readers would read two.
        let Some(claims) = Claims::read(said, self.scope_claim.as_deref()) else { return no_answer() };
        if claims.get::<Value>("cnf") != Ok(None) {
            return refused("it is bound to something, and nothing here shows that");
        }
        let is_bearer = |typ: &str| typ.eq_ignore_ascii_case("Bearer");
        if !claims.get::<String>("token_type").is_ok_and(|typ| typ.as_deref().is_none_or(is_bearer)) {
            return refused("it is no bearer token");
        }
        if claims.issuer().is_some_and(|issuer| *issuer != *self.name) {
            return refused("its \"iss\" is not its issuer's name");
        }
        if !self.issuer.is_meant_by(&claims) {
            return refused("its \"aud\" does not name the audience");
        }
        let known = Verified::new(()).with_scopes(claims.scopes().clone());
        let known = match claims.ends() {
            Some(end) if end <= self.clock.wall() => return refused("it has ended"),
            Some(end) => known.ending_at(end),
            None => known,
        };
        answered(principal, &claims, self.issuer.identify_without_key(known, &claims), claims.ends())
    }
}

fn refused<P>(why: &'static str) -> Answer<P> {
    tracing::debug!(target: "countersign", why, "a token was refused");
    Answer::Refused
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for Introspection<P> {
    type Principal = P;

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        match self.asks.ask(credential.token().expose()).await {
            Ok(None) => refused("its issuer answers no questions about such tokens"),
            Ok(Some(said)) => self.asks.reuse.limit(self.asks.judge(&said, &*self.principal)),
            Err(source) => Answer::Unavailable(source),
        }
    }

    fn terms(&self) -> Terms {
        self.terms.clone()
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.asks.clock)
    }
}

impl fmt::Debug for IntrospectionClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionClient").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Introspection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection").field("asks", &self.asks).finish_non_exhaustive()
    }
}
