//! The hash behind a fingerprint: HMAC-SHA-256 where the processor has instructions for SHA-256, BLAKE3 elsewhere.
//!
//! Which of the two is settled when a key is made. Both take a secret of 32 bytes and give 32 that nobody without it can compute or
//! make two credentials meet in; that they differ is seen by nobody, because fingerprints never leave the process.
//!
//! With such instructions HMAC-SHA-256, its key worked in beforehand, hashes a token of 600 bytes in two thirds of BLAKE3's time, and
//! up to two blocks BLAKE3 is faster all the same: `cargo bench -p countersign --bench fingerprint`. Without them SHA-256 would take
//! several times as long.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Up to this many bytes BLAKE3 is faster, whatever the processor: HMAC hashes two blocks more than it is given.
const SHORT: usize = 128;

/// A secret key and the hash that it is for. Wiped when dropped.
pub(super) struct KeyedHash {
    blake3: Zeroizing<[u8; 32]>,
    /// The key worked in, for what is longer than [`SHORT`].
    sha256: Option<Hmac<Sha256>>,
}

impl KeyedHash {
    /// With what is fastest on this processor.
    pub(super) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        let sha256 = if has_sha256() { Self::worked_in(&key) } else { None };
        Self { blake3: key, sha256 }
    }

    fn worked_in(key: &[u8; 32]) -> Option<Hmac<Sha256>> {
        Hmac::new_from_slice(key).ok()
    }

    /// Of these bytes. No allocation.
    pub(super) fn hash(&self, bytes: &[u8]) -> [u8; 32] {
        match &self.sha256 {
            Some(keyed) if bytes.len() > SHORT => {
                let mut hash = keyed.clone();
                hash.update(bytes);
                hash.finalize().into_bytes().into()
            }
            _ => blake3::keyed_hash(&self.blake3, bytes).into(),
        }
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(..)")
    }
}

/// Whether the processor hashes by SHA-256 in instructions of its own.
fn has_sha256() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("sha")
        && std::arch::is_x86_feature_detected!("sse4.1")
        && std::arch::is_x86_feature_detected!("ssse3");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("sha2");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [0x42; 32];

    fn of(sha256: bool) -> KeyedHash {
        KeyedHash { blake3: Zeroizing::new(KEY), sha256: sha256.then(|| KeyedHash::worked_in(&KEY)).flatten() }
    }

    #[test]
    fn each_is_the_hash_that_it_says() {
        let long = vec![b'x'; 700];
        let mut sha256 = <Hmac<Sha256> as KeyInit>::new_from_slice(&KEY).unwrap();
        sha256.update(&long);
        assert_eq!(of(true).hash(&long), <[u8; 32]>::from(sha256.finalize().into_bytes()));
        assert_eq!(of(false).hash(&long), <[u8; 32]>::from(blake3::keyed_hash(&KEY, &long)));
        assert_eq!(of(true).hash(b"short"), of(false).hash(b"short"));
    }

    #[test]
    fn bytes_of_every_length_hash_alike_twice_and_unlike_their_neighbours() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300).collect();
        for keyed in [of(true), of(false), KeyedHash::new(Zeroizing::new(KEY))] {
            for length in 1..bytes.len() {
                let (part, shorter) = (&bytes[..length], &bytes[..length - 1]);
                let mut other = part.to_vec();
                other[length - 1] ^= 1;
                assert_eq!(keyed.hash(part), keyed.hash(part), "{length}");
                assert_ne!(keyed.hash(part), keyed.hash(shorter), "{length}");
                assert_ne!(keyed.hash(part), keyed.hash(&other), "{length}");
            }
        }
    }

    #[test]
    fn keys_tell_in_every_length() {
        let other = KeyedHash::new(Zeroizing::new([0x43; 32]));
        let ours = KeyedHash::new(Zeroizing::new(KEY));
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 600] {
            assert_ne!(ours.hash(&vec![7; length]), other.hash(&vec![7; length]), "{length}");
        }
    }
}
