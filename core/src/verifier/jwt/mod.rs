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

mod claims;
pub(crate) mod confirmation;
mod issuer;
mod keys;
pub mod logout;
pub mod profile;

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use self::claims::{moment, moment_after, peek_issuer};
#[cfg(feature = "remote")]
pub(in crate::verifier) use self::keys::IssuerKeys;
pub(in crate::verifier) use self::keys::{LiveKeys, Missing};
pub use self::{
    claims::{Claims, IllTypedClaim},
    issuer::TrustedIssuer,
    logout::{Logout, LogoutTokens},
};
use self::{keys::KeyFor, profile::Profile};
use super::{Answer, Kept, QueueLimits, Terms, Verify};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::TokenCredential,
    jose::{
        JwtAlgorithm, JwtSetupError,
        compact::{Named, Token},
    },
    observe::why::{apart, is_read, quoted, worded},
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

/// How an application finds the issuer of a tenant.
struct Tenants(Box<FindIssuer>);

type FindIssuer = dyn Fn(&str) -> Option<TrustedIssuer> + Send + Sync;

#[derive(Debug)]
struct Rules {
    issuers: Vec<Arc<TrustedIssuer>>,
    /// Finds an issuer that is none of those.
    tenants: Option<Tenants>,
    profile: Profile,
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
        JwtVerifierBuilder::with(vec![Arc::new(issuer)], None)
    }

    /// Begins a verifier for many tenants: `find` is given what a token says of its issuer, which is a stranger's word, and names the issuer
    /// out of those that the application keeps, with its audience and its keys. It must have that very name, or the token is refused.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use countersign::verifier::jwt::{JwtVerifier, TrustedIssuer};
    /// let tenants: HashMap<String, TrustedIssuer> = HashMap::new();
    /// let verifier = JwtVerifier::trusting_whom(move |name| tenants.get(name).cloned()).principal::<serde_json::Value>();
    /// # let _ = verifier;
    /// ```
    pub fn trusting_whom(find: impl Fn(&str) -> Option<TrustedIssuer> + Send + Sync + 'static) -> JwtVerifierBuilder {
        JwtVerifierBuilder::with(Vec::new(), Some(Tenants(Box::new(find))))
    }
}

