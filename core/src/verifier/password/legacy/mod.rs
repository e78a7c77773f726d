//! Hashes of other kinds, verified so that their owners can move in: bcrypt, scrypt, PBKDF2, and salted digests.
//!
//! Each way of writing them has its file, named after who writes so: [`crypt`], [`phc`], [`passlib`], [`django`], [`werkzeug`],
//! [`spring`], [`ldap`]. They are told apart by how they begin. Here is what they have in common: limits, and computing.

mod crypt;
mod django;
mod ldap;
mod passlib;
mod phc;
mod spring;
mod werkzeug;

use ::pbkdf2::{
    pbkdf2_hmac,
    sha2::{Digest as _, Sha256, Sha512},
};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    cost::HashLimits,
    fault::{HashFault, NoMemory},
    stored::{Judged, OUTPUTS, Stored},
};

/// What a text turned out to be.
type Read = Result<Stored, HashFault>;

/// bcrypt reads so many bytes of a password and no more.
const BCRYPT_BYTES: usize = 72;

const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) enum Legacy {
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
        hash: Vec<u8>,
        of: BcryptOf,
    },
    Scrypt {
        params: ::scrypt::Params,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    Pbkdf2 {
        digest: Digest,
        rounds: u32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    /// The digest of the password and, behind it, the salt.
    Salted {
        digest: Digest,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

/// What of a password bcrypt was given.
#[derive(Debug, Clone, Copy)]
pub(super) enum BcryptOf {
    Password,
    /// Its SHA-256 in hexadecimal.
    Sha256,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// `None` if it is not of these kinds.
pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    [crypt::read, phc::read, passlib::read, django::read, werkzeug::read, spring::read, ldap::read]
        .into_iter()
        .find_map(|read| read(text, limits))
}

impl Legacy {
    /// # Errors
    /// When there is not the memory.
    pub(super) fn judge(&self, password: &[u8]) -> Result<Judged, NoMemory> {
        let matches = match self {
            Self::Bcrypt { cost, salt, hash, of: BcryptOf::Password } => {
                // What follows the 72nd byte, or a NUL, would not count: such a password is refused, not cut.
                if password.len() > BCRYPT_BYTES || password.contains(&0) {
                    return Ok(Judged::at_no_cost(false));
                }
                bcrypt(*cost, *salt, password).ct_eq(hash)
            }
            Self::Bcrypt { cost, salt, hash, of: BcryptOf::Sha256 } => {
                bcrypt(*cost, *salt, hex_of(&Sha256::digest(password)).as_bytes()).ct_eq(hash)
            }
            Self::Scrypt { params, salt, hash } => {
                let mut output = Zeroizing::new(vec![0; hash.len()]);
                ::scrypt::scrypt(password, salt, params, &mut output).map_err(|_| NoMemory)?;
                output.ct_eq(hash)
            }
            Self::Pbkdf2 { digest, rounds, salt, hash } => {
                let mut output = Zeroizing::new(vec![0; hash.len()]);
                match digest {
                    Digest::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, *rounds, &mut output),
                    Digest::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut output),
                    Digest::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, *rounds, &mut output),
                }
                output.ct_eq(hash)
            }
            Self::Salted { digest, salt, hash } => {
                return Ok(Judged::at_no_cost(digest.of(password, salt).ct_eq(hash).into()));
            }
        };
        Ok(Judged::at_a_cost(matches.into()))
    }
}

impl Digest {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }

    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn of(self, password: &[u8], salt: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::new().chain_update(password).chain_update(salt).finalize().to_vec(),
            Self::Sha256 => Sha256::new().chain_update(password).chain_update(salt).finalize().to_vec(),
            Self::Sha512 => Sha512::new().chain_update(password).chain_update(salt).finalize().to_vec(),
        }
    }
}

/// At most 72 bytes of key are given, none of them NUL: bcrypt ends it with one where there is room.
fn bcrypt(cost: u32, salt: [u8; 16], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut ended = Zeroizing::new([key, &[0]].concat());
    ended.truncate(BCRYPT_BYTES);
    let mut output = Zeroizing::new(::bcrypt::bcrypt(cost, salt, &ended).to_vec());
    // The last byte is computed and never written down.
    output.truncate(23);
    output
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

fn hex_of(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Zeroizing::new(halves.filter_map(|half| DIGITS.get(usize::from(half))).collect())
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
