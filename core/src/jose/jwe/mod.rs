//! Sealed tokens (JWE, RFC 7516) in the compact form: opened with the keys at hand, and made.
//!
//! - **The algorithm comes from the key**, never from the token. A key of 32 or 64 shared bytes takes `dir` and the one content encryption that it
//!   was made for; a P-256 key `ECDH-ES` and `ECDH-ES+A256KW`; an RSA key `RSA-OAEP-256`. `RSA1_5` and passwords (`PBES2-…`) are not there.
//! - Content is `A256GCM`, `A128CBC-HS256` or `A256CBC-HS512`, or what a key is told to [take](JweKey::taking) of these; the MAC of the latter two is checked before anything is decrypted.
//! - `zip` and `crit` are refused. A tag, an initialization vector or a coordinate of another length is refused; a point that is not on
//!   the curve too.
//! - With RSA, a key that cannot be decrypted is replaced by a random one, so that neither the answer nor its time tells whether the padding was right
//!   (RFC 7516 §11.5).
//! - `kid` is needed only where several keys fit.
//!
//! # Example
//! ```
//! use countersign::{
//!     Secret,
//!     jose::jwe::{JweEncryption, JweKey, JweKeys},
//! };
//!
//! # fn main() -> Result<(), countersign::jose::JwtSetupError> {
//! let shared =
//!     || JweKey::direct(JweEncryption::A256Gcm, &Secret::new((0..=31).collect::<Vec<u8>>()));
//! let token = shared()?.seal(b"{}", false).unwrap();
//! let keys = JweKeys::of(shared()?).and(JweKey::fresh_p256()?);
//! assert!(keys.open(token.as_bytes()).unwrap().content().matches(b"{}"));
//! assert!(JweKeys::of(JweKey::fresh_p256()?).open(token.as_bytes()).is_none());
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! **Opening a token says nothing about who sealed it**, unless both shared the key: anybody can seal to a public key. Whom such a token names is
//! for a signature inside to say: see [`SealedJwt`](crate::verifier::SealedJwt).
//!
//! # Deployment
//! Whoever seals takes the public keys from [`jwks_json`](JweKeys::jwks_json), and keeps them for as long as its cache does: publish a new key beside
//! the old one, and keep the private half of the old one for as long as tokens last that were sealed to it. A token hides its content from proxies and
//! logs, and not its length.

mod agreement;
mod content;
mod header;
mod rsa;

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub use self::content::JweEncryption;
use self::{agreement::AgreementKey, header::Header, rsa::RsaKey};
use super::{JwtSetupError, compact::LONGEST};
use crate::secret::Secret;

/// The longest token that is looked at: one that is carried in several cookies may be twice as long as one in a field.
const LONGEST_SEALED: usize = 2 * LONGEST;

/// A key that opens sealed tokens. Never prints. See the [module](self).
#[derive(Debug)]
pub struct JweKey {
    id: Option<Box<str>>,
    kind: Kind,
    /// What content may be encrypted by, where the kind leaves a choice.
    encryptions: Vec<JweEncryption>,
}

/// The keys that open tokens. See the [module](self).
#[derive(Debug)]
pub struct JweKeys(Vec<JweKey>);

/// What was sealed.
pub struct Opened {
    content: Secret,
    nested: bool,
    shared: bool,
}

enum Kind {
    Direct(JweEncryption, Zeroizing<Vec<u8>>),
    Agreement(AgreementKey),
    Rsa(RsaKey),
}

/// How the key of the content is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapping {
    Direct,
    Agreement,
    AgreementWrap,
    Rsa,
}

impl Wrapping {
    fn named(name: &str) -> Option<Self> {
        match name {
            "dir" => Some(Self::Direct),
            "ECDH-ES" => Some(Self::Agreement),
            "ECDH-ES+A256KW" => Some(Self::AgreementWrap),
            "RSA-OAEP-256" => Some(Self::Rsa),
            _ => None,
        }
    }
}

impl JweKey {
    /// A key that both sides share, for `dir` with this encryption.
    ///
    /// # Errors
    /// When it has not exactly as many bytes as the encryption takes.
    pub fn direct(encryption: JweEncryption, key: &Secret) -> Result<Self, JwtSetupError> {
        if key.expose().len() != encryption.key_length() {
            return Err(JwtSetupError::Jwk { why: "a key for \"dir\" must be as long as its encryption says" });
        }
        let kind = Kind::Direct(encryption, Zeroizing::new(key.expose().to_vec()));
        Ok(Self { id: None, kind, encryptions: vec![encryption] })
    }

