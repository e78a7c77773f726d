//! Access tokens of our own: signed, short-lived, and narrowed to what was asked for.
//!
//! A token names its subject, its scopes, and whether these were named when it was issued. What the subject may today is looked up
//! again when a token is verified: one whose owner is gone opens nothing, and none holds more than its owner still has. Roles come with a
//! token for which no scopes were named, and with one whose scopes cover all that its owner has when it is used.
//!
//! A token lives for ten minutes, without leeway, since one clock issues and verifies it. **It is good until then, whatever anybody
//! says, unless a store says otherwise**: see [`recorded_in`](AccessTokens::recorded_in), and
//! [`Revocation`](crate::mint::revocation::Revocation), which needs it.
//!
//! # Example
//! ```
//! # use std::sync::Arc;
//! # use countersign::{Bearer, Gate, JwtSigner, gate::GateBuilder, mint::access_token::AccessTokens, store::Directory};
//! fn accept(
//!     directory: Arc<dyn Directory<String>>,
//! ) -> Result<Gate<String>, Box<dyn std::error::Error>> {
//!     let tokens = AccessTokens::issued_by("https://people.example", JwtSigner::fresh()?)
//!         .for_audience("people", directory)?;
//!     Ok(Gate::in_realm("people").accept(Bearer, tokens.clone()).build()?)
//! }
//! ```
//! Issuing is an endpoint: see [`TokenEndpoints`], and [`RefreshEndpoints`](crate::mint::refresh_token::RefreshEndpoints) for tokens that
//! can be had anew. An app that knows by itself for whom a token is [issues](AccessTokens::issue) one by a call. The signer's keys may be
//! [changed](JwtSigner::replace_with) while the service runs.

pub(super) mod endpoint;

use std::{
    borrow::Cow,
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
    mint::endpoint::owner::Owner,
    principal::{Handle, Scopes, Verified},
    secret::random::random_bytes,
    store::{Directory, FamilyRecord, RevocationStore},
    unavailable::Unavailable,
    verifier::{
        Answer, Kept, Terms, Verify,
        jwt::{Claims, JwtVerifier},
    },
};

/// Issues and verifies access tokens. Cheap to clone. See the [module](self).
pub struct AccessTokens<P> {
    shared: Arc<Shared>,
    directory: Arc<dyn Directory<P>>,
    record: Option<Arc<dyn RevocationStore>>,
}

/// Access tokens that are being set up; [`AccessTokens::issued_by`] begins them.
#[derive(Debug)]
#[must_use]
pub struct AccessTokensBuilder {
    issuer: Box<str>,
    signer: JwtSigner,
    clock: SharedClock,
}

struct Shared {
    signer: JwtSigner,
    verifier: JwtVerifier<Issued>,
    issuer: Box<str>,
    audience: Box<str>,
    clock: SharedClock,
}

/// What a good token says.
#[derive(Debug, Clone)]
struct Issued {
    subject: Box<str>,
    scopes: Scopes,
    all_scopes: bool,
    generation: u64,
    ends: SystemTime,
    handles: Box<[Handle]>,
    /// Of this token alone.
    token: Handle,
    /// Of the family that it came of.
    family: Option<Handle>,
}

#[derive(Serialize)]
struct Written<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    jti: &'a str,
    iat: u64,
    exp: u64,
    scope: String,
    all_scopes: bool,
    #[serde(rename = "gen")]
    generation: u64,
    #[serde(rename = "fam", skip_serializing_if = "Option::is_none")]
    family: Option<&'a str>,
}

/// For whom and what a token is issued.
pub(crate) struct Wish<'a> {
    pub(crate) subject: &'a str,
    pub(crate) scopes: &'a Scopes,
    /// Whether none were named.
    pub(crate) all_scopes: bool,
    pub(crate) generation: u64,
    /// The id of the family that it comes of.
    pub(crate) family: Option<&'a str>,
}

/// A token that was just issued, to be handed to its owner.
#[must_use]
pub struct IssuedToken {
    pub(crate) text: String,
    pub(crate) life: Duration,
    scopes: Scopes,
}

