//! The layer that decides.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use countersign::{
    Gate, Grant,
    adapter::{Admission, Guard, Pending, Verdict},
};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    head::{Framework, HttpHead, NoFramework},
    write::{PlainReply, WriteReply},
};

/// Admits requests to what is inside, or refuses them. Made by [`GateExt::enforce`](crate::GateExt::enforce).
#[must_use]
pub struct Enforce<P, S = NoFramework, W = PlainReply> {
    guard: Guard<P>,
    writer: W,
    framework: PhantomData<S>,
}

impl<P: Send + Sync + 'static> Enforce<P> {
    pub(crate) fn new(gate: &Gate<P>) -> Self {
        Self { guard: Guard::in_front(gate), writer: PlainReply, framework: PhantomData }
    }
}

impl<P, S, W> Enforce<P, S, W> {
    /// Reads requests as this framework knows them.
    pub fn in_framework<T: Framework>(self) -> Enforce<P, T, W> {
        Enforce { guard: self.guard, writer: self.writer, framework: PhantomData }
    }

    /// Writes refusals in this way.
    pub fn answering_with<V>(self, writer: V) -> Enforce<P, S, V> {
        Enforce { guard: self.guard, writer, framework: PhantomData }
    }
}

impl<P, S, W: Clone> Clone for Enforce<P, S, W> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), writer: self.writer.clone(), framework: PhantomData }
    }
}

impl<P: Send + Sync + 'static, S, W> fmt::Debug for Enforce<P, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enforce").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<P, S, W: Clone, I> Layer<I> for Enforce<P, S, W> {
    type Service = Enforced<I, P, S, W>;

    fn layer(&self, inner: I) -> Self::Service {
        Enforced { inner, enforce: self.clone() }
    }
}

/// A service behind a gate.
pub struct Enforced<I, P, S = NoFramework, W = PlainReply> {
    inner: I,
    enforce: Enforce<P, S, W>,
}

impl<I: Clone, P, S, W: Clone> Clone for Enforced<I, P, S, W> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), enforce: self.enforce.clone() }
    }
}

impl<I, P, S, W> fmt::Debug for Enforced<I, P, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enforced(..)")
    }
}

impl<I, P, S, W> Enforced<I, P, S, W> {
    /// Hands a request on without deciding.
    pub(crate) fn pass<B, C>(&mut self, request: Request<B>) -> EnforceFuture<I, P, S, W, B, C>
    where
        I: Service<Request<B>, Response = Response<C>>,
    {
        EnforceFuture::Running { running: self.inner.call(request) }
    }
}

impl<I, P, S, W, B, C> Service<Request<B>> for Enforced<I, P, S, W>
where
    I: Service<Request<B>, Response = Response<C>> + Clone,
    P: Send + Sync + 'static,
    S: Framework,
    W: WriteReply<C>,
{
    type Response = Response<C>;
    type Error = I::Error;
    type Future = EnforceFuture<I, P, S, W, B, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.enforce.guard.admit(&HttpHead::<S>::of(&request), request.extensions().get()) {
            Admission::Decided(verdict) => match self.enforce.settle(verdict, &mut request) {
                Ok(()) => self.pass(request),
                Err(response) => EnforceFuture::Refused { response: Some(response) },
            },
            Admission::Pending(pending) => {
                // The service that was polled ready is the one to call; its fresh clone takes its place here (F1).
                let fresh = self.inner.clone();
                let ready = mem::replace(&mut self.inner, fresh);
                EnforceFuture::Waiting { waiting: Some((request, ready)), pending, enforce: self.enforce.clone() }
            }
        }
    }
}

impl<P: Send + Sync + 'static, S, W> Enforce<P, S, W> {
    /// Leaves the grant for what is inside, or makes the response of a refusal.
    fn settle<B, C>(&self, verdict: Verdict<P>, request: &mut Request<B>) -> Result<(), Response<C>>
    where
        W: WriteReply<C>,
    {
        let grant = self.guard.visitor(verdict).map_err(|rejection| self.writer.write(rejection.reply()))?;
        if let Some(exchange) = request.extensions().get() {
            self.guard.put_in_force(exchange, grant.as_ref());
        }
        // A guard further out may have left whom it admitted.
        request.extensions_mut().remove::<Grant<P>>();
        if let Some(grant) = grant {
            request.extensions_mut().insert(grant);
        }
        Ok(())
    }
}

pin_project! {
    /// The response of an [`Enforced`] service.
    #[project = State]
    #[expect(clippy::exhaustive_enums, reason = "its variants are private in spirit: nobody makes or matches one")]
    #[doc(hidden)]
    pub enum EnforceFuture<I, P, S, W, B, C>
    where
        I: Service<Request<B>>,
    {
        Running { #[pin] running: I::Future },
        Refused { response: Option<Response<C>> },
        Waiting { waiting: Option<(Request<B>, I)>, pending: Pending<P>, enforce: Enforce<P, S, W> },
    }
}

impl<I, P, S, W, B, C> Future for EnforceFuture<I, P, S, W, B, C>
where
    I: Service<Request<B>, Response = Response<C>>,
    P: Send + Sync + 'static,
    S: Framework,
    W: WriteReply<C>,
{
    type Output = Result<Response<C>, I::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                State::Running { running } => return running.poll(context),
                State::Refused { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response)),
                    // Polled again after it was ready: no future has an answer to that.
                    None => return Poll::Pending,
                },
                State::Waiting { waiting, pending, enforce } => {
                    let finished = ready!(Pin::new(&mut *pending).poll(context));
                    let Some((mut request, mut ready)) = waiting.take() else { return Poll::Pending };
                    let head = HttpHead::<S>::of(&request);
                    match enforce.guard.conclude(finished, &head, request.extensions().get()) {
                        Admission::Pending(again) => {
                            (*waiting, *pending) = (Some((request, ready)), again);
                            continue;
                        }
                        Admission::Decided(verdict) => match enforce.settle(verdict, &mut request) {
                            Ok(()) => Self::Running { running: ready.call(request) },
                            Err(response) => Self::Refused { response: Some(response) },
                        },
                    }
                }
            };
            self.set(next);
        }
    }
}

impl<I, P, S, W, B, C> fmt::Debug for EnforceFuture<I, P, S, W, B, C>
where
    I: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnforceFuture(..)")
    }
}
