//! Handles as Redis holds them.

use countersign::{Handle, store::Voided};

/// The bits of a handle, as text.
pub(crate) fn hex(handle: Handle) -> String {
    format!("{:032x}", handle.to_bits())
}

/// What stands for everything.
const EVERYTHING: &str = "*";

/// What is void, as the outbox holds it.
pub(crate) fn of_voided(voided: Voided) -> String {
    match voided {
        Voided::Handle(handle) => hex(handle),
        Voided::Everything => EVERYTHING.to_owned(),
    }
}

/// The same, read.
pub(crate) fn voided(text: &str) -> Option<Voided> {
    match text {
        EVERYTHING => Some(Voided::Everything),
        _ => u128::from_str_radix(text, 16).ok().map(|bits| Voided::Handle(Handle::from_bits(bits))),
    }
}
