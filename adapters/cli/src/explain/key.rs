//! Keys: PEM, JWK, sets of JWKs. What is private of them is not shown.

use countersign::jose::{JwtAlgorithm, JwtKey, JwtSetupError, KeySet};
use serde_json::{Value, json};

use super::judge::public_key;
use crate::{fault::Fault, report::Report, signing_key};

/// A PEM; `None` if it is none.
pub(super) fn pem(text: &str, algorithm: Option<JwtAlgorithm>) -> Option<Result<Report, Fault>> {
    if !text.contains("-----BEGIN ") {
        return None;
    }
    let algorithm = algorithm.filter(|algorithm| !signing_key::takes_a_secret(*algorithm));
    let certificate = text.contains("CERTIFICATE-----");
    Some(Ok(if text.contains("PRIVATE KEY-----") {
        let signer = signing_key::signer(algorithm, text);
        let kind = "a private key: it signs, and is a secret";
        match signer {
            Ok(signer) => with_key(Report::of_kind(kind), &signer.key()).with("public", parsed(&signer.jwks_json())),
            Err(error) => unusable(kind, &error),
        }
    } else {
        let kind = if certificate { "a certificate, of which the key alone counts for tokens" } else { "a public key" };
        match public_key(text, algorithm) {
            Ok(key) => with_key(Report::of_kind(kind), &key),
            Err(error) => unusable(kind, &error),
        }
    }))
}

/// A JWK or a set of them; `None` if it is none.
pub(super) fn json(text: &str, algorithm: Option<JwtAlgorithm>) -> Option<Result<Report, Fault>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let rsa = algorithm.filter(|algorithm| algorithm.name().starts_with(['R', 'P'])).unwrap_or(JwtAlgorithm::Rs256);
    if value.get("keys").is_some_and(Value::is_array) {
        return Some(set(text, &value, rsa));
    }
    value.get("kty")?;
    let kind = kind_of(&value);
    Some(Ok(match JwtKey::jwk_with(rsa, text) {
        Ok(key) => with_key(Report::of_kind(kind), &key),
        Err(error) => unusable(kind, &error),
    }))
}

fn set(text: &str, value: &Value, rsa: JwtAlgorithm) -> Result<Report, Fault> {
    let set = KeySet::parse_with(rsa, text)?;
    let keys: Vec<_> = set.keys().iter().map(shown).collect();
    let skipped: Vec<_> = set
        .skipped()
        .iter()
        .map(|skipped| json!({ "position": skipped.position() + 1, "why": skipped.why().to_string() }))
        .collect();
    let mut members = value.get("keys").and_then(Value::as_array).into_iter().flatten();
    let secret = members.any(|member| is_private(member) || member.get("kty").is_some_and(|kty| kty == "oct"));
    let warning = secret.then_some("it holds a secret or private key, and must not be shown to those who verify");
    let report = Report::of_kind("a set of keys (JWKS)").with_any("warning", warning).with("usable", set.len());
    let report = if keys.is_empty() { report.refused() } else { report.with("key", keys) };
    Ok(if skipped.is_empty() { report } else { report.with("passed_over", skipped) })
}

fn kind_of(jwk: &Value) -> &'static str {
    if jwk.get("kty").is_some_and(|kty| kty == "oct") {
        "a secret as a JWK: whoever has it verifies and signs"
    } else if is_private(jwk) {
        "a private key as a JWK: a secret; its public half verifies tokens"
    } else {
        "a public key as a JWK"
    }
}

fn is_private(jwk: &Value) -> bool {
    jwk.get("d").is_some()
}

fn with_key(report: Report, key: &JwtKey) -> Report {
    report
        .with("algorithm", key.algorithm().name())
        .with_any("key_id", key.id())
        .with_any("thumbprint", key.thumbprint())
}

fn shown(key: &JwtKey) -> Value {
    json!({ "algorithm": key.algorithm().name(), "key_id": key.id(), "thumbprint": key.thumbprint() })
}

fn unusable(kind: &str, error: &JwtSetupError) -> Report {
    Report::of_kind(kind).with("usable", false).with("why", error.to_string()).refused()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}
