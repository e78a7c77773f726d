//! Keys, algorithms and the text of signed tokens (RFC 7515 to 7518), without a word on what a token's claims must say: that is
//! [`verifier::jwt`](crate::verifier::jwt)'s.
//!
//! Signatures are made and verified by aws-lc. RSA of pure Rust is not used, whose time tells a private key to who can ask often enough
//! (RUSTSEC-2023-0071); whoever verifies alone holds public keys, of which nothing can be told.

mod algorithm;
pub(crate) mod compact;
mod der;
mod error;
#[cfg(feature = "jwe")]
pub mod jwe;
mod key;
pub(crate) mod key_set;
mod kind;
pub(crate) mod members;
mod parameters;
mod pem;
pub(crate) mod self_signed;
pub(crate) mod signer;
mod spki;
pub(crate) mod text;

#[cfg(feature = "signed-requests")]
pub(crate) use self::signer::rsa_pair;
pub use self::{
    algorithm::JwtAlgorithm,
    error::{JwtSetupError, JwtSignError},
    key::JwtKey,
    key_set::{KeySet, SkippedKey},
    signer::JwtSigner,
};
