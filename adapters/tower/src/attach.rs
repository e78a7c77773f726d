//! The outermost layer.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use countersign::{
    Gate,
    adapter::{Exchange, closed_by_default, receive},
    route::{BadPrefix, Closed},
};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header::SEC_WEBSOCKET_PROTOCOL, uri::PathAndQuery};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    body::{LeaveBodies, ReadBody},
    enforce::{Enforce, EnforceFuture, Enforced},
    head::{Framework, HttpHead, NoFramework},
    write::{PlainReply, WriteReply, finish},
};

/// Begins visits, cleans the URI, and writes what responses must carry. Made by [`GateExt::attach`](crate::GateExt::attach).
#[must_use]
pub struct Attach<P, S = NoFramework, W = PlainReply, R = LeaveBodies> {
    gate: Gate<P>,
    closed: Arc<Closed>,
    writer: W,
    reader: R,
    framework: PhantomData<S>,
}

impl<P> Attach<P> {
    /// Attaches this gate, without a framework on top of tower.
    pub fn new(gate: Gate<P>) -> Self {
        let closed = Arc::new(closed_by_default(&gate));
        Self { gate, closed, writer: PlainReply, reader: LeaveBodies, framework: PhantomData }
    }
}

impl<P: Send + Sync + 'static, S: Framework, W, R> Attach<P, S, W, R> {
    /// Reads requests as this framework knows them.
    pub fn in_framework<T: Framework>(self) -> Attach<P, T, W, R> {
        Attach {
            gate: self.gate,
            closed: self.closed,
            writer: self.writer,
            reader: self.reader,
            framework: PhantomData,
        }
    }

    /// Writes refusals in this way.
    pub fn answering_with<V>(self, writer: V) -> Attach<P, S, V, R> {
        Attach { gate: self.gate, closed: self.closed, writer, reader: self.reader, framework: PhantomData }
    }

    /// Reads bodies that a credential covers in this way, on routes that [`closed_below`](Self::closed_below) closes.
    pub fn reading_bodies_with<V>(self, reader: V) -> Attach<P, S, W, V> {
        Attach { gate: self.gate, closed: self.closed, writer: self.writer, reader, framework: PhantomData }
    }

    /// Closes everything below this path: what is not [excepted](Self::except) passes this gate, whether or not a guard of its own
    /// stands in front of it. `/` closes all. Called again, it closes more.
    ///
    /// In a nested router the prefix counts of the whole path and of what the nested router is left with, so that a route is closed if either
    /// is below. Of a router the layer covers what was there when it was added: **routes and a fallback that are added behind it are
    /// open**. Add it last, to the outermost router.
    ///
    /// The page of [`sign_in_at`](countersign::gate::GateBuilder::sign_in_at) stays open, if a route has that path as its pattern; what
    /// takes the form, such as `POST /session`, is excepted like others. A preflight is a request like any other, since everybody can
    /// forge one: without a credential it is refused. A CORS layer stands outside of this one, where it answers preflights by
    /// itself and refusals get its fields.
    ///
    /// # Errors
    /// When no path can begin with the prefix, so that it would close nothing.
    pub fn closed_below(mut self, prefix: &str) -> Result<Self, BadPrefix> {
        self.closed = Arc::new(Arc::unwrap_or_clone(self.closed).and_below(prefix)?);
        Ok(self)
    }

    /// Leaves these routes to their own guards: by their whole pattern, as the router matched it, never by a path.
    pub fn except<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.closed = Arc::new(Arc::unwrap_or_clone(self.closed).except(patterns));
        self
    }
}

impl<P, S, W: Clone, R: Clone> Clone for Attach<P, S, W, R> {
    fn clone(&self) -> Self {
        Self {
            gate: self.gate.clone(),
            closed: self.closed.clone(),
            writer: self.writer.clone(),
            reader: self.reader.clone(),
            framework: PhantomData,
        }
    }
}

impl<P, S, W, R> fmt::Debug for Attach<P, S, W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attach")
            .field("closed_below", &self.closed.prefixes().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl<P: Send + Sync + 'static, S: Framework, W: Clone, R: Clone, I: Clone> Layer<I> for Attach<P, S, W, R> {
    type Service = Attached<I, P, S, W, R>;

    fn layer(&self, inner: I) -> Self::Service {
        let closing = Enforce::new(&self.gate)
            .in_framework::<S>()
            .answering_with(self.writer.clone())
            .reading_bodies_with(self.reader.clone());
        let part = Part { gate: self.gate.clone(), closed: Arc::clone(&self.closed) };
        Attached { guarded: closing.layer(inner), part: Arc::new(part), writer: self.writer.clone() }
    }
}

