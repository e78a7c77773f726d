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
//! use countersign::{Answer, Verify, credential::TokenCredential};
//! use countersign::{
//!     jose::JwtSigner,
//!     verifier::jwt::{JwtVerifier, TrustedIssuer},
//! };
//! use std::time::{Duration, SystemTime};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Caller {
//!     sub: String,
//!     iss: String,
//!     aud: String,
//!     exp: u64,
//!     scope: String,
//! }
//!
//! let signer = JwtSigner::fresh().unwrap();
//! let verifier: JwtVerifier<Caller> =
//!     JwtVerifier::trusting(signer.trusted("https://people.example").audience("people"))
//!         .principal()
//!         .unwrap();
//!
//! let exp = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 600;
//! let token = signer
//!     .sign(&Caller {
//!         sub: "emily".into(),
//!         iss: "https://people.example".into(),
//!         aud: "people".into(),
//!         exp,
//!         scope: "reports:read".into(),
//!     })
//!     .unwrap();
//! let credential = TokenCredential::read(token.as_bytes()).unwrap();
//! let Some(Answer::Verified(verified)) = verifier.verify_now(&credential) else {
//!     panic!("a good token")
//! };
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
//! one: no answer about a token outlives the moment from which it would be refused. What it shows of its end is `exp`
//! ([`named_end`](crate::Grant::named_end)).
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
//! It does not know of revoked tokens, and does not decrypt: a token of five parts is refused. It does not fetch keys; those of an issuer that
//! publishes them are kept by `verifier::remote`, with the feature `remote`.
//!
//! # Why a token is refused
//! The client is told that it is invalid, and no more. The log says why at DEBUG: of a token whose signature is good with what its claims
//! say (`"exp" was 40 s ago`, `its "aud" names "other"`), of any other with no more than its `kid`, escaped.
//!
//! # Why
//! jsonwebtoken supplies the algorithms' names and the JWKs. Its own decoding is not used: it parses the
//! key for each token, needs a provider for the whole process, and lets claims that are absent or of the wrong type pass.

mod builder;
mod claims;
pub(crate) mod confirmation;
mod issuer;
mod issuers;
mod keys;
pub mod logout;
pub mod profile;
mod rules;

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;

#[cfg(feature = "remote")]
pub(in crate::verifier) use self::keys::IssuerKeys;
pub(in crate::verifier) use self::keys::{LiveKeys, Missing};
use self::rules::{Rules, Tenants};
pub use self::{
    builder::JwtVerifierBuilder,
    claims::{Claims, IllTypedClaim},
    issuer::TrustedIssuer,
    issuers::{BadIssuers, TrustedIssuers},
    logout::{Logout, LogoutTokens},
};
use super::{Answer, Kept, LookedUp, QueueLimits, Terms, Verify};
use crate::{clock::SharedClock, credential::TokenCredential, principal::Verified, store::Directory};

type Principal<P> = dyn Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Send + Sync;

/// Verifies signed tokens with keys at hand. See the [module](self).
pub struct JwtVerifier<P> {
    rules: Rules,
    principal: Box<Principal<P>>,
}

impl JwtVerifier<()> {
    /// Begins a verifier that trusts this issuer.
    pub fn trusting(issuer: TrustedIssuer) -> JwtVerifierBuilder {
        JwtVerifierBuilder::with(vec![Arc::new(issuer)], None)
    }

    /// Begins a verifier for many tenants: `find` is given what a token says of its issuer, which is a stranger's word, and names the issuer
    /// out of those that the application keeps, with its audience and its keys. It must have that very name, or the token is refused.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use countersign::verifier::jwt::{JwtVerifier, TrustedIssuer};
    /// let tenants: HashMap<String, TrustedIssuer> = HashMap::new();
    /// let verifier = JwtVerifier::trusting_whom(move |name| tenants.get(name).cloned())
    ///     .principal::<serde_json::Value>();
    /// # let _ = verifier;
    /// ```
    pub fn trusting_whom(find: impl Fn(&str) -> Option<TrustedIssuer> + Send + Sync + 'static) -> JwtVerifierBuilder {
        JwtVerifierBuilder::with(Vec::new(), Some(Tenants(Box::new(find))))
    }
}