impl JwtVerifierBuilder {
    fn with(issuers: Vec<Arc<TrustedIssuer>>, tenants: Option<Tenants>) -> Self {
        Self {
            rules: Rules {
                issuers,
                tenants,
                profile: Profile::default(),
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
        let ends = self.rules.end_of(&claims, self.rules.clock.wall()).ok()?;
        let known =
            Verified::new(()).with_scopes(claims.scopes().clone()).ending_at(ends).with_subject(claims.subject()?);
        Some(answered(&self.principal, &claims, known, Some(ends)))
    }
}

/// Why a token was not judged good.
enum Fault {
    /// It is bad, for this reason.
    Bad(Cow<'static, str>),
    /// It may be good: the key that it was signed with is none of those that this issuer had when it was last asked.
    NoKey(Arc<TrustedIssuer>),
}

impl Rules {
    /// The answer, if nobody has to be asked for a key.
    fn answer_now<P>(
        &self,
        token: &[u8],
        principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P>,
    ) -> Option<Answer<P>> {
        match self.judge(token, principal) {
            Ok(answer) => Some(answer),
            Err(Fault::Bad(why)) => Some(refused(&why)),
            Err(Fault::NoKey(issuer)) => match issuer.live() {
                Some(live) => live.missing().map(|missing| without_key(&issuer, missing)),
                None => Some(refused(NO_KEY)),
            },
        }
    }

    /// The answer, after its issuer was asked for the key that is missing, if it may be asked.
    async fn answer<P>(
        &self,
        token: &[u8],
        principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Sync,
    ) -> Answer<P> {
        let issuer = match self.judge(token, &principal) {
            Ok(answer) => return answer,
            Err(Fault::Bad(why)) => return refused(&why),
            Err(Fault::NoKey(issuer)) => issuer,
        };
        let Some(live) = issuer.live() else { return refused(NO_KEY) };
        let missing = match live.missing() {
            Some(missing) => missing,
            None => live.ask().await,
        };
        match self.judge(token, &principal) {
            Ok(answer) => answer,
            Err(Fault::Bad(why)) => refused(&why),
            Err(Fault::NoKey(_)) => without_key(&issuer, missing),
        }
    }
}

const NO_KEY: &str = "its issuer has no key that it can have been signed with";

/// What is written nowhere but here: why a token was refused.
fn refused<P>(why: &str) -> Answer<P> {
    tracing::debug!(target: "countersign", why, "a token was refused");
    Answer::Refused
}

/// Refused, but not for long: the key may be there the next time that the issuer is asked.
fn without_key<P>(issuer: &TrustedIssuer, missing: Missing) -> Answer<P> {
    match missing {
        Missing::NotThere => {
            tracing::debug!(target: "countersign", issuer = issuer.name(), why = NO_KEY, "a token was refused");
            Answer::Unjudged
        }
        Missing::Unknown(source) => Answer::Unavailable(source),
    }
}

impl JwtVerifierBuilder {
    /// Trusts another issuer as well. A token is verified with the keys of the one that its `iss` names.
    pub fn and_trusting(mut self, issuer: TrustedIssuer) -> Self {
        self.rules.issuers.push(Arc::new(issuer));
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

    /// Takes tokens of these types, and those without one.
    fn types_or_none<'a>(self, types: impl IntoIterator<Item = &'a str>) -> Self {
        let mut builder = self.types(types);
        builder.rules.untyped = true;
        builder
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
    /// issuer has the same name, or has none either.
    pub fn principal_by<P: Send + Sync + 'static>(
        self,
        principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Send + Sync + 'static,
    ) -> Result<JwtVerifier<P>, JwtSetupError> {
        let issuers = &self.rules.issuers;
        if let Some(fault) = issuers.iter().find_map(|issuer| issuer.fault()) {
            return Err(fault);
        }
        let twice = issuers.iter().enumerate().find(|(index, issuer)| {
            let mut others = issuers.iter().skip(index + 1);
            others.any(|other| other.name() == issuer.name())
        });
        if let Some((_, issuer)) = twice {
            return Err(JwtSetupError::IssuerTwice { issuer: issuer.name().unwrap_or_default().to_owned() });
        }
        Ok(JwtVerifier { rules: self.rules, principal: Box::new(principal) })
    }
}

impl Rules {
    /// Nothing of the claims is read before the signature is found good, but `iss`, and that where there are several issuers, or one that
    /// may be asked for the key.
    fn judge<P>(
        &self,
        token: &[u8],
        principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P>,
    ) -> Result<Answer<P>, Fault> {
        let malformed = || Fault::bad("it is no signed token of at most 64 KiB");
        let token = Token::cut(token).ok_or_else(malformed)?;
        let (text, claims_begin) = token.decode().ok_or_else(malformed)?;
        let (header, claims) = text.split_at_checked(claims_begin).ok_or_else(malformed)?;
        let unreadable = Fault::bad("its header is malformed, has no algorithm that is known, or has \"crit\"");
        let header = Named::read(header).ok_or(unreadable)?;
        if !self.allows_type(header.typ.as_deref()) {
            return Err(Fault::bad("its \"typ\" is none that is taken"));
        }
        let issuer = &self.issuer_of(claims).ok_or(Fault::bad("its \"iss\" is nobody who is trusted"))?;
        let live = [issuer.live().and_then(LiveKeys::keys), issuer.own()];
        let (key, named) = match issuer.key_for(&live, header.algorithm, header.kid.as_deref()) {
            KeyFor::Named(key) => (key, true),
            KeyFor::Only(key) => (key, false),
            KeyFor::Several => return Err(Fault::bad("several keys of its issuer fit, and it does not say which")),
            KeyFor::None => {
                if let (Some(kid), true) = (&header.kid, is_read()) {
                    tracing::debug!(target: "countersign", "its issuer has no key {} for {}", quoted(kid.as_bytes()), header.algorithm);
                }
                return Err(without(issuer, header.algorithm, claims));
            }
        };
        if !token.with_signature(|signature| key.verifies(token.signed, signature)) {
            // A set whose keys have no ids does not show that one was replaced.
            let forged = Fault::bad("its signature is wrong");
            return Err(if named { forged } else { without(issuer, header.algorithm, claims).or(forged) });
        }
        let claims = Claims::read(claims, self.scope_claim.as_deref())
            .ok_or(Fault::bad("a claim is ill-typed or stands there twice, or its scopes are none"))?;
        let ends = self.end_of(&claims, self.clock.wall())?;
        if !issuer.is_named_by(&claims, self.is_alone()) {
            return Err(Fault::bad(worded("its \"iss\" is not its issuer's name", || {
                let named = claims.issuer().map_or_else(|| "nobody".to_owned(), |name| quoted(name.as_bytes()));
                format!(
                    "its \"iss\" names {named}, and its issuer is {:?}",
                    issuer.name().unwrap_or("one without a name")
                )
            })));
        }
        if !issuer.is_meant_by(&claims) {
            return Err(Fault::bad(worded("its \"aud\" does not name the audience", || {
                let named: Vec<_> = claims.audiences().take(4).map(|name| quoted(name.as_bytes())).collect();
                format!("its \"aud\" names {}", if named.is_empty() { "nobody".to_owned() } else { named.join(", ") })
            })));
        }
        let roles = self.profile.roles_of(&claims).map_err(Fault::bad)?;
        let known = Verified::new(()).with_scopes(claims.scopes().clone()).ending_at(ends);
        let known = match claims.issued() {
            Some(issued) => known.issued_at(issued),
            None => known,
        };
        let known = roles.into_iter().fold(known, Verified::with_roles);
        let known = issuer.identify(known, &claims, key);
        match answered(&principal, &claims, known, Some(ends)) {
            Answer::Refused => Err(Fault::bad("the application makes no principal of its claims")),
            answer => Ok(answer),
        }
    }

    fn allows_type(&self, typ: Option<&str>) -> bool {
        typ.map_or(self.untyped, |typ| self.types.iter().any(|known| known.eq_ignore_ascii_case(bare_type(typ))))
    }

    /// Whether there is one issuer, whom every token must be of.
    fn is_alone(&self) -> bool {
        self.issuers.len() == 1 && self.tenants.is_none()
    }

    fn issuer_of(&self, claims: &str) -> Option<Arc<TrustedIssuer>> {
        if let ([only], true) = (self.issuers.as_slice(), self.is_alone()) {
            return Some(Arc::clone(only));
        }
        // What names nobody, because it has no `iss` or none that can be read, is held against the keys of who has no name; claims that
        // cannot be read are refused with a good signature, too.
        let Some(name) = peek_issuer(claims) else {
            return self.issuers.iter().find(|issuer| issuer.name().is_none()).map(Arc::clone);
        };
        if let Some(known) = self.issuers.iter().find(|issuer| issuer.name() == Some(&*name)) {
            return Some(Arc::clone(known));
        }
        let found = (self.tenants.as_ref()?.0)(&name)?;
        (found.name() == Some(&*name) && found.fault().is_none()).then(|| Arc::new(found))
    }

    /// When the claims end, leeway included, if they hold now.
    fn end_of(&self, claims: &Claims<'_>, now: SystemTime) -> Result<SystemTime, Fault> {
        let registered = claims.registered();
        let ends = moment_after(registered.exp, self.leeway)
            .ok_or(Fault::bad("it has no \"exp\", or none that a clock can show"))?;
        let begins = match registered.nbf {
            Some(nbf) => moment(Some(nbf)).ok_or(Fault::bad("its \"nbf\" is none that a clock can show"))?,
            None => SystemTime::UNIX_EPOCH,
        };
        if now >= ends {
            let end = moment(registered.exp).unwrap_or(ends);
            return Err(Fault::bad(worded("it has ended", || format!("its \"exp\" was {}", apart(end, now)))));
        }
        match now.checked_add(self.leeway).is_none_or(|latest| begins <= latest) {
            true => Ok(ends),
            false => Err(Fault::bad(worded("it has not begun", || format!("its \"nbf\" is {}", apart(begins, now))))),
        }
    }
}

impl Fault {
    fn bad(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Bad(why.into())
    }

    /// This, where the issuer may be asked for a key; else the other.
    fn or(self, other: Self) -> Self {
        match &self {
            Self::NoKey(issuer) if issuer.live().is_some() => self,
            _ => other,
        }
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tenants(..)")
    }
}

/// What a token of this algorithm lacks when none of its issuer's keys fits. Only who says that it is this issuer's makes us ask it.
fn without(issuer: &Arc<TrustedIssuer>, algorithm: JwtAlgorithm, claims: &str) -> Fault {
    let is_its_own = || peek_issuer(claims).is_some_and(|name| issuer.name() == Some(&*name));
    match issuer.live() {
        Some(_) if algorithm.is_symmetric() || !is_its_own() => Fault::bad(NO_KEY),
        _ => Fault::NoKey(Arc::clone(issuer)),
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
        Some(self.rules.answer_now(credential.token().expose(), &self.principal)?.kept_for(self.rules.reusable_for))
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        self.rules.answer(credential.token().expose(), &self.principal).await.kept_for(self.rules.reusable_for)
    }

    fn terms(&self) -> Terms {
        let cheap = self.rules.tenants.is_none() && self.rules.issuers.iter().all(|issuer| issuer.has_secrets_only());
        let kept = !cheap && self.rules.reusable_for.is_some();
        let terms = Terms::new().kept(if kept { Kept::Always } else { Kept::Never });
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
