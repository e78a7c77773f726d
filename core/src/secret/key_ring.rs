//! The keys that sign what this service hands out and reads back: cookies, links, and whatever else bears our own MAC.
//!
//! A ring holds one key or more, newest first. The first one signs; every one verifies, so that a key is changed by putting a
//! new one in front and taking the old one away when all that it signed has ended.
//!
//! - A key has 32 bytes or more, and is random: short ones, and those that repeat themselves (all zero, one byte over and
//!   over, a pattern of a few), are refused.
//! - A key has an id that is derived from it and tells nothing of it. What is signed names the id of its key.
//! - The bytes are wiped when the last clone of the ring is dropped, and never printed.
//! - Clones are one ring: [`replace_with`](KeyRing::replace_with) changes the keys of whatever was made with it, while the service runs.
//!
//! # Example
//! ```
//! use countersign::KeyRing;
//!
//! let ring =
//!     KeyRing::parse("# newest first\nEs7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n").unwrap();
//! assert_eq!(ring.len(), 1);
//! assert!(KeyRing::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_err(), "all zero");
//! ```
//!
//! # Deployment
//! Copies of a service that share cookies share the file. A ring that is made at random at start ends every session at a
//! restart. `openssl rand -base64 32 | tr '+/' '-_'` writes a line.
//!
//! # Why
//! The MAC is BLAKE3 in its keyed mode, which is a MAC by design, costs the same on every processor, and needs no C
//! compiler. Both ends of it are this crate, so that nothing is gained by a MAC which more libraries know.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::{Secret, random::random_bytes};

/// The shortest key, in bytes.
const SHORTEST: usize = 32;
/// The fewest different bytes in a key. Of 2^60 random keys of 32 bytes, not one is expected to have fewer.
const FEWEST_DIFFERENT: usize = 8;

/// Keys, newest first. Cheap to clone; all clones are one. See the [module](self).
#[derive(Clone)]
pub struct KeyRing(Arc<RwLock<Arc<Keys>>>);

struct Keys {
    newest: RingKey,
    older: Vec<RingKey>,
}

struct RingKey {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

/// The name of a key of a ring: 8 characters of base64url, derived from the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId([u8; 8]);

/// A MAC of a ring's key.
pub(crate) type Mac = [u8; 32];

/// What is wrong with the keys of a ring. Lines and keys are counted from 1; no key is ever quoted.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is no key.
    #[error("the key ring holds no key; add a line with 32 random bytes in base64url")]
    Empty,
    /// This is no base64url.
    #[error("key {number} of the key ring is not base64url; write 32 random bytes as letters, digits, '-' and '_'")]
    NotBase64 {
        /// Which key.
        number: usize,
    },
    /// The key is too short to be safe.
    #[error("key {number} of the key ring has {bytes} bytes; at least 32 random ones are needed")]
    TooShort {
        /// Which key.
        number: usize,
        /// How long it is.
        bytes: usize,
    },
    /// The key repeats itself, so that it cannot be random.
    #[error("key {number} of the key ring repeats itself and cannot be random; make a new one")]
    Predictable {
        /// Which key.
        number: usize,
    },
    /// The same key stands there twice.
    #[error("key {number} of the key ring stands there twice; leave one of them out")]
    Twice {
        /// Which key.
        number: usize,
    },
}

crate::sentence::prints_its_sentence!(KeyRingError);

