//! bcrypt as OpenBSD, PHP and nearly everyone writes it: `$2a$`, `$2b$`, `$2y$`.
//!
//! Bits of salt or hash that base64 leaves over must be zero: OpenBSD, PHP and pyca write them so, and refuse others.

use base64::Engine;

use super::{BcryptOf, Legacy, Read, number};
use crate::verifier::password::{cost::HashLimits, fault::HashFault, stored::Stored};

pub(super) fn read(text: &str, limits: &HashLimits) -> Option<Read> {
    text.starts_with("$2").then(|| bcrypt(text, BcryptOf::Password, limits))
}

pub(super) fn bcrypt(text: &str, of: BcryptOf, limits: &HashLimits) -> Read {
    // `$2x$` marks hashes of a faulty implementation, which nothing here reproduces.
    if text.starts_with("$2x$") {
        return Err(HashFault::Unsupported);
    }
    let parts: ::bcrypt::HashParts = text.parse().map_err(|_| HashFault::Malformed)?;
    let cost = text.get(4..6).and_then(number).filter(|cost| *cost >= 4).ok_or(HashFault::Malformed)?;
    if cost > limits.bcrypt_cost.min(31) {
        return Err(HashFault::TooCostly);
    }
    let hash = text.get(29..).and_then(|hash| ::bcrypt::BASE_64.decode(hash).ok()).ok_or(HashFault::Malformed)?;
    Ok(Stored::Legacy(Legacy::Bcrypt { cost, salt: parts.get_salt_raw(), hash, of }))
}
