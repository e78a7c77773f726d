//! Where hashes are kept: [`PasswordStore`].

use std::{error::Error, fmt, future::Future};

use async_trait::async_trait;

use crate::{principal::Verified, unavailable::Unavailable};

/// Finds the hash of a name, in the application's own tables.
#[async_trait]
pub trait PasswordStore: Send + Sync + 'static {
    /// Who a name turns out to be.
    type Principal: Send + Sync + 'static;

    /// The hash under this name; `None` if there is no such name, or it has no password. That may also be said in the hash, as Unix,
    /// Django and PHP do: with nothing, `!…` or `*…`.
    ///
    /// The name is as it was sent: whether case counts is the store's to say.
    ///
    /// # Errors
    /// When the store cannot be asked. Never because the name is unknown.
    async fn find(&self, name: &str) -> Result<Option<StoredPassword<Self::Principal>>, Unavailable>;

    /// Whether [`rehashed`](Self::rehashed) keeps what it is given. Without that (as here) outdated hashes stay.
    fn keeps_rehashed(&self) -> bool {
        false
    }

    /// Replaces the hash of this name **if it is still `old`**, which is given as it was found, blanks and all: the password may have
    /// been changed in between, and that change must stand.
    ///
    /// # Errors
    /// When the store cannot be asked. It is logged, and nobody's sign-in fails by it.
    async fn rehashed(&self, name: &str, old: &str, new: &str) -> Result<(), Unavailable> {
        let _ = (name, old, new);
        Ok(())
    }

    /// A page of all rows that have a hash: `most` of them at the most, in an order of the names that stays, from the first one on or
    /// from behind the name `after`; an empty page behind the last. Asked by [`Passwords::check`](crate::verifier::Passwords::check)
    /// alone. Without it (as here) no rows are listed, and none are checked.
    ///
    /// In SQL: `SELECT name, hash FROM users WHERE name > $1 ORDER BY name LIMIT $2`.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn hashes(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredHash>, Unavailable> {
        let _ = (after, most);
        Ok(Vec::new())
    }
}

/// A row that a store lists: a name and its hash. See [`PasswordStore::hashes`].
pub struct StoredHash {
    name: Box<str>,
    hash: Box<str>,
}

impl StoredHash {
    /// The hash under this name, as it is stored.
    pub fn new(name: impl Into<Box<str>>, hash: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), hash: hash.into() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash(..)")
    }
}

/// A stored hash, and whom it names.
pub struct StoredPassword<P> {
    hash: Box<str>,
    verified: Verified<P>,
}

impl<P> StoredPassword<P> {
    /// A PHC string, or a hash of another kind that [`Passwords`](crate::verifier::Passwords) reads, and who has shown the password
    /// of it.
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

/// A closure as a store, of hashes or of secrets. See [`Passwords::found_by`](crate::verifier::Passwords::found_by) and
/// [`Secrets::found_by`](crate::verifier::Secrets::found_by).
pub struct FoundBy<F> {
    find: F,
}

impl<F> FoundBy<F> {
    pub(crate) fn new(find: F) -> Self {
        Self { find }
    }

    pub(super) fn call<A>(&self, name: &str) -> A
    where
        F: Fn(String) -> A,
    {
        (self.find)(name.to_owned())
    }
}

#[async_trait]
impl<F, A, P, E> PasswordStore for FoundBy<F>
where
    F: Fn(String) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Option<StoredPassword<P>>, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    P: Send + Sync + 'static,
{
    type Principal = P;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<P>>, Unavailable> {
        self.call(name).await.map_err(Unavailable::because)
    }
}

impl<F> fmt::Debug for FoundBy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FoundBy(..)")
    }
}