impl KeyRing {
    /// Reads a ring: one key a line in base64url, with or without padding, newest first. Empty lines, and lines that begin
    /// with `#`, are passed over, and not counted.
    ///
    /// # Errors
    /// When there is no key, or one of them is not base64url, shorter than 32 bytes, predictable, or there twice.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<_>, _> = (1..)
            .zip(lines)
            .map(|(number, line)| BASE64.decode(line).map(Secret::new).map_err(|_| KeyRingError::NotBase64 { number }))
            .collect();
        Self::of(keys?)
    }

    /// A ring of these keys, newest first.
    ///
    /// # Errors
    /// When there is no key, or one of them is shorter than 32 bytes, predictable, or there twice.
    pub fn of(keys: impl IntoIterator<Item = Secret>) -> Result<Self, KeyRingError> {
        let mut ring = Vec::<RingKey>::new();
        for (number, key) in (1..).zip(keys) {
            let bytes = key.expose();
            if bytes.len() < SHORTEST {
                return Err(KeyRingError::TooShort { number, bytes: bytes.len() });
            }
            if is_predictable(bytes) {
                return Err(KeyRingError::Predictable { number });
            }
            let key = RingKey::derive(bytes);
            if ring.iter().any(|known| known.id == key.id) {
                return Err(KeyRingError::Twice { number });
            }
            ring.push(key);
        }
        let mut ring = ring.into_iter();
        let newest = ring.next().ok_or(KeyRingError::Empty)?;
        Ok(Self::with(Keys { newest, older: ring.collect() }))
    }

    /// A ring of one key that nobody knows, for tests, and for services that may forget all that they signed at a restart.
    #[must_use]
    pub fn random() -> Self {
        let newest = RingKey::derive(&*Zeroizing::new(random_bytes::<SHORTEST>()));
        Self::with(Keys { newest, older: Vec::new() })
    }

    /// Puts the keys of another ring in place of these, for every clone, and so for all cookies and links that were made with one.
    ///
    /// The other must hold the key that signed until now, behind the new one, until all that it signed has ended: what a key signed that is
    /// in neither is refused from now on. A file that changed is read again with [`parse`](Self::parse), whose errors leave these keys
    /// in force.
    ///
    /// ```
    /// # use countersign::{KeyRing, secret::KeyRingError};
    /// # fn main() -> Result<(), KeyRingError> {
    /// let ring = KeyRing::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
    /// let in_use = ring.clone();
    /// let file = "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
    /// ring.replace_with(&KeyRing::parse(file)?);
    /// assert_eq!(in_use.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn replace_with(&self, other: &Self) {
        let keys = other.now();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn with(keys: Keys) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    /// The keys at this moment. A lock that a panic poisoned still holds a whole ring: it is changed by one assignment.
    fn now(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many keys there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a ring is never empty")]
    pub fn len(&self) -> usize {
        1 + self.now().older.len()
    }

    /// The ids of the keys, newest first: for logs, to see that two copies of a service hold the same ring.
    pub fn ids(&self) -> impl Iterator<Item = String> {
        let ids: Vec<_> = self.now().iter().map(|key| key.id.as_str().to_owned()).collect();
        ids.into_iter()
    }

    /// The newest key's MAC over these parts for this purpose, and the id of that key.
    pub(crate) fn sign(&self, purpose: &str, parts: &[&[u8]]) -> (KeyId, Mac) {
        let keys = self.now();
        let key = &keys.newest;
        (key.id, key.mac(purpose, parts))
    }

    /// Whether this is the MAC of the key of that id over these parts for this purpose; in constant time.
    pub(crate) fn verify(&self, id: &[u8], purpose: &str, parts: &[&[u8]], mac: &[u8]) -> bool {
        self.now().iter().any(|key| key.id.0 == *id && key.mac(purpose, parts).ct_eq(mac).into())
    }
}

