//! Secrets that can be read back, as a part of verifiers that compute with them: [`Secrets`].
//!
//! A client of Digest, Hawk or SigV4 does not send its secret: it computes something with it, and the verifier computes the same. So the
//! verifier needs the secret itself; what that costs is said at [`SecretStore`]. `Secrets` is the part that all such verifiers share:
//!
//! - **An unknown name costs what a known one costs.** It gets a secret of its own, a keyed hash of the name, for which all is computed;
//!   and nothing that is proved with that counts.
//! - **All secrets of a name are tried**, also behind the one that fits, so that the time does not tell which it was.
//! - Wrong proofs are counted by a [`Throttle`], unless it is taken away in so many words: what people choose can be guessed, whether it
//!   is sent or computed with. The verifier says so to the gate, by two lines of its own.
//!
//! # Example
//! A verifier of tokens `name.nonce.proof`, where the proof is a keyed hash of the nonce.
//! ```
//! use countersign::{
//!     Answer, Secret, Verified, Verify,
//!     credential::TokenCredential,
//!     store::{MemorySecrets, SecretStore, StoredSecret},
//!     throttle::Account,
//!     verifier::{Secrets, Terms},
//! };
//!
//! struct Proofs<S>(Secrets<S>);
//!
//! fn proof(secret: &Secret, nonce: &[u8]) -> blake3::Hash {
//!     blake3::keyed_hash(blake3::hash(secret.expose()).as_bytes(), nonce)
//! }
//!
//! fn parts(credential: &TokenCredential) -> Option<(&str, &str, blake3::Hash)> {
//!     let mut parts = std::str::from_utf8(credential.token().expose()).ok()?.splitn(3, '.');
//!     Some((parts.next()?, parts.next()?, blake3::Hash::from_hex(parts.next()?).ok()?))
//! }
//!
//! #[countersign::async_trait]
//! impl<S: SecretStore> Verify<TokenCredential> for Proofs<S> {
//!     type Principal = S::Principal;
//!
//!     async fn verify(&self, credential: TokenCredential) -> Answer<S::Principal> {
//!         let Some((name, nonce, sent)) = parts(&credential) else { return Answer::Refused };
//!         let claimant = match self.0.claimant(name).await {
//!             Ok(claimant) => claimant,
//!             Err(source) => return Answer::Unavailable(source),
//!         };
//!         // blake3 compares in constant time
//!         match claimant.proved(|secret| proof(secret, nonce.as_bytes()) == sent) {
//!             Some((verified, _)) => verified.into(),
//!             None => Answer::Refused,
//!         }
//!     }
//!
//!     // known or not, cached or not: the gate counts the try before it is verified
//!     fn terms(&self) -> Terms {
//!         self.0.terms()
//!     }
//!
//!     fn account(&self, credential: &TokenCredential) -> Option<Account> {
//!         self.0.account(parts(credential)?.0)
//!     }
//! }
//!
//! # #[tokio::main] async fn main() {
//! let emma =
//!     StoredSecret::new(Secret::new("new"), Verified::new("emma")).or_older(Secret::new("old"));
//! let proofs = Proofs(Secrets::in_store(MemorySecrets::new().with("emma", emma)));
//! for (name, secret, good) in [
//!     ("emma", "new", true),
//!     ("emma", "old", true),
//!     ("emma", "other", false),
//!     ("emily", "new", false),
//! ] {
//!     let token = format!("{name}.n1.{}", proof(&Secret::new(secret), b"n1"));
//!     let answer = proofs.verify(TokenCredential::read(token.as_bytes()).unwrap()).await;
//!     assert_eq!(matches!(answer, Answer::Verified(_)), good, "{name} {secret}");
//! }
//! # }
//! ```
//!
//! # What it does not do
//! It does not see that a proof comes once: that is a [`ReplayStore`](crate::store::ReplayStore)'s to say, when all else is good.
//!
//! # Deployment
//! A store that answers faster for unknown names than for known ones tells them apart, whatever is done here; so does a name with several
//! secrets, while it has them.

use std::fmt;

use zeroize::Zeroizing;

