//! Why a stored hash cannot be verified, whatever its kind: [`Unverifiable`].

use password_hash::phc::Value;

/// Why a stored hash cannot be verified. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unverifiable {
    #[error("a stored password hash cannot be read")]
    Malformed,
    #[error(
        "a stored password hash is of a kind that is not verified here, or not without the feature legacy-passwords"
    )]
    Unsupported,
    #[error("a stored password hash costs more than its limits allow")]
    TooCostly,
    #[error("there is not the memory to verify a password")]
    NoMemory,
}

/// A parameter of a hash.
pub(super) fn decimal(value: Value<'_>) -> Option<u32> {
    value.decimal().ok()
}
