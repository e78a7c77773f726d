//! A hash of another kind, and computing it.

use ::pbkdf2::{
    pbkdf2_hmac,
    sha2::{Digest as _, Sha256, Sha512},
};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::verifier::password::{fault::NoMemory, judged::Judged};

/// bcrypt reads so many bytes of a password and no more.
const BCRYPT_BYTES: usize = 72;

pub(in crate::verifier::password) enum Legacy {
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
pub(in crate::verifier::password) enum BcryptOf {
    Password,
    /// Its SHA-256 in hexadecimal.
    Sha256,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::verifier::password) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Legacy {
    /// # Errors
    /// When there is not the memory.
    pub(in crate::verifier::password) fn judge(&self, password: &[u8]) -> Result<Judged, NoMemory> {
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
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }

    pub(super) fn length(self) -> usize {
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

fn hex_of(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Zeroizing::new(halves.filter_map(|half| DIGITS.get(usize::from(half))).collect())
}
