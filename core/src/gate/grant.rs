//! Proof that a gate admitted this request: [`Grant`].
//!
//! Not an OAuth grant. Whoever holds one was admitted, by the gate and policies that made it: there is no other
//! constructor, so a function that takes `&Grant<User>` cannot be called for a stranger. A test has one by `testing::grant`, which no
//! release build has.
//!
//! # Example
//! ```
//! # struct User; struct Report;
//! fn delete(by: &countersign::Grant<User>, report: Report) { /* … */ }
//! ```
//! ```compile_fail
//! # struct User;
//! let forged = countersign::Grant::<User> { .. };
//! ```

use std::{fmt, future::Future, ops::Deref, sync::Arc, time::SystemTime};

use super::realm::Realm;
use crate::{
    cache::Entry,
    observe::audit::{About, Docket},
    principal::Scopes,
    request::Wants,
    response::{Reason, Rejection},
    unavailable::Unavailable,
};

/// Proof of admission, holding the principal. Cheap to clone. See the [module](self).
pub struct Grant<P> {
    pub(crate) known: Arc<Entry<P>>,
    pub(crate) stale: bool,
    pub(crate) scheme: Arc<str>,
    pub(crate) realm: Arc<Realm>,
    pub(crate) wants: Wants,
    pub(crate) secure: bool,
    pub(crate) refuses: Arc<dyn Refuses>,
    /// Where the decision waits to be told, if it is told.
    pub(crate) docket: Option<Docket>,
}

/// Who was admitted, and how the request came.
#[derive(Clone)]
pub(crate) struct Admitted<'g> {
    pub(crate) scheme: &'g str,
    pub(crate) subject: Option<&'g str>,
    pub(crate) wants: Wants,
    pub(crate) secure: bool,
    pub(crate) docket: Option<Docket>,
}

/// Refuses a caller whom it has admitted.
pub(crate) trait Refuses: Send + Sync {
    /// As a guard of the same route refuses a credential of this scheme that was revoked.
    fn no_longer(&self, by: &Admitted<'_>) -> Rejection;
}

impl<P> Grant<P> {
    /// Who was admitted.
    #[must_use]
    pub fn principal(&self) -> &P {
        self.known.verified().principal()
    }

    /// The subject's name, if the verifier gave one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.known.verified().subject()
    }

    /// What the credential may be used for.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        self.known.verified().scopes()
    }

    /// What the caller is.
    #[must_use]
    pub fn roles(&self) -> &[Box<str>] {
        self.known.verified().roles()
    }

    /// The scheme by which the credential came.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// When the credential ends (exclusive); `None` where it does not.
    #[must_use]
    pub fn ends(&self) -> Option<SystemTime> {
        self.known.verified().ends()
    }

    /// The end that the credential names: what to show to people. Where clocks may differ it is let in for a little longer, until it
    /// [`ends`](Self::ends).
    #[must_use]
    pub fn named_end(&self) -> Option<SystemTime> {
        self.known.verified().named_end()
    }

    /// When the person behind this last proved who they are, if the verifier knows.
    #[must_use]
    pub fn authenticated(&self) -> Option<SystemTime> {
        self.known.verified().authentication()?.time()
    }

    /// By which its owner speaks of the credential: the id of a session or of a key in its list.
    #[must_use]
    pub fn credential_id(&self) -> Option<&str> {
        self.known.verified().credential_id()
    }

    /// Everything that this can be revoked by.
    #[must_use]
    pub fn handles(&self) -> &[crate::principal::Handle] {
        self.known.verified().handles()
    }

    /// Goes on if `condition` holds: for handlers that decide by what they look up themselves.
    ///
    /// # Errors
    /// The same 403 as a policy's, if it does not.
    pub fn allow_if(&self, condition: bool) -> Result<(), Rejection> {
        if condition { Ok(()) } else { Err(self.forbidden()) }
    }

    /// Whether the verifier had no answer and an earlier one served instead, past its life, as
    /// [`stale_if_unavailable_for`](crate::cache::CacheOptions::stale_if_unavailable_for) allows.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    fn forbidden(&self) -> Rejection {
        let (why, docket) = (Some("the handler's own condition does not hold".into()), self.docket.clone());
        let about = About { scheme: Some(self.scheme()), subject: self.subject(), why, docket, ..About::default() };
        self.realm.finish(Rejection::new(Reason::Forbidden), || self.wants, about)
    }

    /// Goes on if this [still stands](Self::still_stands): to be asked wherever the client, or anything else that waits, can make time
    /// pass between the guard and what the handler does, such as behind a body.
    ///
    /// # Errors
    /// The same 401 as that of the guard, if it does not.
    ///
    /// # Example
    /// ```
    /// # use countersign::{Grant, response::Rejection};
    /// # async fn read_body() {} async fn store() {}
    /// async fn upload(me: Grant<String>) -> Result<(), Rejection> {
    ///     read_body().await;
    ///     me.ask_again()?;
    ///     store().await;
    ///     Ok(())
    /// }
    /// ```
    pub fn ask_again(&self) -> Result<(), Rejection> {
        if self.still_stands() {
            return Ok(());
        }
        Err(self.refuses.no_longer(&Admitted {
            scheme: self.scheme(),
            subject: self.subject(),
            wants: self.wants,
            secure: self.secure,
            docket: self.docket.clone(),
        }))
    }

    /// Runs this to its end, even if the client goes away meanwhile and the framework drops the handler: for what changes something
    /// and must not be left half done, such as a row and the cache that is told of it.
    ///
    /// It runs in a task of its own. 1,024 such tasks run at once at one gate, 256 for one subject; each is given up after a minute.
    /// [`Gate::drained`](crate::Gate::drained) waits for them at shut-down.
    ///
    /// # Errors
    /// When too many run, or when there is no answer within fifteen seconds: the work then goes on, and nobody knows how far it came.
    pub async fn shielded<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let sender = self.handles().first().map_or(0, |handle| handle.to_bits());
        self.realm.tasks().run(sender, work).await
    }

    /// Whether this would still be admitted now, its end not come and nothing that concerns it
    /// [revoked](crate::CredentialCache::revoke): for sockets and streams that outlive the request. Ask it before each thing
    /// that matters; once false, it stays false.
    #[must_use]
    pub fn still_stands(&self) -> bool {
        self.realm.cache().still_stands(&self.known) && self.ends().is_none_or(|end| self.realm.clock().wall() < end)
    }
}

impl<P> Clone for Grant<P> {
    fn clone(&self) -> Self {
        Self {
            known: Arc::clone(&self.known),
            stale: self.stale,
            scheme: Arc::clone(&self.scheme),
            realm: Arc::clone(&self.realm),
            wants: self.wants,
            secure: self.secure,
            refuses: Arc::clone(&self.refuses),
            docket: self.docket.clone(),
        }
    }
}

impl<P> Deref for Grant<P> {
    type Target = P;

    fn deref(&self) -> &P {
        self.principal()
    }
}

impl<P> fmt::Debug for Grant<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("scheme", &self.scheme)
            .field("verified", self.known.verified())
            .finish_non_exhaustive()
    }
}
