//! Tokens that others issue to our own subjects: [`LookedUp`].
//!
//! A verifier of another issuer's tokens knows what the token says. Whether that is somebody here, and what they may, is for a
//! [`Directory`] to say: the subject of the token names a subject of ours, its scopes count as far as our subject has them, and there are
//! no roles, unless the issuer is [ours](LookedUp::with_roles). And what was issued until the subject was revoked is void, though the issuer knows nothing of that: see
//! [`SubjectFloor`](crate::store::SubjectFloor).
//!
//! # Example
//! ```
//! # use std::sync::Arc;
//! # use countersign::{Bearer, Gate, store::{Directory, MemoryTokens}, verifier::{LookedUp, jwt::{JwtVerifier, TrustedIssuer}}};
//! # fn gate(theirs: JwtVerifier<()>, directory: Arc<dyn Directory<String>>) -> Result<(), Box<dyn std::error::Error>> {
//! let revocations = Arc::new(MemoryTokens::default());
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, LookedUp::new(theirs, directory).recorded_in(revocations))
//!     .build()?;
//! # let _ = gate; Ok(()) }
//! ```
//! Where the issuer has names of its own for its subjects, the verifier says which of ours is meant:
//! ```
//! use countersign::{Answer, jose::JwtSigner, verifier::jwt::JwtVerifier};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issuer = JwtSigner::fresh()?.trusted("https://issuer.example").audience("people");
//! let theirs = JwtVerifier::trusting(issuer).principal_by(|claims, verified| {
//!     match claims.get::<String>("preferred_username") {
//!         Ok(Some(name)) => verified.with_subject(name).into(),
//!         _ => Answer::Refused,
//!     }
//! })?;
//! # let _ = theirs; Ok(()) }
//! ```

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Answer, Company, Terms, Verify,
    queue::{Queue, QueueLimits},
};
use crate::{
    clock::SharedClock,
    credential::TokenCredential,
    principal::{Handle, HandleKind, Verified},
    secret::TokenDigest,
    store::{Directory, RevocationStore},
    throttle::Account,
    unavailable::Unavailable,
};

/// How long a look-up may be remembered.
const LOOK_UP_LIFE: Duration = Duration::from_secs(60);

/// Looks up in a directory whom another verifier names. See the [module](self).
pub struct LookedUp<V, P> {
    verifier: V,
    directory: Arc<dyn Directory<P>>,
    record: Option<Arc<dyn RevocationStore>>,
    /// Whether the roles of the directory count.
    roles: bool,
    /// Look-ups have turns of their own, so that tokens which wait for a key of their issuer are in nobody's way.
    look_ups: Arc<Queue>,
}

impl<V, P> LookedUp<V, P>
where
    V: Verify<TokenCredential>,
    P: Send + Sync + 'static,
{
    /// Whom this verifier names, as this directory knows them. Who is not in it is refused.
    #[must_use]
    pub fn new(verifier: V, directory: Arc<dyn Directory<P>>) -> Self {
        Self { verifier, directory, record: None, roles: false, look_ups: Queue::new(QueueLimits::default()) }
    }

    /// Asks this store what is void: by the subject, and by any handle of the token. While it has no answer, none is let in.
    #[must_use]
    pub fn recorded_in(mut self, store: Arc<dyn RevocationStore>) -> Self {
        self.record = Some(store);
        self
    }

    /// Gives whom it finds the roles of the directory, too: for an issuer that is ours, such as a sign-in service of our own. A stranger's word
    /// makes nobody an admin. A token that names scopes, and not all that its subject has, brings no roles along.
    #[must_use]
    pub fn with_roles(mut self) -> Self {
        self.roles = true;
        self
    }

    async fn look_up(&self, theirs: Verified<V::Principal>, text: Handle) -> Result<Answer<P>, Unavailable> {
        let Some(subject) = theirs.subject() else { return Ok(Answer::refused("what was verified names no subject")) };
        let place = self.look_ups.enter_ourselves()?;
        let _turn = place.turn().await.map_err(Unavailable::because)?;
        let own = theirs.own_handle().unwrap_or(text);
        if let Some(record) = &self.record {
            let handles: Vec<Handle> = theirs.handles().iter().copied().chain([own]).collect();
            let standing = record.standing(subject, &handles).await?;
            if standing.revoked || standing.floor.voids_issued(theirs.issued()) {
                return Ok(Answer::refused("it was revoked, alone or with all of its subject"));
            }
        }
        let Some(owner) = self.directory.find(subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        let named = theirs.scopes();
        let names_none = self.roles && named.is_empty();
        let mut ours = if names_none { owner.limited_to(named) } else { owner.narrowed_to(named) };
        if !self.roles {
            ours = ours.with_roles(std::iter::empty::<&str>());
        }
        ours = theirs.handles().iter().copied().fold(ours, Verified::revocable_by);
        ours =
            ours.bound_to(theirs.binding().clone()).kept_for(theirs.life().unwrap_or(LOOK_UP_LIFE).min(LOOK_UP_LIFE));
        ours = ours.limited_like(&theirs);
        if let Some(issued) = theirs.issued() {
            ours = ours.issued_at(issued);
        }
        if self.record.is_some() {
            ours = ours.with_own_handle(own);
        }
        Ok(ours.into())
    }
}

#[async_trait]
impl<V, P> Verify<TokenCredential> for LookedUp<V, P>
where
    V: Verify<TokenCredential>,
    P: Send + Sync + 'static,
{
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        match self.verifier.verify_now(credential)? {
            Answer::Verified(_) => None,
            Answer::Refused => Some(Answer::Refused),
            Answer::Unjudged => Some(Answer::Unjudged),
            Answer::Unavailable(source) => Some(Answer::Unavailable(source)),
        }
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        // A token without an id is called by its text.
        let text = Handle::of(HandleKind::Token, &TokenDigest::of(credential.token().expose()).to_hex());
        match self.verifier.verify(credential).await {
            Answer::Verified(theirs) => self.look_up(theirs, text).await.unwrap_or_else(Answer::Unavailable),
            Answer::Refused => Answer::Refused,
            Answer::Unjudged => Answer::Unjudged,
            Answer::Unavailable(source) => Answer::Unavailable(source),
        }
    }

    fn terms(&self) -> Terms {
        self.verifier.terms()
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.verifier.clock()
    }

    fn check(&self, company: &Company<'_>) -> Vec<String> {
        self.verifier.check(company)
    }

    fn account(&self, credential: &TokenCredential) -> Option<Account> {
        self.verifier.account(credential)
    }
}

impl<V, P> fmt::Debug for LookedUp<V, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookedUp(..)")
    }
}
