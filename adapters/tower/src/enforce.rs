//! The layer that decides.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use countersign::{
    Gate, Grant,
    adapter::{Admission, Finished, Guard, Pending, Unread, Verdict},
    request::Unreadable,
};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    body::{LeaveBodies, ReadBody, Reading, WholeBody},
    head::{Framework, HttpHead, NoFramework},
    write::{PlainReply, WriteReply},
};

/// Admits requests to what is inside, or refuses them. Made by [`GateExt::enforce`](crate::GateExt::enforce).
#[must_use]
pub struct Enforce<P, S = NoFramework, W = PlainReply, R = LeaveBodies> {
    guard: Arc<Guard<P>>,
    writer: W,
    reader: R,
    framework: PhantomData<S>,
}

impl<P: Send + Sync + 'static> Enforce<P> {
    /// Enforces this gate, without a framework on top of tower.
    pub fn new(gate: &Gate<P>) -> Self {
        Self { guard: Arc::new(Guard::in_front(gate)), writer: PlainReply, reader: LeaveBodies, framework: PhantomData }
    }
}

impl<P, S, W, R> Enforce<P, S, W, R> {
    /// Reads requests as this framework knows them.
    pub fn in_framework<T: Framework>(self) -> Enforce<P, T, W, R> {
        Enforce { guard: self.guard, writer: self.writer, reader: self.reader, framework: PhantomData }
    }

    /// Writes refusals in this way.
    pub fn answering_with<V>(self, writer: V) -> Enforce<P, S, V, R> {
        Enforce { guard: self.guard, writer, reader: self.reader, framework: PhantomData }
    }

    /// Reads bodies that a credential covers in this way.
    pub fn reading_bodies_with<V>(self, reader: V) -> Enforce<P, S, W, V> {
        Enforce { guard: self.guard, writer: self.writer, reader, framework: PhantomData }
    }
}

impl<P, S, W: Clone, R: Clone> Clone for Enforce<P, S, W, R> {
    fn clone(&self) -> Self {
        Self {
            guard: Arc::clone(&self.guard),
            writer: self.writer.clone(),
            reader: self.reader.clone(),
            framework: PhantomData,
        }
    }
}

impl<P: Send + Sync + 'static, S, W, R> fmt::Debug for Enforce<P, S, W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enforce").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<P, S, W: Clone, R: Clone, I> Layer<I> for Enforce<P, S, W, R> {
    type Service = Enforced<I, P, S, W, R>;

    fn layer(&self, inner: I) -> Self::Service {
        Enforced { inner, enforce: self.clone() }
    }
}

/// A service behind a gate.
pub struct Enforced<I, P, S = NoFramework, W = PlainReply, R = LeaveBodies> {
    inner: I,
    enforce: Enforce<P, S, W, R>,
}

impl<I: Clone, P, S, W: Clone, R: Clone> Clone for Enforced<I, P, S, W, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), enforce: self.enforce.clone() }
    }
}

impl<I, P, S, W, R> fmt::Debug for Enforced<I, P, S, W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enforced(..)")
    }
}

impl<I, P, S, W, R> Enforced<I, P, S, W, R> {
    /// Hands a request on without deciding.
    pub(crate) fn pass<B, C>(&mut self, request: Request<B>) -> EnforceFuture<I, P, S, W, R, B, C>
    where
        I: Service<Request<B>, Response = Response<C>>,
    {
        EnforceFuture::Running { running: self.inner.call(request) }
    }
}

impl<I, P, S, W, R, B, C> Service<Request<B>> for Enforced<I, P, S, W, R>
where
    I: Service<Request<B>, Response = Response<C>> + Clone,
    P: Send + Sync + 'static,
    S: Framework,
    W: WriteReply<C>,
    R: ReadBody<B>,
{
    type Response = Response<C>;
    type Error = I::Error;
    type Future = EnforceFuture<I, P, S, W, R, B, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.enforce.guard.admit(&HttpHead::<S>::of(&request), request.extensions().get()) {
            Admission::Decided(verdict) => match self.enforce.settle(verdict, &mut request) {
                Ok(()) => self.pass(request),
                Err(response) => EnforceFuture::Refused { response: Some(response) },
            },
            admission => {
                // The service that was polled ready is the one to call; its fresh clone takes its place here.
                let fresh = self.inner.clone();
                let ready = mem::replace(&mut self.inner, fresh);
                self.enforce.clone().go_on(admission, request.map(Sent::Unread), ready)
            }
        }
    }
}

/// A body, on its way to what is inside.
enum Sent<B> {
    Unread(B),
    /// It is being read.
    Taken,
    Read(WholeBody<B>),
}

