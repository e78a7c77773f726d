//! The hashes of Digest: [`DigestAlgorithm`].

use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};

/// A hash that Digest is computed with, and whether the password's part is bound to the session (RFC 7616 §3.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// Weak, and the only one that many clients know.
    Md5,
    /// MD5, in sessions.
    Md5Sess,
    /// What RFC 7616 asks for.
    Sha256,
    /// SHA-256, in sessions.
    Sha256Sess,
    /// SHA-512/256 of FIPS 180-4, with start values of its own. What RFC 7616 §3.9.2 prints is SHA-512 cut short, and no client that
    /// computes so gets in.
    Sha512_256,
    /// SHA-512/256, in sessions.
    Sha512_256Sess,
}

impl DigestAlgorithm {
    /// As it is written in challenges.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    pub(super) fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess)
    }

    /// The hash of these parts with colons between them, in lower-case hex.
    pub(super) fn hash(self, parts: &[&[u8]]) -> String {
        let text = zeroize::Zeroizing::new(parts.join(&b':'));
        match self {
            Self::Md5 | Self::Md5Sess => hex(&Md5::digest(&*text)),
            Self::Sha256 | Self::Sha256Sess => hex(&Sha256::digest(&*text)),
            Self::Sha512_256 | Self::Sha512_256Sess => hex(&Sha512_256::digest(&*text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
