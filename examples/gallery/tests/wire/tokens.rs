//! Access tokens, and proofs of possession, as a client has them.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, rand::SystemRandom};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    Secret,
    jose::{JwtAlgorithm, JwtKey, JwtSigner},
};
use countersign_conformance::client_key;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://issuer.example";

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Claims of emma's for this audience with some more; what is null is left out.
pub(crate) fn claims(audience: &str, more: &Value) -> Value {
    let mut claims = json!({ "iss": ISSUER, "aud": audience, "sub": "emma", "exp": now() + 600 });
    let known = claims.as_object_mut().unwrap();
    known.extend(more.as_object().unwrap().clone());
    known.retain(|_, value| !value.is_null());
    claims
}

/// A token with these claims, and this type.
pub(crate) fn signed_as(typ: &str, claims: &Value) -> String {
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    JwtSigner::secret(JwtAlgorithm::Hs256, &secret).unwrap().with_type(typ).sign(claims).unwrap()
}

/// An access token of emma's with some more claims.
pub(crate) fn access_token(more: &Value) -> String {
    signed_as("at+jwt", &claims("gallery", more))
}

/// A key of a client's.
pub(crate) struct ClientKey(client_key::ClientKey);

impl ClientKey {
    pub(crate) fn new() -> Self {
        Self(client_key::ClientKey::default())
    }

    pub(crate) fn jwk(&self) -> Value {
        self.0.jwk()
    }

    pub(crate) fn thumbprint(&self) -> String {
        JwtKey::jwk(&self.jwk().to_string()).unwrap().thumbprint().unwrap()
    }

    /// A JWT of this header and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.0.sign(header, claims)
    }

    /// A proof for this request by this token, with some more claims.
    pub(crate) fn proof(&self, method: &str, address: &str, token: &str, more: &Value) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
        let id: [u8; 16] = aws_lc_rs::rand::generate(&SystemRandom::new()).unwrap().expose();
        let mut claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(id),
            "htm": method,
            "htu": address,
            "iat": now(),
            "ath": hash,
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.sign(&header, &claims)
    }
}
