//! Requests that are signed with a secret both sides know: [`SignedBy`], the verifier of every such scheme.
//!
//! A kind reads what was signed and says, for a secret, whether that made the signature: [`Signed`]. The verifier finds the secrets of the
//! signer, known or not, and asks for each. What is left to judge of the request, such as its body and whether it comes once, it hands to the kind's
//! [`Confirm`](crate::credential::Confirm).
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer, Secret, Verified, Verify,
//!     store::{MemorySecrets, StoredSecret},
//!     verifier::{Secrets, Signed, SignedBy},
//! };
//!
//! /// Says a name and a keyed hash of it.
//! struct Said(&'static str, blake3::Hash);
//!
//! fn hash(name: &str, secret: &Secret) -> blake3::Hash {
//!     blake3::keyed_hash(blake3::hash(secret.expose()).as_bytes(), name.as_bytes())
//! }
//!
//! impl Signed for Said {
//!     fn signer(&self) -> &str {
//!         self.0
//!     }
//!
//!     fn is_by(&self, secret: &Secret) -> bool {
//!         hash(self.0, secret) == self.1
//!     }
//! }
//!
//! # #[tokio::main] async fn main() {
//! let key = Secret::new("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn");
//! let known =
//!     MemorySecrets::new().with("emma", StoredSecret::new(key.clone(), Verified::new("emma")));
//! let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
//! assert!(matches!(verifier.verify(Said("emma", hash("emma", &key))).await, Answer::Verified(_)));
//! assert!(
//!     matches!(verifier.verify(Said("emily", hash("emily", &key))).await, Answer::Refused),
//!     "no such signer"
//! );
//! # }
//! ```
//!
//! # What it does not do
//! It does not judge what came of a signature's age, and whether it has passed before: the kind does, in `read` and in its `Confirm`.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Answer, Secrets, Terms, Verify};
use crate::{
    principal::{Binding, Verified},
    secret::Secret,
    store::SecretStore,
    throttle::Account,
};

/// A request that is said to be signed by somebody, as a kind reads it.
pub trait Signed: Send + Sync + 'static {
    /// Whose secret is said to have signed it: the name under which a [`SecretStore`] finds it.
    fn signer(&self) -> &str;

    /// Whether this secret signed it, in constant time. Where only the body can tell, whether it may have.
    fn is_by(&self, secret: &Secret) -> bool;

    /// What is left to judge once the signature is found good, for the kind's [`Confirm`](crate::credential::Confirm), which may need the secret again.
    fn binding(&self, secret: Secret) -> Binding {
        drop(secret);
        Binding::Nothing
    }
}

/// Verifies requests that are signed with shared secrets. See the [module](self).
pub struct SignedBy<S>(Arc<Secrets<S>>);

impl<S: SecretStore> SignedBy<S> {
    /// By these secrets.
    #[must_use]
    pub fn secrets(secrets: Secrets<S>) -> Self {
        Self(Arc::new(secrets))
    }
}

/// The same secrets, under the same throttle.
impl<S> Clone for SignedBy<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for SignedBy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedBy(..)")
    }
}

#[async_trait]
impl<S: SecretStore, C: Signed> Verify<C> for SignedBy<S> {
    type Principal = S::Principal;

    async fn verify(&self, signed: C) -> Answer<S::Principal> {
        let claimant = match self.0.claimant(signed.signer()).await {
            Ok(claimant) => claimant,
            Err(source) => return Answer::Unavailable(source),
        };
        let is_known = claimant.is_known();
        match claimant.proved(|secret| signed.is_by(secret)) {
            Some((verified, secret)) => bound(verified, signed.binding(secret)).into(),
            None if is_known => Answer::refused("its signature does not match"),
            None => Answer::refused("nobody has the name of its signer"),
        }
    }

    fn terms(&self) -> Terms {
        self.0.terms()
    }

    fn account(&self, signed: &C) -> Option<Account> {
        self.0.account(signed.signer())
    }
}

/// To this beside what the store says it is bound to.
fn bound<P>(verified: Verified<P>, binding: Binding) -> Verified<P> {
    match verified.binding() {
        Binding::Nothing => verified.bound_to(binding),
        known => {
            let all = Binding::All([known.clone(), binding].into());
            verified.bound_to(all)
        }
    }
}
