//! Handles as Redis holds them.

use countersign::{Handle, principal::HandleKind};

/// The bits of a handle, as text.
pub(crate) fn hex(handle: Handle) -> String {
    format!("{:032x}", handle.to_bits())
}

/// The handle of the session of this id.
pub(crate) fn session_handle(id: &str) -> Handle {
    Handle::of(HandleKind::Session, id)
}

/// The handle of the API key of this id.
pub(crate) fn key_handle(id: &str) -> Handle {
    Handle::of(HandleKind::Key, id)
}