impl IssuedToken {
    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// How long it is good.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.life
    }

    /// What it was issued for.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("life", &self.life).finish_non_exhaustive()
    }
}

/// How long a token is good.
pub(crate) const LIFE: Duration = Duration::from_secs(600);

/// How long a look-up may be remembered: changes of roles and scopes show after that at the latest.
const LOOK_UP_LIFE: Duration = Duration::from_secs(60);

impl AccessTokens<()> {
    /// Begins tokens that this signer signs and that name this issuer (`iss`).
    pub fn issued_by(issuer: &str, signer: JwtSigner) -> AccessTokensBuilder {
        AccessTokensBuilder { issuer: issuer.into(), signer, clock: SystemClock::shared() }
    }
}

impl AccessTokensBuilder {
    /// Takes time from this clock; without it from the system's.
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The tokens for this audience (`aud`), which looks up in this directory what their subjects may today.
    ///
    /// # Errors
    /// When the signer's keys cannot verify what it signs.
    pub fn for_audience<P>(
        self,
        audience: &str,
        directory: Arc<dyn Directory<P>>,
    ) -> Result<AccessTokens<P>, JwtSetupError> {
        let Self { issuer, signer, clock } = self;
        let verifier = JwtVerifier::trusting(signer.trusted(&issuer).audience(audience))
            .leeway(Duration::ZERO)
            .timed_by(Arc::clone(&clock))
            .principal_by(issued)?;
        let shared = Shared { signer, verifier, issuer, audience: audience.into(), clock };
        Ok(AccessTokens { shared: Arc::new(shared), directory, record: None })
    }
}

impl<P: Send + Sync + 'static> AccessTokens<P> {
    /// The public keys that verify these tokens, as a JSON Web Key Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks_json(&self) -> String {
        self.shared.signer.jwks_json()
    }

    /// The same tokens, which ask this store whether they were revoked, alone, with their family, or with all of their subject. While it
    /// has no answer, none is let in.
    #[must_use]
    pub fn recorded_in(mut self, store: Arc<dyn RevocationStore>) -> Self {
        self.record = Some(store);
        self
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.shared.clock
    }

    pub(crate) fn directory(&self) -> &Arc<dyn Directory<P>> {
        &self.directory
    }

    /// The generation of what is handed out to this owner: that of the credential by which they came, or else the present one. To be found
    /// out before the owner is asked for the last time.
    pub(crate) async fn generation_of(&self, owner: &Owner) -> Result<u64, Unavailable> {
        match owner.generation {
            Some(generation) => Ok(generation),
            None => self.generation_now(&owner.subject).await,
        }
    }

    /// Issues a token for this subject, for what these scopes name, or for all that the subject has when it is used. `None` if the directory
    /// knows no such subject. For whoever has shown by means of the app's own for whom it is to be; more than the subject has it
    /// opens nothing, whatever is named here.
    ///
    /// ```
    /// # use countersign::{Scopes, Unavailable, mint::access_token::AccessTokens};
    /// async fn for_a_device(
    ///     tokens: &AccessTokens<String>,
    ///     owner: &str,
    ///     scopes: &Scopes,
    /// ) -> Result<Option<String>, Unavailable> {
    ///     Ok(tokens.issue(owner, Some(scopes)).await?.map(|token| token.reveal().to_owned()))
    /// }
    /// ```
    ///
    /// # Errors
    /// When the directory or the record of what was revoked does not answer, or the token would be too long.
    pub async fn issue(&self, subject: &str, scopes: Option<&Scopes>) -> Result<Option<IssuedToken>, Unavailable> {
        // Before the last look at the owner: what is revoked in between voids the token.
        let generation = self.generation_now(subject).await?;
        let Some(owner) = self.directory.find(subject).await? else { return Ok(None) };
        let (scopes, all_scopes) = (scopes.unwrap_or_else(|| owner.scopes()), scopes.is_none());
        self.sign(&Wish { subject, scopes, all_scopes, generation, family: None }).map(Some)
    }

    async fn generation_now(&self, subject: &str) -> Result<u64, Unavailable> {
        match &self.record {
            Some(record) => Ok(record.standing(subject, &[]).await?.floor.generation),
            None => Ok(0),
        }
    }

    pub(crate) fn sign(&self, wish: &Wish<'_>) -> Result<IssuedToken, Unavailable> {
        let shared = &*self.shared;
        let now = shared.clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Written {
            iss: &shared.issuer,
            aud: &shared.audience,
            sub: wish.subject,
            jti: &URL_SAFE_NO_PAD.encode(random_bytes::<16>()),
            iat: now,
            exp: now + LIFE.as_secs(),
            scope: wish.scopes.to_string(),
            all_scopes: wish.all_scopes,
            generation: wish.generation,
            family: wish.family,
        };
        let text = shared.signer.sign(&claims).map_err(Unavailable::because)?;
        Ok(IssuedToken { text, life: LIFE, scopes: wish.scopes.clone() })
    }

    async fn look_up(&self, issued: &Issued) -> Result<Answer<P>, Unavailable> {
        if let Some(record) = &self.record {
            let handles: Vec<Handle> = issued.family.into_iter().chain([issued.token]).collect();
            let standing = record.standing(&issued.subject, &handles).await?;
            if standing.revoked || standing.floor.voids_generation(issued.generation) {
                return Ok(Answer::refused("it was revoked, alone or with all of its subject"));
            }
        }
        let Some(owner) = self.directory.find(&issued.subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        let verified =
            if issued.all_scopes { owner.limited_to(&issued.scopes) } else { owner.narrowed_to(&issued.scopes) };
        let verified = issued.handles.iter().copied().fold(verified.ending_at(issued.ends), Verified::revocable_by);
        Ok(match self.record {
            Some(_) => {
                verified.in_generation(issued.generation).with_own_handle(issued.family.unwrap_or(issued.token)).into()
            }
            None => verified.into(),
        })
    }

    fn signed(&self, credential: &TokenCredential) -> Option<Answer<Issued>> {
        self.shared.verifier.verify_now(credential)
    }
}

