//! By what verified credentials can be revoked: [`Handle`].

use std::fmt;

/// A name under which verified credentials can be revoked: 128 bits of a hash over kind and name, the same in every process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(u128);

/// What a [`Handle`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleKind {
    /// Everything of one subject.
    Subject,
    /// One token.
    Token,
    /// One session.
    Session,
    /// One API key.
    Key,
    /// All tokens that came of one sign-in.
    Family,
}

impl Handle {
    /// A handle of this kind and name.
    #[must_use]
    pub fn of(kind: HandleKind, name: &str) -> Self {
        let label = match kind {
            HandleKind::Subject => "subject",
            HandleKind::Token => "token",
            HandleKind::Session => "session",
            HandleKind::Key => "key",
            HandleKind::Family => "family",
        };
        let mut hasher = blake3::Hasher::new_derive_key("countersign handle v1");
        hasher.update(label.as_bytes()).update(b":").update(name.as_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        Self(u128::from_le_bytes(id))
    }

    /// Everything of the subject of this name.
    #[must_use]
    pub fn subject(name: &str) -> Self {
        Self::of(HandleKind::Subject, name)
    }

    /// The handle of these bits, as [`to_bits`](Self::to_bits) gave them: for messages between copies of a service.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits of the handle.
    #[must_use]
    pub fn to_bits(self) -> u128 {
        self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:032x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_differ_by_kind_and_name() {
        let handles = [
            Handle::subject("a"),
            Handle::subject("b"),
            Handle::of(HandleKind::Key, "a"),
            Handle::of(HandleKind::Token, "a"),
        ];
        for (index, handle) in handles.iter().enumerate() {
            assert!(handles.iter().skip(index + 1).all(|other| other != handle));
        }
    }
}
