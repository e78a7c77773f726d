//! The keys of one issuer: which of them a token can have been signed with, and keys that change while the service runs.

use std::fmt;

use async_trait::async_trait;

use crate::{
    jose::{JwtAlgorithm, JwtKey},
    principal::{Handle, HandleKind, HandlesOf},
    unavailable::Unavailable,
};

/// Keys that are one issuer's own.
#[derive(Debug, Clone)]
pub(in crate::verifier) struct IssuerKeys {
    handles: HandlesOf,
    keys: Vec<IssuerKey>,
}

/// A key of an issuer.
#[derive(Debug, Clone)]
pub(in crate::verifier) struct IssuerKey {
    key: JwtKey,
    /// What it verified can be revoked by; none for a secret, of which nothing is shown.
    handle: Option<Handle>,
}

/// Which key a token can have been signed with.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeyFor<'k> {
    /// The one that it names.
    Named(&'k IssuerKey),
    /// The only one that fits, though it is not named.
    Only(&'k IssuerKey),
    /// Several fit, and nothing says which.
    Several,
    /// None fits.
    None,
}

/// Keys that somebody keeps up to date.
#[async_trait]
pub(in crate::verifier) trait LiveKeys: fmt::Debug + Send + Sync {
    /// The keys as they are now; `None` while nothing is known of them.
    fn keys(&self) -> Option<std::sync::Arc<IssuerKeys>>;

    /// What is known of a key that is not among them; `None` if it is time to ask.
    fn missing(&self) -> Option<Missing>;

    /// Waits until the issuer was asked, together with all others that wait.
    async fn ask(&self) -> Missing;
}

/// What is known of a key that is not there.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "without remote issuers all keys are at hand"))]
pub(in crate::verifier) enum Missing {
    /// The issuer does not have it, or did not a moment ago.
    NotThere,
    /// The issuer cannot be asked.
    Unknown(Unavailable),
}

impl IssuerKeys {
    /// No keys, of the issuer of this name.
    pub(in crate::verifier) fn of(issuer: &str) -> Self {
        Self { handles: HandlesOf::issuer(HandleKind::SigningKey, issuer), keys: Vec::new() }
    }

    pub(in crate::verifier) fn add(&mut self, key: JwtKey) {
        let handle = key.thumbprint().map(|thumbprint| self.handles.named(&thumbprint));
        self.keys.push(IssuerKey { key, handle });
    }

    pub(in crate::verifier) fn iter(&self) -> std::slice::Iter<'_, IssuerKey> {
        self.keys.iter()
    }

    /// By what the keys that have been shown can be revoked.
    #[cfg(feature = "remote")]
    pub(in crate::verifier) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.keys.iter().filter_map(IssuerKey::handle)
    }

    /// The one key that a token of this algorithm and id can have been signed with.
    ///
    /// An id names its key. A token without one fits any key of its algorithm, and a key without one any token.
    pub(super) fn key_for<'k>(
        keys: impl Iterator<Item = &'k IssuerKey> + Clone,
        algorithm: JwtAlgorithm,
        id: Option<&str>,
    ) -> KeyFor<'k> {
        let fitting = keys.filter(|own| own.key.algorithm() == algorithm);
        let Some(id) = id else { return only(fitting, KeyFor::Only) };
        match only(fitting.clone().filter(|own| own.key.id() == Some(id)), KeyFor::Named) {
            KeyFor::None => only(fitting.filter(|own| own.key.id().is_none()), KeyFor::Only),
            found => found,
        }
    }
}

impl IssuerKey {
    pub(in crate::verifier) fn key(&self) -> &JwtKey {
        &self.key
    }

    pub(in crate::verifier) fn handle(&self) -> Option<Handle> {
        self.handle
    }

    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(signed, signature)
    }
}

fn only<'k>(
    mut several: impl Iterator<Item = &'k IssuerKey>,
    found: impl Fn(&'k IssuerKey) -> KeyFor<'k>,
) -> KeyFor<'k> {
    match (several.next(), several.next()) {
        (None, _) => KeyFor::None,
        (Some(key), None) => found(key),
        (Some(_), Some(_)) => KeyFor::Several,
    }
}
