//! `{SCHEME}…` of RFC 2307's `userPassword`, as OpenLDAP, 389 DS and others write it: `{SSHA}`, `{SSHA256}`, `{SSHA512}`,
//! `{PBKDF2}`, `{PBKDF2-SHA1}`, `{PBKDF2-SHA256}`, `{PBKDF2-SHA512}`, and `{CRYPT}` where that is bcrypt; `{ARGON2}` is as Spring
//! writes it. Unsalted digests are refused.

use super::{Digest, Legacy, Read, base64, braced, crypt, passlib};
use crate::verifier::password::{cost::HashLimits, fault::HashFault, stored::Stored};

pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    let (scheme, rest) = braced(text)?;
    Some(match scheme.as_str() {
        "ssha" => salted(rest, Digest::Sha1),
        "ssha256" => salted(rest, Digest::Sha256),
        "ssha512" => salted(rest, Digest::Sha512),
        "pbkdf2" | "pbkdf2-sha1" => passlib::rounds_salt_hash(rest, Digest::Sha1, limits),
        "pbkdf2-sha256" => passlib::rounds_salt_hash(rest, Digest::Sha256, limits),
        "pbkdf2-sha512" => passlib::rounds_salt_hash(rest, Digest::Sha512, limits),
        "crypt" => crypt::read(rest, limits).unwrap_or(Err(HashFault::Unsupported)),
        _ => return None,
    })
}

/// base64 of the digest and the salt behind it.
fn salted(text: &str, digest: Digest) -> Read {
    let bytes = base64(text)?;
    match bytes.split_at_checked(digest.length()) {
        Some((hash, salt)) if !salt.is_empty() => {
            Ok(Stored::Legacy(Legacy::Salted { digest, salt: salt.to_vec(), hash: hash.to_vec() }))
        }
        _ => Err(HashFault::Malformed),
    }
}
