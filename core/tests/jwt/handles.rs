//! What of several issuers, keys and subjects a revocation voids.

use std::sync::Arc;

use countersign::{
    Bearer, CredentialCache, Gate, Grant, Handle,
    adapter::Verdict,
    cache::CacheOptions,
    jose::JwtAlgorithm::{self, EdDsa, Es256, Hs256},
    principal::HandleKind,
    testing::{ManualClock, PlainHead},
    verifier::jwt::{JwtVerifier, TrustedIssuer},
};
use serde_json::json;

use crate::workshop::*;

const OTHER: &str = "https://other.example";

/// Each token: its issuer, its algorithm, `sub` and `jti`.
const TOKENS: [(&str, JwtAlgorithm, &str, &str); 6] = [
    (ISSUER, EdDsa, "emily", "1"),
    (ISSUER, EdDsa, "emma", "2"),
    (ISSUER, Es256, "emily", "3"),
    (ISSUER, Hs256, "emma", "4"),
    (OTHER, EdDsa, "emily", "1"),
    (OTHER, Es256, "emma", "5"),
];

fn thumbprint(algorithm: JwtAlgorithm) -> String {
    workshop().key(algorithm).thumbprint().unwrap()
}

/// One verifier for both issuers, which have keys in common, and a cache. The clock stands still, so that only revocations end a grant.
async fn grants(cache: &CredentialCache, clock: &Arc<ManualClock>) -> Vec<Grant<()>> {
    let trusted = |name: &str| {
        let keys = [EdDsa, Es256, Hs256].map(|algorithm| workshop().key(algorithm));
        keys.into_iter().fold(TrustedIssuer::named(name).audience("people"), TrustedIssuer::key)
    };
    let verifier = JwtVerifier::trusting(trusted(ISSUER)).and_trusting(trusted(OTHER)).timed_by(clock.clone());
    let verifier = verifier.principal_by(|_, verified| verified.into()).unwrap();
    let gate = Gate::in_realm("people").accept(Bearer, verifier).cached(cache.clone()).timed_by(clock.clone());
    let gate = gate.build().unwrap();
    let mut grants = Vec::new();
    for (issuer, algorithm, sub, jti) in TOKENS {
        let claims = json!({ "iss": issuer, "aud": "people", "sub": sub, "jti": jti, "exp": NOW + 600 });
        let token = workshop().token(algorithm, &header_of(algorithm), &claims.to_string());
        let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&gate);
        match head.verdict_at(&gate).await {
            Verdict::Admitted(grant) => grants.push(grant),
            other => panic!("{issuer} {algorithm} {other:?}"),
        }
    }
    grants
}

#[tokio::test]
async fn a_revocation_voids_what_it_names_and_nothing_else() {
    let rows = [
        (Handle::subject_of(ISSUER, "emily"), "101000"),
        (Handle::subject_of(OTHER, "emily"), "000010"),
        (Handle::token_of(ISSUER, "1"), "100000"),
        (Handle::token_of(OTHER, "1"), "000010"),
        (Handle::token_of(OTHER, "2"), "000000"),
        (Handle::key_of(ISSUER, &thumbprint(EdDsa)), "110000"),
        (Handle::key_of(OTHER, &thumbprint(EdDsa)), "000010"),
        (Handle::key_of(ISSUER, &thumbprint(Es256)), "001000"),
        (Handle::key_of(ISSUER, ""), "000000"),
        (Handle::issuer(ISSUER), "111100"),
        (Handle::issuer(OTHER), "000011"),
        (Handle::issuer(""), "000000"),
        // Whoever issued it.
        (Handle::subject("emily"), "101010"),
        (Handle::of(HandleKind::Token, "1"), "100010"),
    ];
    for (number, (handle, expected)) in rows.into_iter().enumerate() {
        let clock = Arc::new(ManualClock::at(at(NOW)));
        let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
        let grants = grants(&cache, &clock).await;
        assert!(grants.iter().all(Grant::still_stands));
        cache.revoke(handle);
        let void: String = grants.iter().map(|grant| if grant.still_stands() { '0' } else { '1' }).collect();
        assert_eq!(void, expected, "row {number}");
    }
}

#[test]
fn an_issuer_without_a_name_goes_by_the_empty_one() {
    let issuer = TrustedIssuer::unnamed().any_audience().key(workshop().key(EdDsa));
    let verifier = at_now(JwtVerifier::trusting(issuer)).principal_by(|_, verified| verified.into()).unwrap();
    let claims = json!({ "iss": ISSUER, "sub": "emily", "exp": NOW + 600 });
    let token = workshop().token(EdDsa, &header_of(EdDsa), &claims.to_string());
    let expected = [
        Handle::subject("emily"),
        Handle::subject_of("", "emily"),
        Handle::key_of("", &thumbprint(EdDsa)),
        Handle::issuer(""),
    ];
    assert_eq!(accepted(&verifier, &token).unwrap().handles(), expected);
}
