//! Verifying what a signer of our own signs.

use super::{JwtVerifier, JwtVerifierBuilder, TrustedIssuer};
use crate::jose::JwtSigner;

impl JwtSigner {
    /// This signer as an issuer that a verifier may trust.
    #[must_use]
    pub fn trusted(&self, issuer: &str) -> TrustedIssuer {
        self.keys().fold(TrustedIssuer::named(issuer), |issuer, key| issuer.key(key.clone()))
    }

    /// Begins a verifier of what this signer signs, under this `iss` and for this `aud`.
    pub fn verifier(&self, issuer: &str, audience: &str) -> JwtVerifierBuilder {
        JwtVerifier::trusting(self.trusted(issuer).audience(audience))
    }
}
