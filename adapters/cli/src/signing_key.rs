//! Making signing keys as PKCS#8 in PEM, and the sets that others verify with.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use countersign::{
    JwtSigner, Secret,
    jose::{JwtAlgorithm, JwtSetupError},
};
use zeroize::Zeroizing;

use crate::{
    arguments::{JwksArguments, NewKey, RotateSigningArguments, SigningKeyArguments},
    fault::Fault,
    input, output,
    report::Report,
};

pub(crate) fn new(wish: &SigningKeyArguments) -> Result<Report, Fault> {
    let pem = pem(&pkcs8(wish.alg, &wish.bits)?);
    // What cannot be read back must not be handed out.
    let signer = JwtSigner::pem(&pem)?;
    let Some(path) = &wish.out.out else { return Ok(Report::of_product("pem", pem.as_str())) };
    output::write_new(path, &pem)?;
    let key = signer.key();
    Ok(Report::new()
        .with("file", path.display().to_string())
        .with("algorithm", key.algorithm().name())
        .with_any("key_id", key.id()))
}

/// The new key goes in front. What stands between the others stays where it is.
pub(crate) fn rotate(wish: &RotateSigningArguments) -> Result<Report, Fault> {
    let old = input::file(&wish.file)?;
    let fault = |error: JwtSetupError| Fault::of_file(&wish.file, error);
    let newest = JwtSigner::pem(&old).map_err(fault)?.key().algorithm();
    let alg = wish.alg.or_else(|| NewKey::of(newest));
    let alg =
        alg.ok_or_else(|| Fault::new(format!("no key for {} is made here; say another with --alg", newest.name())))?;
    let mut text = pem(&pkcs8(alg, &wish.bits)?);
    let most = wish.keep.map_or(usize::MAX, usize::from);
    let (mut keys, mut removed, mut within) = (1, 0, false);
    for line in old.lines() {
        if line.trim_start().starts_with("-----BEGIN ") {
            (keys, within) = (keys + 1, true);
            removed += usize::from(keys > most);
        }
        if !(within && keys > most) {
            text.push_str(line);
            text.push('\n');
        }
        within &= !line.trim_start().starts_with("-----END ");
    }
    // What cannot be read back must not stand there.
    let signer = JwtSigner::pem(&text).map_err(fault)?;
    output::replace(&wish.file, &text)?;
    let key = signer.key();
    Ok(Report::new()
        .with("file", wish.file.display().to_string())
        .with("algorithm", key.algorithm().name())
        .with_any("key_id", key.id())
        .with("keys", keys - removed)
        .with("taken_away", removed))
}

impl NewKey {
    fn of(algorithm: JwtAlgorithm) -> Option<Self> {
        Self::value_variants()
            .iter()
            .copied()
            .find(|known| known.to_possible_value().is_some_and(|value| value.get_name() == algorithm.name()))
    }
}

pub(crate) fn jwks(wish: &JwksArguments) -> Result<Report, Fault> {
    let text = input::file(&wish.file)?;
    let signer = of_pem(wish.alg, &text).map_err(|error| Fault::of_file(&wish.file, error))?;
    Ok(Report::of_product("jwks", signer.jwks_json()))
}

/// The signer of a PEM, or of a secret where the algorithm takes one.
pub(crate) fn signer(algorithm: Option<JwtAlgorithm>, text: &str) -> Result<JwtSigner, JwtSetupError> {
    match algorithm {
        Some(algorithm) if takes_a_secret(algorithm) => JwtSigner::secret(algorithm, &secret_in(text)),
        algorithm => of_pem(algorithm, text),
    }
}

/// A PEM names the algorithm itself, but for RSA keys: to say it again does no harm, and another one is an error.
fn of_pem(algorithm: Option<JwtAlgorithm>, text: &str) -> Result<JwtSigner, JwtSetupError> {
    let Some(wanted) = algorithm else { return JwtSigner::pem(text) };
    match JwtSigner::pem(text) {
        Ok(signer) if signer.key().algorithm() == wanted => Ok(signer),
        _ => JwtSigner::pem_with(wanted, text),
    }
}

pub(crate) fn takes_a_secret(algorithm: JwtAlgorithm) -> bool {
    algorithm.name().starts_with("HS")
}

/// A secret as a file holds it: all of it but the line end.
pub(crate) fn secret_in(text: &str) -> Secret {
    Secret::new(text.trim_end_matches(['\r', '\n']))
}

fn pkcs8(alg: NewKey, bits: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let failed = |_| Fault::new("no key could be made; the operating system may have no random bytes");
    let random = SystemRandom::new();
    let ec = |algorithm: &'static EcdsaSigningAlgorithm| {
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(failed)?;
        Ok(Zeroizing::new(made.as_ref().to_vec()))
    };
    let rsa = || {
        let size = match bits {
            "2048" => KeySize::Rsa2048,
            "4096" => KeySize::Rsa4096,
            _ => KeySize::Rsa3072,
        };
        let der = AsDer::as_der(&RsaKeyPair::generate(size).map_err(failed)?).map_err(failed)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    };
    match alg {
        NewKey::EdDsa => {
            // The first version of PKCS#8: the second, which holds the public key too, is not read by OpenSSL.
            let made = Ed25519KeyPair::generate_pkcs8v1(&random).map_err(failed)?;
            Ok(Zeroizing::new(made.as_ref().to_vec()))
        }
        NewKey::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        NewKey::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        NewKey::Rs256 => rsa(),
        NewKey::Ps256 => for_pss(&rsa()?).ok_or_else(|| Fault::new("the RSA key has another form than it should")),
    }
}

/// `rsaEncryption` and its NULL, as a key names itself that does not say what it is for.
const RSA: &[u8] = &[0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `id-RSASSA-PSS` without parameters: for PSS, with any hash (RFC 4055 §1.2).
const RSA_PSS: &[u8] = &[0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
/// The version of PKCS#8, in front.
const VERSION: &[u8] = &[0x02, 0x01, 0x00];

/// The same RSA key as one for PSS alone, so that the file says what it signs with. It is longer than 2^8 and shorter than 2^16 bytes.
fn for_pss(pkcs8: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = pkcs8.strip_prefix(&[0x30, 0x82])?.get(2..)?.strip_prefix(VERSION)?.strip_prefix(RSA)?;
    let length = u16::try_from(VERSION.len() + RSA_PSS.len() + key.len()).ok()?;
    Some(Zeroizing::new([&[0x30, 0x82][..], &length.to_be_bytes(), VERSION, RSA_PSS, key].concat()))
}

fn pem(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    let mut text = Zeroizing::new(String::from("-----BEGIN PRIVATE KEY-----\n"));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = behind;
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}