impl Keys {
    fn iter(&self) -> impl Iterator<Item = &RingKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl RingKey {
    /// The key itself is not kept: neither id nor secret leads back to it, nor from one to the other.
    fn derive(bytes: &[u8]) -> Self {
        let mut id = [0; 8];
        let digest = blake3::derive_key("countersign key ring, id, v1", bytes);
        // 6 bytes are 8 characters, always.
        let _ = URL_SAFE_NO_PAD.encode_slice(digest.first_chunk::<6>().unwrap_or(&[0; 6]), &mut id);
        Self { id: KeyId(id), secret: Zeroizing::new(blake3::derive_key("countersign key ring, mac, v1", bytes)) }
    }

    /// Each part goes in behind its length, so that no two lists of parts are hashed alike.
    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Mac {
        let ours = [purpose.as_bytes(), self.id.0.as_slice()];
        let all = || ours.iter().chain(parts).copied();
        let mut room = [0; ROOM];
        if let Some(length) = join(all(), &mut room) {
            let (text, _) = room.split_at_mut(length);
            let mac = blake3::keyed_hash(&self.secret, text).into();
            text.zeroize();
            return mac;
        }
        room.zeroize();
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        for part in all() {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        let mac = hasher.finalize().into();
        hasher.zeroize();
        mac
    }
}

/// What is hashed in one go. The value of a cookie is an id; one that is longer is hashed part by part.
const ROOM: usize = 256;

/// Puts each part behind its length into this room, one behind the other, and says how long that is; `None` if there is no room.
fn join<'p>(parts: impl Iterator<Item = &'p [u8]>, mut room: &mut [u8]) -> Option<usize> {
    let size = room.len();
    for part in parts {
        for bytes in [&(part.len() as u64).to_be_bytes(), part] {
            let (place, rest) = room.split_at_mut_checked(bytes.len())?;
            place.copy_from_slice(bytes);
            room = rest;
        }
    }
    Some(size - room.len())
}

impl KeyId {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a key repeats itself, so that it cannot be random. The answer only says that a key is no key.
pub(crate) fn is_predictable(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count() < FEWEST_DIFFERENT
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const TWO: &str = "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE=";

    fn ring(lines: &[&str]) -> KeyRing {
        KeyRing::parse(&lines.join("\n")).unwrap()
    }

    #[test]
    fn c9_a_key_that_protects_nothing_is_refused() {
        let zero = URL_SAFE_NO_PAD.encode([0; 32]);
        let same = URL_SAFE_NO_PAD.encode([0x5A; 64]);
        let pattern = URL_SAFE_NO_PAD.encode(b"change!".repeat(8));
        let short = URL_SAFE_NO_PAD.encode((0..31).collect::<Vec<u8>>());
        let rows: [(String, KeyRingError); 10] = [
            (String::new(), KeyRingError::Empty),
            ("# none yet\n\n".into(), KeyRingError::Empty),
            (short, KeyRingError::TooShort { number: 1, bytes: 31 }),
            (zero, KeyRingError::Predictable { number: 1 }),
            (same, KeyRingError::Predictable { number: 1 }),
            (pattern, KeyRingError::Predictable { number: 1 }),
            (format!("{ONE}\n{ONE}"), KeyRingError::Twice { number: 2 }),
            (format!("{ONE}\n\nnot base64!"), KeyRingError::NotBase64 { number: 2 }),
            (format!("{ONE} {ONE}"), KeyRingError::NotBase64 { number: 1 }),
            (ONE.replace("AAEC", "+/EC"), KeyRingError::NotBase64 { number: 1 }),
        ];
        for (text, error) in rows {
            assert_eq!(KeyRing::parse(&text).err(), Some(error), "{text:?}");
        }
    }

    #[test]
    fn c4_the_newest_key_signs_and_all_verify() {
        let (old, both, new) = (ring(&[ONE]), ring(&["# new", TWO, "", ONE]), ring(&[TWO]));
        let (id, mac) = old.sign("test", &[b"value"]);
        let accepts = |ring: &KeyRing, id: KeyId, mac: Mac| ring.verify(&id.0, "test", &[b"value"], &mac);
        assert!(accepts(&old, id, mac) && accepts(&both, id, mac) && !accepts(&new, id, mac));
        let (id, mac) = both.sign("test", &[b"value"]);
        assert!(accepts(&new, id, mac) && accepts(&both, id, mac) && !accepts(&old, id, mac));
        assert_eq!(both.ids().collect::<Vec<_>>(), [new.ids().next().unwrap(), old.ids().next().unwrap()]);
    }

    #[test]
    fn a_mac_is_of_its_purpose_its_parts_and_its_key() {
        let ring = ring(&[ONE]);
        let (id, mac) = ring.sign("test", &[b"ab", b"c"]);
        let rows: [(&str, &[&[u8]], bool); 6] = [
            ("test", &[b"ab", b"c"], true),
            ("test", &[b"a", b"bc"], false),
            ("test", &[b"abc"], false),
            ("test", &[b"ab", b"c", b""], false),
            ("tes", &[b"tab", b"c"], false),
            ("other", &[b"ab", b"c"], false),
        ];
        for (purpose, parts, good) in rows {
            assert_eq!(ring.verify(&id.0, purpose, parts, &mac), good, "{purpose} {parts:?}");
        }
        assert!(!ring.verify(b"AAAAAAAA", "test", &[b"ab", b"c"], &mac));
        assert!(!ring.verify(&id.0, "test", &[b"ab", b"c"], mac.split_last().unwrap().1));
        assert!(!ring.verify(&id.0, "test", &[b"ab", b"c"], b""));
    }

    #[test]
    fn random_rings_differ() {
        assert_ne!(KeyRing::random().ids().next(), KeyRing::random().ids().next());
    }
}
