//! Guards in a handler's signature.

use std::{
    any::type_name,
    fmt,
    future::Future,
    marker::PhantomData,
    ops::Deref,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use countersign::{
    Gate, Grant,
    gate::{Admission, Demand, Pending, Verdict, policy::Anyone},
    request::Exchange,
};

use crate::{
    attach::AttachedGate,
    head::{ActixHead, exchange_of},
    refused::Refused,
};

/// Somebody whom the gate admitted; everybody else is refused before the handler runs.
///
/// `D` is a demand made by [`demand!`](countersign::demand). Derefs to the [`Grant`], and that to the principal.
///
/// actix-web polls all arguments of a handler together: beside `Json` and its like, the body is read while this waits for a
/// verifier. Guard a handler with a body by [`enforce`](crate::GateExt::enforce); this then takes what that left.
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

impl<P: Send + Sync + 'static, D: Demand<P>> FromRequest for Granted<P, D> {
    type Error = Refused;
    type Future = Extracting<P, Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gate = gate_for::<P, D>(request, type_name::<Self>()).map(|gate| gate.known_callers());
        Extracting::begin(gate, request, |grant, gate, exchange| match grant {
            Some(grant) => Ok(Self { grant, exchange, demand: PhantomData }),
            // A gate of known callers admits nobody as nobody; should it ever, nobody gets in here.
            None => Err(Refused::new(gate.realm().fault_of_nobody(), exchange.as_ref())),
        })
    }
}

impl<P: Send + Sync + 'static, D: Demand<P>> FromRequest for Visitor<P, D> {
    type Error = Refused;
    type Future = Extracting<P, Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gate = gate_for::<P, D>(request, type_name::<Self>()).map(|gate| gate.or_anonymous());
        Extracting::begin(gate, request, |grant, _, exchange| {
            Ok(Self { granted: grant.map(|grant| Granted { grant, exchange, demand: PhantomData }) })
        })
    }
}

/// What the guard asks: the gate that is in force on the route, else the nearest that is attached, and the guard's own demand.
fn gate_for<P: Send + Sync + 'static, D: Demand<P>>(request: &HttpRequest, asked: &str) -> Result<Gate<P>, Refused> {
    let attached: Option<Rc<AttachedGate<P>>> = request.extensions().get().cloned();
    match attached {
        Some(attached) => Ok(attached.0.in_force(exchange_of(request).as_ref()).demanding::<D>()),
        None => Err(Refused::without_gate(asked)),
    }
}

/// What a grant, or nobody, becomes.
type Make<P, T> = fn(Option<Grant<P>>, &Gate<P>, Option<Exchange>) -> Result<T, Refused>;

/// The extraction of a [`Granted`] or a [`Visitor`]. Decided at once where that can be; nothing is boxed then.
#[must_use]
pub struct Extracting<P, T> {
    state: State<P, T>,
    make: Make<P, T>,
}

enum State<P, T> {
    Decided(Option<Result<T, Refused>>),
    Waiting { pending: Pending<P>, gate: Gate<P>, request: HttpRequest },
}

// What is made is moved out, never pinned.
impl<P, T> Unpin for Extracting<P, T> {}

impl<P: Send + Sync + 'static, T> Extracting<P, T> {
    fn begin(gate: Result<Gate<P>, Refused>, request: &HttpRequest, make: Make<P, T>) -> Self {
        let state = match gate {
            Err(refused) => State::Decided(Some(Err(refused))),
            Ok(gate) => {
                let admission = gate.admit(&ActixHead::of(request));
                match admission {
                    Admission::Decided(verdict) => State::Decided(Some(settle(verdict, &gate, request, make))),
                    Admission::Pending(pending) => State::Waiting { pending, gate, request: request.clone() },
                }
            }
        };
        Self { state, make }
    }
}

fn settle<P, T>(verdict: Verdict<P>, gate: &Gate<P>, request: &HttpRequest, make: Make<P, T>) -> Result<T, Refused> {
    match verdict {
        Verdict::Admitted(grant) => make(Some(grant), gate, exchange_of(request)),
        Verdict::Anonymous => make(None, gate, exchange_of(request)),
        Verdict::Rejected(rejection) => Err(Refused::at(request, rejection)),
    }
}

impl<P: Send + Sync + 'static, T> Future for Extracting<P, T> {
    type Output = Result<T, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let make = self.make;
        match &mut self.state {
            // Polled again after it was ready: no future has an answer to that.
            State::Decided(decided) => decided.take().map_or(Poll::Pending, Poll::Ready),
            State::Waiting { pending, gate, request } => {
                let finished = ready!(Pin::new(pending).poll(context));
                let verdict = gate.conclude(finished, &ActixHead::of(request));
                let settled = settle(verdict, gate, request, make);
                self.state = State::Decided(None);
                Poll::Ready(settled)
            }
        }
    }
}

impl<P, T> fmt::Debug for Extracting<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Extracting(..)")
    }
}
