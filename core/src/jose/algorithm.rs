//! The signature algorithms, by their names in RFC 7518 §3.1 and RFC 8037 §3.1.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{self, EcdsaVerificationAlgorithm, RsaParameters, RsaSignatureEncoding},
};
use jsonwebtoken::Algorithm;

use super::JwtSetupError;

/// An algorithm that a key is for. A token never chooses it: it must name the one of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    Rs384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    Rs512,
    /// RSA-PSS with SHA-256.
    Ps256,
    /// RSA-PSS with SHA-384.
    Ps384,
    /// RSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519. Tokens name it `EdDSA` or, after RFC 9864, `Ed25519`.
    EdDsa,
}

/// What kind of key an algorithm takes, and how the cryptography calls the algorithm.
pub(super) enum Family {
    Hmac(hmac::Algorithm),
    Rsa(&'static RsaParameters, &'static RsaSignatureEncoding),
    Ec(&'static EcdsaVerificationAlgorithm),
    Ed,
}

impl JwtAlgorithm {
    /// The name in a token's header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name, as tokens, JWKs and settings write it; names are compared by bytes, and `none` is no algorithm.
    ///
    /// ```
    /// use countersign::jose::JwtAlgorithm;
    ///
    /// assert_eq!(JwtAlgorithm::named("ES256"), Some(JwtAlgorithm::Es256));
    /// assert_eq!(JwtAlgorithm::named("none"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known = match name {
            "Ed25519" => Algorithm::EdDSA,
            name => name.parse().ok()?,
        };
        Self::of(known)
    }

    pub(super) fn of(known: Algorithm) -> Option<Self> {
        Some(match known {
            Algorithm::HS256 => Self::Hs256,
            Algorithm::HS384 => Self::Hs384,
            Algorithm::HS512 => Self::Hs512,
            Algorithm::RS256 => Self::Rs256,
            Algorithm::RS384 => Self::Rs384,
            Algorithm::RS512 => Self::Rs512,
            Algorithm::PS256 => Self::Ps256,
            Algorithm::PS384 => Self::Ps384,
            Algorithm::PS512 => Self::Ps512,
            Algorithm::ES256 => Self::Es256,
            Algorithm::ES384 => Self::Es384,
            Algorithm::EdDSA => Self::EdDsa,
            _ => return None,
        })
    }

    pub(super) fn known(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Hs384 => Algorithm::HS384,
            Self::Hs512 => Algorithm::HS512,
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }

    /// Whether who can verify can sign.
    pub(crate) fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac(_))
    }

    /// # Errors
    /// When it is not for RSA keys.
    pub(crate) fn must_be_of_rsa(self) -> Result<(), JwtSetupError> {
        match self.family() {
            Family::Rsa(..) => Ok(()),
            _ => Err(JwtSetupError::WrongKind { algorithm: self, why: "it is not for RSA keys" }),
        }
    }

    pub(super) fn family(self) -> Family {
        match self {
            Self::Hs256 => Family::Hmac(hmac::HMAC_SHA256),
            Self::Hs384 => Family::Hmac(hmac::HMAC_SHA384),
            Self::Hs512 => Family::Hmac(hmac::HMAC_SHA512),
            Self::Rs256 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256, &signature::RSA_PKCS1_SHA256),
            Self::Rs384 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384, &signature::RSA_PKCS1_SHA384),
            Self::Rs512 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512, &signature::RSA_PKCS1_SHA512),
            Self::Ps256 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA256, &signature::RSA_PSS_SHA256),
            Self::Ps384 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA384, &signature::RSA_PSS_SHA384),
            Self::Ps512 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA512, &signature::RSA_PSS_SHA512),
            Self::Es256 => Family::Ec(&signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Family::Ec(&signature::ECDSA_P384_SHA384_FIXED),
            Self::EdDsa => Family::Ed,
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j16_a_name_is_an_algorithm_or_nothing() {
        for name in ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"]
        {
            let algorithm = JwtAlgorithm::named(name).unwrap();
            assert_eq!((algorithm.name(), JwtAlgorithm::of(algorithm.known())), (name, Some(algorithm)));
        }
        assert_eq!(JwtAlgorithm::named("EdDSA"), JwtAlgorithm::named("Ed25519"));
        for name in ["none", "None", "NONE", "", "hs256", "ES512", "ES256K", "Ed448", "RSA-OAEP", "dir"] {
            assert_eq!(JwtAlgorithm::named(name), None, "{name}");
        }
    }
}
