//! Signed tokens (JWT, RFC 7519, with the advice of RFC 8725): [`JwtVerifier`] for tokens of others, and for those of our own
//! [`JwtSigner`](crate::jose::JwtSigner).
//!
//! - **The algorithm comes from the key**, never from the token, which must name the same.
//! - `exp` is required and exclusive, `nbf` is checked, both with a leeway of 30 seconds.
//! - What is configured must be there and right: `iss` a string that is the issuer's name byte for byte, `aud` a string, or a
//!   list of strings, with the audience in it. Whoever wants no audience says [`any_audience`](TrustedIssuer::any_audience).
//! - Registered claims must have their type (`null` has none), no claim and no header that counts may stand there twice, and
//!   `sub` may not be empty.
//! - `typ` is absent, `JWT` or `at+jwt`, in any case, with or without `application/`; `crit` is refused; `jku`, `jwk`, `x5u`
//!   and `x5c` are never looked at. More than 64 KiB is refused undecoded; a gate takes 8 KiB unless it is told otherwise.
//! - **A token with `cnf` is bound** (RFC 7800): to a client certificate by `x5t#S256` (RFC 8705), to a key by `jkt` (RFC 9449), to both by both.
//!   It is refused wherever that is not shown, as by [`Bearer`](crate::Bearer) without the certificate, and where `cnf` says anything else.
//! - An issuer's keys verify that issuer's tokens alone. `kid` is needed only where several keys fit; where several fit and
//!   none is named, or two have the name, the token is refused.
//!
//! # Example
//! ```
//! use std::time::{Duration, SystemTime};
//! use countersign::{Answer, Verify, credential::TokenCredential};
//! use countersign::{jose::JwtSigner, verifier::jwt::{JwtVerifier, TrustedIssuer}};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Caller { sub: String, iss: String, aud: String, exp: u64, scope: String }
//!
//! let signer = JwtSigner::fresh().unwrap();
//! let verifier: JwtVerifier<Caller> =
//!     JwtVerifier::trusting(signer.trusted("https://people.example").audience("people")).principal().unwrap();
//!
//! let exp = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 600;
//! let token = signer.sign(&Caller {
//!     sub: "emily".into(), iss: "https://people.example".into(), aud: "people".into(), exp, scope: "reports:read".into(),
//! }).unwrap();
//! let credential = TokenCredential::read(token.as_bytes()).unwrap();
//! let Some(Answer::Verified(verified)) = verifier.verify_now(&credential) else { panic!("a good token") };
//! assert_eq!(verified.subject(), Some("emily"));
//! assert!(verified.scopes().contains("reports:read"));
//!
//! let other = JwtSigner::fresh().unwrap().sign(&serde_json::json!({ "sub": "emily" })).unwrap();
//! let credential = TokenCredential::read(other.as_bytes()).unwrap();
//! assert!(matches!(verifier.verify_now(&credential), Some(Answer::Refused)));
//! ```
//!
//! # What a grant gets
//! `sub` is the subject; scopes come of `scope`, else of `scp`, or of a claim that the application names, each a string with blanks or a
//! list of strings; more than [`MOST`](crate::Scopes::MOST) are refused. **The grant ends at `exp` plus the leeway**, in a cache as without
//! one: no answer about a token outlives the moment from which it would be refused.
//!
//! # What revokes what
//! | revoked is | void is what was verified |
//! |---|---|
//! | [`Handle::subject_of(issuer, sub)`](crate::Handle::subject_of) | for that subject of that issuer |
//! | [`Handle::token_of(issuer, jti)`](crate::Handle::token_of) | by that token of that issuer |
//! | [`Handle::key_of(issuer, thumbprint)`](crate::Handle::key_of) | with that key as a key of that issuer, in whatever algorithm. A secret has no thumbprint, because it would be shown |
//! | [`Handle::issuer(name)`](crate::Handle::issuer) | with any key of that issuer: for secrets too |
//! | [`Handle::subject(sub)`](crate::Handle::subject) | for that name, whoever issued it, and by whatever else of ours has that subject: right where `sub` is this service's own |
//! | [`Handle::of(HandleKind::Token, jti)`](crate::Handle::of) | by any token of that id |
//!
//! `issuer` is the configured name. **To revoke is to ask again**: a token that is still good, by a key that is still trusted, is verified anew.
//! So first take the key from the verifier, or note the id where the principal is made, and then revoke.
//!
//! # What it does not do
//! It does not know of revoked tokens, does not fetch keys, and does not decrypt: a token of five parts is refused.
//!
//! # Why
//! jsonwebtoken supplies the algorithms' names and the JWKs. Its own decoding is not used: it parses the
//! key for each token, needs a provider for the whole process, and lets claims that are absent or of the wrong type pass.