/// A service with a gate attached.
pub struct Attached<I, P, S = NoFramework, W = PlainReply, R = LeaveBodies> {
    guarded: Enforced<I, P, S, W, R>,
    part: Arc<Part<P>>,
    writer: W,
}

/// What an [`Attached`] service and its clones, of which routers make one for each request, share.
struct Part<P> {
    gate: Gate<P>,
    closed: Arc<Closed>,
}

impl<I: Clone, P, S, W: Clone, R: Clone> Clone for Attached<I, P, S, W, R> {
    fn clone(&self) -> Self {
        Self { guarded: self.guarded.clone(), part: Arc::clone(&self.part), writer: self.writer.clone() }
    }
}

impl<I, P, S, W, R> fmt::Debug for Attached<I, P, S, W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attached(..)")
    }
}

impl<I, P, S, W, R, B, C> Service<Request<B>> for Attached<I, P, S, W, R>
where
    I: Service<Request<B>, Response = Response<C>> + Clone,
    P: Send + Sync + 'static,
    S: Framework,
    W: WriteReply<C>,
    R: ReadBody<B>,
{
    type Response = Response<C>;
    type Error = I::Error;
    type Future = AttachFuture<I, P, S, W, R, B, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.guarded.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let received = receive(&self.part.gate, &HttpHead::<S>::of(&request), request.extensions().get());
        if let Some(query) = received.query {
            let cleaned = |uri: &mut Uri| *uri = without_credential(uri, query.as_deref());
            cleaned(request.uri_mut());
            S::original_uri_mut(request.extensions_mut()).map(cleaned);
        }
        if let Some(left) = received.subprotocols {
            put_subprotocols(request.headers_mut(), &left);
        }
        let pattern = S::pattern(request.extensions());
        let whole = S::original_uri(request.extensions()).unwrap_or(request.uri()).path();
        let closed = [whole, request.uri().path()].into_iter().any(|path| self.part.closed.closes(pattern, path));
        request.extensions_mut().insert(received.exchange.clone());
        let inner = if closed { self.guarded.call(request) } else { self.guarded.pass(request) };
        AttachFuture { inner, exchange: received.exchange, writer: self.writer.clone() }
    }
}

/// What is left of the subprotocols, in place of all that were asked for.
fn put_subprotocols(fields: &mut HeaderMap, left: &[u8]) {
    fields.remove(SEC_WEBSOCKET_PROTOCOL);
    if let Ok(left) = HeaderValue::from_bytes(left)
        && !left.is_empty()
    {
        fields.insert(SEC_WEBSOCKET_PROTOCOL, left);
    }
}

/// The URI with this query in place of its own. What is left of a query that was sent is a query.
fn without_credential(uri: &Uri, query: Option<&str>) -> Uri {
    let target = query.map_or_else(|| uri.path().to_owned(), |query| format!("{}?{query}", uri.path()));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).unwrap_or_else(|_| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}

pin_project! {
    /// The response of an [`Attached`] service.
    pub struct AttachFuture<I, P, S, W, R, B, C>
    where
        I: Service<Request<B>>,
    {
        #[pin]
        inner: EnforceFuture<I, P, S, W, R, B, C>,
        exchange: Exchange,
        writer: W,
    }
}

impl<I, P, S, W, R, B, C> Future for AttachFuture<I, P, S, W, R, B, C>
where
    I: Service<Request<B>, Response = Response<C>>,
    P: Send + Sync + 'static,
    S: Framework,
    W: WriteReply<C>,
    R: ReadBody<B>,
{
    type Output = Result<Response<C>, I::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(context))?;
        if let Some(reply) = this.exchange.take_swallowed() {
            response = this.writer.write(reply);
        }
        finish(this.exchange, response.headers_mut());
        Poll::Ready(Ok(response))
    }
}

impl<I, P, S, W, R, B, C> fmt::Debug for AttachFuture<I, P, S, W, R, B, C>
where
    I: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachFuture(..)")
    }
}
