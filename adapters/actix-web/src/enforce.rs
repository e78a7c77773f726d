//! The wrap that decides.

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpMessage,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use countersign::{
    Gate, Grant,
    adapter::{Admission, Guard, Pending, Unread, Verdict},
    request::Unreadable,
    response::Rejection,
};
use pin_project_lite::pin_project;

use crate::{
    body::{again, read},
    head::{ActixHead, exchange_of},
    reply::refuse,
};

/// Admits requests to what is inside, or refuses them. Made by [`GateExt::enforce`](crate::GateExt::enforce).
#[must_use]
pub struct Enforce<P> {
    guard: Guard<P>,
}

impl<P: Send + Sync + 'static> Enforce<P> {
    pub(crate) fn new(gate: &Gate<P>) -> Self {
        Self { guard: Guard::in_front(gate) }
    }

    pub(crate) fn around<S>(&self, inner: S) -> Enforced<S, P> {
        Enforced { inner: Rc::new(inner), guard: self.guard.clone() }
    }
}

impl<P> Clone for Enforce<P> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone() }
    }
}

impl<P: Send + Sync + 'static> fmt::Debug for Enforce<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enforce").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<S, P, B> Transform<S, ServiceRequest> for Enforce<P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    P: Send + Sync + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = Enforced<S, P>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(self.around(inner)))
    }
}

/// A service behind a gate.
pub struct Enforced<S, P> {
    inner: Rc<S>,
    guard: Guard<P>,
}

impl<S, P> fmt::Debug for Enforced<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enforced(..)")
    }
}

impl<S: Service<ServiceRequest>, P> Enforced<S, P> {
    /// Hands a request on without deciding.
    pub(crate) fn pass(&self, request: ServiceRequest) -> EnforceFuture<S, P> {
        EnforceFuture::Running { running: self.inner.call(request) }
    }
}

impl<S, P, B> Service<ServiceRequest> for Enforced<S, P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    P: Send + Sync + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = EnforceFuture<S, P>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let admission = ask(&self.guard, &request);
        go_on(admission, request, &self.inner, &self.guard)
    }
}

/// What follows from an admission: the end, or the next wait.
fn go_on<S, P>(
    admission: Admission<P>,
    mut request: ServiceRequest,
    inner: &Rc<S>,
    guard: &Guard<P>,
) -> EnforceFuture<S, P>
where
    S: Service<ServiceRequest>,
    P: Send + Sync + 'static,
{
    let step = match admission {
        Admission::Decided(verdict) => {
            return match settle(guard, verdict, &request) {
                Ok(()) => EnforceFuture::Running { running: inner.call(request) },
                Err(rejection) => EnforceFuture::Refused { refused: Some((request, rejection)) },
            };
        }
        Admission::Pending(pending) => Step::Decision(pending),
        Admission::Body(unread) => {
            let (longest, payload) = (unread.longest(), request.take_payload());
            Step::Body(Box::pin(read(payload, longest)), Some(unread))
        }
    };
    EnforceFuture::Waiting { waiting: Some(request), step, inner: Rc::clone(inner), guard: guard.clone() }
}

fn ask<P: Send + Sync + 'static>(guard: &Guard<P>, request: &ServiceRequest) -> Admission<P> {
    guard.admit(&ActixHead::of(request.request()), exchange_of(request.request()).as_ref())
}

/// Leaves the grant and the guard for what is inside.
fn settle<P>(guard: &Guard<P>, verdict: Verdict<P>, request: &ServiceRequest) -> Result<(), Rejection>
where
    P: Send + Sync + 'static,
{
    let grant = guard.visitor(verdict)?;
    if let Some(exchange) = request.extensions().get() {
        guard.put_in_force(exchange, grant.as_ref());
    }
    // A guard further out may have left whom it admitted.
    request.extensions_mut().remove::<Grant<P>>();
    if let Some(grant) = grant {
        request.extensions_mut().insert(grant);
    }
    Ok(())
}

pin_project! {
    /// The response of an [`Enforced`] service. On a hit nothing is boxed here.
    #[project = State]
    #[expect(clippy::exhaustive_enums, reason = "its variants are private in spirit: nobody makes or matches one")]
    #[doc(hidden)]
    pub enum EnforceFuture<S, P>
    where
        S: Service<ServiceRequest>,
    {
        Running { #[pin] running: S::Future },
        Refused { refused: Option<(ServiceRequest, Rejection)> },
        Waiting { waiting: Option<ServiceRequest>, step: Step<P>, inner: Rc<S>, guard: Guard<P> },
    }
}

/// What an [`Enforced`] service waits for.
enum Step<P> {
    Decision(Pending<P>),
    Body(Pin<Box<dyn Future<Output = Result<Vec<u8>, Unreadable>>>>, Option<Unread<P>>),
}

impl<S, P, B> Future for EnforceFuture<S, P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    P: Send + Sync + 'static,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                State::Running { running } => {
                    return running.poll(context).map_ok(ServiceResponse::map_into_left_body);
                }
                State::Refused { refused } => match refused.take() {
                    // An answer and no error: an error would pass by the wraps further out, CORS among them.
                    Some((request, rejection)) => {
                        let response = request.into_response(refuse(&rejection));
                        return Poll::Ready(Ok(response.map_into_right_body()));
                    }
                    // Polled again after it was ready: no future has an answer to that.
                    None => return Poll::Pending,
                },
                State::Waiting { waiting, step, inner, guard } => {
                    let admission = match step {
                        Step::Decision(pending) => {
                            let finished = ready!(Pin::new(pending).poll(context));
                            let Some(request) = waiting.as_ref() else { return Poll::Pending };
                            let exchange = exchange_of(request.request());
                            guard.conclude(finished, &ActixHead::of(request.request()), exchange.as_ref())
                        }
                        Step::Body(reading, unread) => {
                            let read = ready!(reading.as_mut().poll(context));
                            let (Some(request), Some(unread)) = (waiting.as_mut(), unread.take()) else {
                                return Poll::Pending;
                            };
                            let exchange = exchange_of(request.request());
                            let head = ActixHead::of(request.request());
                            let body = read.as_deref().map_err(|why| *why);
                            let admission = guard.conclude_with_body(unread, body, &head, exchange.as_ref());
                            if let Ok(body) = read {
                                request.set_payload(again(body));
                            }
                            admission
                        }
                    };
                    let Some(request) = waiting.take() else { return Poll::Pending };
                    go_on(admission, request, inner, guard)
                }
            };
            self.set(next);
        }
    }
}

impl<S: Service<ServiceRequest>, P> fmt::Debug for EnforceFuture<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnforceFuture(..)")
    }
}