mod claims;
pub(crate) mod confirmation;
mod issuer;
pub mod logout;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use self::claims::{moment, moment_after, peek_issuer};
pub use self::{
    claims::{Claims, IllTypedClaim},
    issuer::TrustedIssuer,
    logout::{Logout, LogoutTokens},
};
use super::{Answer, Kept, Terms, Verify};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::TokenCredential,
    jose::{
        JwtSetupError,
        compact::{Named, Token},
    },
    principal::Verified,
};

type Principal<P> = dyn Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Send + Sync;

/// Verifies signed tokens with keys at hand. See the [module](self).
pub struct JwtVerifier<P> {
    rules: Rules,
    principal: Box<Principal<P>>,
}

/// A verifier that is being set up; [`JwtVerifier::trusting`] begins one.
#[derive(Debug)]
#[must_use]
pub struct JwtVerifierBuilder {
    rules: Rules,
}

#[derive(Debug)]
struct Rules {
    issuers: Vec<TrustedIssuer>,
    types: Vec<Box<str>>,
    untyped: bool,
    scope_claim: Option<Box<str>>,
    leeway: Duration,
    clock: SharedClock,
    reusable_for: Option<Duration>,
}

impl JwtVerifier<()> {
    /// Begins a verifier that trusts this issuer.
    pub fn trusting(issuer: TrustedIssuer) -> JwtVerifierBuilder {
        JwtVerifierBuilder {
            rules: Rules {
                issuers: vec![issuer],
                types: vec!["jwt".into(), "at+jwt".into()],
                untyped: true,
                scope_claim: None,
                leeway: Duration::from_secs(30),
                clock: SystemClock::shared(),
                reusable_for: Some(Duration::from_secs(60)),
            },
        }
    }
}

#[cfg(feature = "jwe")]
impl<P> JwtVerifier<P> {
    /// Judges claims that nobody signed, since only who shares a secret with us can have sealed them: by their times alone. `None` if
    /// they do not hold.
    pub(crate) fn judge_claims(&self, claims: &str) -> Option<Answer<P>> {
        let claims = Claims::read(claims, self.rules.scope_claim.as_deref())?;
        let ends = self.rules.end_of(&claims, self.rules.clock.wall())?;
        let known =
            Verified::new(()).with_scopes(claims.scopes().clone()).ending_at(ends).with_subject(claims.subject()?);
        Some(answered(&self.principal, &claims, known, ends))
    }
}

impl<P> JwtVerifier<P> {
    fn answer(&self, token: &[u8]) -> Answer<P> {
        self.rules.judge(token, |claims, verified| (self.principal)(claims, verified)).unwrap_or(Answer::Refused)
    }
}

impl JwtVerifierBuilder {
    /// Trusts another issuer as well. A token is verified with the keys of the one that its `iss` names.
    pub fn and_trusting(mut self, issuer: TrustedIssuer) -> Self {
        self.rules.issuers.push(issuer);
        self
    }

    /// Takes scopes from the claim of this name (a string with blanks, or a list of strings) and from no other.
    pub fn scopes_from(mut self, claim: &str) -> Self {
        self.rules.scope_claim = Some(claim.into());
        self
    }

    /// Takes tokens of these types alone, such as `at+jwt`, in any case and with or without `application/` in front. A token
    /// without `typ` is then refused.
    pub fn types<'a>(mut self, types: impl IntoIterator<Item = &'a str>) -> Self {
        self.rules.types = types.into_iter().map(|typ| bare_type(typ).to_ascii_lowercase().into()).collect();
        self.rules.untyped = false;
        self
    }

    /// How far the issuers' clocks may be from ours; 30 seconds unless set here.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// How long a cache may reuse an answer; a minute unless set here, and never where all keys are secrets, since an HMAC
    /// costs less than the look-up.
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.rules.reusable_for = life;
        self
    }

    /// Takes time from this clock; without it from the system's.
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.rules.clock = clock;
        self
    }

    /// Makes the principal of the claims, as serde reads them. Claims that make none are refused.
    ///
    /// # Errors
    /// As [`principal_by`](Self::principal_by).
    pub fn principal<P: DeserializeOwned + Send + Sync + 'static>(self) -> Result<JwtVerifier<P>, JwtSetupError> {
        self.principal_by(|claims, verified| match claims.parse() {
            Ok(principal) => verified.map(|()| principal).into(),
            Err(_) => Answer::Refused,
        })
    }

    /// Makes the principal by a function of the claims, which is given what is known already: subject, scopes, handles, end.
    /// It may add to them, narrow the scopes, or refuse; it cannot put off the end.
    ///
    /// ```
    /// # use countersign::{Answer, jose::{JwtSetupError, JwtSigner}, verifier::jwt::JwtVerifier};
    /// # fn main() -> Result<(), JwtSetupError> {
    /// # let signer = JwtSigner::fresh()?;
    /// let people = signer.trusted("https://people.example").audience("people");
    /// let verifier: JwtVerifier<String> = JwtVerifier::trusting(people).principal_by(|claims, verified| {
    ///     match (claims.subject(), claims.get::<Vec<String>>("roles")) {
    ///         (Some(name), Ok(roles)) => verified.map(|()| name.to_owned()).with_roles(roles.unwrap_or_default()).into(),
    ///         _ => Answer::Refused,
    ///     }
    /// })?;
    /// # let _ = verifier; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When an issuer has no key, or two that no token tells apart, when nothing was said about its audience, or when another
    /// issuer has the same name or one of several has none.
    pub fn principal_by<P: Send + Sync + 'static>(
        self,
        principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Send + Sync + 'static,
    ) -> Result<JwtVerifier<P>, JwtSetupError> {
        let issuers = &self.rules.issuers;
        if let Some(fault) = issuers.iter().find_map(TrustedIssuer::fault) {
            return Err(fault);
        }
        let twice = issuers.iter().enumerate().find(|(index, issuer)| {
            let mut others = issuers.iter().skip(index + 1);
            (issuer.name().is_none() && issuers.len() > 1) || others.any(|other| other.name() == issuer.name())
        });
        if let Some((_, issuer)) = twice {
            return Err(JwtSetupError::IssuerTwice { issuer: issuer.name().unwrap_or_default().to_owned() });
        }
        Ok(JwtVerifier { rules: self.rules, principal: Box::new(principal) })
    }
}

