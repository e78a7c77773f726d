//! Signing tokens of our own, and showing others the keys that verify them.
//!
//! A signer is a ring: the newest key signs, and the older ones still verify, here and in the set that others read. A key is
//! changed by putting a new one in front, and the old one is taken away when all that it signed has ended. Clones are one signer, and
//! so is what was made from it: [`replace_with`](JwtSigner::replace_with) changes the keys for all of them while the service runs.
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

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, jwk::JwkSet};
use serde::Serialize;

use super::{
    JwtAlgorithm, JwtKey, JwtSetupError, JwtSignError,
    algorithm::Family,
    compact::LONGEST,
    der::{CONTEXT_0, Elements, INTEGER, OCTETS, SEQUENCE},
    key::{guessable_hmac_key, hmac_key},
    kind::KeyKind,
    parameters::{ec_parameters, ed_parameters},
    pem::{self, Block},
    spki::{PublicKey, holds_a_chain, rsa_of_private},
};
use crate::secret::Secret;

/// Signs tokens with the newest of its keys. Cheap to clone; all clones are one. See the [module documentation](crate::verifier::jwt).
#[derive(Clone)]
pub struct JwtSigner(Arc<RwLock<Arc<Keys>>>);

/// The keys of a signer between two changes.
#[derive(Clone)]
pub(crate) struct Keys {
    /// Never the same for two in this process.
    number: u64,
    signs: Arc<SigningKey>,
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

    /// The keys of a PEM text: the first block signs, a `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC 1), not
    /// encrypted. Further blocks are older keys, which still verify: private ones, `PUBLIC KEY`, `RSA PUBLIC KEY`, or the key of a
    /// `CERTIFICATE`. The certificate of the key itself may stand there, and does nothing.
    ///
    /// Ed25519, P-256, P-384, and RSA from 2048 bits, which signs with RS256; an RSA-PSS key (id-RSASSA-PSS) signs with PS256, or with
    /// the hash that it names. Line ends may be lost on the way, as with [`JwtKey::pem`].
    ///
    /// # Errors
    /// When a block cannot be read, or holds a key of another kind or size, and when certificates make a chain, because the key of an
    /// authority must verify nothing here. The error says what it is, and which command makes the right thing of it.
    pub fn pem(text: &str) -> Result<Self, JwtSetupError> {
        Self::pem_for(None, text)
    }

    /// As [`pem`](Self::pem), with another algorithm for RSA keys: RS384, RS512, PS256, PS384 or PS512.
    ///
    /// # Errors
    /// As [`pem`](Self::pem), and when that is no algorithm of RSA, or not one of a key for PSS.
    pub fn pem_with(rsa: JwtAlgorithm, text: &str) -> Result<Self, JwtSetupError> {
        rsa.must_be_of_rsa()?;
        Self::pem_for(Some(rsa), text)
    }

