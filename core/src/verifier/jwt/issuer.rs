//! Whom a verifier trusts: an issuer's name, its audience, its keys.

use super::claims::Claims;
use crate::{
    jose::{JwtAlgorithm, JwtKey, JwtSetupError, JwtSigner, KeySet, key_set::are_alike},
    principal::{Handle, HandleKind, HandlesOf, Verified},
};

/// An issuer, the audience its tokens must name, and the keys that are its own and nobody else's.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    name: Option<Box<str>>,
    audience: Audience,
    keys: Vec<IssuerKey>,
    handles: Handles,
}

/// A key of an issuer.
#[derive(Debug, Clone)]
pub(super) struct IssuerKey {
    key: JwtKey,
    /// What it verified can be revoked by; none for a secret, of which nothing is shown.
    handle: Option<Handle>,
}

/// By what the tokens of an issuer can be revoked, computed as far as that does not depend on the token.
#[derive(Debug, Clone)]
struct Handles {
    all: Handle,
    subjects: HandlesOf,
    tokens: HandlesOf,
    keys: HandlesOf,
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
        Self { name: Some(name.into()), audience: Audience::Unsaid, keys: Vec::new(), handles: Handles::of(name) }
    }

    /// An issuer whose tokens need no `iss`, and may have any. It can only be the only one of a verifier. What it issued is revoked
    /// under the empty name, whatever `iss` says.
    #[must_use]
    pub fn unnamed() -> Self {
        Self { name: None, audience: Audience::Unsaid, keys: Vec::new(), handles: Handles::of("") }
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
        let handle = key.thumbprint().map(|thumbprint| self.handles.keys.named(&thumbprint));
        self.keys.push(IssuerKey { key, handle });
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
        self.keys.iter().all(|own| own.key.is_secret())
    }

    pub(super) fn fault(&self) -> Option<JwtSetupError> {
        let issuer = || self.name().unwrap_or_default().to_owned();
        if self.keys.is_empty() {
            return Some(JwtSetupError::NoKey { issuer: issuer() });
        }
        if matches!(self.audience, Audience::Unsaid) {
            return Some(JwtSetupError::NoAudience { issuer: issuer() });
        }
        let twice = self
            .keys
            .iter()
            .enumerate()
            .find(|(index, own)| self.keys.iter().skip(index + 1).any(|other| are_alike(&own.key, &other.key)));
        twice.map(|(_, own)| JwtSetupError::KeyTwice { issuer: issuer(), algorithm: own.key.algorithm() })
    }

    /// Whether the claims are of this issuer and for its audience.
    pub(super) fn made(&self, claims: &Claims<'_>) -> bool {
        let named = self.name.is_none() || self.name() == claims.issuer();
        named
            && match &self.audience {
                Audience::Unsaid => false,
                Audience::Any => true,
                Audience::OneOf(names) => claims.audiences().any(|sent| names.iter().any(|name| **name == *sent)),
            }
    }

    /// The one key that a token of this algorithm and id can have been signed with; `None` if there is none, or several.
    ///
    /// An id names its key. A token without one fits any key of its algorithm, and a key without one any token.
    pub(super) fn key_for(&self, algorithm: JwtAlgorithm, id: Option<&str>) -> Option<&IssuerKey> {
        let fitting = || self.keys.iter().filter(|own| own.key.algorithm() == algorithm);
        let Some(id) = id else { return only(fitting()) };
        if fitting().any(|own| own.key.id() == Some(id)) {
            return only(fitting().filter(|own| own.key.id() == Some(id)));
        }
        only(fitting().filter(|own| own.key.id().is_none()))
    }

    /// Names the subject of these claims, and all that a token with them can be revoked by, if this key verified it.
    pub(super) fn identify<P>(&self, verified: Verified<P>, claims: &Claims<'_>, key: &IssuerKey) -> Verified<P> {
        let mut verified = verified.with_room_for(MOST_HANDLES);
        if let Some(subject) = claims.subject() {
            verified = verified.with_subject(subject).revocable_by(self.handles.subjects.named(subject));
        }
        if let Some(id) = claims.id() {
            verified =
                verified.revocable_by(Handle::of(HandleKind::Token, id)).with_own_handle(self.handles.tokens.named(id));
        }
        let of_key = key.handle.into_iter().chain([self.handles.all]);
        of_key.fold(verified, Verified::revocable_by)
    }
}

impl IssuerKey {
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(signed, signature)
    }
}

impl Handles {
    fn of(issuer: &str) -> Self {
        let of = |kind| HandlesOf::issuer(kind, issuer);
        Self {
            all: Handle::issuer(issuer),
            subjects: of(HandleKind::Subject),
            tokens: of(HandleKind::Token),
            keys: of(HandleKind::SigningKey),
        }
    }
}

impl JwtSigner {
    /// This signer as an issuer that a verifier may trust.
    #[must_use]
    pub fn trusted(&self, issuer: &str) -> TrustedIssuer {
        self.keys().fold(TrustedIssuer::named(issuer), |issuer, key| issuer.key(key.clone()))
    }
}

fn only<T>(mut several: impl Iterator<Item = T>) -> Option<T> {
    let first = several.next();
    if several.next().is_some() { None } else { first }
}
