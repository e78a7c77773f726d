//! What a verifier is put together with at a gate: [`Company`].

use std::{any::Any, fmt};

/// The kind of credential in front of a verifier, and the cache behind it, for a verifier that has to know them.
pub struct Company<'g> {
    parts: Vec<&'g dyn Any>,
}

impl<'g> Company<'g> {
    pub(crate) fn of(parts: impl IntoIterator<Item = &'g dyn Any>) -> Self {
        Self { parts: parts.into_iter().collect() }
    }

    /// The part of this type: of a kind such as [`SignedCookie`](crate::SignedCookie) if that is the verifier's, and
    /// [`CredentialCache`](crate::CredentialCache) if the gate was given one.
    #[must_use]
    pub fn part<T: Any>(&self) -> Option<&'g T> {
        self.parts.iter().find_map(|part| part.downcast_ref())
    }
}

impl fmt::Debug for Company<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Company").field("parts", &self.parts.len()).finish()
    }
}
