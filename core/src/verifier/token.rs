//! Opaque tokens and API keys, decided by looking their digests up: [`OpaqueTokens`].
//!
//! # Example
//! ```
//! use std::{collections::HashMap, sync::{Arc, Mutex}};
//! use countersign::{Verified, secret::{TokenDigest, TokenPrefix}, verifier::OpaqueTokens};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let prefix: TokenPrefix = "ppl_".parse()?;
//! let minted = prefix.mint();
//! let store: Arc<Mutex<HashMap<TokenDigest, &str>>> = Arc::default();
//! store.lock().unwrap().insert(minted.digest(), "emily");
//! println!("shown once: {}", minted.reveal());
//!
//! let tokens = OpaqueTokens::found_by(prefix, move |digest| {
//!     let found = store.lock().map(|rows| rows.get(&digest).copied()).map_err(|_| "the store is poisoned");
//!     async move { Ok::<_, &str>(found?.map(|name| Verified::new(name).with_subject(name))) }
//! });
//! # let _ = tokens; Ok(()) }
//! ```

use std::{error::Error, fmt, future::Future, time::Duration};

use async_trait::async_trait;

use super::{Answer, Kept, Terms, Verify};
use crate::{
    credential::TokenCredential,
    principal::Verified,
    secret::{TokenDigest, TokenPrefix},
};

/// Verifies opaque tokens by looking their digests up. See the [module](self).
pub struct OpaqueTokens<F> {
    prefix: TokenPrefix,
    find: F,
    reusable_for: Option<Duration>,
}

impl<F> OpaqueTokens<F> {
    /// Tokens of this kind, found by `find`: the verified owner of a digest, `None` if there is no such token, or an error
    /// if the store cannot be asked.
    pub fn found_by<A, P, E>(prefix: TokenPrefix, find: F) -> Self
    where
        F: Fn(TokenDigest) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Option<Verified<P>>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self { prefix, find, reusable_for: Some(Duration::from_secs(60)) }
    }

    /// How long a cache may reuse an answer; a minute unless set here. `None` asks the store each time.
    #[must_use]
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.reusable_for = life;
        self
    }
}

#[async_trait]
impl<F, A, P, E> Verify<TokenCredential> for OpaqueTokens<F>
where
    F: Fn(TokenDigest) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Option<Verified<P>>, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    P: Send + Sync + 'static,
{
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        match self.prefix.digest(credential.token().expose()) {
            Some(_) => None,
            None => Some(Answer::Refused),
        }
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        match self.prefix.digest(credential.token().expose()) {
            Some(digest) => Answer::of_lookup((self.find)(digest).await).kept_for(self.reusable_for),
            None => Answer::Refused,
        }
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(if self.reusable_for.is_some() { Kept::Always } else { Kept::Never })
    }
}

impl<F> fmt::Debug for OpaqueTokens<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpaqueTokens").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
