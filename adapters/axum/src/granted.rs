//! Guards in a handler's signature.

use std::{fmt, marker::PhantomData, ops::Deref};

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use countersign::{
    Gate, Grant,
    adapter::{Admission, Exchange, Guard, Verdict},
    gate::{Demand, policy::Anyone},
};
use countersign_tower::HttpHead;
use http::request::Parts;

use crate::{framework::Axum, refused::Refused};

/// Somebody whom the gate admitted; everybody else is refused before the handler runs.
///
/// `D` is a demand made by [`demand!`](countersign::demand). Derefs to the [`Grant`], and that to the principal.
pub struct Granted<P, D = Anyone> {
    grant: Grant<P>,
    exchange: Option<Exchange>,
    demand: PhantomData<fn() -> D>,
}

/// Somebody whom the gate admitted, or nobody. A wrong credential, an outage and an ambiguity are refused here too.
pub struct Visitor<P, D = Anyone> {
    granted: Option<Granted<P, D>>,
}

impl<P, D> Granted<P, D> {
    /// The proof of admission, to hand on.
    #[must_use]
    pub fn grant(&self) -> &Grant<P> {
        &self.grant
    }

    /// Goes on if `condition` holds: for handlers that decide by what they look up themselves.
    ///
    /// # Errors
    /// The same 403 as a policy's, if it does not.
    pub fn allow_if(&self, condition: bool) -> Result<(), Refused> {
        self.grant.allow_if(condition).map_err(|rejection| Refused::new(rejection, self.exchange.as_ref()))
    }

    /// Goes on if the caller would still be admitted: to be asked behind whatever a client can make last, such as a body. See
    /// [`Grant::ask_again`].
    ///
    /// # Errors
    /// The same 401 as that of the guard, if not.
    pub fn ask_again(&self) -> Result<(), Refused> {
        self.grant.ask_again().map_err(|rejection| Refused::new(rejection, self.exchange.as_ref()))
    }
}

impl<P, D> Visitor<P, D> {
    /// Who it is, if anybody.
    #[must_use]
    pub fn granted(&self) -> Option<&Granted<P, D>> {
        self.granted.as_ref()
    }

    /// The proof of admission, if anybody was admitted.
    #[must_use]
    pub fn grant(&self) -> Option<&Grant<P>> {
        self.granted.as_ref().map(Granted::grant)
    }
}

impl<P, D> Deref for Granted<P, D> {
    type Target = Grant<P>;

    fn deref(&self) -> &Grant<P> {
        &self.grant
    }
}

impl<P, D> fmt::Debug for Granted<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.grant.fmt(f)
    }
}

impl<P, D> fmt::Debug for Visitor<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Visitor").field(&self.granted).finish()
    }
}

impl<S, P, D> FromRequestParts<S> for Granted<P, D>
where
    S: Send + Sync,
    P: Send + Sync + 'static,
    D: Demand<P>,
    Gate<P>: FromRef<S>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let guard = Guard::for_somebody::<D>(&Gate::from_ref(state), parts.extensions.get());
        let granted = guard.granted(verdict(&guard, parts).await);
        granted
            .map(|grant| Self::new(grant, parts))
            .map_err(|rejection| Refused::new(rejection, parts.extensions.get()))
    }
}

impl<S, P, D> FromRequestParts<S> for Visitor<P, D>
where
    S: Send + Sync,
    P: Send + Sync + 'static,
    D: Demand<P>,
    Gate<P>: FromRef<S>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let guard = Guard::for_anybody::<D>(&Gate::from_ref(state), parts.extensions.get());
        match guard.visitor(verdict(&guard, parts).await) {
            Ok(grant) => Ok(Self { granted: grant.map(|grant| Granted::new(grant, parts)) }),
            Err(rejection) => Err(Refused::new(rejection, parts.extensions.get())),
        }
    }
}

impl<P, D> Granted<P, D> {
    fn new(grant: Grant<P>, parts: &Parts) -> Self {
        Self { grant, exchange: parts.extensions.get().cloned(), demand: PhantomData }
    }
}

async fn verdict<P: Send + Sync + 'static>(guard: &Guard<P>, parts: &Parts) -> Verdict<P> {
    let mut admission = guard.admit(&HttpHead::<Axum>::of_parts(parts), parts.extensions.get());
    loop {
        let finished = match admission {
            Admission::Decided(verdict) => return verdict,
            Admission::Pending(pending) => pending.await,
            Admission::Body(unread) => {
                return guard.cannot_read(unread, &HttpHead::<Axum>::of_parts(parts), parts.extensions.get());
            }
        };
        admission = guard.conclude(finished, &HttpHead::<Axum>::of_parts(parts), parts.extensions.get());
    }
}

impl<P, D> Granted<P, D> {
    /// Looked at where axum asks for an optional one, so that such a handler is not built. A bound that nothing meets would stop it as well, but
    /// axum hides what the compiler says of it.
    const NEVER_OPTIONAL: () = panic!(
        "`Option<Granted<_>>` would turn a refusal into nobody: write `Visitor<_>`, which is somebody or nobody, and refuses \
         wrong credentials and outages"
    );
}

/// For the compiler's message alone: a handler that asks for an `Option<Granted<_>>` is not built. `cargo check` does not see it, `cargo build` does.
impl<S, P, D> OptionalFromRequestParts<S> for Granted<P, D>
where
    S: Send + Sync,
    P: Send + Sync + 'static,
    D: Demand<P>,
    Gate<P>: FromRef<S>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refused> {
        let () = Self::NEVER_OPTIONAL;
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}
