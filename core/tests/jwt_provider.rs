//! J9: jsonwebtoken's process-wide provider is never asked. Here it is one that panics, in a process of its own.

#[cfg(test)]
mod trap {
    use countersign::{
        Answer, Secret, Verify,
        credential::TokenCredential,
        jose::{JwtAlgorithm, JwtKey, JwtSigner},
        verifier::jwt::JwtVerifier,
    };
    use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
    use serde_json::{Value, json};

    static TRAP: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| panic!("the provider was asked to sign"),
        verifier_factory: |_, _| panic!("the provider was asked to verify"),
        key_utils: KeyUtils::new_unimplemented(),
    };

    #[test]
    fn j9_no_provider_is_needed() {
        TRAP.install_default().unwrap();
        let asked = std::panic::catch_unwind(|| {
            jsonwebtoken::encode(
                &jsonwebtoken::Header::default(),
                &json!({}),
                &jsonwebtoken::EncodingKey::from_secret(b"x"),
            )
        });
        assert!(asked.is_err(), "the trap is set");

        let claims = json!({ "iss": "i", "aud": "a", "sub": "s", "exp": 4_102_444_800_u64 });
        let secret: Vec<u8> = (0..64).collect();
        let signers = [
            JwtSigner::fresh().unwrap(),
            JwtSigner::secret(JwtAlgorithm::Hs512, &Secret::new(secret)).unwrap(),
            JwtSigner::pem(&p256()).unwrap(),
            JwtSigner::pem(&rsa()).unwrap(),
            JwtSigner::pem_with(JwtAlgorithm::Ps384, &rsa()).unwrap(),
        ];
        for signer in signers {
            let credential = TokenCredential::read(signer.sign(&claims).unwrap().as_bytes()).unwrap();
            let verifier = JwtVerifier::trusting(signer.trusted("i").audience("a")).principal::<Value>().unwrap();
            assert!(matches!(verifier.verify_now(&credential), Some(Answer::Verified(_))), "{signer:?}");
            let set: Value = serde_json::from_str(&signer.jwks_json()).unwrap();
            for jwk in set["keys"].as_array().unwrap() {
                assert_eq!(JwtKey::jwk(&jwk.to_string()).unwrap().thumbprint(), signer.key().thumbprint());
            }
        }
    }

    fn p256() -> String {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        pem(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap().as_ref())
    }

    fn rsa() -> String {
        use aws_lc_rs::{
            encoding::{AsDer, Pkcs8V1Der},
            rsa::{KeyPair, KeySize},
        };
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        pem(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref())
    }

    fn pem(der: &[u8]) -> String {
        use base64::{Engine, engine::general_purpose::STANDARD};
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
    }
}