    /// A fresh P-256 key, named by its thumbprint. It is gone with the process: see [`generate_p256`](Self::generate_p256).
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn fresh_p256() -> Result<Self, JwtSetupError> {
        Self::pkcs8(&Self::generate_p256()?)
    }

    /// A fresh RSA key of 2048 bits, named by its thumbprint. It is gone with the process: see [`generate_rsa`](Self::generate_rsa).
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn fresh_rsa() -> Result<Self, JwtSetupError> {
        Self::pkcs8(&Self::generate_rsa()?)
    }

    /// A fresh P-256 key in PKCS#8, DER, to be kept and read by [`pkcs8`](Self::pkcs8): for a service that is to open after a restart what
    /// was sealed before, or that has several copies.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate_p256() -> Result<Secret, JwtSetupError> {
        AgreementKey::generate().map(|der| Secret::new(&**der)).ok_or(JwtSetupError::Generate)
    }

    /// A fresh RSA key of 2048 bits in PKCS#8, DER, to be kept like one of [`generate_p256`](Self::generate_p256).
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate_rsa() -> Result<Secret, JwtSetupError> {
        RsaKey::generate().map(|der| Secret::new(&**der)).ok_or(JwtSetupError::Generate)
    }

    /// A P-256 or RSA key (2048 to 8192 bits) in PKCS#8, DER, named by its thumbprint.
    ///
    /// # Errors
    /// When it is neither.
    pub fn pkcs8(der: &Secret) -> Result<Self, JwtSetupError> {
        let der = der.expose();
        let agreement = AgreementKey::pkcs8(der).map(Kind::Agreement);
        let kind = agreement.or_else(|| RsaKey::pkcs8(der).map(Kind::Rsa));
        kind.map(Self::named).ok_or(JwtSetupError::Jwk { why: "it is no P-256 or RSA key in PKCS#8" })
    }

    /// The same key under this name, which a token gives as `kid`.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Takes content that is encrypted by these alone, of those that it would take. What it seals itself is `A256GCM`, whatever stands here.
    #[must_use]
    pub fn taking(mut self, encryptions: &[JweEncryption]) -> Self {
        self.encryptions.retain(|known| encryptions.contains(known));
        self
    }

    /// Seals this to the key. `nested` says that it is a token itself (`cty` is `JWT`). A P-256 key is sealed to by `ECDH-ES+A256KW`, and it and an
    /// RSA key with `A256GCM`.
    ///
    /// `None` if the system gives no randomness.
    #[must_use]
    pub fn seal(&self, content: &[u8], nested: bool) -> Option<String> {
        let encryption = match &self.kind {
            Kind::Direct(encryption, _) => *encryption,
            Kind::Agreement(_) | Kind::Rsa(_) => JweEncryption::A256Gcm,
        };
        let mut header = json!({ "enc": encryption.name() });
        if let Some(id) = &self.id {
            insert(&mut header, "kid", (&**id).into());
        }
        if nested {
            insert(&mut header, "cty", "JWT".into());
        }
        let (key, wrapped) = match &self.kind {
            Kind::Direct(_, key) => {
                insert(&mut header, "alg", "dir".into());
                (key.clone(), Vec::new())
            }
            Kind::Agreement(key) => {
                let fresh = encryption.fresh_key()?;
                let (point, wrapped) = key.wrap(&fresh)?;
                insert(&mut header, "alg", "ECDH-ES+A256KW".into());
                insert(&mut header, "epk", point);
                (fresh, wrapped)
            }
            Kind::Rsa(key) => {
                let fresh = encryption.fresh_key()?;
                insert(&mut header, "alg", "RSA-OAEP-256".into());
                (fresh.clone(), key.wrap(&fresh)?)
            }
        };
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let sealed = encryption.seal(&key, header.as_bytes(), content)?;
        let [wrapped, vector, text, tag] =
            [&wrapped, &sealed.vector, &sealed.text, &sealed.tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        Some(format!("{header}.{wrapped}.{vector}.{text}.{tag}"))
    }

    /// The public part as a JWK; none of a shared key.
    fn public(&self) -> Option<Value> {
        let mut jwk = match &self.kind {
            Kind::Direct(..) => return None,
            Kind::Agreement(key) => key.jwk(),
            Kind::Rsa(key) => {
                let mut jwk = key.jwk();
                insert(&mut jwk, "alg", "RSA-OAEP-256".into());
                jwk
            }
        };
        insert(&mut jwk, "use", "enc".into());
        if let Some(id) = &self.id {
            insert(&mut jwk, "kid", (&**id).into());
        }
        Some(jwk)
    }

    fn named(kind: Kind) -> Self {
        let jwk = match &kind {
            Kind::Direct(..) => Value::Null,
            Kind::Agreement(key) => key.jwk(),
            Kind::Rsa(key) => key.jwk(),
        };
        // The members that RFC 7638 takes are all that is in it yet, and serde_json sorts them.
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, jwk.to_string().as_bytes());
        Self { id: Some(URL_SAFE_NO_PAD.encode(hash).into()), kind, encryptions: JweEncryption::ALL.to_vec() }
    }

    fn fits(&self, wrapping: Wrapping, encryption: JweEncryption, id: Option<&str>) -> bool {
        let of_kind = match &self.kind {
            Kind::Direct(..) => wrapping == Wrapping::Direct,
            Kind::Agreement(_) => matches!(wrapping, Wrapping::Agreement | Wrapping::AgreementWrap),
            Kind::Rsa(_) => wrapping == Wrapping::Rsa,
        };
        let of_kind = of_kind && self.encryptions.contains(&encryption);
        of_kind && self.id.as_deref().zip(id).is_none_or(|(its, named)| its == named)
    }

    /// The key of the content.
    fn content_key(
        &self,
        wrapping: Wrapping,
        encryption: JweEncryption,
        header: &Header<'_>,
        wrapped: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        match &self.kind {
            Kind::Direct(_, key) => wrapped.is_empty().then(|| key.clone()),
            Kind::Agreement(key) if wrapping == Wrapping::Agreement => {
                let agreed = key.agree(header, encryption.name(), encryption.key_length())?;
                wrapped.is_empty().then_some(agreed)
            }
            Kind::Agreement(key) => key.unwrap(header, wrapped, encryption.key_length()),
            Kind::Rsa(key) => key.unwrap(wrapped, encryption),
        }
    }
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