/// What the claims say, if they are those of a token of ours.
fn issued(claims: &Claims<'_>, verified: Verified<()>) -> Answer<Issued> {
    let (Ok(all_scopes), Ok(generation), Ok(family)) =
        (claims.get::<bool>("all_scopes"), claims.get::<u64>("gen"), claims.get::<Cow<'_, str>>("fam"))
    else {
        return Answer::Refused;
    };
    match (claims.subject(), verified.own_handle(), claims.ends(), all_scopes, generation) {
        (Some(subject), Some(token), Some(ends), Some(all_scopes), Some(generation)) => {
            let issued = Issued {
                subject: subject.into(),
                scopes: claims.scopes().clone(),
                all_scopes,
                generation,
                ends,
                handles: verified.handles().into(),
                token,
                family: family.map(|id| FamilyRecord::handle_of(&id)),
            };
            verified.map(|()| issued).into()
        }
        _ => Answer::Refused,
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
                self.look_up(issued.principal()).await.unwrap_or_else(Answer::Unavailable).kept_for(Some(LOOK_UP_LIFE))
            }
            Some(Answer::Unavailable(source)) => Answer::Unavailable(source),
            Some(Answer::Unjudged) => Answer::Unjudged,
            Some(Answer::Refused) | None => Answer::Refused,
        }
    }

    fn terms(&self) -> Terms {
        let Shared { issuer, audience, .. } = &*self.shared;
        Terms::new().kept(Kept::Always).of_issuer(issuer, [&**audience])
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.shared.clock)
    }
}

impl<P> Clone for AccessTokens<P> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            directory: Arc::clone(&self.directory),
            record: self.record.as_ref().map(Arc::clone),
        }
    }
}

impl<P> fmt::Debug for AccessTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").field("issuer", &self.shared.issuer).finish_non_exhaustive()
    }
}
