//! What kind of key a file holds, by the identifier that it has in front (RFC 5280 §4.1.1.2), and which algorithms it is for.

use super::{
    JwtAlgorithm,
    der::{CONTEXT_0, Elements, OBJECT, SEQUENCE},
};

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    /// RSA for PSS alone (id-RSASSA-PSS, RFC 4055), perhaps with one hash alone.
    RsaPss(PssHash),
    P256,
    P384,
    Ed25519,
    /// One that verifies no tokens here, and what it is.
    Other(&'static str),
}

/// The hash that an RSA-PSS key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PssHash {
    Any,
    Sha256,
    Sha384,
    Sha512,
    /// None that a token can be signed with.
    Other,
}

const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x23];
const SECP256K1: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x0A];
const X25519: &[u8] = &[0x2B, 0x65, 0x6E];
const X448: &[u8] = &[0x2B, 0x65, 0x6F];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
const ED448: &[u8] = &[0x2B, 0x65, 0x71];
const DSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

impl KeyKind {
    /// Reads what is in an AlgorithmIdentifier; `None` if it is malformed.
    pub(super) fn read(identifier: &[u8]) -> Option<Self> {
        let mut parts = Elements::of(identifier);
        Some(match parts.take(OBJECT)? {
            RSA => Self::Rsa,
            RSA_PSS => Self::RsaPss(PssHash::read(parts)?),
            EC => Self::of_curve(parts),
            ED25519 => Self::Ed25519,
            ED448 => Self::Other("it is an Ed448 key"),
            X25519 | X448 => Self::Other("it is a key for agreeing on secrets, not for signing"),
            DSA => Self::Other("it is a DSA key"),
            _ => Self::Other("it is of a kind that signs no tokens"),
        })
    }

    /// What stands where the curve of a key is named.
    pub(super) fn of_curve(mut parameters: Elements<'_>) -> Self {
        match parameters.take_if(OBJECT) {
            Some(P256) => Self::P256,
            Some(P384) => Self::P384,
            Some(P521) => Self::Other("it is on the curve P-521"),
            Some(SECP256K1) => Self::Other("it is on the curve secp256k1"),
            Some(_) => Self::Other("it is on a curve that signs no tokens"),
            None => Self::Other(
                "it does not name its curve; openssl ec -param_enc named_curve -in … -out … writes it so that it does",
            ),
        }
    }

    /// The algorithm of a key of this kind of which nothing else is said.
    pub(super) fn natural(self) -> Option<JwtAlgorithm> {
        match self {
            Self::Rsa => Some(JwtAlgorithm::Rs256),
            Self::RsaPss(PssHash::Any | PssHash::Sha256) => Some(JwtAlgorithm::Ps256),
            Self::RsaPss(PssHash::Sha384) => Some(JwtAlgorithm::Ps384),
            Self::RsaPss(PssHash::Sha512) => Some(JwtAlgorithm::Ps512),
            Self::P256 => Some(JwtAlgorithm::Es256),
            Self::P384 => Some(JwtAlgorithm::Es384),
            Self::Ed25519 => Some(JwtAlgorithm::EdDsa),
            Self::RsaPss(PssHash::Other) | Self::Other(_) => None,
        }
    }

    pub(super) fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa | Self::RsaPss(_))
    }

    /// Whether a key of this kind may be used with this algorithm.
    pub(super) fn fits(self, algorithm: JwtAlgorithm) -> bool {
        match (self, algorithm) {
            (Self::Rsa, _) => algorithm.must_be_of_rsa().is_ok(),
            (Self::RsaPss(PssHash::Any), _) => algorithm.name().starts_with("PS"),
            _ => self.natural() == Some(algorithm),
        }
    }

    /// What it is, for a sentence.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Rsa => "it is an RSA key",
            Self::RsaPss(PssHash::Any) => "it is an RSA key for PSS alone (PS256, PS384, PS512)",
            Self::RsaPss(PssHash::Sha256) => "it is an RSA key for PS256 alone",
            Self::RsaPss(PssHash::Sha384) => "it is an RSA key for PS384 alone",
            Self::RsaPss(PssHash::Sha512) => "it is an RSA key for PS512 alone",
            Self::RsaPss(PssHash::Other) => "it is an RSA key for PSS with a hash that signs no tokens",
            Self::P256 => "it is on the curve P-256",
            Self::P384 => "it is on the curve P-384",
            Self::Ed25519 => "it is an Ed25519 key",
            Self::Other(says) => says,
        }
    }
}

impl PssHash {
    /// Reads RSASSA-PSS-params (RFC 4055 §3.1): none at all bind the key to nothing, and a hash that is left out is SHA-1.
    fn read(mut parameters: Elements<'_>) -> Option<Self> {
        let Some(parameters) = parameters.take_if(SEQUENCE) else { return Some(Self::Any) };
        let Some(hash) = Elements::of(parameters).take_if(CONTEXT_0) else { return Some(Self::Other) };
        Some(match Elements::of_sequence(hash)?.take(OBJECT)? {
            SHA256 => Self::Sha256,
            SHA384 => Self::Sha384,
            SHA512 => Self::Sha512,
            _ => Self::Other,
        })
    }
}
