//! What a credential is remembered by: a keyed 256-bit hash that only this process can compute.
//!
//! Two hashes in a row. The first, BLAKE3 at start-up, turns everything that identifies a scheme of a gate (realm, scheme name, the
//! number of the verifier, the number of its key set), each with its length in front, into a key of its own under the
//! process's random key. The second is keyed by that and reads the credential, which is all of its input: identity and
//! credential cannot run into one another, and a request costs one short hash. Two fingerprints are equal only if all five
//! parts are. A credential of several parts is hashed with the length of each in front, under a key of its own for those.
//!
//! # Why
//! The key is secret, so a dump of stored fingerprints is no list of hashed tokens to guess at offline. It is collision
//! resistant besides: if the key leaks, nobody can make a credential that hits another one's entry, which would be a whole
//! bypass. Which hash reads the credential depends on the processor: see [`keyed_hash`].

mod keyed_hash;

use std::{
    fmt,
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

use zeroize::Zeroizing;

use self::keyed_hash::KeyedHash;
use super::random::random_bytes;

/// The secret key under which all fingerprints of one cache, or of a gate without one, are made. Wiped when dropped.
pub(crate) struct FingerprintKey(Zeroizing<[u8; 32]>);

/// One scheme of one gate, ready to take fingerprints. Wiped when dropped.
pub(crate) struct SchemeKey {
    /// For a credential that stands in one place.
    whole: KeyedHash,
    /// For one of several parts: no whole is ever found by what parts are found by.
    parts: Zeroizing<[u8; 32]>,
}

/// What one credential of one scheme is known by. Not the credential, and not computable without the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// The number of a verifier: drawn when a gate accepts it, and never used again in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VerifierNumber(u64);

impl VerifierNumber {
    /// The next number.
    pub(crate) fn draw() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl FingerprintKey {
    /// A fresh random key.
    pub(crate) fn fresh() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// The key for one scheme. `key_set` numbers the keys a verifier trusts at present, so that withdrawn ones take what they
    /// verified along; 0 where there are none.
    pub(crate) fn scheme(&self, realm: &str, scheme: &str, verifier: VerifierNumber, key_set: u64) -> SchemeKey {
        let key = |purpose: &str| {
            let mut hasher = blake3::Hasher::new_keyed(&self.0);
            for part in [purpose, realm, scheme] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            hasher.update(&verifier.0.to_le_bytes()).update(&key_set.to_le_bytes());
            Zeroizing::new(*hasher.finalize().as_bytes())
        };
        SchemeKey { whole: KeyedHash::new(key("countersign scheme v1")), parts: key("countersign scheme v1, parts") }
    }
}

impl SchemeKey {
    /// The fingerprint of a raw credential, keyword and blanks stripped. One short hash, no allocation.
    pub(crate) fn fingerprint(&self, raw: &[u8]) -> Fingerprint {
        Fingerprint(self.whole.hash(raw))
    }

    /// The same of a credential that may have more parts than the first.
    pub(crate) fn fingerprint_of_parts(&self, first: &[u8], more: &[&[u8]]) -> Fingerprint {
        if more.is_empty() {
            return self.fingerprint(first);
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.parts);
        for part in std::iter::once(&first).chain(more) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Fingerprint(*hasher.finalize().as_bytes())
    }
}

impl Fingerprint {
    /// Of the same credential, for what was found out of it without a look into the cache.
    pub(crate) fn anew(self) -> Self {
        Self(self.0.map(|byte| !byte))
    }
}

/// A fingerprint is a hash already: eight of its bytes serve as the hash of a table.
impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (head, _) = self.0.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        state.write_u64(u64::from_le_bytes(*head));
    }
}

/// Hands a fingerprint's own bytes through.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct PassThrough(u64);

/// For tables keyed by fingerprints.
pub(crate) type BuildPassThrough = BuildHasherDefault<PassThrough>;

impl Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

impl fmt::Debug for SchemeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemeKey(..)")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_identity_counts() {
        // L3, GHSA-6765-c87h-8mrf (parts without lengths), CVE-2026-33496 (an input left out).
        let key = FingerprintKey::fresh();
        let (one, two) = (VerifierNumber::draw(), VerifierNumber::draw());
        let of = |realm: &str, scheme: &str, verifier, key_set, raw: &[u8]| {
            key.scheme(realm, scheme, verifier, key_set).fingerprint(raw)
        };
        let known = of("people", "basic", one, 0, b"abc");
        assert!(known == of("people", "basic", one, 0, b"abc"));
        let others = [
            of("peopl", "ebasic", one, 0, b"abc"),
            of("peopleb", "asic", one, 0, b"abc"),
            of("people", "basi", one, 0, b"cabc"),
            of("people", "basic", two, 0, b"abc"),
            of("people", "basic", one, 1, b"abc"),
            of("people", "basic", one, 0, b"abd"),
            of("people", "basic", one, 0, b""),
            of("", "basic", one, 0, b"abc"),
            FingerprintKey::fresh().scheme("people", "basic", one, 0).fingerprint(b"abc"),
        ];
        for (row, other) in others.iter().enumerate() {
            assert!(known != *other, "row {row}");
        }
    }

    #[test]
    fn parts_do_not_run_into_one_another_nor_into_a_whole() {
        let key = FingerprintKey::fresh().scheme("people", "cookie", VerifierNumber::draw(), 0);
        let written = |parts: &[&[u8]]| {
            parts.iter().flat_map(|part| [&(part.len() as u64).to_le_bytes(), *part].concat()).collect::<Vec<u8>>()
        };
        let rows: [&[&[u8]]; 9] = [
            &[b"ab", b"c"],
            &[b"a", b"bc"],
            &[b"abc"],
            &[b"abc", b""],
            &[b"", b"abc"],
            &[b"", b"", b"abc"],
            &[b""],
            &[b"c", b"ab"],
            &[b"a", b"b", b"c"],
        ];
        let of = |parts: &[&[u8]]| key.fingerprint_of_parts(parts[0], &parts[1..]);
        for (row, parts) in rows.iter().enumerate() {
            for other in &rows[row + 1..] {
                assert!(of(parts) != of(other), "{parts:?} {other:?}");
            }
            assert!(of(parts) == of(parts) && of(parts) != of(&[&written(parts)]), "{parts:?}");
        }
    }

    #[test]
    fn no_two_verifiers_share_a_number() {
        let drawn: Vec<_> = (0..100).map(|_| VerifierNumber::draw().0).collect();
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn nothing_secret_prints() {
        // L1
        let key = FingerprintKey::fresh();
        let scheme = key.scheme("people", "basic", VerifierNumber::draw(), 0);
        let printed = format!("{key:?} {scheme:?} {:?}", scheme.fingerprint(b"abc"));
        assert_eq!(printed, "FingerprintKey(..) SchemeKey(..) Fingerprint(..)");
    }
}
