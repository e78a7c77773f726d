//! A JWK set in memory (RFC 7517 §5): what of it can verify tokens, and why the rest cannot.
//!
//! - One malformed or unsuitable key is skipped; the others stand.
//! - Symmetric keys are never taken from a set: who can read it could sign.
//! - Two different keys of one algorithm under one id are both skipped: no token tells them apart.
//!
//! # Example
//! ```
//! use countersign::jose::KeySet;
//!
//! let set = KeySet::parse(r#"{"keys":[
//!     {"kty":"OKP","crv":"Ed25519","kid":"2026","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
//!     {"kty":"oct","k":"c2VjcmV0","kid":"odd"}
//! ]}"#).unwrap();
//! assert_eq!(set.len(), 1);
//! assert_eq!(set.skipped().len(), 1);
//! ```

use serde_json::Value;

use super::{JwtAlgorithm, JwtKey, JwtSetupError, key::read_jwk};

/// The keys of a set that can verify tokens.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<JwtKey>,
    skipped: Vec<SkippedKey>,
}

/// A key of a set that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedKey {
    position: usize,
    why: JwtSetupError,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// When it is no JSON object with a list `keys`. What is wrong with a single key is told by [`skipped`](Self::skipped).
    pub fn parse(json: &str) -> Result<Self, JwtSetupError> {
        Self::parse_with(JwtAlgorithm::Rs256, json)
    }

    /// As [`parse`](Self::parse), with another algorithm for RSA keys without `alg`: RS384, RS512, PS256, PS384 or PS512.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and when that is no algorithm of RSA.
    pub fn parse_with(rsa: JwtAlgorithm, json: &str) -> Result<Self, JwtSetupError> {
        rsa.must_be_of_rsa()?;
        let Ok(Value::Object(mut set)) = serde_json::from_str(json) else { return Err(JwtSetupError::KeySet) };
        let Some(Value::Array(list)) = set.remove("keys") else { return Err(JwtSetupError::KeySet) };
        let (mut keys, mut skipped) = (Vec::<(usize, JwtKey)>::new(), Vec::new());
        for (position, value) in list.into_iter().enumerate() {
            match read_jwk(value).and_then(|jwk| JwtKey::public_jwk(rsa, jwk)) {
                Ok(key) if keys.iter().any(|(_, known)| known.is_same(&key) && known.id() == key.id()) => {}
                Ok(key) => keys.push((position, key)),
                Err(why) => skipped.push(SkippedKey { position, why }),
            }
        }
        let ambiguous =
            |key: &JwtKey| key.id().is_some() && keys.iter().filter(|(_, other)| are_alike(key, other)).count() > 1;
        let (twice, keys): (Vec<_>, Vec<_>) = keys.iter().partition(|(_, key)| ambiguous(key));
        let why = JwtSetupError::Jwk { why: "another key has the same \"kid\"" };
        skipped.extend(twice.into_iter().map(|(position, _)| SkippedKey { position: *position, why: why.clone() }));
        Ok(Self { keys: keys.into_iter().map(|(_, key)| key.clone()).collect(), skipped })
    }

    /// How many keys can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that can be used, in their order.
    #[must_use]
    pub fn keys(&self) -> &[JwtKey] {
        &self.keys
    }

    /// The keys that were passed over, for the log.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    pub(crate) fn into_keys(self) -> Vec<JwtKey> {
        self.keys
    }
}

impl SkippedKey {
    /// Where it stands in the set, from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Why it cannot be used.
    #[must_use]
    pub fn why(&self) -> &JwtSetupError {
        &self.why
    }
}

/// Whether no token tells the two apart.
pub(crate) fn are_alike(one: &JwtKey, other: &JwtKey) -> bool {
    one.algorithm() == other.algorithm() && one.id() == other.id()
}
