//! PBKDF2 as passlib writes it: `$pbkdf2$rounds$salt$hash` (SHA-1), `$pbkdf2-sha256$…`, `$pbkdf2-sha512$…`. Its Argon2, bcrypt
//! and scrypt are written as everyone writes them.

use super::{Digest, Read, dotted_base64, number, parts, pbkdf2};
use crate::verifier::password::cost::HashLimits;

pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    let kinds = [("$pbkdf2$", Digest::Sha1), ("$pbkdf2-sha256$", Digest::Sha256), ("$pbkdf2-sha512$", Digest::Sha512)];
    kinds.into_iter().find_map(|(prefix, digest)| Some(rounds_salt_hash(text.strip_prefix(prefix)?, digest, limits)))
}

/// `rounds$salt$hash`, which LDAP servers write too.
pub(super) fn rounds_salt_hash(text: &str, digest: Digest, limits: &HashLimits) -> Read {
    let [rounds, salt, hash] = parts(text)?;
    pbkdf2(digest, number(rounds), dotted_base64(salt)?, dotted_base64(hash)?, limits)
}
