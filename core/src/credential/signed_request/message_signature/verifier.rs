//! Whose key signed a request: [`MessageKeys`].

use std::{collections::HashMap, fmt};

use async_trait::async_trait;

use super::{Candidate, MessageCredential};
use crate::{
    jose::{JwtAlgorithm, JwtKey},
    principal::{Binding, Proof, Verified},
    verifier::{Answer, Verify},
};

/// The keys that are known, by the names under which signatures say theirs (`keyid`), and whom each names.
#[derive(Clone)]
pub struct MessageKeys<P> {
    keys: HashMap<String, (JwtKey, Verified<P>)>,
}

/// A key for an algorithm that no message signature has (RFC 9421 §6.2.2).
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("message signatures have no {algorithm}: take RS256, PS512, ES256, ES384, EdDSA or HS256")]
pub struct NoMessageKey {
    algorithm: &'static str,
}

crate::sentence::prints_its_sentence!(NoMessageKey);

impl NoMessageKey {
    pub(in super::super) fn of(algorithm: JwtAlgorithm) -> Self {
        Self { algorithm: algorithm.name() }
    }
}

/// What the verifier hands over.
pub(super) enum Accepted {
    One(Box<Candidate>),
    /// By more than one key that is known: nobody may choose whose request it is.
    Several,
}

impl<P> MessageKeys<P> {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: HashMap::new() }
    }

    /// With this key under this name, or in place of the one that had it.
    ///
    /// # Errors
    /// When message signatures have no such algorithm.
    pub fn with(mut self, id: &str, key: JwtKey, verified: Verified<P>) -> Result<Self, NoMessageKey> {
        algorithm(key.algorithm()).ok_or_else(|| NoMessageKey::of(key.algorithm()))?;
        self.keys.insert(id.to_owned(), (key, verified));
        Ok(self)
    }
}

impl<P> Default for MessageKeys<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// The name of a key's algorithm in signatures.
pub(in super::super) fn algorithm(algorithm: JwtAlgorithm) -> Option<&'static str> {
    match algorithm {
        JwtAlgorithm::Rs256 => Some("rsa-v1_5-sha256"),
        JwtAlgorithm::Ps512 => Some("rsa-pss-sha512"),
        JwtAlgorithm::Es256 => Some("ecdsa-p256-sha256"),
        JwtAlgorithm::Es384 => Some("ecdsa-p384-sha384"),
        JwtAlgorithm::EdDsa => Some("ed25519"),
        JwtAlgorithm::Hs256 => Some("hmac-sha256"),
        _ => None,
    }
}

impl Candidate {
    /// Whether this key made it: by its own algorithm, whatever the signature says.
    pub(in super::super) fn is_by(&self, key: &JwtKey) -> bool {
        let is_its_own = self.algorithm.as_deref().is_none_or(|named| algorithm(key.algorithm()) == Some(named));
        is_its_own && key.verifies(self.base.text.as_bytes(), &self.signature)
    }
}

#[async_trait]
impl<P: Clone + Send + Sync + 'static> Verify<MessageCredential> for MessageKeys<P> {
    type Principal = P;

    fn verify_now(&self, credential: &MessageCredential) -> Option<Answer<P>> {
        let mut known =
            credential.signatures.iter().filter_map(|signature| Some((signature, self.keys.get(&signature.key)?)));
        let (Some((signature, (key, verified))), more) = (known.next(), known.next()) else {
            return Some(Answer::refused("no key of this id is known"));
        };
        let accepted = match (&signature.candidate, more) {
            (_, Some(_)) => Accepted::Several,
            (Some(candidate), None) if candidate.is_by(key) => Accepted::One(Box::new(candidate.clone())),
            (Some(_), None) => return Some(Answer::refused("its signature does not match")),
            (None, None) => return Some(Answer::refused("its key is known, and it is not in order")),
        };
        Some(verified.clone().bound_to(Binding::Proof(Proof::of(accepted))).into())
    }

    async fn verify(&self, credential: MessageCredential) -> Answer<P> {
        self.verify_now(&credential).unwrap_or(Answer::Refused)
    }
}

impl<P> fmt::Debug for MessageKeys<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageKeys").field("known", &self.keys.len()).finish_non_exhaustive()
    }
}
