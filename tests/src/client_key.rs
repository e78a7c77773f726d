//! A key of a client's, and what it signs: [`ClientKey`].

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::credentials::base64url;

/// A fresh key of P-256 that signs JWTs of whatever header: no signer of the library writes a wrong one.
#[derive(Debug)]
pub struct ClientKey(EcdsaKeyPair);

impl Default for ClientKey {
    fn default() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("there is randomness"))
    }
}

impl ClientKey {
    /// Its public half.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..]) })
    }

    /// A JWT of this header and these claims.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let encoded = [header, claims].map(|part| base64url(part.to_string().as_bytes()));
        let text = encoded.join(".");
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).expect("there is randomness");
        format!("{text}.{}", base64url(signature.as_ref()))
    }
}
