//! Guards in a handler's signature.

use std::{fmt, marker::PhantomData, ops::Deref};

use countersign::{
    Gate, Grant,
    gate::{Admission, Demand, Verdict, policy::Anyone},
    request::Exchange,
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
    fn new(grant: Grant<P>, request: &Request<'_>) -> Self {
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
        let Some(gate) = gate_for::<P, D>(request) else { return refuse(Refused::without_gate()) };
        let gate = gate.known_callers();
        match admit(&gate, request).await {
            Ok(Some(grant)) => Outcome::Success(Self::new(grant, request)),
            // A gate of known callers admits nobody as nobody; should it ever, nobody gets in here.
            Ok(None) => refuse(Refused::new(gate.realm().fault_of_nobody(), Memory::of(request))),
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
        let Some(gate) = gate_for::<P, D>(request) else { return refuse(Refused::without_gate()) };
        match admit(&gate.or_anonymous(), request).await {
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

fn gate_for<P: Send + Sync + 'static, D: Demand<P>>(request: &Request<'_>) -> Option<Gate<P>> {
    let own = request.rocket().state::<Gate<P>>()?;
    Some(own.in_force(Memory::of(request).exchange().as_ref()).demanding::<D>())
}

fn refuse<T>(refused: Refused) -> Outcome<T, Refused> {
    Outcome::Error((refused.status(), refused))
}

/// Asks a gate about a request.
pub(crate) async fn admit<P: Send + Sync + 'static>(
    gate: &Gate<P>,
    request: &Request<'_>,
) -> Result<Option<Grant<P>>, Rejection> {
    let admission = gate.admit(&RocketHead::of(request));
    let verdict = match admission {
        Admission::Decided(verdict) => verdict,
        Admission::Pending(pending) => {
            let finished = pending.await;
            gate.conclude(finished, &RocketHead::of(request))
        }
    };
    match verdict {
        Verdict::Admitted(grant) => Ok(Some(grant)),
        Verdict::Anonymous => Ok(None),
        Verdict::Rejected(rejection) => Err(rejection),
    }
}
