//! Werkzeug's `method$salt$hash`: `scrypt:N:r:p` and `pbkdf2:digest:rounds` (`werkzeug.security`). Salts stand there as text, and
//! their text is what is hashed; hashes are hexadecimal.

use super::{Digest, Read, hex, number, parts, pbkdf2, scrypt_of};
use crate::verifier::password::{cost::HashLimits, fault::HashFault};

pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    (text.starts_with("scrypt:") || text.starts_with("pbkdf2:")).then(|| of(text, limits))
}

fn of(text: &str, limits: &HashLimits) -> Read {
    let [method, salt, hash] = parts(text)?;
    let (salt, hash) = (salt.into(), hex(hash)?);
    match *method.split(':').collect::<Vec<_>>() {
        ["scrypt", n, block, lanes] => scrypt_of(n, block, lanes, salt, hash, limits),
        ["pbkdf2", digest, rounds] => {
            let digest = Digest::named(digest).ok_or(HashFault::Unsupported)?;
            pbkdf2(digest, number(rounds), salt, hash, limits)
        }
        _ => Err(HashFault::Malformed),
    }
}