use super::Terms;
use crate::{
    principal::Verified,
    secret::{Secret, random::random_bytes},
    store::{FoundBy, SecretStore, StoredSecret},
    throttle::{Account, Throttle},
    unavailable::Unavailable,
};

/// Finds the secrets of names, known or not. See the [module](self).
pub struct Secrets<S> {
    store: S,
    stand_in: Zeroizing<[u8; 32]>,
    terms: Terms,
}

/// Somebody who says that they are of a name, until it is proved: the secrets of the name, or what stands in for them.
pub struct Claimant<P> {
    secrets: Vec<Secret>,
    verified: Option<Verified<P>>,
}

impl<S: SecretStore> Secrets<S> {
    /// Secrets that are looked up in this store.
    #[must_use]
    pub fn in_store(store: S) -> Self {
        Self { store, stand_in: Zeroizing::new(random_bytes()), terms: Terms::new().throttled_by(Throttle::default()) }
    }

    /// Counts wrong proofs here, together with whatever else is counted by this throttle, such as wrong passwords.
    #[must_use]
    pub fn throttled_by(mut self, throttle: Throttle) -> Self {
        self.terms = self.terms.throttled_by(throttle);
        self
    }

    /// Lets everyone try as fast as they like. Right where every secret is random and long, since nobody guesses such a one, and a client
    /// with a wrong clock would lock its own key.
    #[must_use]
    pub fn without_throttle(mut self) -> Self {
        self.terms.throttle = None;
        self
    }

    /// Whoever says to be of this name.
    ///
    /// # Errors
    /// When the store cannot be asked. Never because the name is unknown.
    pub async fn claimant(&self, name: &str) -> Result<Claimant<S::Principal>, Unavailable> {
        // Made for known names too, so that they take as long.
        let stand_in = Secret::new(*blake3::keyed_hash(&self.stand_in, name.as_bytes()).as_bytes());
        let found = self.store.find(name).await?.map(StoredSecret::into_parts);
        Ok(match found {
            Some((secrets, verified)) if !secrets.is_empty() => Claimant { secrets, verified: Some(verified) },
            _ => Claimant { secrets: vec![stand_in], verified: None },
        })
    }

    /// On what terms a verifier of these is asked, who counts tries among them: for [`Verify::terms`](crate::Verify::terms).
    pub fn terms(&self) -> Terms {
        self.terms.clone()
    }

    /// Under what a try with this name counts, whether there is such a name or not: for [`Verify::account`](crate::Verify::account).
    #[must_use]
    pub fn account(&self, name: &str) -> Option<Account> {
        self.terms.throttle().map(|throttle| throttle.account(name))
    }
}

impl<F> Secrets<FoundBy<F>>
where
    FoundBy<F>: SecretStore,
{
    /// Secrets found by `find`: the secret of a name and whom it names, `None` if there is no such name or it has none, or an error if the
    /// store cannot be asked.
    ///
    /// ```
    /// # use countersign::{Secret, Verified, store::StoredSecret, verifier::Secrets};
    /// let secrets = Secrets::found_by(|name: String| async move {
    ///     let found = (name == "dh37fgj492je")
    ///         .then(|| StoredSecret::new(Secret::new("werxhqb98rpaxn39"), Verified::new("emma")));
    ///     Ok::<_, std::io::Error>(found)
    /// });
    /// # let _ = secrets;
    /// ```
    pub fn found_by(find: F) -> Self {
        Self::in_store(FoundBy::new(find))
    }
}

impl<P> Claimant<P> {
    /// Whether somebody has that name: for the log, and for nothing that the client is told.
    pub(super) fn is_known(&self) -> bool {
        self.verified.is_some()
    }

    /// Who it is, and the secret that proves it, if one does: the newest, if several do. `proves` is asked once for each secret, and
    /// should compare in constant time.
    pub fn proved(self, mut proves: impl FnMut(&Secret) -> bool) -> Option<(Verified<P>, Secret)> {
        let proving = self.secrets.into_iter().map(|secret| proves(&secret).then_some(secret));
        let newest = proving.fold(None, Option::or);
        self.verified.zip(newest)
    }
}

impl<S> fmt::Debug for Secrets<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl<P> fmt::Debug for Claimant<P> {
    /// Says nothing: whether there is such a name is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claimant(..)")
    }
}
