//! One proof: a token by the key whose possession it shows (RFC 9449 §4).

use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::target::Target;
use crate::{
    jose::{JwtAlgorithm, compact::present, self_signed::SelfSigned, text::NumericDate},
    observe::why::{is_read, off_by, say},
    verifier::jwt::confirmation::read_thumbprint,
};

const TYPE: &str = "dpop+jwt";
pub(super) const ALGORITHMS: [JwtAlgorithm; 2] = [JwtAlgorithm::Es256, JwtAlgorithm::EdDsa];

/// What a proof says, if its own key signed it.
#[derive(Debug)]
pub(super) struct DpopProof {
    key: [u8; 32],
    claims: Claims,
}

/// A claim that is there has its type; none stands there twice.
#[derive(Debug, Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: NumericDate,
    ath: String,
    #[serde(default, deserialize_with = "present")]
    nonce: Option<String>,
    #[serde(default, deserialize_with = "present")]
    exp: Option<NumericDate>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<NumericDate>,
}

impl DpopProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &[u8]) -> Result<Self, &'static str> {
        let proof = SelfSigned::read(text, TYPE).ok_or("it is no dpop+jwt")?;
        let key = proof.key(&ALGORITHMS).ok_or("it brings no public key of an algorithm that is taken")?;
        let claims: Claims =
            proof.claims(&key).ok_or("its key did not sign it, or a claim is missing or of another type")?;
        let thumbprint = key.thumbprint().as_deref().and_then(read_thumbprint).ok_or("its key has no thumbprint")?;
        if claims.jti.is_empty() {
            return Err("jti is empty");
        }
        Ok(Self { key: thumbprint, claims })
    }

    /// The thumbprint of its key.
    pub(super) fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// What may not come twice with the same key.
    pub(super) fn id(&self) -> &str {
        &self.claims.jti
    }

    /// The server's nonce in it.
    pub(super) fn nonce(&self) -> Option<&str> {
        self.claims.nonce.as_deref()
    }

    /// Whether it is for this method, target and token.
    ///
    /// # Errors
    /// What it is not for.
    pub(super) fn is_for(&self, method: &str, target: &Target, token: &[u8]) -> Result<(), &'static str> {
        if self.claims.htm != method {
            return Err("htm is another method");
        }
        if Target::of_address(&self.claims.htu).as_ref() != Some(target) {
            return Err("htu is another address");
        }
        let is_of_token = hash_of(token).as_bytes().ct_eq(self.claims.ath.as_bytes());
        if bool::from(is_of_token) { Ok(()) } else { Err("ath is of another token") }
    }

    /// The moment from which it is too old, if it is neither now. Times count in whole seconds.
    ///
    /// # Errors
    /// Why it is not of now.
    pub(super) fn end_at(&self, now: SystemTime, window: Duration) -> Result<SystemTime, &'static str> {
        let now_since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (made, window) = (self.claims.iat.0.as_secs(), window.as_secs());
        if made.abs_diff(now_since.as_secs()) > window && is_read() {
            say(&off_by(made, now_since.as_secs()));
        }
        if made > now_since.as_secs().saturating_add(window) {
            return Err("iat lies ahead");
        }
        let end = made.checked_add(window).and_then(|last| last.checked_add(1)).map(Duration::from_secs);
        let end = end.filter(|end| now_since < *end).ok_or("iat is too long ago")?;
        if self.claims.exp.is_some_and(|exp| exp.0 <= now_since) {
            return Err("exp is over");
        }
        if self.claims.nbf.is_some_and(|nbf| nbf.0.as_secs() > now_since.as_secs().saturating_add(window)) {
            return Err("nbf lies ahead");
        }
        SystemTime::UNIX_EPOCH.checked_add(end).ok_or("iat is no time")
    }
}

/// `ath`: the SHA-256 of a token.
pub(super) fn hash_of(token: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token))
}
