//! Whom a verifier trusts: an issuer's name, its audience, its keys.

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    claims::Claims,
    keys::{IssuerKey, IssuerKeys, KeyFor, LiveKeys},
};
use crate::{
    jose::{JwtAlgorithm, JwtKey, JwtSetupError, JwtSigner, KeySet, key_set::are_alike, signer::Keys},
    principal::{Handle, HandleKind, HandlesOf, Verified},
    verifier::Terms,
};

/// An issuer, the audience its tokens must name, and the keys that are its own and nobody else's.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    name: Option<Box<str>>,
    audience: Audience,
    keys: IssuerKeys,
    /// Keys that change while the service runs, beside those that do not: those that somebody fetches, and those of a signer of our own.
    live: Option<Arc<dyn LiveKeys>>,
    own: Option<Arc<OwnKeys>>,
    handles: Handles,
}

/// The keys of a signer, as they are now.
#[derive(Debug)]
struct OwnKeys {
    signer: JwtSigner,
    issuer: Box<str>,
    /// Those that were seen last, under their number.
    seen: RwLock<(u64, Arc<IssuerKeys>)>,
}

/// By what the tokens of an issuer can be revoked, computed as far as that does not depend on the token.
#[derive(Debug, Clone)]
struct Handles {
    all: Handle,
    subjects: HandlesOf,
    tokens: HandlesOf,
}

/// Subject and token, each alone and with the issuer, the key, and the issuer.
const MOST_HANDLES: usize = 6;

#[derive(Debug, Clone)]
enum Audience {
    Unsaid,
    Any,
    OneOf(Vec<Box<str>>),
}

