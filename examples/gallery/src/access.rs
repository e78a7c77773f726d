//! The access tokens of the gallery's issuer, which several routes take, and how one is made for a line to paste.

use std::{sync::Arc, time::UNIX_EPOCH};

use countersign::{
    Answer, Secret, Verified,
    jose::{JwtAlgorithm, JwtKey, JwtSigner},
    principal::Binding,
    verifier::jwt::{Claims, JwtVerifier, TrustedIssuer},
};
use serde_json::{Value, json};

use crate::{
    Fault,
    gallery::Gallery,
    users::{Caller, caller},
};

/// Who issues them.
pub(crate) const ISSUER: &str = "https://issuer.example";

/// What it signs with.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// For whom they are, where a route does not say otherwise.
pub(crate) const AUDIENCE: &str = "gallery";

/// The issuer, of tokens for this audience.
pub(crate) fn issuer(audience: &str) -> Result<TrustedIssuer, Fault> {
    let key = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new(SECRET))?;
    Ok(TrustedIssuer::named(ISSUER).audience(audience).key(key))
}

/// Verifies access tokens for this audience that are bound to nothing. One that is bound (`cnf`) is refused: its proof is not asked for here.
pub(crate) fn tokens(gallery: &Gallery, audience: &str) -> Result<JwtVerifier<Caller>, Fault> {
    tokens_that(gallery, audience, |_, verified| *verified.binding() == Binding::Nothing)
}

/// Verifies access tokens for this audience of which this holds. What they are bound to must be shown.
pub(crate) fn tokens_that(
    gallery: &Gallery,
    audience: &str,
    holds: impl Fn(&Claims<'_>, &Verified<()>) -> bool + Send + Sync + 'static,
) -> Result<JwtVerifier<Caller>, Fault> {
    let builder = JwtVerifier::trusting(issuer(audience)?).timed_by(Arc::clone(gallery.clock())).scopes_from("scope");
    Ok(builder.principal_by(move |claims, verified| match claims.subject().and_then(caller) {
        Some(caller) if holds(claims, &verified) => verified.map(|()| caller).into(),
        _ => Answer::Refused,
    })?)
}

/// A token of emma's for this audience, good for a day, with these claims besides.
pub(crate) fn token(gallery: &Gallery, audience: &str, more: &Value) -> Result<String, Fault> {
    let now = gallery.clock().wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut claims = json!({ "iss": ISSUER, "aud": audience, "sub": "emma", "iat": now, "exp": now + 86_400 });
    if let (Value::Object(claims), Value::Object(more)) = (&mut claims, more) {
        claims.extend(more.clone());
    }
    Ok(JwtSigner::secret(JwtAlgorithm::Hs256, &Secret::new(SECRET))?.sign(&claims)?)
}
