//! Django's `algorithm$…`: `pbkdf2_sha256`, `pbkdf2_sha1`, `scrypt`, `argon2`, `bcrypt_sha256`, `bcrypt`
//! (`django.contrib.auth.hashers`). Salts stand there as text, and their text is what is hashed.

use super::{BcryptOf, Digest, Read, base64, crypt, number, parts, pbkdf2, scrypt_of};
use crate::verifier::password::{cost::HashLimits, stored::Stored};

pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    let (algorithm, rest) = text.split_once('$')?;
    Some(match algorithm {
        "pbkdf2_sha256" => salted(rest, Digest::Sha256, limits),
        "pbkdf2_sha1" => salted(rest, Digest::Sha1, limits),
        "scrypt" => scrypt(rest, limits),
        "argon2" => Stored::argon2(&format!("${rest}"), limits),
        "bcrypt_sha256" => crypt::bcrypt(rest, BcryptOf::Sha256, limits),
        "bcrypt" => crypt::bcrypt(rest, BcryptOf::Password, limits),
        _ => return None,
    })
}

/// `rounds$salt$hash`
fn salted(text: &str, digest: Digest, limits: &HashLimits) -> Read {
    let [rounds, salt, hash] = parts(text)?;
    pbkdf2(digest, number(rounds), salt.into(), base64(hash)?, limits)
}

/// `N$salt$r$p$hash`
fn scrypt(text: &str, limits: &HashLimits) -> Read {
    let [n, salt, block, lanes, hash] = parts(text)?;
    scrypt_of(n, block, lanes, salt.into(), base64(hash)?, limits)
}