    fn pem_for(rsa: Option<JwtAlgorithm>, text: &str) -> Result<Self, JwtSetupError> {
        let blocks = pem::blocks(text)?;
        if holds_a_chain(&blocks) {
            return Err(JwtSetupError::Pem {
                why: "it holds the certificate of an authority, whose key must verify no tokens: leave the chain out",
            });
        }
        let mut blocks = blocks.into_iter();
        let first = blocks.next().ok_or(JwtSetupError::Pem { why: "it holds no block" })?;
        let mut signer = Self::of(read_private(rsa, &first)?)?;
        for block in blocks {
            let older = if block.is_public() { read_public(rsa, &block)? } else { read_private(rsa, &block)?.1 };
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

    /// The same with a secret that may be shorter than the hash. **Whoever has one token can look for it offline**: see
    /// [`JwtKey::secret_that_can_be_guessed`].
    ///
    /// # Errors
    /// When the algorithm takes no secret, or there is none.
    pub fn secret_that_can_be_guessed(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self, JwtSetupError> {
        let signs = SigningKey::Secret(Box::new(guessable_hmac_key(algorithm, secret)?));
        Self::of((signs, JwtKey::secret_that_can_be_guessed(algorithm, secret)?))
    }

    /// Puts the keys of another signer in place of these, for every clone and for all that was made from this one: what it signs from now
    /// on, what verifies it, and the set that others read. `typ` becomes the other's, too.
    ///
    /// The other must hold the key that signed until now as an older one, until all that it signed has ended; a key that is in neither
    /// verifies nothing from now on. What a cache remembers of a key that was taken away lives on for its life, a minute unless it was set:
    /// [revoke](crate::CredentialCache::revoke) [`Handle::key_of`](crate::Handle::key_of) behind it.
    ///
    /// ```
    /// # use countersign::jose::{JwtSetupError, JwtSigner};
    /// # fn main() -> Result<(), JwtSetupError> {
    /// let signer = JwtSigner::fresh()?;
    /// let in_use = signer.clone();
    /// signer.replace_with(&JwtSigner::fresh()?.and_older(signer.key()));
    /// assert_eq!(in_use.key().id(), signer.key().id());
    /// assert_eq!(in_use.jwks_json().matches("Ed25519").count(), 2);
    /// # Ok(()) }
    /// ```
    pub fn replace_with(&self, other: &Self) {
        let keys = other.now();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Names the newest key.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        self.changed(|keys| {
            keys.newest = keys.newest.clone().with_id(id);
            keys.header = header(&keys.newest, &keys.typ);
        })
    }

    /// Writes this `typ` into tokens instead of `JWT`, such as `at+jwt` (RFC 9068).
    #[must_use]
    pub fn with_type(self, typ: &str) -> Self {
        self.changed(|keys| {
            keys.typ = typ.into();
            keys.header = header(&keys.newest, &keys.typ);
        })
    }

    /// Adds a key that signed until now and still verifies. One that is there already is not added again.
    #[must_use]
    pub fn and_older(self, key: JwtKey) -> Self {
        self.changed(|keys| {
            if !keys.iter().any(|known| known.is_same(&key) && known.id() == key.id()) {
                keys.older.push(key);
            }
        })
    }

    /// The newest key, as others need it to verify what it signs.
    #[must_use]
    pub fn key(&self) -> JwtKey {
        self.now().newest.clone()
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
        let keys = self.now();
        let mut token = String::from(&*keys.header);
        URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
        let signature = keys.sign_bytes(token.as_bytes()).ok_or(JwtSignError::Key)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > LONGEST { Err(JwtSignError::TooLong { bytes: token.len() }) } else { Ok(token) }
    }

    /// The set of the public keys that verify what this signer signs and signed, newest first: a body for
    /// `/.well-known/jwks.json`. Secrets are not in it.
    #[must_use]
    pub fn jwks_json(&self) -> String {
        let keys = self.now().iter().filter_map(JwtKey::to_jwk).collect();
        serde_json::to_string(&JwkSet { keys }).unwrap_or_default()
    }

    /// Signs these bytes, by the newest key.
    #[cfg(feature = "message-signatures")]
    pub(crate) fn sign_bytes(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.now().sign_bytes(text)
    }

    /// The keys at this moment.
    pub(crate) fn now(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A signer of its own, with the keys of this one changed so: clones of this one keep theirs.
    fn changed(self, change: impl FnOnce(&mut Keys)) -> Self {
        let mut keys = Keys::clone(&self.now());
        change(&mut keys);
        Self::with(keys)
    }

    fn with(keys: Keys) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(RwLock::new(Arc::new(Keys { number, ..keys }))))
    }

    fn of((signs, newest): (SigningKey, JwtKey)) -> Result<Self, JwtSetupError> {
        let newest = with_thumbprint(newest);
        let header = header(&newest, "JWT");
        let signs = Arc::new(signs);
        Ok(Self::with(Keys { number: 0, signs, newest, older: Vec::new(), typ: "JWT".into(), header }))
    }

    fn ed(pair: Ed25519KeyPair) -> Result<(SigningKey, JwtKey), JwtSetupError> {
        let key = JwtKey::public(JwtAlgorithm::EdDsa, ed_parameters(pair.public_key().as_ref()))?;
        Ok((SigningKey::Ed(pair), key))
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.now();
        f.debug_struct("JwtSigner").field("newest", &keys.newest).field("older", &keys.older).finish_non_exhaustive()
    }
}

impl Keys {
    /// Tells these keys from those before and after them.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &JwtKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    pub(crate) fn sign_bytes(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.signs.sign(self.newest.algorithm(), text)
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

fn read_private(rsa: Option<JwtAlgorithm>, block: &Block<'_>) -> Result<(SigningKey, JwtKey), JwtSetupError> {
    if !block.is_private() {
        return Err(block.not_private());
    }
    let damaged = JwtSetupError::Pem { why: "a block is damaged: it holds no private key" };
    let der = block.der()?;
    let (kind, key) = private(block.label, &der).ok_or(damaged.clone())?;
    let algorithm = algorithm_of(kind, rsa)?;
    let ec = |signing| {
        let pair = EcdsaKeyPair::from_private_key_der(signing, &der).map_err(|_| damaged.clone())?;
        let parameters = ec_parameters(pair.public_key().as_ref()).ok_or(damaged.clone())?;
        Ok((SigningKey::Ec(pair), JwtKey::public(algorithm, parameters)?))
    };
    match kind {
        KeyKind::P256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        KeyKind::P384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        KeyKind::Ed25519 => JwtSigner::ed(Ed25519KeyPair::from_pkcs8(&der).map_err(|_| damaged)?),
        _ => {
            // Its size is judged by the public half, with a sentence.
            let public = JwtKey::public(algorithm, rsa_of_private(key).ok_or(damaged.clone())?)?;
            let pair = RsaKeyPair::from_der(key).map_err(|_| damaged)?;
            Ok((SigningKey::Rsa(pair), public))
        }
    }
}

/// The one RSA key of a PEM text, for who names the padding himself.
#[cfg(feature = "signed-requests")]
pub(crate) fn rsa_pair(text: &str) -> Result<RsaKeyPair, JwtSetupError> {
    let block = pem::only_block(text)?;
    if !block.is_private() {
        return Err(block.not_private());
    }
    let damaged = JwtSetupError::Pem { why: "a block is damaged: it holds no private key" };
    let der = block.der()?;
    let (kind, key) = private(block.label, &der).ok_or(damaged.clone())?;
    if !kind.is_rsa() {
        return Err(JwtSetupError::WrongKind { algorithm: JwtAlgorithm::Rs256, why: kind.says() });
    }
    // Its size is judged by the public half, with a sentence.
    JwtKey::public(JwtAlgorithm::Rs256, rsa_of_private(key).ok_or(damaged.clone())?)?;
    RsaKeyPair::from_der(key).map_err(|_| damaged)
}

/// The kind of a private key, and the key itself without what is around it.
fn private<'d>(label: &str, der: &'d [u8]) -> Option<(KeyKind, &'d [u8])> {
    if label == "RSA PRIVATE KEY" {
        return Some((KeyKind::Rsa, der));
    }
    let mut parts = Elements::of_sequence(der)?;
    parts.take(INTEGER)?;
    if label == "EC PRIVATE KEY" {
        parts.take(OCTETS)?;
        return Some((KeyKind::of_curve(Elements::of(parts.take_if(CONTEXT_0).unwrap_or_default())), der));
    }
    let kind = KeyKind::read(parts.take(SEQUENCE)?)?;
    Some((kind, parts.take(OCTETS)?))
}

fn read_public(rsa: Option<JwtAlgorithm>, block: &Block<'_>) -> Result<JwtKey, JwtSetupError> {
    let kind = PublicKey::read(block)?.kind;
    JwtKey::of_block(algorithm_of(kind, rsa)?, block)
}

/// What a key of this kind signs with: what was said for RSA keys, else what is natural.
fn algorithm_of(kind: KeyKind, rsa: Option<JwtAlgorithm>) -> Result<JwtAlgorithm, JwtSetupError> {
    match rsa.filter(|_| kind.is_rsa()) {
        Some(algorithm) if kind.fits(algorithm) => Ok(algorithm),
        Some(algorithm) => Err(JwtSetupError::WrongKind { algorithm, why: kind.says() }),
        None => kind.natural().ok_or(JwtSetupError::Pem { why: kind.says() }),
    }
}
