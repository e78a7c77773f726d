//! Opaque tokens and API keys, decided by looking their digests up: [`OpaqueTokens`].
//!
//! # Example
//! ```
//! use countersign::{
//!     Verified,
//!     secret::{TokenDigest, TokenPrefix},
//!     verifier::OpaqueTokens,
//! };
//! use std::{
//!     collections::HashMap,
//!     sync::{Arc, Mutex},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let prefix: TokenPrefix = "ppl_".parse()?;
//! let minted = prefix.mint();
//! let store: Arc<Mutex<HashMap<TokenDigest, &str>>> = Arc::default();
//! store.lock().unwrap().insert(minted.digest(), "emily");
//! println!("shown once: {}", minted.reveal());
//!
//! let tokens = OpaqueTokens::found_by(prefix, move |digest| {
//!     let found = store
//!         .lock()
//!         .map(|rows| rows.get(&digest).copied())
//!         .map_err(|_| "the store is poisoned");
//!     async move { Ok::<_, &str>(found?.map(|name| Verified::new(name).with_subject(name))) }
//! });
//! # let _ = tokens; Ok(()) }
//! ```
//!
//! # Tokens that an app already has
//! Those that were made elsewhere have neither our prefix nor our checksum, and their table has what it has: an id beside a hash, or the
//! hash alone. [`OpaqueTokens::of_any_shape`] hands over the text, and [`Bearer::of_any_shape`](crate::Bearer::of_any_shape) or
//! [`ApiKey::of_any_shape`](crate::ApiKey::of_any_shape) reads it where it has characters that tokens mostly lack:
//! ```
//! use countersign::{Bearer, Gate, Verified, secret::Secret, verifier::OpaqueTokens};
//!
//! # struct Row { owner: &'static str, secret: Secret }
//! # async fn row(id: u64) -> Result<Option<Row>, std::io::Error> { Ok((id == 17).then(|| Row { owner: "emily", secret: Secret::new("Kx3vBq") })) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `17|Kx3vBq…`: the row, and what its hash is of
//! let tokens = OpaqueTokens::of_any_shape(|token| async move {
//!     let Some((id, secret)) = token.text().and_then(|text| text.split_once('|')) else {
//!         return Ok(None);
//!     };
//!     let Ok(id) = id.parse() else { return Ok(None) };
//!     let found = row(id).await?.filter(|row| row.secret.matches(secret.as_bytes()));
//!     Ok::<_, std::io::Error>(found.map(|row| Verified::new(row.owner).with_subject(row.owner)))
//! });
//! let gate = Gate::in_realm("people").accept(Bearer::of_any_shape(), tokens).build()?;
//! # let _ = gate; Ok(()) }
//! ```
//! Every made-up token then reaches the table: without a checksum nothing tells it from a real one. A token that is short, or that people
//! chose, is a password, and belongs behind a [throttle](crate::throttle).

use std::{error::Error, fmt, future::Future, time::Duration};

use async_trait::async_trait;

use super::{Answer, Company, Terms, Verify, reuse::Reuse};
use crate::{
    credential::TokenCredential,
    principal::Verified,
    secret::{Secret, TokenDigest, TokenPrefix},
};

/// Verifies opaque tokens by looking their digests up. See the [module](self).
pub struct OpaqueTokens<F> {
    prefix: TokenPrefix,
    find: F,
    reuse: Reuse,
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
        Self { prefix, find, reuse: Reuse::A_MINUTE }
    }

    /// How long a cache may reuse an answer; a minute unless set here. `None` asks the store each time.
    #[must_use]
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.reuse = Reuse(life);
        self
    }
}

/// Verifies tokens of a shape that an app already has. See the [module](self).
pub struct TokensOfAnyShape<F> {
    find: F,
    reuse: Reuse,
}

/// A token as it was sent, of which nothing is known.
pub struct SentToken(Secret);

impl SentToken {
    /// Its text, if it is UTF-8, which it is behind the kinds of this crate.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.0.expose()).ok()
    }

    /// The token itself, for comparing it in constant time.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// What a store of ours has in its place.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.0.expose())
    }
}

impl OpaqueTokens<()> {
    /// Tokens that were made elsewhere, found by `find`: the verified owner of a token, `None` if there is no such token, or an error if the
    /// store cannot be asked. Compare what is secret in it with [`Secret::matches`], and look up nothing but an id or a hash.
    pub fn of_any_shape<F, A, P, E>(find: F) -> TokensOfAnyShape<F>
    where
        F: Fn(SentToken) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Option<Verified<P>>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        TokensOfAnyShape { find, reuse: Reuse::A_MINUTE }
    }
}

impl<F> TokensOfAnyShape<F> {
    /// How long a cache may reuse an answer; a minute unless set here. `None` asks the store each time.
    #[must_use]
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.reuse = Reuse(life);
        self
    }
}

#[async_trait]
impl<F, A, P, E> Verify<TokenCredential> for TokensOfAnyShape<F>
where
    F: Fn(SentToken) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Option<Verified<P>>, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    P: Send + Sync + 'static,
{
    type Principal = P;

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        let sent = SentToken(credential.token().clone());
        self.reuse.limit(Answer::of_lookup((self.find)(sent).await))
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(self.reuse.kept())
    }

    fn check(&self, company: &Company<'_>) -> Vec<String> {
        company.fault_of_any_shape().into_iter().collect()
    }
}

impl<F> fmt::Debug for TokensOfAnyShape<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokensOfAnyShape(..)")
    }
}

impl fmt::Debug for SentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentToken(..)")
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
            None => Some(Answer::refused("it has not the prefix of these tokens, or its checksum is wrong")),
        }
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        match self.prefix.digest(credential.token().expose()) {
            Some(digest) => self.reuse.limit(Answer::of_lookup((self.find)(digest).await)),
            None => Answer::Refused,
        }
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(self.reuse.kept())
    }
}

impl<F> fmt::Debug for OpaqueTokens<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpaqueTokens").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