impl JweKeys {
    /// This key alone.
    #[must_use]
    pub fn of(key: JweKey) -> Self {
        Self(vec![key])
    }

    /// This key as well.
    #[must_use]
    pub fn and(mut self, key: JweKey) -> Self {
        self.0.push(key);
        self
    }

    /// The public keys, to seal to, as a JWKS.
    #[must_use]
    pub fn jwks_json(&self) -> String {
        json!({ "keys": self.0.iter().filter_map(JweKey::public).collect::<Vec<_>>() }).to_string()
    }

    /// What a token seals; `None` if no key opens it, or several might.
    #[must_use]
    pub fn open(&self, token: &[u8]) -> Option<Opened> {
        if token.len() > LONGEST_SEALED {
            return None;
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let protected = parts.next()?;
        let mut decoded = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
        let (wrapped, vector, text, tag) = (decoded()?, decoded()?, decoded()?, decoded()?);
        if parts.next().is_some() {
            return None;
        }
        let json = URL_SAFE_NO_PAD.decode(protected).ok()?;
        let header = Header::read(std::str::from_utf8(&json).ok()?)?;
        let (wrapping, encryption) = (Wrapping::named(&header.alg.0)?, JweEncryption::named(&header.enc.0)?);
        let mut fitting = self.0.iter().filter(|key| key.fits(wrapping, encryption, header.kid()));
        let (Some(key), None) = (fitting.next(), fitting.next()) else { return None };
        let content_key = key.content_key(wrapping, encryption, &header, &wrapped)?;
        let content = encryption.open(&content_key, protected, &vector, text, &tag)?;
        let shared = matches!(key.kind, Kind::Direct(..));
        Some(Opened { content: Secret::new(content), nested: header.is_nested(), shared })
    }

    /// Whether opening may take longer than a hash does.
    pub(crate) fn are_slow(&self) -> bool {
        self.0.iter().any(|key| !matches!(key.kind, Kind::Direct(..)))
    }
}

impl Opened {
    /// What was sealed.
    #[must_use]
    pub fn content(&self) -> &Secret {
        &self.content
    }

    /// Whether it says that it is a token itself (`cty` is `JWT`).
    #[must_use]
    pub fn is_nested(&self) -> bool {
        self.nested
    }

    /// Whether only who shares a secret with us can have sealed it.
    #[must_use]
    pub fn is_by_a_shared_key(&self) -> bool {
        self.shared
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("nested", &self.nested).field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct(..) => "Direct(..)",
            Self::Agreement(_) => "Agreement(..)",
            Self::Rsa(_) => "Rsa(..)",
        })
    }
}

#[cfg(test)]
mod tests;
