//! Guards in a handler's signature.

use std::{fmt, marker::PhantomData, ops::Deref};

use countersign::{
    Gate, Grant,
    adapter::{Admission, Exchange, Guard, Verdict},
    gate::{Demand, policy::Anyone},
    response::Rejection,
};
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    request::{FromRequest, Outcome},
};

use crate::{head::RocketHead, memory::Memory, refused::Refused};

/// Somebody whom the gate admitted; everybody else is refused before the handler runs.
///
/// `D` is a demand made by [`demand!`](countersign::demand). Derefs to the [`Grant`], and that to the principal.
///
/// Never forwards: no other route is tried for a refused request. An app that asks for one without an attached gate of its
/// principal does not launch.
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
    pub(crate) fn new(grant: Grant<P>, request: &Request<'_>) -> Self {
        Self { grant, exchange: Memory::of(request).exchange(), demand: PhantomData }
    }

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
        self.grant.allow_if(condition).map_err(|rejection| self.keep(rejection))
    }

    /// Goes on if the caller would still be admitted: to be asked behind whatever a client can make last, such as a body. See
    /// [`Grant::ask_again`].
    ///
    /// # Errors
    /// The same 401 as that of the guard, if not.
    pub fn ask_again(&self) -> Result<(), Refused> {
        self.grant.ask_again().map_err(|rejection| self.keep(rejection))
    }

    fn keep(&self, rejection: Rejection) -> Refused {
        if let Some(exchange) = &self.exchange {
            exchange.keep_refusal(&rejection);
        }
        Refused::kept(rejection)
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

#[rocket::async_trait]
impl<'r, P, D> FromRequest<'r> for Granted<P, D>
where
    P: Send + Sync + 'static,
    D: Demand<P>,
{
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        let Some(guard) = guard_by(Guard::for_somebody::<D>, request) else { return refuse(Refused::without_gate()) };
        match guard.granted(verdict(&guard, request).await) {
            Ok(grant) => Outcome::Success(Self::new(grant, request)),
            Err(rejection) => refuse(Refused::new(rejection, Memory::of(request))),
        }
    }
}

#[rocket::async_trait]
impl<'r, P, D> FromRequest<'r> for Visitor<P, D>
where
    P: Send + Sync + 'static,
    D: Demand<P>,
{
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        let Some(guard) = guard_by(Guard::for_anybody::<D>, request) else { return refuse(Refused::without_gate()) };
        match guard.visitor(verdict(&guard, request).await) {
            Ok(grant) => Outcome::Success(Self { granted: grant.map(|grant| Granted::new(grant, request)) }),
            Err(rejection) => refuse(Refused::new(rejection, Memory::of(request))),
        }
    }
}

impl<P: Send + Sync + 'static, D> Sentinel for Granted<P, D> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        lacks_gate::<P>(rocket)
    }
}

impl<P: Send + Sync + 'static, D> Sentinel for Visitor<P, D> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        lacks_gate::<P>(rocket)
    }
}

fn lacks_gate<P: Send + Sync + 'static>(rocket: &Rocket<Ignite>) -> bool {
    let lacks = rocket.state::<Gate<P>>().is_none();
    if lacks {
        tracing::error!(
            target: "countersign",
            "a handler asks for a caller of type {}, and no gate of these is attached: add .attach(gate.attach())",
            std::any::type_name::<P>()
        );
    }
    lacks
}

/// The guard that the attached gate makes of what is in force on the route.
pub(crate) fn guard_by<P: Send + Sync + 'static>(
    make: fn(&Gate<P>, Option<&Exchange>) -> Guard<P>,
    request: &Request<'_>,
) -> Option<Guard<P>> {
    let own = request.rocket().state::<Gate<P>>()?;
    Some(make(own, Memory::of(request).exchange().as_ref()))
}

fn refuse<T>(refused: Refused) -> Outcome<T, Refused> {
    Outcome::Error((refused.status(), refused))
}

/// Asks a guard about a request.
pub(crate) async fn verdict<P: Send + Sync + 'static>(guard: &Guard<P>, request: &Request<'_>) -> Verdict<P> {
    let exchange = Memory::of(request).exchange();
    let mut admission = guard.admit(&RocketHead::of(request), exchange.as_ref());
    loop {
        let finished = match admission {
            Admission::Decided(verdict) => return verdict,
            Admission::Pending(pending) => pending.await,
            Admission::Body(unread) => return guard.cannot_read(unread, &RocketHead::of(request), exchange.as_ref()),
        };
        admission = guard.conclude(finished, &RocketHead::of(request), exchange.as_ref());
    }
}
