//! PHC strings other than Argon2's: `$scrypt$ln=…`, `$pbkdf2-sha256$i=…`, `$pbkdf2-sha512$i=…`.

use password_hash::phc::PasswordHash;

use super::{Digest, Read, pbkdf2, scrypt};
use crate::verifier::password::{
    cost::HashLimits,
    fault::{HashFault, decimal},
};

pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    let digest = match text {
        _ if text.starts_with("$scrypt$") => None,
        _ if text.starts_with("$pbkdf2-sha256$i=") => Some(Digest::Sha256),
        _ if text.starts_with("$pbkdf2-sha512$i=") => Some(Digest::Sha512),
        _ => return None,
    };
    Some(of(text, digest, limits))
}

fn of(text: &str, digest: Option<Digest>, limits: &HashLimits) -> Read {
    let phc = PasswordHash::new(text).map_err(|_| HashFault::Malformed)?;
    let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else { return Err(HashFault::Malformed) };
    let (salt, hash) = (salt.to_vec(), hash.as_bytes().to_vec());
    let parameter = |name| phc.params.get(name).and_then(decimal);
    match digest {
        Some(digest) => pbkdf2(digest, parameter("i"), salt, hash, limits),
        None => match ["ln", "r", "p"].map(parameter) {
            [Some(log_n), Some(block), Some(lanes)] => scrypt(log_n, block, lanes, salt, hash, limits),
            _ => Err(HashFault::Malformed),
        },
    }
}
