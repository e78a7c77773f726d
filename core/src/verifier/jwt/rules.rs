//! What a token must be and say to be judged good: [`Rules`].

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    Claims, LiveKeys, Missing, TrustedIssuer, answered,
    claims::{moment, moment_after, peek_issuer},
    keys::KeyFor,
    profile::Profile,
};
use crate::{
    clock::SharedClock,
    jose::{
        JwtAlgorithm,
        compact::{Named, Token},
    },
    observe::why::{apart, is_read, quoted, worded},
    principal::Verified,
    verifier::{Answer, reuse::Reuse},
};

/// How an application finds the issuer of a tenant.
pub(super) struct Tenants(pub(super) Box<FindIssuer>);

pub(super) type FindIssuer = dyn Fn(&str) -> Option<TrustedIssuer> + Send + Sync;

#[derive(Debug)]
pub(super) struct Rules {
    pub(super) issuers: Vec<Arc<TrustedIssuer>>,
    /// Finds an issuer that is none of those.
    pub(super) tenants: Option<Tenants>,
    pub(super) profile: Profile,
    pub(super) types: Vec<Box<str>>,
    pub(super) untyped: bool,
    pub(super) scope_claim: Option<Box<str>>,
    pub(super) leeway: Duration,
    pub(super) clock: SharedClock,
    pub(super) reuse: Reuse,
}

/// Why a token was not judged good.
pub(super) enum Fault {
    /// It is bad, for this reason.
    Bad(Cow<'static, str>),
    /// It may be good: the key that it was signed with is none of those that this issuer had when it was last asked.
    NoKey(Arc<TrustedIssuer>),
}

impl Rules {
    /// The answer, if nobody has to be asked for a key.
    pub(super) fn answer_now<P>(
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
    pub(super) async fn answer<P>(
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
    pub(super) fn end_of(&self, claims: &Claims<'_>, now: SystemTime) -> Result<SystemTime, Fault> {
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

/// A media type without the `application/` that may be left out (RFC 7515 §4.1.9).
pub(super) fn bare_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, bare)) if prefix.eq_ignore_ascii_case(PREFIX) => bare,
        _ => typ,
    }
}
