//! Signing tokens of our own, and showing others the keys that verify them.
//!
//! A signer is a ring: the newest key signs, and the older ones still verify, here and in the set that others read. A key is
//! changed by putting a new one in front, and the old one is taken away when all that it signed has ended.
//!
//! Each key has an id that the tokens name: its thumbprint (RFC 7638), so that copies which share a key file agree, or what
//! is said with [`with_id`](JwtSigner::with_id). A secret has none unless it is said.
//!
//! # Example
//! ```
//! use countersign::jose::JwtSigner;
//!
//! let signer = JwtSigner::fresh().unwrap();
//! let token = signer.sign(&serde_json::json!({ "sub": "emily", "exp": 4102444800u64 })).unwrap();
//! assert_eq!(token.split('.').count(), 3);
//! assert!(signer.jwks_json().contains("Ed25519"));
//! assert!(JwtSigner::pem("no key").is_err());
//! ```
//!
//! # Deployment
//! A fresh key lives as long as the process: whoever must accept tokens after a restart, or from another copy, shares a file.
//! `openssl genpkey -algorithm ed25519` writes one.

use std::fmt;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header, jwk::JwkSet};
use serde::Serialize;

use super::{
    JwtAlgorithm, JwtKey, JwtSetupError, JwtSignError,
    algorithm::Family,
    compact::LONGEST,
    key::{ec_parameters, ed_parameters, hmac_key, rsa_parameters},
    pem::{self, Block},
};
use crate::secret::Secret;

/// Signs tokens with the newest of its keys. See the [module documentation](crate::verifier::jwt).
pub struct JwtSigner {
    signs: SigningKey,
    newest: JwtKey,
    older: Vec<JwtKey>,
    typ: Box<str>,
    /// The header as it stands in each token, with the dot behind it.
    header: Box<str>,
}

enum SigningKey {
    Secret(Box<hmac::Key>),
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl JwtSigner {
    /// A fresh Ed25519 key, which nobody else has.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn fresh() -> Result<Self, JwtSetupError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| JwtSetupError::Generate)?;
        Self::of(Self::ed(pair)?)
    }

    /// The keys of a PEM text: the first block, a `PRIVATE KEY` (PKCS#8, unencrypted; for RSA also PKCS#1), signs; further
    /// blocks, private or public, are older keys, which still verify. Ed25519, P-256, P-384, and RSA from 2048 bits, which
    /// signs with RS256.
    ///
    /// # Errors
    /// When a block cannot be read, or holds a key of another kind or size.
    pub fn pem(text: &str) -> Result<Self, JwtSetupError> {
        Self::pem_with(JwtAlgorithm::Rs256, text)
    }

    /// As [`pem`](Self::pem), with another algorithm for RSA keys: RS384, RS512, PS256, PS384 or PS512.
    ///
    /// # Errors
    /// As [`pem`](Self::pem), and when that is no algorithm of RSA.
    pub fn pem_with(rsa: JwtAlgorithm, text: &str) -> Result<Self, JwtSetupError> {
        if !matches!(rsa.family(), Family::Rsa(..)) {
            return Err(JwtSetupError::WrongKind { algorithm: rsa, why: "it is not for RSA keys" });
        }
        let mut blocks = pem::blocks(text)?.into_iter();
        let first = blocks.next().ok_or(JwtSetupError::Pem { why: "it holds no block" })?;
        let mut signer = Self::of(read_private(rsa, &first)?)?;
        for block in blocks {
            let older =
                if block.label == "PUBLIC KEY" { read_public(rsa, &block)? } else { read_private(rsa, &block)?.1 };
            signer = signer.and_older(with_thumbprint(older));
        }
        Ok(signer)
    }

    /// A shared secret, for one of HS256, HS384 and HS512, and of 32, 48 and 64 bytes at least.
    ///
    /// # Errors
    /// When the algorithm takes no secret, or the secret is too short or repeats itself.
    pub fn secret(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self, JwtSetupError> {
        Self::of((SigningKey::Secret(Box::new(hmac_key(algorithm, secret)?)), JwtKey::secret(algorithm, secret)?))
    }

    /// Names the newest key.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.newest = self.newest.with_id(id);
        self.header = header(&self.newest, &self.typ);
        self
    }

    /// Writes this `typ` into tokens instead of `JWT`, such as `at+jwt` (RFC 9068).
    #[must_use]
    pub fn with_type(mut self, typ: &str) -> Self {
        self.typ = typ.into();
        self.header = header(&self.newest, &self.typ);
        self
    }

    /// Adds a key that signed until now and still verifies. One that is there already is not added again.
    #[must_use]
    pub fn and_older(mut self, key: JwtKey) -> Self {
        if !self.keys().any(|known| known.is_same(&key) && known.id() == key.id()) {
            self.older.push(key);
        }
        self
    }

    /// The newest key, as others need it to verify what it signs.
    #[must_use]
    pub fn key(&self) -> &JwtKey {
        &self.newest
    }

    /// Signs claims, which must be written as a JSON object. The same claims make the same token, but for ECDSA and RSA-PSS,
    /// which draw a number each time.
    ///
    /// # Errors
    /// When the claims are no object, the token would be longer than the 8 KiB that are ever accepted, or the key refuses.
    pub fn sign<C: Serialize + ?Sized>(&self, claims: &C) -> Result<String, JwtSignError> {
        let claims = serde_json::to_vec(claims).map_err(|_| JwtSignError::Claims)?;
        if claims.first() != Some(&b'{') {
            return Err(JwtSignError::Claims);
        }
        let mut token = String::from(&*self.header);
        URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
        let signature = self.signs.sign(self.newest.algorithm(), token.as_bytes()).ok_or(JwtSignError::Key)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > LONGEST { Err(JwtSignError::TooLong { bytes: token.len() }) } else { Ok(token) }
    }

