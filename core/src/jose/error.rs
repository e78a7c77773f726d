//! What can be wrong with the set-up of keys, issuers and signers, and what to do about it.

use std::fmt;

use thiserror::Error;

use super::JwtAlgorithm;

/// Why a key, a verifier or a signer cannot be made. It names no key material. `Debug` prints the sentence too, because that is what
/// a `main` that returns it prints.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JwtSetupError {
    /// An HMAC secret is shorter than its hash (RFC 7518 §3.2).
    #[error("a secret for {algorithm} needs {needed} random bytes at least, and this one has {bytes}")]
    SecretTooShort {
        /// What it is for.
        algorithm: JwtAlgorithm,
        /// Its length.
        bytes: usize,
        /// The length it must have.
        needed: usize,
    },
    /// An HMAC secret repeats itself.
    #[error("the secret repeats itself and cannot be random; make a new one")]
    SecretPredictable,
    /// The key is not of the kind that the algorithm takes.
    #[error("{algorithm} does not go with this key: {why}")]
    WrongKind {
        /// What it should be for.
        algorithm: JwtAlgorithm,
        /// What is wrong.
        why: &'static str,
    },
    /// No PEM, or not of a form that is read here.
    #[error("the PEM cannot be read: {why}")]
    Pem {
        /// What is wrong.
        why: &'static str,
    },
    /// No JWK, or none that can verify signatures.
    #[error("the JWK cannot be used: {why}")]
    Jwk {
        /// What is wrong.
        why: &'static str,
    },
    /// No JWK set at all.
    #[error(
        "this is no JWK set: it must be a JSON object with a list \"keys\"; JwtKey::jwk reads a single key, and JwtKey::pem a PEM"
    )]
    KeySet,
    /// The cryptography did not make a key.
    #[error("no key could be made; the operating system may have no random bytes")]
    Generate,
    /// An issuer without a key.
    #[error("the issuer {issuer:?} has no key that can verify tokens; add one, or look at what was skipped in its set")]
    NoKey {
        /// The issuer's name; empty if it has none.
        issuer: String,
    },
    /// Nothing was said about the audience of an issuer's tokens.
    #[error(
        "say which audience the tokens of {issuer:?} must name with `audience`, or `any_audience` to take them all"
    )]
    NoAudience {
        /// The issuer's name; empty if it has none.
        issuer: String,
    },
    /// Two issuers that no token tells apart.
    #[error("the issuer {issuer:?} cannot be told apart from another one; each needs a name of its own")]
    IssuerTwice {
        /// The issuer's name; empty if it has none.
        issuer: String,
    },
    /// Two keys of an issuer that no token tells apart.
    #[error(
        "two keys of the issuer {issuer:?} are for {algorithm} and have the same id or none; give each its own with `with_id`"
    )]
    KeyTwice {
        /// The issuer's name; empty if it has none.
        issuer: String,
        /// What both are for.
        algorithm: JwtAlgorithm,
    },
}

impl fmt::Debug for JwtSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why claims cannot be signed. It names none of them. `Debug` prints the sentence too.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JwtSignError {
    /// They cannot be written as a JSON object.
    #[error("the claims cannot be written as a JSON object")]
    Claims,
    /// The token would be refused for its length.
    #[error("the token would have {bytes} bytes, and no more than 8192 are ever accepted")]
    TooLong {
        /// How long it would be.
        bytes: usize,
    },
    /// The cryptography refused.
    #[error("the key cannot sign")]
    Key,
}

impl fmt::Debug for JwtSignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
