//! Bytes that never print, and the one way to read them.
//!
//! A [`Secret`] is wiped when it is dropped, says `Secret(..)` to `Debug`, has no `==`, and compares in constant time.
//! Searching for `.expose(` finds every place that reads one.
//!
//! # Example
//! ```
//! use countersign::Secret;
//!
//! let secret = Secret::new("open sesame");
//! assert!(secret.matches(b"open sesame"));
//! assert!(!secret.matches(b"open sesamE"));
//! assert_eq!(format!("{secret:?}"), "Secret(..)");
//! ```
//!
//! Two secrets cannot be compared in a time that depends on where they differ, since this does not compile:
//! ```compile_fail,E0369
//! # use countersign::Secret;
//! let equal = Secret::new("one") == Secret::new("two");
//! ```
//!
//! # What it does not do
//! It does not reach the copies that a framework or the kernel made of a request before it arrived here.

pub(crate) mod fingerprint;
pub mod key_ring;
pub(crate) mod random;
pub(crate) mod seal;
pub mod token;

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::{
    key_ring::{KeyRing, KeyRingError},
    token::{BadTokenPrefix, MintedToken, TokenDigest, TokenPrefix},
};

/// Bytes that never print and are wiped when dropped. See the [module](self).
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; the caller's own copies stay the caller's to wipe.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves. Whoever calls this answers for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether the bytes are these, in a time that depends on the two lengths alone.
    #[must_use]
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_equals_its_own_bytes_alone() {
        let secret = Secret::new(*b"abc");
        for (other, same) in [(&b"abc"[..], true), (b"abd", false), (b"ab", false), (b"abcd", false), (b"", false)] {
            assert_eq!(secret.matches(other), same, "{other:?}");
        }
    }
}
