//! Hashes of other kinds, verified so that their owners can move in: bcrypt, scrypt, PBKDF2, and salted digests.
//!
//! Each way of writing them has its file, named after who writes so: [`crypt`], [`phc`], [`passlib`], [`django`], [`werkzeug`],
//! [`spring`], [`ldap`]. They are told apart by how they begin. Here is what they have in common; [`hash`]
//! computes.

mod crypt;
mod django;
pub(super) mod hash;
mod ldap;
mod passlib;
mod phc;
mod spring;
mod werkzeug;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use self::hash::{BcryptOf, Digest, Legacy};
use super::{cost::HashLimits, fault::HashFault, judged::OUTPUTS, stored::Stored};

/// What a text turned out to be.
type Read = Result<Stored, HashFault>;

const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// `None` if it is not of these kinds.
pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    [crypt::read, phc::read, passlib::read, django::read, werkzeug::read, spring::read, ldap::read]
        .into_iter()
        .find_map(|read| read(text, limits))
}

/// scrypt with N = 2^`log_n`, within the limits.
fn scrypt(log_n: u32, block: u32, lanes: u32, salt: Vec<u8>, hash: Vec<u8>, limits: &HashLimits) -> Read {
    let bytes = 1_u64.checked_shl(log_n).and_then(|n| n.checked_mul(128)?.checked_mul(u64::from(block)));
    if lanes > limits.lanes || bytes.is_none_or(|bytes| bytes > u64::from(limits.memory_kib) * 1024) {
        return Err(HashFault::TooCostly);
    }
    // Its own check multiplies without looking.
    block.checked_mul(lanes).ok_or(HashFault::TooCostly)?;
    let log_n = u8::try_from(log_n).map_err(|_| HashFault::TooCostly)?;
    let params = ::scrypt::Params::new(log_n, block, lanes).map_err(|_| HashFault::Malformed)?;
    Ok(Stored::Legacy(Legacy::Scrypt { params, salt, hash: checked(hash)? }))
}

/// scrypt with N as a number, which must be a power of two.
fn scrypt_of(n: &str, block: &str, lanes: &str, salt: Vec<u8>, hash: Vec<u8>, limits: &HashLimits) -> Read {
    let [n, block, lanes] = [n, block, lanes].map(number);
    let (Some(n), Some(block), Some(lanes)) = (n, block, lanes) else { return Err(HashFault::Malformed) };
    if n < 2 || !n.is_power_of_two() {
        return Err(HashFault::Malformed);
    }
    scrypt(n.ilog2(), block, lanes, salt, hash, limits)
}

/// PBKDF2 within the limits. An output longer than the digest is computed in several parts, and each has the rounds.
fn pbkdf2(digest: Digest, rounds: Option<u32>, salt: Vec<u8>, hash: Vec<u8>, limits: &HashLimits) -> Read {
    let rounds = rounds.filter(|rounds| *rounds > 0).ok_or(HashFault::Malformed)?;
    let hash = checked(hash)?;
    let work = u64::from(rounds).saturating_mul(hash.len().div_ceil(digest.length()) as u64);
    if work > u64::from(limits.pbkdf2_rounds) {
        return Err(HashFault::TooCostly);
    }
    Ok(Stored::Legacy(Legacy::Pbkdf2 { digest, rounds, salt, hash }))
}

fn checked(hash: Vec<u8>) -> Result<Vec<u8>, HashFault> {
    if OUTPUTS.contains(&hash.len()) { Ok(hash) } else { Err(HashFault::Malformed) }
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// base64, with or without its padding.
fn base64(text: &str) -> Result<Vec<u8>, HashFault> {
    EITHER_PADDING.decode(text).map_err(|_| HashFault::Malformed)
}

/// base64 as passlib writes it, with a dot for the plus.
fn dotted_base64(text: &str) -> Result<Vec<u8>, HashFault> {
    base64(&text.replace('.', "+"))
}

fn hex(text: &str) -> Result<Vec<u8>, HashFault> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or(HashFault::Malformed)
}

/// The parts between dollars, if there are so many.
fn parts<const N: usize>(text: &str) -> Result<[&str; N], HashFault> {
    text.split('$').collect::<Vec<_>>().try_into().map_err(|_| HashFault::Malformed)
}

/// `{scheme}rest`; schemes are compared without case, as RFC 2307 §5.3 has it.
fn braced(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
    Some((scheme.to_ascii_lowercase(), rest))
}
