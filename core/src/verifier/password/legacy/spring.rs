//! Spring Security's `{id}…`: `bcrypt`, `argon2`, `pbkdf2`, `scrypt` and `ldap`, as `PasswordEncoderFactories` sets them up.
//!
//! The numbers of PBKDF2 are in the code and not in the hash, so that only hashes of its defaults can be read. `{noop}` is the
//! password itself, and is refused like the unsalted digests.

use super::{BcryptOf, Digest, Read, base64, braced, crypt, hex, ldap, parts, pbkdf2, scrypt as scrypt_with};
use crate::verifier::password::{cost::HashLimits, fault::HashFault, stored::Stored};

pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    let (id, rest) = braced(text)?;
    Some(match id.as_str() {
        "bcrypt" => crypt::bcrypt(rest, BcryptOf::Password, limits),
        "argon2" | "argon2@springsecurity_v5_8" => Stored::argon2(rest, limits),
        // LDAP servers write `{PBKDF2}` too, and dollars behind it.
        "pbkdf2" if !rest.contains('$') => salted(rest, 8, 185_000, Digest::Sha1, limits),
        "pbkdf2@springsecurity_v5_8" => salted(rest, 16, 310_000, Digest::Sha256, limits),
        "scrypt" | "scrypt@springsecurity_v5_8" => scrypt(rest, limits),
        "ldap" => ldap::read(rest, limits).unwrap_or(Err(HashFault::Unsupported)),
        _ => return None,
    })
}

/// Salt and hash in hexadecimal, without a sign between them. The hash has 256 bits in both defaults.
fn salted(text: &str, salt: usize, rounds: u32, digest: Digest, limits: &HashLimits) -> Read {
    let bytes = hex(text)?;
    if bytes.len() != salt + 32 {
        return Err(HashFault::Malformed);
    }
    let (salt, hash) = bytes.split_at_checked(salt).ok_or(HashFault::Malformed)?;
    pbkdf2(digest, Some(rounds), salt.to_vec(), hash.to_vec(), limits)
}

/// `$parameters$salt$hash`, the parameters one hexadecimal number: log N in its upper half, then r and p in a byte each.
fn scrypt(text: &str, limits: &HashLimits) -> Read {
    let ["", parameters, salt, hash] = parts(text)? else { return Err(HashFault::Malformed) };
    let signed = parameters.starts_with(['+', '-']);
    let Some(parameters) = u32::from_str_radix(parameters, 16).ok().filter(|_| !signed) else {
        return Err(HashFault::Malformed);
    };
    let [log_n, block, lanes] = [parameters >> 16, parameters >> 8 & 0xFF, parameters & 0xFF];
    scrypt_with(log_n, block, lanes, base64(salt)?, base64(hash)?, limits)
}
