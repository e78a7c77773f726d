//! What is wrong with a stored hash, whatever its kind: [`HashFault`].

use password_hash::phc::Value;

/// Why a stored hash cannot be verified. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HashFault {
    /// It is no hash, or a damaged one.
    #[error("it is no hash, or a damaged one")]
    Malformed,
    /// It is of a kind that is not verified here, or not without the feature `legacy-passwords`.
    #[error("it is of a kind that is not verified here, or not without the feature legacy-passwords")]
    Unsupported,
    /// It costs more than its [`HashLimits`](super::HashLimits) allow.
    #[error("it costs more than its limits allow")]
    TooCostly,
}

/// A hash was not computed, which says nothing of the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is not the memory to verify a password")]
pub(super) struct NoMemory;

impl HashFault {
    /// Its name in counters.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::TooCostly => "too_costly",
        }
    }
}

/// A parameter of a hash.
pub(super) fn decimal(value: Value<'_>) -> Option<u32> {
    value.decimal().ok()
}