impl Rules {
    /// Nothing of the claims is read before the signature is found good, but `iss`, and that where there are several issuers.
    fn judge<P>(&self, token: &[u8], principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P>) -> Option<Answer<P>> {
        let token = Token::cut(token)?;
        let (text, claims_begin) = token.decode()?;
        let (header, claims) = text.split_at_checked(claims_begin)?;
        let header = Named::read(header)?;
        if !self.allows_type(header.typ.as_deref()) {
            return None;
        }
        let issuer = self.issuer_of(claims)?;
        let key = issuer.key_for(header.algorithm, header.kid.as_deref())?;
        if !token.with_signature(|signature| key.verifies(token.signed, signature)) {
            return None;
        }
        let claims = Claims::read(claims, self.scope_claim.as_deref())?;
        let ends = self.end_of(&claims, self.clock.wall())?;
        if !issuer.made(&claims) {
            return None;
        }
        let known = Verified::new(()).with_scopes(claims.scopes().clone()).ending_at(ends);
        let known = match claims.issued() {
            Some(issued) => known.issued_at(issued),
            None => known,
        };
        let known = issuer.identify(known, &claims, key);
        Some(answered(&principal, &claims, known, ends))
    }

    fn allows_type(&self, typ: Option<&str>) -> bool {
        typ.map_or(self.untyped, |typ| self.types.iter().any(|known| known.eq_ignore_ascii_case(bare_type(typ))))
    }

    fn issuer_of(&self, claims: &str) -> Option<&TrustedIssuer> {
        match self.issuers.as_slice() {
            [only] => Some(only),
            several => {
                let name = peek_issuer(claims)?;
                several.iter().find(|issuer| issuer.name() == Some(&*name))
            }
        }
    }

    /// When the claims end, leeway included, if they hold now.
    fn end_of(&self, claims: &Claims<'_>, now: SystemTime) -> Option<SystemTime> {
        let registered = claims.registered();
        let ends = moment_after(registered.exp, self.leeway)?;
        let begins = match registered.nbf {
            Some(nbf) => moment(Some(nbf))?,
            None => SystemTime::UNIX_EPOCH,
        };
        let has_begun = now.checked_add(self.leeway).is_none_or(|latest| begins <= latest);
        (now < ends && has_begun).then_some(ends)
    }
}

/// Who the claims name. When they end, what they are bound to and how their subject signed in holds also for a principal that is made anew.
fn answered<P>(
    principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P>,
    claims: &Claims<'_>,
    known: Verified<()>,
    ends: SystemTime,
) -> Answer<P> {
    let (binding, how) = (claims.registered().binding.clone(), claims.authentication());
    let known = how.clone().into_iter().fold(known.bound_to(binding.clone()), Verified::authenticated);
    match principal(claims, known) {
        Answer::Verified(verified) => {
            let lost = how.filter(|_| verified.authentication().is_none());
            lost.into_iter().fold(verified.ending_at(ends).bound_to_also(binding), Verified::authenticated).into()
        }
        other => other,
    }
}

/// A media type without the `application/` that may be left out (RFC 7515 §4.1.9).
fn bare_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, bare)) if prefix.eq_ignore_ascii_case(PREFIX) => bare,
        _ => typ,
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for JwtVerifier<P> {
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        Some(self.answer(credential.token().expose()).kept_for(self.rules.reusable_for))
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        self.answer(credential.token().expose()).kept_for(self.rules.reusable_for)
    }

    fn terms(&self) -> Terms {
        let cheap = self.rules.issuers.iter().all(TrustedIssuer::has_secrets_only);
        let kept = !cheap && self.rules.reusable_for.is_some();
        Terms::new().kept(if kept { Kept::Always } else { Kept::Never })
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.rules.clock)
    }
}

impl<P> fmt::Debug for JwtVerifier<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}
