//! Keys that verify tokens, parsed and checked once.

use std::{borrow::Cow, fmt, sync::Arc};

use aws_lc_rs::{
    digest, hmac,
    signature::{ED25519, ParsedPublicKey, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde_json::Value;

use super::{JwtAlgorithm, JwtSetupError, algorithm::Family, pem, spki::PublicKey};
use crate::secret::{Secret, key_ring::is_predictable};

const SHORTEST_RSA: usize = 2048;
const LONGEST_RSA: usize = 8192;

/// A key that verifies tokens of one algorithm. Cheap to clone.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     jose::{JwtAlgorithm, JwtKey},
/// };
///
/// let short = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new("hunter2"));
/// assert!(short.is_err());
/// let key = JwtKey::jwk(
///     r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )
/// .unwrap();
/// assert_eq!(key.algorithm(), JwtAlgorithm::EdDsa);
/// ```
#[derive(Clone)]
pub struct JwtKey {
    id: Option<Box<str>>,
    algorithm: JwtAlgorithm,
    check: Arc<Check>,
    /// What a set shows of it; nothing of a secret.
    public: Option<Arc<AlgorithmParameters>>,
}

enum Check {
    Secret(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl JwtKey {
    /// A shared secret, for one of HS256, HS384 and HS512, and of 32, 48 and 64 bytes at least (RFC 7518 §3.2).
    ///
    /// # Errors
    /// When the algorithm takes no secret, or the secret is too short or repeats itself.
    pub fn secret(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self, JwtSetupError> {
        let key = hmac_key(algorithm, secret)?;
        Ok(Self { id: None, algorithm, check: Arc::new(Check::Secret(Box::new(key))), public: None })
    }

    /// The same of a secret that may be shorter than the hash, or repeat itself: for tokens of an issuer whose secret an app cannot change.
    ///
    /// **Whoever has one token can look for such a secret offline**, at billions of tries a second, and then makes tokens of their own for
    /// anybody. A word, a name or a password is found at once. Change it for random bytes as soon as the issuer lets you.
    ///
    /// # Errors
    /// When the algorithm takes no secret, or there is none.
    pub fn secret_that_can_be_guessed(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self, JwtSetupError> {
        let key = guessable_hmac_key(algorithm, secret)?;
        Ok(Self { id: None, algorithm, check: Arc::new(Check::Secret(Box::new(key))), public: None })
    }

    /// A public key in PEM: a `PUBLIC KEY` (SPKI) of any kind, id-RSASSA-PSS among them, an `RSA PUBLIC KEY` (PKCS#1), or the key of a
    /// `CERTIFICATE`, of which nothing else is looked at: neither who signed it nor when it ends.
    ///
    /// Line ends may be lost on the way: where an environment variable has the two characters `\` and `n`, or a blank, it is read all
    /// the same.
    ///
    /// # Errors
    /// When it cannot be read, is a private key, holds several blocks, or is not of the kind or size that the algorithm takes: RSA from
    /// 2048 to 8192 bits, P-256 for ES256, P-384 for ES384, Ed25519 for EdDSA; an RSA-PSS key for PS256, PS384 and PS512 alone, and with
    /// no other hash than it names. The error says what it is, and which command makes the right thing of it.
    pub fn pem(algorithm: JwtAlgorithm, pem: &str) -> Result<Self, JwtSetupError> {
        if let Family::Hmac(_) = algorithm.family() {
            return Err(JwtSetupError::WrongKind { algorithm, why: "it takes a secret, not a PEM" });
        }
        Self::of_block(algorithm, &pem::only_block(pem)?)
    }

    pub(super) fn of_block(algorithm: JwtAlgorithm, block: &pem::Block<'_>) -> Result<Self, JwtSetupError> {
        if !block.is_public() {
            return Err(block.not_public());
        }
        let key = PublicKey::read(block)?;
        if !key.kind.fits(algorithm) {
            return Err(JwtSetupError::WrongKind { algorithm, why: key.kind.says() });
        }
        let damaged = JwtSetupError::Pem {
            why: "its public key is damaged, or is a compressed point: openssl ec -pubin -conv_form uncompressed -in … -out …",
        };
        Self::public(algorithm, key.parameters.ok_or(damaged)?)
    }

    /// One JWK in JSON, public or symmetric. `kid` becomes its id.
    ///
    /// The algorithm is that of `alg`; without `alg`, that of the curve, RS256 for RSA, and none for a symmetric key. Zeros in front of
    /// a number, which RFC 7518 does not want there and some issuers write, do not count.
    ///
    /// # Errors
    /// When it cannot be read, or `use`, `key_ops`, `alg`, curve, or a length says that it does not verify signatures.
    pub fn jwk(json: &str) -> Result<Self, JwtSetupError> {
        Self::jwk_with(JwtAlgorithm::Rs256, json)
    }

    /// As [`jwk`](Self::jwk), with another algorithm for an RSA key without `alg`: RS384, RS512, PS256, PS384 or PS512.
    ///
    /// # Errors
    /// As [`jwk`](Self::jwk), and when that is no algorithm of RSA.
    pub fn jwk_with(rsa: JwtAlgorithm, json: &str) -> Result<Self, JwtSetupError> {
        rsa.must_be_of_rsa()?;
        if json.trim_start().starts_with("-----BEGIN ") {
            return Err(JwtSetupError::Jwk { why: "it is PEM, which JwtKey::pem reads" });
        }
        let value: Value = serde_json::from_str(json).unwrap_or_default();
        if value.get("keys").is_some() {
            return Err(JwtSetupError::Jwk { why: "it is a set of keys, which KeySet::parse reads" });
        }
        let jwk = read_jwk(value)?;
        match &jwk.algorithm {
            AlgorithmParameters::OctetKey(secret) => {
                let algorithm = declared(&jwk.common)?
                    .ok_or(JwtSetupError::Jwk { why: "a symmetric one must name its \"alg\"" })?;
                let bytes = URL_SAFE_NO_PAD
                    .decode(&secret.value)
                    .map_err(|_| JwtSetupError::Jwk { why: "\"k\" is not base64url" })?;
                let mut key = Self::secret(algorithm, &Secret::new(bytes))?;
                key.id = jwk.common.key_id.map(Into::into);
                Ok(key)
            }
            _ => Self::public_jwk(rsa, jwk),
        }
    }

    /// The same key under this id: it verifies tokens that name the id as their `kid`, and those that name none.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Its id, if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What it is for.
    #[must_use]
    pub fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    /// The SHA-256 thumbprint of a public key (RFC 7638) in base64url; `None` for a secret.
    #[must_use]
    pub fn thumbprint(&self) -> Option<String> {
        let text = match &**self.public.as_ref()? {
            AlgorithmParameters::RSA(key) => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, key.e, key.n),
            AlgorithmParameters::EllipticCurve(key) => {
                let curve = if key.curve == EllipticCurve::P256 { "P-256" } else { "P-384" };
                format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, key.x, key.y)
            }
            AlgorithmParameters::OctetKeyPair(key) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, key.x),
            _ => return None,
        };
        Some(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
    }

    /// A public JWK: symmetric ones are refused, and so is what is not for verifying signatures.
    pub(super) fn public_jwk(rsa: JwtAlgorithm, jwk: Jwk) -> Result<Self, JwtSetupError> {
        let algorithm = declared(&jwk.common)?;
        let natural = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => rsa,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => JwtAlgorithm::Es256,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => JwtAlgorithm::Es384,
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => JwtAlgorithm::EdDsa,
            AlgorithmParameters::OctetKey(_) => return Err(JwtSetupError::Jwk { why: "it is symmetric" }),
            _ => return Err(JwtSetupError::Jwk { why: "its \"kty\" and \"crv\" are none that verify tokens" }),
        };
        let mut key = Self::public(algorithm.unwrap_or(natural), jwk.algorithm)?;
        key.id = jwk.common.key_id.map(Into::into);
        Ok(key)
    }

    /// The one place where public keys are checked and parsed.
    pub(super) fn public(algorithm: JwtAlgorithm, mut parameters: AlgorithmParameters) -> Result<Self, JwtSetupError> {
        let wrong = |why| JwtSetupError::WrongKind { algorithm, why };
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong("a number in it is not base64url"));
        // Written anew, so that one key has one thumbprint, however its numbers were written.
        let parsed = match (algorithm.family(), &mut parameters) {
            (Family::Rsa(verifying, _), AlgorithmParameters::RSA(key)) => {
                let (n, e) = (bytes(&key.n)?, bytes(&key.e)?);
                let (n, e) = (without_zeros(&n).to_vec(), without_zeros(&e).to_vec());
                check_rsa(&n, &e).map_err(wrong)?;
                (key.n, key.e) = (URL_SAFE_NO_PAD.encode(&n), URL_SAFE_NO_PAD.encode(&e));
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(verifying)
            }
            (Family::Ec(verifying), AlgorithmParameters::EllipticCurve(key)) => {
                let size = match (algorithm, &key.curve) {
                    (JwtAlgorithm::Es256, EllipticCurve::P256) => 32,
                    (JwtAlgorithm::Es384, EllipticCurve::P384) => 48,
                    _ => return Err(wrong("it is on another curve")),
                };
                let (x, y) = (bytes(&key.x)?, bytes(&key.y)?);
                let (Some(x), Some(y)) = (of_size(&x, size), of_size(&y, size)) else {
                    return Err(wrong("its coordinates have the wrong length"));
                };
                (key.x, key.y) = (URL_SAFE_NO_PAD.encode(&x), URL_SAFE_NO_PAD.encode(&y));
                ParsedPublicKey::new(verifying, [[4].as_slice(), &x, &y].concat())
            }
            (Family::Ed, AlgorithmParameters::OctetKeyPair(key)) if key.curve == EllipticCurve::Ed25519 => {
                let x = bytes(&key.x)?;
                if x.len() != 32 {
                    return Err(wrong("\"x\" must have 32 bytes"));
                }
                ParsedPublicKey::new(&ED25519, x)
            }
            _ => return Err(wrong("it is of another kind")),
        };
        let parsed = parsed.map_err(|_| wrong("its numbers make no key"))?;
        Ok(Self { id: None, algorithm, check: Arc::new(Check::Public(parsed)), public: Some(Arc::new(parameters)) })
    }

    /// Whether this is the signature of that text.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &*self.check {
            Check::Secret(key) => hmac::verify(key, signed, signature).is_ok(),
            Check::Public(key) => key.verify_sig(signed, signature).is_ok(),
        }
    }

    pub(crate) fn is_secret(&self) -> bool {
        matches!(&*self.check, Check::Secret(_))
    }

    /// Whether both are one public key for one algorithm.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.public.is_some() && self.public == other.public
    }

    /// As a JWK in JSON; nothing is shown of a secret.
    pub(crate) fn to_json(&self) -> Option<String> {
        serde_json::to_string(&self.to_jwk()?).ok()
    }

    /// As it is shown in a set; nothing is shown of a secret.
    pub(crate) fn to_jwk(&self) -> Option<Jwk> {
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(self.algorithm.known().into()),
            key_id: self.id.as_deref().map(Into::into),
            ..CommonParameters::default()
        };
        Some(Jwk { common, algorithm: AlgorithmParameters::clone(self.public.as_ref()?) })
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