impl TrustedIssuer {
    /// The issuer whose tokens have exactly this `iss`, byte for byte.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::of(Some(name))
    }

    /// An issuer whose tokens need no `iss`. Where it is the only one of a verifier, they may have any; beside others they must have none, so
    /// that a token with a name is always held against the keys of that name. What it issued is revoked under the empty name, whatever
    /// `iss` says.
    ///
    /// ```
    /// # use countersign::{Secret, jose::{JwtAlgorithm, JwtKey, JwtSetupError, JwtSigner}};
    /// # use countersign::verifier::jwt::{JwtVerifier, TrustedIssuer};
    /// # fn main() -> Result<(), JwtSetupError> {
    /// # let (issuer, secret) = (JwtSigner::fresh()?, Secret::new("c8f3b1e0a75d4962be14f07d3a6c9582"));
    /// let named = issuer.trusted("https://people.example").audience("people");
    /// let ours = TrustedIssuer::unnamed()
    ///     .audience("people")
    ///     .key(JwtKey::secret(JwtAlgorithm::Hs256, &secret)?);
    /// let verifier =
    ///     JwtVerifier::trusting(named).and_trusting(ours).principal::<serde_json::Value>()?;
    /// # let _ = verifier; Ok(()) }
    /// ```
    #[must_use]
    pub fn unnamed() -> Self {
        Self::of(None)
    }

    fn of(name: Option<&str>) -> Self {
        let handles = Handles::of(name.unwrap_or_default());
        let keys = IssuerKeys::of(name.unwrap_or_default());
        Self { name: name.map(Into::into), audience: Audience::Unsaid, keys, live: None, own: None, handles }
    }

    /// The same with keys that somebody keeps up to date.
    #[cfg(feature = "remote")]
    pub(in crate::verifier) fn with_live_keys(mut self, keys: Arc<dyn LiveKeys>) -> Self {
        self.live = Some(keys);
        self
    }

    /// Its tokens must name this audience in `aud`. Said again, one of them.
    #[must_use]
    pub fn audience(mut self, name: &str) -> Self {
        match &mut self.audience {
            Audience::OneOf(names) => names.push(name.into()),
            Audience::Unsaid | Audience::Any => self.audience = Audience::OneOf(vec![name.into()]),
        }
        self
    }

    /// Its tokens may be for anyone, and without `aud`. A token that was made for another service is then good for this one:
    /// right only where the issuer serves this service alone.
    #[must_use]
    pub fn any_audience(mut self) -> Self {
        self.audience = Audience::Any;
        self
    }

    /// Adds a key.
    #[must_use]
    pub fn key(mut self, key: JwtKey) -> Self {
        self.keys.add(key);
        self
    }

    /// Adds all keys of a set that can be used.
    #[must_use]
    pub fn keys(self, set: KeySet) -> Self {
        set.into_keys().into_iter().fold(self, Self::key)
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn has_secrets_only(&self) -> bool {
        let own = self.own();
        let mut keys = self.keys.iter().chain(own.iter().flat_map(|own| own.iter()));
        self.live.is_none() && keys.all(|own| own.key().is_secret())
    }

    /// The keys of a signer of our own, as they are now.
    pub(super) fn own(&self) -> Option<Arc<IssuerKeys>> {
        self.own.as_ref().map(|own| own.now())
    }

    pub(super) fn live(&self) -> Option<&dyn LiveKeys> {
        self.live.as_deref()
    }

    pub(super) fn fault(&self) -> Option<JwtSetupError> {
        let issuer = || self.name().unwrap_or_default().to_owned();
        let own = self.own();
        let all: Vec<_> = self.keys.iter().chain(own.iter().flat_map(|own| own.iter())).collect();
        if self.live.is_none() && all.is_empty() {
            return Some(JwtSetupError::NoKey { issuer: issuer() });
        }
        if matches!(self.audience, Audience::Unsaid) {
            return Some(JwtSetupError::NoAudience { issuer: issuer() });
        }
        let twice = all
            .iter()
            .enumerate()
            .find(|(index, own)| all.iter().skip(index + 1).any(|other| are_alike(own.key(), other.key())));
        twice.map(|(_, own)| JwtSetupError::KeyTwice { issuer: issuer(), algorithm: own.key().algorithm() })
    }

    /// These terms, which say whose tokens are taken.
    pub(in crate::verifier) fn told_in(&self, terms: Terms) -> Terms {
        let audiences: &[Box<str>] = match &self.audience {
            Audience::OneOf(names) => names,
            Audience::Unsaid | Audience::Any => &[],
        };
        self.name().into_iter().fold(terms, |terms, name| terms.of_issuer(name, audiences.iter().map(|name| &**name)))
    }

    /// Whether the claims are of this issuer, which is the only one that counts, or one of several.
    pub(super) fn is_named_by(&self, claims: &Claims<'_>, alone: bool) -> bool {
        match self.name() {
            Some(name) => claims.issuer() == Some(name),
            None => alone || claims.issuer().is_none(),
        }
    }

    /// Whether the claims are for this issuer's audience.
    pub(in crate::verifier) fn is_meant_by(&self, claims: &Claims<'_>) -> bool {
        match &self.audience {
            Audience::Unsaid => false,
            Audience::Any => true,
            Audience::OneOf(names) => claims.audiences().any(|sent| names.iter().any(|name| **name == *sent)),
        }
    }

    /// The one key that a token of this algorithm and id can have been signed with, of its own and of those that are live now.
    pub(super) fn key_for<'k>(
        &'k self,
        live: &'k [Option<Arc<IssuerKeys>>; 2],
        algorithm: JwtAlgorithm,
        id: Option<&str>,
    ) -> KeyFor<'k> {
        let live = live.iter().flatten().flat_map(|keys| keys.iter());
        IssuerKeys::key_for(self.keys.iter().chain(live), algorithm, id)
    }

    /// Names the subject of these claims, and all that a token with them can be revoked by, if this key verified it.
    pub(super) fn identify<P>(&self, verified: Verified<P>, claims: &Claims<'_>, key: &IssuerKey) -> Verified<P> {
        let verified = self.name_subject(verified.with_room_for(MOST_HANDLES), claims);
        let of_key = key.handle().into_iter().chain([self.handles.all]);
        of_key.fold(verified, Verified::revocable_by)
    }

    /// The same where the issuer itself said so.
    #[cfg(feature = "remote")]
    pub(in crate::verifier) fn identify_without_key<P>(
        &self,
        verified: Verified<P>,
        claims: &Claims<'_>,
    ) -> Verified<P> {
        self.name_subject(verified, claims).revocable_by(self.handles.all)
    }

    #[cfg(feature = "remote")]
    pub(in crate::verifier) fn says_no_audience(&self) -> bool {
        matches!(self.audience, Audience::Unsaid)
    }

    fn name_subject<P>(&self, mut verified: Verified<P>, claims: &Claims<'_>) -> Verified<P> {
        if let Some(subject) = claims.subject() {
            verified = verified.with_subject(subject).revocable_by(self.handles.subjects.named(subject));
        }
        if let Some(id) = claims.id() {
            verified =
                verified.revocable_by(Handle::of(HandleKind::Token, id)).with_own_handle(self.handles.tokens.named(id));
        }
        verified
    }
}

impl Handles {
    fn of(issuer: &str) -> Self {
        let of = |kind| HandlesOf::issuer(kind, issuer);
        Self { all: Handle::issuer(issuer), subjects: of(HandleKind::Subject), tokens: of(HandleKind::Token) }
    }
}

impl JwtSigner {
    /// This signer as an issuer that a verifier may trust, with the keys that it has [at each moment](Self::replace_with).
    #[must_use]
    pub fn trusted(&self, issuer: &str) -> TrustedIssuer {
        let trusted = TrustedIssuer::named(issuer);
        TrustedIssuer { own: Some(Arc::new(OwnKeys::of(self, issuer))), ..trusted }
    }
}

impl OwnKeys {
    fn of(signer: &JwtSigner, issuer: &str) -> Self {
        let keys = signer.now();
        let seen = RwLock::new((keys.number(), Arc::new(issued_by(issuer, &keys))));
        Self { signer: signer.clone(), issuer: issuer.into(), seen }
    }

    fn now(&self) -> Arc<IssuerKeys> {
        let keys = self.signer.now();
        {
            let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
            if seen.0 == keys.number() {
                return Arc::clone(&seen.1);
            }
        }
        let fresh = Arc::new(issued_by(&self.issuer, &keys));
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = (keys.number(), Arc::clone(&fresh));
        fresh
    }
}

fn issued_by(issuer: &str, keys: &Keys) -> IssuerKeys {
    let mut issuers = IssuerKeys::of(issuer);
    keys.iter().for_each(|key| issuers.add(key.clone()));
    issuers
}
