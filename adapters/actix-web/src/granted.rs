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
    adapter::{Admission, Exchange, Guard, Pending, Verdict},
    gate::{Demand, policy::Anyone},
    response::Rejection,
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
        let guard = guard_by(Guard::for_somebody::<D>, request, type_name::<Self>());
        Extracting::begin(guard, request, |guard, verdict, exchange| {
            guard.granted(verdict).map(|grant| Self { grant, exchange, demand: PhantomData })
        })
    }
}

impl<P: Send + Sync + 'static, D: Demand<P>> FromRequest for Visitor<P, D> {
    type Error = Refused;
    type Future = Extracting<P, Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let guard = guard_by(Guard::for_anybody::<D>, request, type_name::<Self>());
        Extracting::begin(guard, request, |guard, verdict, exchange| {
            let grant = guard.visitor(verdict)?;
            Ok(Self { granted: grant.map(|grant| Granted { grant, exchange, demand: PhantomData }) })
        })
    }
}

/// The guard that the nearest attached gate makes of what is in force on the route.
fn guard_by<P: 'static>(
    make: fn(&Gate<P>, Option<&Exchange>) -> Guard<P>,
    request: &HttpRequest,
    asked: &str,
) -> Result<Guard<P>, Refused> {
    let attached: Option<Rc<AttachedGate<P>>> = request.extensions().get().cloned();
    let attached = attached.ok_or_else(|| Refused::without_gate(asked))?;
    Ok(make(&attached.0, exchange_of(request).as_ref()))
}

/// What a verdict becomes.
type Make<P, T> = fn(&Guard<P>, Verdict<P>, Option<Exchange>) -> Result<T, Rejection>;

/// The extraction of a [`Granted`] or a [`Visitor`]. Decided at once where that can be; nothing is boxed then.
#[must_use]
pub struct Extracting<P, T> {
    state: State<P, T>,
    make: Make<P, T>,
}

enum State<P, T> {
    Decided(Option<Result<T, Refused>>),
    Waiting { pending: Pending<P>, guard: Guard<P>, request: HttpRequest },
}

// What is made is moved out, never pinned.
impl<P, T> Unpin for Extracting<P, T> {}

impl<P: Send + Sync + 'static, T> Extracting<P, T> {
    fn begin(guard: Result<Guard<P>, Refused>, request: &HttpRequest, make: Make<P, T>) -> Self {
        let state = match guard {
            Err(refused) => State::Decided(Some(Err(refused))),
            Ok(guard) => match guard.admit(&ActixHead::of(request), exchange_of(request).as_ref()) {
                Admission::Decided(verdict) => State::Decided(Some(settle(&guard, verdict, request, make))),
                Admission::Pending(pending) => State::Waiting { pending, guard, request: request.clone() },
                Admission::Body(unread) => {
                    let verdict = guard.cannot_read(unread, &ActixHead::of(request), exchange_of(request).as_ref());
                    State::Decided(Some(settle(&guard, verdict, request, make)))
                }
            },
        };
        Self { state, make }
    }
}

fn settle<P, T>(guard: &Guard<P>, verdict: Verdict<P>, request: &HttpRequest, make: Make<P, T>) -> Result<T, Refused> {
    make(guard, verdict, exchange_of(request)).map_err(|rejection| Refused::at(request, rejection))
}

impl<P: Send + Sync + 'static, T> Future for Extracting<P, T> {
    type Output = Result<T, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let make = self.make;
        match &mut self.state {
            // Polled again after it was ready: no future has an answer to that.
            State::Decided(decided) => decided.take().map_or(Poll::Pending, Poll::Ready),
            State::Waiting { pending, guard, request } => loop {
                let finished = ready!(Pin::new(&mut *pending).poll(context));
                let exchange = exchange_of(request);
                let verdict = match guard.conclude(finished, &ActixHead::of(request), exchange.as_ref()) {
                    Admission::Pending(again) => {
                        *pending = again;
                        continue;
                    }
                    Admission::Decided(verdict) => verdict,
                    Admission::Body(unread) => guard.cannot_read(unread, &ActixHead::of(request), exchange.as_ref()),
                };
                let settled = settle(guard, verdict, request, make);
                self.state = State::Decided(None);
                return Poll::Ready(settled);
            },
        }
    }
}

impl<P, T> fmt::Debug for Extracting<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Extracting(..)")
    }
}
