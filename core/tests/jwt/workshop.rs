//! Keys and tokens of every kind, made by hand, so that tests can sign what no sound library would.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    hmac, rand, rsa,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaSignatureEncoding},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign::{
    Answer, Secret, Verified, Verify,
    credential::TokenCredential,
    jose::{JwtAlgorithm, JwtKey},
    testing::ManualClock,
    verifier::jwt::{JwtVerifier, JwtVerifierBuilder, TrustedIssuer},
};
use serde_json::{Value, json};

pub(crate) const NOW: u64 = 1_700_000_000;
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef-0123456789abcdef0123456789abcdef";
pub(crate) const ALGORITHMS: [JwtAlgorithm; 12] = [
    JwtAlgorithm::Hs256,
    JwtAlgorithm::Hs384,
    JwtAlgorithm::Hs512,
    JwtAlgorithm::Rs256,
    JwtAlgorithm::Rs384,
    JwtAlgorithm::Rs512,
    JwtAlgorithm::Ps256,
    JwtAlgorithm::Ps384,
    JwtAlgorithm::Ps512,
    JwtAlgorithm::Es256,
    JwtAlgorithm::Es384,
    JwtAlgorithm::EdDsa,
];

/// One private key of each kind, the same for the whole run.
pub(crate) struct Workshop {
    pub(crate) rsa: RsaKeyPair,
    pub(crate) p256: EcdsaKeyPair,
    pub(crate) p384: EcdsaKeyPair,
    pub(crate) ed: Ed25519KeyPair,
}

