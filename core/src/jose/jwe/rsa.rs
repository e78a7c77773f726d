//! Keys that are encrypted to an RSA key (RFC 7518 §4.3).

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{
        KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        PrivateDecryptingKey,
    },
    signature::KeyPair as _,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::JweEncryption;

/// An RSA key to decrypt with.
pub(super) struct RsaKey {
    private: OaepPrivateDecryptingKey,
    public: OaepPublicEncryptingKey,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl RsaKey {
    /// A fresh one as PKCS#8.
    pub(super) fn generate() -> Option<Zeroizing<Vec<u8>>> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        Some(Zeroizing::new(der.as_ref().to_vec()))
    }

    pub(super) fn pkcs8(der: &[u8]) -> Option<Self> {
        // Read twice, since a key that decrypts does not show its numbers.
        let pair = KeyPair::from_pkcs8(der).ok()?;
        let numbers = pair.public_key();
        let private = PrivateDecryptingKey::from_pkcs8(der).ok()?;
        Some(Self {
            public: OaepPublicEncryptingKey::new(private.public_key()).ok()?,
            private: OaepPrivateDecryptingKey::new(private).ok()?,
            modulus: numbers.modulus().big_endian_without_leading_zero().to_vec(),
            exponent: numbers.exponent().big_endian_without_leading_zero().to_vec(),
        })
    }

    pub(super) fn jwk(&self) -> Value {
        json!({ "e": URL_SAFE_NO_PAD.encode(&self.exponent), "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(&self.modulus) })
    }

    /// The key of a content; where that cannot be decrypted, or is no such key, a random one, by which nothing opens. `None` if there
    /// is no randomness.
    pub(super) fn unwrap(&self, wrapped: &[u8], encryption: JweEncryption) -> Option<Zeroizing<Vec<u8>>> {
        // Drawn in any case, so that it takes as long.
        let random = encryption.fresh_key()?;
        let mut key = Zeroizing::new(vec![0; self.private.min_output_size()]);
        let decrypted = self.private.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut key, None).map(|key| key.len());
        match decrypted {
            Ok(length) if length == encryption.key_length() => {
                key.truncate(length);
                Some(key)
            }
            _ => Some(random),
        }
    }

    pub(super) fn wrap(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut wrapped = vec![0; self.public.ciphertext_size()];
        let length = self.public.encrypt(&OAEP_SHA256_MGF1SHA256, key, &mut wrapped, None).ok()?.len();
        wrapped.truncate(length);
        Some(wrapped)
    }
}
