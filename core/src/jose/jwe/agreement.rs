//! Keys that are agreed upon with a P-256 key (RFC 7518 §4.6).

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    encoding::{AsBigEndian, EcPublicKeyUncompressedBin},
    kdf::{SskdfDigestAlgorithm, SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest},
    key_wrap::{AES_256, AesKek, KeyWrap},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::header::Header;

/// How a key that wraps is called where it is derived.
const WRAPPING: &str = "ECDH-ES+A256KW";

/// A key to agree with.
pub(super) struct AgreementKey {
    private: PrivateKey,
    /// Uncompressed.
    point: Vec<u8>,
}

impl AgreementKey {
    pub(super) fn fresh() -> Option<Self> {
        Self::of(PrivateKey::generate(&ECDH_P256).ok()?)
    }

    /// A fresh one as PKCS#8.
    pub(super) fn generate() -> Option<Zeroizing<Vec<u8>>> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        Some(Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec()))
    }

    pub(super) fn pkcs8(der: &[u8]) -> Option<Self> {
        Self::of(PrivateKey::from_private_key_der(&ECDH_P256, der).ok()?)
    }

    pub(super) fn of(private: PrivateKey) -> Option<Self> {
        let public = private.compute_public_key().ok()?;
        let point: EcPublicKeyUncompressedBin<'_> = public.as_be_bytes().ok()?;
        Some(Self { point: point.as_ref().to_vec(), private })
    }

    pub(super) fn jwk(&self) -> Value {
        jwk(&self.point)
    }

    /// The key that comes of this one and the sender's.
    pub(super) fn agree(&self, header: &Header<'_>, name: &str, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let point = header.epk.as_ref()?.p256()?;
        let (sender, receiver) = header.parties()?;
        self.agreed(&point, name, &sender, &receiver, length)
    }

    /// Unwraps the key of a content.
    pub(super) fn unwrap(&self, header: &Header<'_>, wrapped: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let wrapping = self.agree(header, WRAPPING, 32)?;
        let mut key = Zeroizing::new(vec![0; wrapped.len()]);
        let unwrapped = AesKek::new(&AES_256, &wrapping).ok()?.unwrap(wrapped, &mut key).ok()?.len();
        key.truncate(unwrapped);
        (unwrapped == length).then_some(key)
    }

    /// Wraps a key for the holder of this one: the sender's point, and the wrapped key.
    pub(super) fn wrap(&self, key: &[u8]) -> Option<(Value, Vec<u8>)> {
        let sender = Self::fresh()?;
        let wrapping = sender.agreed(&self.point, WRAPPING, b"", b"", 32)?;
        let mut wrapped = vec![0; key.len() + 8];
        let length = AesKek::new(&AES_256, &wrapping).ok()?.wrap(key, &mut wrapped).ok()?.len();
        wrapped.truncate(length);
        Some((sender.jwk(), wrapped))
    }

    fn agreed(
        &self,
        point: &[u8],
        name: &str,
        sender: &[u8],
        receiver: &[u8],
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let info = info(name, sender, receiver, length)?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, point);
        agree(&self.private, peer, (), |shared| derived(shared, &info, length).ok_or(())).ok()
    }
}

fn derived(shared: &[u8], info: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
    const SHA256: Option<&SskdfDigestAlgorithm> = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256);
    let mut key = Zeroizing::new(vec![0; length]);
    sskdf_digest(SHA256?, shared, info, &mut key).ok()?;
    Some(key)
}

/// What is hashed beside the shared secret (RFC 7518 §4.6.2).
fn info(name: &str, sender: &[u8], receiver: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut info = Vec::new();
    for part in [name.as_bytes(), sender, receiver] {
        info.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
        info.extend_from_slice(part);
    }
    info.extend_from_slice(&u32::try_from(length.checked_mul(8)?).ok()?.to_be_bytes());
    Some(info)
}

fn jwk(point: &[u8]) -> Value {
    let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
    json!({ "crv": "P-256", "kty": "EC", "x": coordinate(1), "y": coordinate(33) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7518_appendix_c_agrees_on_its_key() {
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let bob = PrivateKey::from_private_key(&ECDH_P256, &decoded("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"));
        let bob = AgreementKey::of(bob.unwrap()).unwrap();
        let alice = [
            &[4][..],
            &decoded("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0"),
            &decoded("SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"),
        ]
        .concat();
        let agreed = bob.agreed(&alice, "A128GCM", b"Alice", b"Bob", 16).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(agreed), "VqqN6vgjbSBcIijNcacQGg");
        let mut off_the_curve = alice;
        off_the_curve[64] ^= 1;
        assert!(bob.agreed(&off_the_curve, "A128GCM", b"Alice", b"Bob", 16).is_none());
    }
}
