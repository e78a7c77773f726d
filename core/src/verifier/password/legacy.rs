//! Hashes of other kinds, verified so that their owners can move in: bcrypt, scrypt, PBKDF2.
//!
//! They are told apart by how they begin: `$2a$`, `$2b$`, `$2y$`; `$scrypt$` (PHC); `$pbkdf2-sha256$` and `$pbkdf2-sha512$`
//! (PHC, or as passlib writes it); `pbkdf2_sha256$` (as Django writes it).

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use password_hash::phc::PasswordHash;
use pbkdf2::pbkdf2_hmac;
use pbkdf2::sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    cost::HashLimits,
    unverifiable::{Unverifiable, decimal},
};

/// bcrypt reads so many bytes of a password and no more.
const BCRYPT_BYTES: usize = 72;

const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) enum Legacy {
    Bcrypt(Box<str>),
    Scrypt { params: scrypt::Params, salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { digest: Digest, rounds: u32, salt: Vec<u8>, hash: Vec<u8> },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Digest {
    Sha256,
    Sha512,
}

impl Legacy {
    /// `None` if it is not of these kinds.
    pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Result<Self, Unverifiable>> {
        if text.starts_with("$2") {
            return Some(bcrypt(text, limits));
        }
        if text.starts_with("$scrypt$") {
            return Some(scrypt(text, limits));
        }
        let kinds = [
            ("$pbkdf2-sha256$", Digest::Sha256),
            ("$pbkdf2-sha512$", Digest::Sha512),
            ("pbkdf2_sha256$", Digest::Sha256),
        ];
        kinds.into_iter().find_map(|(prefix, digest)| {
            let rest = text.strip_prefix(prefix)?;
            let phc = rest.contains('=') && rest.starts_with("i=");
            Some(pbkdf2(text, if phc { None } else { Some((rest, prefix.starts_with('$'))) }, digest, limits))
        })
    }

    /// Whether the password is this one; `None` if this kind of hash has no such password.
    pub(super) fn matches(&self, password: &[u8]) -> Result<Option<bool>, Unverifiable> {
        match self {
            // What follows the 72nd byte, or a NUL, would not count: such a password is refused, not cut.
            Self::Bcrypt(_) if password.len() > BCRYPT_BYTES || password.contains(&0) => Ok(None),
            Self::Bcrypt(text) => bcrypt::verify(password, text).map(Some).map_err(|_| Unverifiable::Malformed),
            Self::Scrypt { params, salt, hash } => {
                let mut output = Zeroizing::new(vec![0; hash.len()]);
                scrypt::scrypt(password, salt, params, &mut output).map_err(|_| Unverifiable::Malformed)?;
                Ok(Some(output.ct_eq(hash).into()))
            }
            Self::Pbkdf2 { digest, rounds, salt, hash } => {
                let mut output = Zeroizing::new(vec![0; hash.len()]);
                match digest {
                    Digest::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut output),
                    Digest::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, *rounds, &mut output),
                }
                Ok(Some(output.ct_eq(hash).into()))
            }
        }
    }
}

fn bcrypt(text: &str, limits: &HashLimits) -> Result<Legacy, Unverifiable> {
    // `$2x$` marks hashes of a faulty implementation, which nothing here reproduces.
    if text.starts_with("$2x$") {
        return Err(Unverifiable::Unsupported);
    }
    let parts: bcrypt::HashParts = text.parse().map_err(|_| Unverifiable::Malformed)?;
    if parts.get_cost() > limits.bcrypt_cost {
        return Err(Unverifiable::TooCostly);
    }
    if parts.get_cost() < 4 {
        return Err(Unverifiable::Malformed);
    }
    Ok(Legacy::Bcrypt(text.into()))
}

fn scrypt(text: &str, limits: &HashLimits) -> Result<Legacy, Unverifiable> {
    let phc = PasswordHash::new(text).map_err(|_| Unverifiable::Malformed)?;
    let [log_n, block, lanes] = ["ln", "r", "p"].map(|name| phc.params.get(name).and_then(decimal));
    let (Some(log_n), Some(block), Some(lanes)) = (log_n, block, lanes) else { return Err(Unverifiable::Malformed) };
    let bytes = 1_u64.checked_shl(log_n).and_then(|n| n.checked_mul(128)?.checked_mul(u64::from(block)));
    if lanes > limits.lanes || bytes.is_none_or(|bytes| bytes > u64::from(limits.memory_kib) * 1024) {
        return Err(Unverifiable::TooCostly);
    }
    let log_n = u8::try_from(log_n).map_err(|_| Unverifiable::TooCostly)?;
    let params = scrypt::Params::new(log_n, block, lanes).map_err(|_| Unverifiable::Malformed)?;
    let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else { return Err(Unverifiable::Malformed) };
    Ok(Legacy::Scrypt { params, salt: salt.to_vec(), hash: checked(hash.as_bytes().to_vec())? })
}

/// `old` holds what follows the prefix where it is not a PHC string, and whether it is as passlib writes it.
fn pbkdf2(text: &str, old: Option<(&str, bool)>, digest: Digest, limits: &HashLimits) -> Result<Legacy, Unverifiable> {
    let (rounds, salt, hash) = match old {
        None => {
            let phc = PasswordHash::new(text).map_err(|_| Unverifiable::Malformed)?;
            let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else { return Err(Unverifiable::Malformed) };
            (phc.params.get("i").and_then(decimal), salt.to_vec(), hash.as_bytes().to_vec())
        }
        Some((rest, passlib)) => {
            let mut parts = rest.split('$');
            let (Some(rounds), Some(salt), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                return Err(Unverifiable::Malformed);
            };
            let decode =
                |part: &str| EITHER_PADDING.decode(part.replace('.', "+")).map_err(|_| Unverifiable::Malformed);
            // passlib's salt is base64 with a dot for the plus; Django's is the text itself.
            let salt = if passlib { decode(salt)? } else { salt.as_bytes().to_vec() };
            (rounds.parse().ok(), salt, decode(hash)?)
        }
    };
    let rounds = rounds.filter(|rounds| *rounds > 0).ok_or(Unverifiable::Malformed)?;
    if rounds > limits.pbkdf2_rounds {
        return Err(Unverifiable::TooCostly);
    }
    Ok(Legacy::Pbkdf2 { digest, rounds, salt, hash: checked(hash)? })
}

fn checked(hash: Vec<u8>) -> Result<Vec<u8>, Unverifiable> {
    if (16..=64).contains(&hash.len()) { Ok(hash) } else { Err(Unverifiable::Malformed) }
}