pub(crate) fn workshop() -> &'static Workshop {
    static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
    WORKSHOP.get_or_init(|| Workshop {
        rsa: RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap(),
        p256: EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        p384: EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
        ed: Ed25519KeyPair::generate().unwrap(),
    })
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl Workshop {
    pub(crate) fn private_pem(&self, algorithm: JwtAlgorithm) -> String {
        let der: Vec<u8> = match algorithm {
            JwtAlgorithm::Es256 => self.p256.to_pkcs8v1().unwrap().as_ref().to_vec(),
            JwtAlgorithm::Es384 => self.p384.to_pkcs8v1().unwrap().as_ref().to_vec(),
            JwtAlgorithm::EdDsa => self.ed.to_pkcs8v1().unwrap().as_ref().to_vec(),
            _ => AsDer::<Pkcs8V1Der<'_>>::as_der(&self.rsa).unwrap().as_ref().to_vec(),
        };
        pem("PRIVATE KEY", &der)
    }

    pub(crate) fn public_pem(&self, algorithm: JwtAlgorithm) -> String {
        let der: Vec<u8> = match algorithm {
            JwtAlgorithm::Es256 => self.p256.public_key().as_der().unwrap().as_ref().to_vec(),
            JwtAlgorithm::Es384 => self.p384.public_key().as_der().unwrap().as_ref().to_vec(),
            JwtAlgorithm::EdDsa => self.ed.public_key().as_der().unwrap().as_ref().to_vec(),
            _ => self.rsa.public_key().as_der().unwrap().as_ref().to_vec(),
        };
        pem("PUBLIC KEY", &der)
    }

    pub(crate) fn jwk(&self, algorithm: JwtAlgorithm) -> Value {
        match algorithm {
            JwtAlgorithm::Es256 => ec_jwk("P-256", self.p256.public_key().as_ref()),
            JwtAlgorithm::Es384 => ec_jwk("P-384", self.p384.public_key().as_ref()),
            JwtAlgorithm::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(self.ed.public_key()) }),
            _ => {
                let key = signature::RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
                json!({ "kty": "RSA", "alg": algorithm.name(), "n": b64(key.n), "e": b64(key.e) })
            }
        }
    }

    /// A key that verifies what [`sign`](Self::sign) signs.
    pub(crate) fn key(&self, algorithm: JwtAlgorithm) -> JwtKey {
        match hash_of(algorithm) {
            Some(_) => JwtKey::secret(algorithm, &Secret::new(SECRET)).unwrap(),
            None => JwtKey::pem(algorithm, &self.public_pem(algorithm)).unwrap(),
        }
    }

    pub(crate) fn sign(&self, algorithm: JwtAlgorithm, text: &[u8]) -> Vec<u8> {
        let rng = rand::SystemRandom::new();
        if let Some(hash) = hash_of(algorithm) {
            return hmac::sign(&hmac::Key::new(hash, SECRET), text).as_ref().to_vec();
        }
        match algorithm {
            JwtAlgorithm::Es256 => self.p256.sign(&rng, text).unwrap().as_ref().to_vec(),
            JwtAlgorithm::Es384 => self.p384.sign(&rng, text).unwrap().as_ref().to_vec(),
            JwtAlgorithm::EdDsa => self.ed.sign(text).as_ref().to_vec(),
            _ => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(padding_of(algorithm), &rng, text, &mut signature).unwrap();
                signature
            }
        }
    }

    /// A token of exactly these texts.
    pub(crate) fn token(&self, algorithm: JwtAlgorithm, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let signature = b64(self.sign(algorithm, signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

fn hash_of(algorithm: JwtAlgorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        JwtAlgorithm::Hs256 => Some(hmac::HMAC_SHA256),
        JwtAlgorithm::Hs384 => Some(hmac::HMAC_SHA384),
        JwtAlgorithm::Hs512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn padding_of(algorithm: JwtAlgorithm) -> &'static RsaSignatureEncoding {
    match algorithm {
        JwtAlgorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
        JwtAlgorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
        JwtAlgorithm::Ps256 => &signature::RSA_PSS_SHA256,
        JwtAlgorithm::Ps384 => &signature::RSA_PSS_SHA384,
        JwtAlgorithm::Ps512 => &signature::RSA_PSS_SHA512,
        _ => &signature::RSA_PKCS1_SHA256,
    }
}

fn ec_jwk(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({ "kty": "EC", "crv": curve, "x": b64(x), "y": b64(y) })
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// Claims that a verifier of [`ISSUER`] and the audience `people` accepts at [`NOW`].
pub(crate) fn good_claims() -> Value {
    json!({ "iss": ISSUER, "aud": "people", "sub": "emily", "exp": NOW + 600 })
}

/// The good claims with one changed; `Value::Null` is written as `null`.
pub(crate) fn claims_with(name: &str, value: Value) -> String {
    let mut claims = good_claims();
    claims[name] = value;
    claims.to_string()
}

pub(crate) fn claims_without(name: &str) -> String {
    let mut claims = good_claims();
    claims.as_object_mut().unwrap().remove(name);
    claims.to_string()
}

pub(crate) fn header_of(algorithm: JwtAlgorithm) -> String {
    json!({ "typ": "JWT", "alg": algorithm.name() }).to_string()
}

pub(crate) fn issuer(keys: impl IntoIterator<Item = JwtKey>) -> TrustedIssuer {
    keys.into_iter().fold(TrustedIssuer::named(ISSUER).audience("people"), TrustedIssuer::key)
}

pub(crate) fn at_now(builder: JwtVerifierBuilder) -> JwtVerifierBuilder {
    builder.timed_by(Arc::new(ManualClock::at(at(NOW))))
}

/// A verifier that stands at [`NOW`] and keeps all claims.
pub(crate) fn verifier(keys: impl IntoIterator<Item = JwtKey>) -> JwtVerifier<Value> {
    at_now(JwtVerifier::trusting(issuer(keys))).principal().unwrap()
}

pub(crate) fn accepted<P: Send + Sync + 'static>(verifier: &JwtVerifier<P>, token: &str) -> Option<Verified<P>> {
    let credential = TokenCredential::read(token.as_bytes())?;
    match verifier.verify_now(&credential).expect("decides at once") {
        Answer::Verified(verified) => Some(verified),
        Answer::Refused | Answer::Unjudged => None,
        Answer::Unavailable(source) => panic!("{source}"),
    }
}

pub(crate) fn accepts<P: Send + Sync + 'static>(verifier: &JwtVerifier<P>, token: &str) -> bool {
    accepted(verifier, token).is_some()
}
