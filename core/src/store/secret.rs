//! Where secrets are kept that can be read back: [`SecretStore`].

use std::{error::Error, fmt, future::Future};

use async_trait::async_trait;

use super::FoundBy;
use crate::{principal::Verified, secret::Secret, unavailable::Unavailable};

/// Finds the secret of a name, in the application's own tables: the secret itself, not a hash of it.
///
/// For schemes in which client and server compute with the same secret: the key of an HMAC (Hawk, SigV4), a password's HA1 (Digest), a
/// password (WSSE). Ask it through [`Secrets`](crate::verifier::Secrets), which sees to it that unknown names cost what known ones cost.
///
/// # What it costs that they can be read back
/// **Who reads this table can sign as everybody in it**, at once; a table of hashes has to be guessed first. So hand out a random
/// secret for each key rather than use a person's password, keep for Digest the HA1, which opens one realm, rather than the password, keep
/// the table apart from that of the hashes, and encrypted by a key that is not beside it.
#[async_trait]
pub trait SecretStore: Send + Sync + 'static {
    /// Who a name turns out to be.
    type Principal: Send + Sync + 'static;

    /// The secret under this name, or key id; `None` if there is no such name, or it has none.
    ///
    /// The name is as it was sent: whether case counts is the store's to say.
    ///
    /// # Errors
    /// When the store cannot be asked. Never because the name is unknown.
    async fn find(&self, name: &str) -> Result<Option<StoredSecret<Self::Principal>>, Unavailable>;
}

/// The secret of a name, or several while one replaces another, and whom the name names. Never prints.
#[derive(Clone)]
pub struct StoredSecret<P> {
    secrets: Vec<Secret>,
    verified: Verified<P>,
}

impl<P> StoredSecret<P> {
    /// A secret, and who has shown that they hold it. Nothing (no bytes) is no secret: that name is refused like an unknown one.
    #[must_use]
    pub fn new(secret: Secret, verified: Verified<P>) -> Self {
        Self { secrets: vec![secret], verified }
    }

    /// An older secret that is good as well, until its owner has moved to the newer ones. Each more is one more computation for a
    /// request, and the time tells how many there are.
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The secrets, newest first, without those that are none, and whom the name names.
    pub(crate) fn into_parts(mut self) -> (Vec<Secret>, Verified<P>) {
        self.secrets.retain(|secret| !secret.expose().is_empty());
        (self.secrets, self.verified)
    }
}

impl<P> fmt::Debug for StoredSecret<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredSecret(..)")
    }
}

/// A closure as a store of secrets. See [`Secrets::found_by`](crate::verifier::Secrets::found_by).
#[async_trait]
impl<F, A, P, E> SecretStore for FoundBy<F>
where
    F: Fn(String) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Option<StoredSecret<P>>, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    P: Send + Sync + 'static,
{
    type Principal = P;

    async fn find(&self, name: &str) -> Result<Option<StoredSecret<P>>, Unavailable> {
        self.call(name).await.map_err(Unavailable::because)
    }
}