pub(super) fn hmac_key(algorithm: JwtAlgorithm, secret: &Secret) -> Result<hmac::Key, JwtSetupError> {
    let Family::Hmac(hash) = algorithm.family() else {
        return Err(JwtSetupError::WrongKind { algorithm, why: "it takes no secret" });
    };
    let (bytes, needed) = (secret.expose().len(), hash.tag_len());
    if bytes < needed {
        return Err(JwtSetupError::SecretTooShort { algorithm, bytes, needed });
    }
    if is_predictable(secret.expose()) {
        return Err(JwtSetupError::SecretPredictable);
    }
    Ok(hmac::Key::new(hash, secret.expose()))
}

/// A key of which nothing is asked but that there is one.
pub(super) fn guessable_hmac_key(algorithm: JwtAlgorithm, secret: &Secret) -> Result<hmac::Key, JwtSetupError> {
    match algorithm.family() {
        Family::Hmac(hash) if secret.expose().is_empty() => {
            Err(JwtSetupError::SecretTooShort { algorithm, bytes: 0, needed: hash.tag_len() })
        }
        Family::Hmac(hash) => Ok(hmac::Key::new(hash, secret.expose())),
        _ => Err(JwtSetupError::WrongKind { algorithm, why: "it takes no secret" }),
    }
}

