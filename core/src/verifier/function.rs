//! A closure as a verifier.
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer, Verified,
//!     credential::TokenCredential,
//!     verifier::{verify_now_with, verify_with},
//! };
//!
//! // asks somebody
//! let asks = verify_with(|credential: TokenCredential| async move {
//!     if credential.token().matches(b"seven") { Verified::new(7).into() } else { Answer::Refused }
//! });
//! // computes
//! let computes = verify_now_with(|credential: &TokenCredential| {
//!     if credential.token().matches(b"seven") { Verified::new(7).into() } else { Answer::Refused }
//! });
//! # let _ = (asks, computes);
//! ```

use std::{fmt, future::Future, marker::PhantomData, time::Duration};

use async_trait::async_trait;

use super::{Answer, Terms, Verify, reuse::Reuse};

/// A verifier that runs this closure, and waits for what it returns.
pub fn verify_with<C, P, F, A>(verify: F) -> VerifyWith<F, C>
where
    F: Fn(C) -> A + Send + Sync + 'static,
    A: Future<Output = Answer<P>> + Send + 'static,
    C: Send + 'static,
    P: Send + Sync + 'static,
{
    VerifyWith { verify, reuse: Reuse(None), of: PhantomData }
}

/// A verifier that runs this closure on the spot.
pub fn verify_now_with<C, P, F>(verify: F) -> VerifyNowWith<F, C>
where
    F: Fn(&C) -> Answer<P> + Send + Sync + 'static,
    C: Send + 'static,
    P: Send + Sync + 'static,
{
    VerifyNowWith { verify, of: PhantomData }
}

/// See [`verify_with`].
pub struct VerifyWith<F, C> {
    verify: F,
    reuse: Reuse,
    of: PhantomData<fn(C)>,
}

impl<F, C> VerifyWith<F, C> {
    /// Lets a cache reuse an answer for so long without asking again.
    #[must_use]
    pub fn reusable_for(mut self, life: Duration) -> Self {
        self.reuse = Reuse(Some(life));
        self
    }
}

/// See [`verify_now_with`].
pub struct VerifyNowWith<F, C> {
    verify: F,
    of: PhantomData<fn(C)>,
}

#[async_trait]
impl<F, A, C, P> Verify<C> for VerifyWith<F, C>
where
    F: Fn(C) -> A + Send + Sync + 'static,
    A: Future<Output = Answer<P>> + Send + 'static,
    C: Send + 'static,
    P: Send + Sync + 'static,
{
    type Principal = P;

    async fn verify(&self, credential: C) -> Answer<P> {
        self.reuse.limit((self.verify)(credential).await)
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(self.reuse.kept())
    }
}

#[async_trait]
impl<F, C, P> Verify<C> for VerifyNowWith<F, C>
where
    F: Fn(&C) -> Answer<P> + Send + Sync + 'static,
    C: Send + 'static,
    P: Send + Sync + 'static,
{
    type Principal = P;

    fn verify_now(&self, credential: &C) -> Option<Answer<P>> {
        Some((self.verify)(credential))
    }

    async fn verify(&self, credential: C) -> Answer<P> {
        (self.verify)(&credential)
    }
}

impl<F, C> fmt::Debug for VerifyWith<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyWith(..)")
    }
}

impl<F, C> fmt::Debug for VerifyNowWith<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyNowWith(..)")
    }
}
