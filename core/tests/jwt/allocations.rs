//! What a verification asks of the allocator.

use countersign::{Answer, Verify, credential::TokenCredential, jose::JwtAlgorithm, verifier::jwt::JwtVerifier};

use crate::workshop::*;

#[test]
fn a_verification_allocates_little_and_a_forgery_less() {
    let workshop = workshop();
    for (algorithm, good, forged) in [(JwtAlgorithm::Hs256, 6, 1), (JwtAlgorithm::EdDsa, 8, 3)] {
        let builder = at_now(JwtVerifier::trusting(issuer([workshop.key(algorithm)])));
        let verifier = builder.principal_by(|_, verified| verified.into()).unwrap();
        let token = workshop.token(algorithm, &header_of(algorithm), &good_claims().to_string());
        let (signed, _) = token.rsplit_once('.').unwrap();
        let other = format!("{signed}.{}", b64(vec![7; if algorithm == JwtAlgorithm::Hs256 { 32 } else { 64 }]));
        for (token, passes, most) in [(&token, true, good), (&other, false, forged)] {
            let credential = TokenCredential::read(token.as_bytes()).unwrap();
            let mut answer = None;
            let counted = allocation_counter::measure(|| answer = verifier.verify_now(&credential)).count_total;
            assert_eq!(matches!(answer, Some(Answer::Verified(_))), passes);
            assert!(counted <= most, "{algorithm} {passes}: {counted}");
        }
    }
}
