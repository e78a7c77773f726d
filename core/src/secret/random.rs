//! Bytes that nobody can guess.

/// Fresh bytes from the operating system.
///
/// Aborts where the system has no random source at all: nothing made without one may be used, and no request can cause it.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        tracing::error!(target: "countersign", "the operating system gives no random bytes; nothing can be kept safe without them");
        std::process::abort();
    }
    bytes
}