impl<P: Send + Sync + 'static, S, W, R> Enforce<P, S, W, R> {
    /// Leaves the grant for what is inside, or makes the response of a refusal.
    fn settle<B, C>(&self, verdict: Verdict<P>, request: &mut Request<B>) -> Result<(), Response<C>>
    where
        W: WriteReply<C>,
    {
        let grant = self.guard.visitor(verdict).map_err(|rejection| self.writer.refuse(&rejection))?;
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

    /// What follows from an admission that could not be decided on the spot.
    fn go_on<I, B, C>(
        self,
        mut admission: Admission<P>,
        mut request: Request<Sent<B>>,
        mut ready: I,
    ) -> EnforceFuture<I, P, S, W, R, B, C>
    where
        I: Service<Request<B>, Response = Response<C>>,
        S: Framework,
        W: WriteReply<C>,
        R: ReadBody<B>,
    {
        let (verdict, step) = loop {
            let unread = match admission {
                Admission::Decided(verdict) => break (verdict, None),
                Admission::Pending(pending) => break (Verdict::Anonymous, Some(Step::Decision(pending))),
                Admission::Body(unread) => unread,
            };
            let reading = match mem::replace(request.body_mut(), Sent::Taken) {
                Sent::Unread(body) => self.reader.read(body, unread.longest()),
                // The credential stands in it, and something was waited for since: it is shown again.
                Sent::Read(whole) => {
                    let (head, exchange) = (HttpHead::<S>::of(&request), request.extensions().get());
                    admission = self.guard.conclude_with_body(unread, Ok(whole.bytes()), &head, exchange);
                    *request.body_mut() = Sent::Read(whole);
                    continue;
                }
                Sent::Taken => None,
            };
            match reading {
                Some(reading) => break (Verdict::Anonymous, Some(Step::Body(reading, Some(unread)))),
                None => {
                    let head = HttpHead::<S>::of(&request);
                    break (self.guard.cannot_read(unread, &head, request.extensions().get()), None);
                }
            }
        };
        if let Some(step) = step {
            return EnforceFuture::Waiting { waiting: Some((request, ready)), step, enforce: self };
        }
        if let Err(response) = self.settle(verdict, &mut request) {
            return EnforceFuture::Refused { response: Some(response) };
        }
        let (parts, sent) = request.into_parts();
        let body = match sent {
            Sent::Unread(body) => body,
            Sent::Read(whole) => whole.into_body(),
            // Only `Step::Body` leaves it so, and it puts the whole body in place before it goes on.
            Sent::Taken => return EnforceFuture::Refused { response: None },
        };
        EnforceFuture::Running { running: ready.call(Request::from_parts(parts, body)) }
    }
}

/// What an [`Enforced`] service waits for.
enum Step<P, B> {
    Decision(Pending<P>),
    Body(Reading<B>, Option<Unread<P>>),
}

pin_project! {
    /// The response of an [`Enforced`] service.
    #[project = State]
    #[expect(clippy::exhaustive_enums, reason = "its variants are private in spirit: nobody makes or matches one")]
    #[doc(hidden)]
    pub enum EnforceFuture<I, P, S, W, R, B, C>
    where
        I: Service<Request<B>>,
    {
        Running { #[pin] running: I::Future },
        Refused { response: Option<Response<C>> },
        Waiting { waiting: Option<(Request<Sent<B>>, I)>, step: Step<P, B>, enforce: Enforce<P, S, W, R> },
    }
}

impl<I, P, S, W, R, B, C> Future for EnforceFuture<I, P, S, W, R, B, C>
where
    I: Service<Request<B>, Response = Response<C>>,
    P: Send + Sync + 'static,
    S: Framework,
    W: WriteReply<C> + Clone,
    R: ReadBody<B>,
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
                State::Waiting { waiting, step, enforce } => {
                    let came = match step {
                        Step::Decision(pending) => Came::Finished(ready!(Pin::new(pending).poll(context))),
                        Step::Body(reading, unread) => {
                            let read = ready!(reading.as_mut().poll(context));
                            let Some(unread) = unread.take() else { return Poll::Pending };
                            Came::Body(unread, read)
                        }
                    };
                    let Some((mut request, ready)) = waiting.take() else { return Poll::Pending };
                    let admission = match came {
                        Came::Finished(finished) => {
                            let head = HttpHead::<S>::of(&request);
                            enforce.guard.conclude(finished, &head, request.extensions().get())
                        }
                        Came::Body(unread, read) => {
                            let head = HttpHead::<S>::of(&request);
                            let body = read.as_ref().map(WholeBody::bytes).map_err(|why| *why);
                            let exchange = request.extensions().get();
                            let admission = enforce.guard.conclude_with_body(unread, body, &head, exchange);
                            if let Ok(whole) = read {
                                *request.body_mut() = Sent::Read(whole);
                            }
                            admission
                        }
                    };
                    enforce.clone().go_on(admission, request, ready)
                }
            };
            self.set(next);
        }
    }
}

/// What was waited for.
enum Came<P, B> {
    Finished(Finished<P>),
    Body(Unread<P>, Result<WholeBody<B>, Unreadable>),
}

impl<I, P, S, W, R, B, C> fmt::Debug for EnforceFuture<I, P, S, W, R, B, C>
where
    I: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnforceFuture(..)")
    }
}