pub(super) fn read_jwk(mut value: Value) -> Result<Jwk, JwtSetupError> {
    // The name of RFC 9864, which jsonwebtoken does not know yet.
    if let Some(name) = value.get_mut("alg").filter(|name| **name == "Ed25519") {
        *name = "EdDSA".into();
    }
    serde_json::from_value(value).map_err(|_| JwtSetupError::Jwk { why: "it is malformed" })
}

/// The algorithm that a JWK names, if it is for verifying signatures at all.
fn declared(common: &CommonParameters) -> Result<Option<JwtAlgorithm>, JwtSetupError> {
    if common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return Err(JwtSetupError::Jwk { why: "its \"use\" is not \"sig\"" });
    }
    if common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return Err(JwtSetupError::Jwk { why: "its \"key_ops\" do not hold \"verify\"" });
    }
    let Some(named) = common.key_algorithm else { return Ok(None) };
    let known = named.try_into().ok().and_then(JwtAlgorithm::of);
    known.map(Some).ok_or(JwtSetupError::Jwk { why: "its \"alg\" is none that verifies tokens" })
}

/// A number without the zeros in front of it.
fn without_zeros(number: &[u8]) -> &[u8] {
    number.get(number.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default()
}

/// A coordinate of a point in as many bytes as the curve has: some write a zero in front of it for its sign, or leave zeros out.
fn of_size(number: &[u8], size: usize) -> Option<Cow<'_, [u8]>> {
    if number.len() == size {
        return Some(number.into());
    }
    let number = without_zeros(number);
    let zeros = size.checked_sub(number.len())?;
    Some([vec![0; zeros].as_slice(), number].concat().into())
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), &'static str> {
    let bits = |number: &[u8]| number.first().map_or(0, |top| number.len() * 8 - top.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|low| low & 1 == 1);
    if !(SHORTEST_RSA..=LONGEST_RSA).contains(&bits(n)) {
        return Err("an RSA key must have 2048 to 8192 bits");
    }
    if !is_odd(n) || !is_odd(e) || !(2..=33).contains(&bits(e)) {
        return Err("its modulus or exponent makes no RSA key");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8037_a_4_is_a_good_signature_of_its_text_alone() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = JwtKey::jwk(jwk).unwrap();
        let text = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verifies(text, &signature));
        for at in 0..signature.len() {
            let mut other = signature.clone();
            other[at] ^= 1;
            assert!(!key.verifies(text, &other), "{at}");
        }
        assert!(!key.verifies(&text[1..], &signature));
    }

    #[test]
    fn an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent() {
        let n = |bytes: usize| {
            let mut n = vec![0xFF; bytes];
            n[0] = 0x80;
            n
        };
        let rows: [(Vec<u8>, &[u8], bool); 17] = [
            (n(256), &[1, 0, 1], true),
            (n(1024), &[3], true),
            (n(255), &[1, 0, 1], false),
            (n(1025), &[1, 0, 1], false),
            ([&[0x7F], &n(255)[..]].concat(), &[1, 0, 1], false),
            ([&[0], &n(256)[..]].concat(), &[1, 0, 1], true),
            ([&[0], &n(255)[..]].concat(), &[1, 0, 1], false),
            ([&[0; 4], &n(1024)[..]].concat(), &[1, 0, 1], true),
            (vec![0; 256], &[1, 0, 1], false),
            (vec![0xFE; 256], &[1, 0, 1], false),
            (n(256), &[1], false),
            (n(256), &[2], false),
            (n(256), &[0, 3], true),
            (n(256), &[0, 0, 1, 0, 1], true),
            (n(256), &[0, 0], false),
            (n(256), &[], false),
            (n(256), &[0xFF; 8], false),
        ];
        for (n, e, good) in rows {
            assert_eq!(check_rsa(without_zeros(&n), without_zeros(e)).is_ok(), good, "{} {e:?}", n.len());
        }
    }
}