impl<P: Send + Sync + 'static> JwtVerifier<P> {
    /// Whom the tokens name, as this directory of ours knows them: see [`LookedUp`].
    ///
    /// ```
    /// # use std::{error::Error, sync::Arc};
    /// # use countersign::{Bearer, Gate, JwtSigner, store::Directory, verifier::{TokenTable, first_of, jwt::JwtVerifier}};
    /// # #[derive(serde::Deserialize)] struct Claims {}
    /// # fn gate(issuer: JwtSigner, users: Arc<dyn Directory<String>>, opaque: TokenTable<String>) -> Result<Gate<String>, Box<dyn Error>> {
    /// let issuer = issuer.trusted("https://login.example").audience("people");
    /// let jwt = JwtVerifier::trusting(issuer).principal::<Claims>()?.looked_up_in(users);
    /// let gate = Gate::in_realm("people").accept(Bearer, first_of((jwt, opaque))).build()?;
    /// # Ok(gate) }
    /// ```
    #[must_use]
    pub fn looked_up_in<Q: Send + Sync + 'static>(self, users: Arc<dyn Directory<Q>>) -> LookedUp<Self, Q> {
        LookedUp::new(self, users)
    }
}

#[cfg(feature = "jwe")]
impl<P> JwtVerifier<P> {
    /// Judges claims that nobody signed, since only who shares a secret with us can have sealed them: by their times alone. `None` if
    /// they do not hold.
    pub(crate) fn judge_claims(&self, claims: &str) -> Option<Answer<P>> {
        let claims = Claims::read(claims, self.rules.scope_claim.as_deref())?;
        let ends = self.rules.end_of(&claims, self.rules.clock.wall()).ok()?;
        let known =
            Verified::new(()).with_scopes(claims.scopes().clone()).ending_at(ends).with_subject(claims.subject()?);
        Some(answered(&self.principal, &claims, known, Some(ends)))
    }
}

/// Who the claims name. When they end, what they are bound to and how their subject signed in holds also for a principal that is made anew.
pub(in crate::verifier) fn answered<P>(
    principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P>,
    claims: &Claims<'_>,
    known: Verified<()>,
    ends: Option<SystemTime>,
) -> Answer<P> {
    let (binding, how) = (claims.registered().binding.clone(), claims.authentication());
    let known = how.clone().into_iter().fold(known.bound_to(binding.clone()), Verified::authenticated);
    match principal(claims, known) {
        Answer::Verified(verified) => {
            let lost = how.filter(|_| verified.authentication().is_none());
            let verified = lost.into_iter().fold(verified.bound_to_also(binding), Verified::authenticated);
            let verified = ends.into_iter().fold(verified, Verified::ending_at);
            claims.ends().into_iter().fold(verified, Verified::naming_its_end).into()
        }
        other => other,
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for JwtVerifier<P> {
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        Some(self.rules.reuse.limit(self.rules.answer_now(credential.token().expose(), &self.principal)?))
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        self.rules.reuse.limit(self.rules.answer(credential.token().expose(), &self.principal).await)
    }

    fn terms(&self) -> Terms {
        let cheap = self.rules.tenants.is_none() && self.rules.issuers.iter().all(|issuer| issuer.has_secrets_only());
        let terms = Terms::new().kept(if cheap { Kept::Never } else { self.rules.reuse.kept() });
        let terms = self.rules.issuers.iter().fold(terms, |terms, issuer| issuer.told_in(terms));
        // Those that wait for a key do nothing else.
        let may_wait = self.rules.tenants.is_some() || self.rules.issuers.iter().any(|issuer| issuer.live().is_some());
        if may_wait { terms.queued(QueueLimits::at_once(4096).waiting(12_288).share(4096)) } else { terms }
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