    /// The set of the public keys that verify what this signer signs and signed, newest first: a body for
    /// `/.well-known/jwks.json`. Secrets are not in it.
    #[must_use]
    pub fn jwks_json(&self) -> String {
        let keys = self.keys().filter_map(JwtKey::to_jwk).collect();
        serde_json::to_string(&JwkSet { keys }).unwrap_or_default()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &JwtKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    fn of((signs, newest): (SigningKey, JwtKey)) -> Result<Self, JwtSetupError> {
        let newest = with_thumbprint(newest);
        let header = header(&newest, "JWT");
        Ok(Self { signs, newest, older: Vec::new(), typ: "JWT".into(), header })
    }

    fn ed(pair: Ed25519KeyPair) -> Result<(SigningKey, JwtKey), JwtSetupError> {
        let key = JwtKey::public(JwtAlgorithm::EdDsa, ed_parameters(pair.public_key().as_ref()))?;
        Ok((SigningKey::Ed(pair), key))
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSigner").field("newest", &self.newest).field("older", &self.older).finish_non_exhaustive()
    }
}

impl SigningKey {
    fn sign(&self, algorithm: JwtAlgorithm, text: &[u8]) -> Option<Vec<u8>> {
        match (self, algorithm.family()) {
            (Self::Secret(key), _) => Some(hmac::sign(key, text).as_ref().to_vec()),
            (Self::Ed(key), _) => key.try_sign(text).ok().map(|signature| signature.as_ref().to_vec()),
            (Self::Ec(key), _) => {
                key.sign(&SystemRandom::new(), text).ok().map(|signature| signature.as_ref().to_vec())
            }
            (Self::Rsa(key), Family::Rsa(_, padding)) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &SystemRandom::new(), text, &mut signature).ok().map(|()| signature)
            }
            (Self::Rsa(_), _) => None,
        }
    }
}

/// A public key without an id gets its thumbprint.
fn with_thumbprint(key: JwtKey) -> JwtKey {
    match (key.id(), key.thumbprint()) {
        (None, Some(thumbprint)) => key.with_id(&thumbprint),
        _ => key,
    }
}

fn header(key: &JwtKey, typ: &str) -> Box<str> {
    let header =
        Header { typ: Some(typ.into()), kid: key.id().map(Into::into), ..Header::new(key.algorithm().known()) };
    let json = serde_json::to_vec(&header).unwrap_or_default();
    format!("{}.", URL_SAFE_NO_PAD.encode(json)).into()
}

fn read_private(rsa: JwtAlgorithm, block: &Block<'_>) -> Result<(SigningKey, JwtKey), JwtSetupError> {
    match block.label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" => {}
        "EC PRIVATE KEY" => {
            return Err(JwtSetupError::Pem {
                why: "an \"EC PRIVATE KEY\" must be turned into PKCS#8: openssl pkcs8 -topk8 -nocrypt",
            });
        }
        "ENCRYPTED PRIVATE KEY" => {
            return Err(JwtSetupError::Pem {
                why: "the key is encrypted; decrypt it first: openssl pkcs8 -in … -out …",
            });
        }
        _ => return Err(JwtSetupError::Pem { why: "a signer takes a \"PRIVATE KEY\" in front" }),
    }
    let pem = block.text.as_bytes();
    let unfit =
        JwtSetupError::Pem { why: "it holds no private key of Ed25519, P-256, P-384 or RSA with 2048 bits or more" };
    if let Ok(key) = EncodingKey::from_ed_pem(pem) {
        return JwtSigner::ed(Ed25519KeyPair::from_pkcs8(key.as_bytes()).map_err(|_| unfit)?);
    }
    if let Ok(key) = EncodingKey::from_ec_pem(pem) {
        let curves = [
            (JwtAlgorithm::Es256, &ECDSA_P256_SHA256_FIXED_SIGNING),
            (JwtAlgorithm::Es384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        ];
        let read = |(algorithm, signing)| Some((algorithm, EcdsaKeyPair::from_pkcs8(signing, key.as_bytes()).ok()?));
        let (algorithm, pair) = curves.into_iter().find_map(read).ok_or(unfit.clone())?;
        let parameters = ec_parameters(pair.public_key().as_ref()).ok_or(unfit)?;
        return Ok((SigningKey::Ec(pair), JwtKey::public(algorithm, parameters)?));
    }
    let key = EncodingKey::from_rsa_pem(pem).map_err(|_| unfit.clone())?;
    let pair = RsaKeyPair::from_der(key.as_bytes()).map_err(|_| unfit)?;
    let parameters = rsa_parameters(&RsaPublicKeyComponents::from(pair.public_key()));
    Ok((SigningKey::Rsa(pair), JwtKey::public(rsa, parameters)?))
}

fn read_public(rsa: JwtAlgorithm, block: &Block<'_>) -> Result<JwtKey, JwtSetupError> {
    let algorithms = [JwtAlgorithm::EdDsa, JwtAlgorithm::Es256, JwtAlgorithm::Es384, rsa];
    let unfit =
        JwtSetupError::Pem { why: "it holds no public key of Ed25519, P-256, P-384 or RSA with 2048 bits or more" };
    algorithms.into_iter().find_map(|algorithm| JwtKey::pem(algorithm, block.text).ok()).ok_or(unfit)
}
