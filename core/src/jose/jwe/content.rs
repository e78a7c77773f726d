//! The content of a sealed token (RFC 7518 §5): authenticated encryption.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{
        AES_128, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
        UnboundCipherKey,
    },
    constant_time::verify_slices_are_equal,
    hmac::{self, HMAC_SHA256, HMAC_SHA512},
    iv::FixedLength,
    rand,
};
use zeroize::Zeroizing;

/// How the content of a token is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JweEncryption {
    /// AES-256 in Galois/Counter mode.
    A256Gcm,
    /// AES-128 in CBC mode with HMAC-SHA256.
    A128CbcHs256,
    /// AES-256 in CBC mode with HMAC-SHA512.
    A256CbcHs512,
}

/// What is made of a content.
pub(super) struct Sealed {
    pub(super) vector: Vec<u8>,
    pub(super) text: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl JweEncryption {
    /// All that there are.
    pub(super) const ALL: [Self; 3] = [Self::A256Gcm, Self::A128CbcHs256, Self::A256CbcHs512];

    /// The name, as a header gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A256Gcm => "A256GCM",
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    pub(super) fn key_length(self) -> usize {
        match self {
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// A random key; `None` if there is no randomness.
    pub(super) fn fresh_key(self) -> Option<Zeroizing<Vec<u8>>> {
        let mut key = Zeroizing::new(vec![0; self.key_length()]);
        rand::fill(&mut key).ok()?;
        Some(key)
    }

    /// What the text says, if the tag is right.
    pub(super) fn open(
        self,
        key: &[u8],
        protected: &[u8],
        vector: &[u8],
        mut text: Vec<u8>,
        tag: &[u8],
    ) -> Option<Vec<u8>> {
        let Some((hash, cipher)) = self.mac_and_cipher() else {
            let tag: &[u8; 16] = tag.try_into().ok()?;
            let nonce = Nonce::try_assume_unique_for_key(vector).ok()?;
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
            text.extend_from_slice(tag);
            let plain = key.open_in_place(nonce, Aad::from(protected), &mut text).ok()?.len();
            text.truncate(plain);
            return Some(text);
        };
        let vector: &[u8; 16] = vector.try_into().ok()?;
        let (mac_key, cipher_key) = key.split_at_checked(key.len() / 2)?;
        // Before a byte is decrypted: what is wrong about the padding is then for nobody to see.
        verify_slices_are_equal(&authenticated(hash, mac_key, protected, vector, &text)?, tag).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, cipher_key).ok()?).ok()?;
        let context = DecryptionContext::Iv128(FixedLength::from(vector));
        let plain = key.decrypt(&mut text, context).ok()?.len();
        text.truncate(plain);
        Some(text)
    }

    /// Encrypts; `None` if there is no randomness.
    pub(super) fn seal(self, key: &[u8], protected: &[u8], content: &[u8]) -> Option<Sealed> {
        let mut text = content.to_vec();
        let Some((hash, cipher)) = self.mac_and_cipher() else {
            let mut vector = [0; 12];
            rand::fill(&mut vector).ok()?;
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
            let nonce = Nonce::assume_unique_for_key(vector);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(protected), &mut text).ok()?;
            return Some(Sealed { vector: vector.to_vec(), text, tag: tag.as_ref().to_vec() });
        };
        let (mac_key, cipher_key) = key.split_at_checked(key.len() / 2)?;
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, cipher_key).ok()?).ok()?;
        let DecryptionContext::Iv128(vector) = key.encrypt(&mut text).ok()? else { return None };
        let vector: [u8; 16] = vector.try_into().ok()?;
        let tag = authenticated(hash, mac_key, protected, &vector, &text)?;
        Some(Sealed { vector: vector.to_vec(), text, tag })
    }

    fn mac_and_cipher(self) -> Option<(hmac::Algorithm, &'static Algorithm)> {
        match self {
            Self::A256Gcm => None,
            Self::A128CbcHs256 => Some((HMAC_SHA256, &AES_128)),
            Self::A256CbcHs512 => Some((HMAC_SHA512, &AES_256)),
        }
    }
}

/// The tag of RFC 7518 §5.2.2.1: half of the MAC.
fn authenticated(hash: hmac::Algorithm, key: &[u8], protected: &[u8], vector: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let bits = u64::try_from(protected.len()).ok()?.checked_mul(8)?.to_be_bytes();
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hash, key));
    [protected, vector, text, &bits].iter().for_each(|part| mac.update(part));
    let mac = mac.sign();
    Some(mac.as_ref().get(..mac.as_ref().len() / 2)?.to_vec())
}
