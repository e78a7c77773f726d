//! The access tokens of the gallery's issuer, which several routes take.

use std::sync::Arc;

use countersign::{
    Answer, Secret,
    jose::{JwtAlgorithm, JwtKey},
    verifier::jwt::{JwtVerifier, TrustedIssuer},
};

use crate::{
    Fault,
    gallery::Gallery,
    users::{Caller, caller},
};

/// Who issues them.
pub(crate) const ISSUER: &str = "https://issuer.example";

/// What it signs with.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Verifies access tokens for this audience that are bound to nothing. One that is bound (`cnf`) is refused: its proof is not asked for here.
pub(crate) fn tokens(gallery: &Gallery, audience: &str) -> Result<JwtVerifier<Caller>, Fault> {
    let key = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new(SECRET))?;
    let trusted = TrustedIssuer::named(ISSUER).audience(audience).key(key);
    let builder = JwtVerifier::trusting(trusted).timed_by(Arc::clone(gallery.clock()));
    Ok(builder.principal_by(|claims, verified| {
        let bound = !matches!(claims.get::<serde_json::Value>("cnf"), Ok(None));
        match claims.subject().and_then(caller).filter(|_| !bound) {
            Some(caller) => verified.map(|()| caller).into(),
            None => Answer::Refused,
        }
    })?)
}
