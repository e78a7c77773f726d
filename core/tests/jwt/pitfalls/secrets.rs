//! Keys that both sides know.

use super::*;

#[test]
fn j10_a_secret_is_as_long_as_its_hash_and_random() {
    let varied = |length: usize| Secret::new((0..length).map(|byte| byte as u8).collect::<Vec<_>>());
    for (algorithm, needed) in [(HS256, 32), (JwtAlgorithm::Hs384, 48), (JwtAlgorithm::Hs512, 64)] {
        for (bytes, good) in [(0, false), (8, false), (needed - 1, false), (needed, true), (200, true)] {
            assert_eq!(JwtKey::secret(algorithm, &varied(bytes)).is_ok(), good, "{algorithm} {bytes}");
            assert_eq!(JwtSigner::secret(algorithm, &varied(bytes)).is_ok(), good, "{algorithm} {bytes}");
        }
    }
    assert_eq!(JwtKey::secret(HS256, &Secret::new([0; 64])).err(), Some(JwtSetupError::SecretPredictable));
    assert!(JwtKey::secret(JwtAlgorithm::Es256, &varied(64)).is_err());
    let short = json!({ "kty": "oct", "alg": "HS256", "k": b64("hunter2") });
    assert!(JwtKey::jwk(&short.to_string()).is_err());
    let unnamed = json!({ "kty": "oct", "k": b64(SECRET) });
    assert!(JwtKey::jwk(&unnamed.to_string()).is_err(), "a secret without an algorithm has none");
}

#[test]
fn a_secret_that_can_be_guessed_is_taken_by_its_own_call_alone() {
    for (algorithm, secret, short, risky) in [
        (HS256, "secret", false, true),
        (HS256, "", false, false),
        (HS256, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, true),
        (JwtAlgorithm::EdDsa, "secret", false, false),
    ] {
        let secret = Secret::new(secret);
        assert_eq!(JwtKey::secret(algorithm, &secret).is_ok(), short, "{algorithm}");
        assert_eq!(JwtKey::secret_that_can_be_guessed(algorithm, &secret).is_ok(), risky, "{algorithm}");
        assert_eq!(JwtSigner::secret_that_can_be_guessed(algorithm, &secret).is_ok(), risky, "{algorithm}");
    }
    let secret = Secret::new("secret");
    let signer = JwtSigner::secret_that_can_be_guessed(HS256, &secret).unwrap();
    let key = JwtKey::secret_that_can_be_guessed(HS256, &secret).unwrap();
    let verifier = at_now(JwtVerifier::trusting(TrustedIssuer::unnamed().any_audience().key(key)));
    let verifier = verifier.principal::<Value>().unwrap();
    let token = signer.sign(&json!({ "exp": NOW + 60 })).unwrap();
    assert!(accepts(&verifier, &token));
    assert!(signer.jwks_json() == r#"{"keys":[]}"#, "no secret is shown");
}
