//! Where hashes are kept: [`PasswordStore`].

use std::{error::Error, fmt, future::Future};

use async_trait::async_trait;

use crate::principal::Verified;

/// Why a store cannot be asked.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Finds the hash of a name, in the application's own tables.
#[async_trait]
pub trait PasswordStore: Send + Sync + 'static {
    /// Who a name turns out to be.
    type Principal: Send + Sync + 'static;

    /// The hash under this name; `None` if there is no such name, or it has no password.
    ///
    /// The name is as it was sent: whether case counts is the store's to say.
    ///
    /// # Errors
    /// When the store cannot be asked. Never because the name is unknown.
    async fn find(&self, name: &str) -> Result<Option<StoredPassword<Self::Principal>>, StoreError>;

    /// Whether [`rehashed`](Self::rehashed) keeps what it is given. Without that (as here) outdated hashes stay.
    fn keeps_rehashed(&self) -> bool {
        false
    }

    /// Replaces the hash of this name **if it is still `old`**: the password may have been changed in between, and that change
    /// must stand.
    ///
    /// # Errors
    /// When the store cannot be asked. It is logged, and nobody's sign-in fails by it.
    async fn rehashed(&self, name: &str, old: &str, new: &str) -> Result<(), StoreError> {
        let _ = (name, old, new);
        Ok(())
    }
}

/// A stored hash, and whom it names.
pub struct StoredPassword<P> {
    hash: Box<str>,
    verified: Verified<P>,
}

impl<P> StoredPassword<P> {
    /// A PHC string, and who has shown the password of it.
    pub fn new(hash: impl Into<Box<str>>, verified: Verified<P>) -> Self {
        Self { hash: hash.into(), verified }
    }

    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    pub(crate) fn into_parts(self) -> (Box<str>, Verified<P>) {
        (self.hash, self.verified)
    }
}

impl<P> fmt::Debug for StoredPassword<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredPassword(..)")
    }
}

/// A closure as a store. See [`Passwords::found_by`](crate::verifier::Passwords::found_by).
pub struct FoundBy<F> {
    find: F,
}

impl<F> FoundBy<F> {
    pub(crate) fn new(find: F) -> Self {
        Self { find }
    }
}

#[async_trait]
impl<F, A, P, E> PasswordStore for FoundBy<F>
where
    F: Fn(String) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Option<StoredPassword<P>>, E>> + Send + 'static,
    E: Into<StoreError> + Send + 'static,
    P: Send + Sync + 'static,
{
    type Principal = P;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<P>>, StoreError> {
        (self.find)(name.to_owned()).await.map_err(Into::into)
    }
}

impl<F> fmt::Debug for FoundBy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FoundBy(..)")
    }
}
