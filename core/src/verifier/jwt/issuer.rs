//! Whom a verifier trusts: an issuer's name, its audience, its keys.

use super::claims::Claims;
use crate::jose::{JwtAlgorithm, JwtKey, JwtSetupError, JwtSigner, KeySet, key_set::are_alike};

/// An issuer, the audience its tokens must name, and the keys that are its own and nobody else's.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    name: Option<Box<str>>,
    audience: Audience,
    keys: Vec<JwtKey>,
}

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
        Self { name: Some(name.into()), audience: Audience::Unsaid, keys: Vec::new() }
    }

    /// An issuer whose tokens need no `iss`, and may have any. It can only be the only one of a verifier.
    #[must_use]
    pub fn unnamed() -> Self {
        Self { name: None, audience: Audience::Unsaid, keys: Vec::new() }
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
        self.keys.push(key);
        self
    }

    /// Adds all keys of a set that can be used.
    #[must_use]
    pub fn keys(mut self, set: KeySet) -> Self {
        self.keys.extend(set.into_keys());
        self
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn has_secrets_only(&self) -> bool {
        self.keys.iter().all(JwtKey::is_secret)
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
            .find(|(index, key)| self.keys.iter().skip(index + 1).any(|other| are_alike(key, other)));
        twice.map(|(_, key)| JwtSetupError::KeyTwice { issuer: issuer(), algorithm: key.algorithm() })
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
    pub(super) fn key_for(&self, algorithm: JwtAlgorithm, id: Option<&str>) -> Option<&JwtKey> {
        let fitting = || self.keys.iter().filter(|key| key.algorithm() == algorithm);
        let Some(id) = id else { return only(fitting()) };
        if fitting().any(|key| key.id() == Some(id)) {
            return only(fitting().filter(|key| key.id() == Some(id)));
        }
        only(fitting().filter(|key| key.id().is_none()))
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
