//! The public key in a PEM block: of itself (SPKI, RFC 5280 §4.1; PKCS#1, RFC 8017 A.1.1) or in a certificate.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, RSAKeyParameters, RSAKeyType};

use super::{
    JwtSetupError,
    der::{BITS, CONTEXT_0, Elements, INTEGER, SEQUENCE},
    kind::KeyKind,
    parameters::{ec_parameters, ed_parameters},
    pem::Block,
};

/// A public key that was found, and not yet judged.
pub(super) struct PublicKey {
    pub(super) kind: KeyKind,
    pub(super) parameters: Option<AlgorithmParameters>,
}

/// Whose a certificate is, and who signed it: names as they stand there.
#[derive(PartialEq, Eq)]
pub(super) struct Names {
    subject: Vec<u8>,
    issuer: Vec<u8>,
}

impl PublicKey {
    /// The key of a block that is [public](Block::is_public).
    pub(super) fn read(block: &Block<'_>) -> Result<Self, JwtSetupError> {
        let der = block.der()?;
        let read = match block.label {
            "RSA PUBLIC KEY" => Some(Self { kind: KeyKind::Rsa, parameters: rsa(&der) }),
            _ if block.is_certificate() => certificate(&der).and_then(|(key, _)| Self::of_spki(key)),
            _ => Elements::of(&der).take(SEQUENCE).and_then(Self::of_spki),
        };
        read.ok_or(JwtSetupError::Pem { why: "a block is damaged: it holds no public key" })
    }

    /// What is in a SubjectPublicKeyInfo.
    fn of_spki(spki: &[u8]) -> Option<Self> {
        let mut parts = Elements::of(spki);
        let kind = KeyKind::read(parts.take(SEQUENCE)?)?;
        // The first byte says how many bits at the end do not count: none, for every key.
        let key = parts.take(BITS)?.strip_prefix(&[0])?;
        let parameters = match kind {
            KeyKind::Rsa | KeyKind::RsaPss(_) => rsa(key),
            KeyKind::P256 | KeyKind::P384 => ec_parameters(key),
            KeyKind::Ed25519 => Some(ed_parameters(key)),
            KeyKind::Other(_) => None,
        };
        Some(Self { kind, parameters })
    }
}

/// Whether one of these blocks is the certificate of whoever signed another one: what a chain is made of.
pub(super) fn holds_a_chain(blocks: &[Block<'_>]) -> bool {
    let certificates = blocks.iter().filter(|block| block.is_certificate());
    let named: Vec<_> = certificates.filter_map(|block| Some(certificate(&block.der().ok()?)?.1)).collect();
    let signed =
        |authority: &Names, other: &Names| other.issuer == authority.subject && other.subject != authority.subject;
    named.iter().any(|authority| named.iter().any(|other| signed(authority, other)))
}

/// What is in the SubjectPublicKeyInfo of a certificate, and its names. Neither its signature nor its dates are looked at.
fn certificate(der: &[u8]) -> Option<(&[u8], Names)> {
    let mut parts = Elements::of_sequence(Elements::of(der).take(SEQUENCE)?)?;
    // The version, if it is said; then serial number and algorithm of the signature.
    parts.take_if(CONTEXT_0);
    parts.take(INTEGER)?;
    parts.take(SEQUENCE)?;
    let issuer = parts.take(SEQUENCE)?.to_vec();
    let _validity = parts.take(SEQUENCE)?;
    let subject = parts.take(SEQUENCE)?.to_vec();
    Some((parts.take(SEQUENCE)?, Names { subject, issuer }))
}

/// An RSAPublicKey.
fn rsa(der: &[u8]) -> Option<AlgorithmParameters> {
    let mut numbers = Elements::of_sequence(der)?;
    rsa_of(numbers.take(INTEGER)?, numbers.take(INTEGER)?)
}

/// The public half of an RSAPrivateKey (RFC 8017 A.1.2).
pub(super) fn rsa_of_private(der: &[u8]) -> Option<AlgorithmParameters> {
    let mut numbers = Elements::of_sequence(der)?;
    numbers.take(INTEGER)?;
    rsa_of(numbers.take(INTEGER)?, numbers.take(INTEGER)?)
}

fn rsa_of(n: &[u8], e: &[u8]) -> Option<AlgorithmParameters> {
    let [n, e] = [n, e].map(|number| URL_SAFE_NO_PAD.encode(number));
    Some(AlgorithmParameters::RSA(RSAKeyParameters { key_type: RSAKeyType::RSA, n, e }))
}
