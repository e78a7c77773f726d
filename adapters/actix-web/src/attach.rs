//! The outermost wrap.

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, EitherBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::InternalError,
    http::{
        Uri,
        header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL},
        uri::PathAndQuery,
    },
};
use countersign::{
    Gate, Reply,
    adapter::{Exchange, closed_by_default, receive},
    route::{BadPrefix, Closed},
};
use pin_project_lite::pin_project;

use crate::{
    closed::{Way, was_passed_by, way_of},
    enforce::{Enforce, EnforceFuture, Enforced},
    head::{ActixHead, exchange_of},
    held::{Held, Shared},
    reply::{finish, respond},
};

/// Begins visits, cleans the URI, and writes what responses must carry. Made by [`GateExt::attach`](crate::GateExt::attach).
#[must_use]
pub struct Attach<P> {
    gate: Gate<P>,
    closed: Arc<Closed>,
}

/// The gate for the guards in handlers' signatures.
pub(crate) struct AttachedGate<P>(pub(crate) Gate<P>);

impl<P: Send + Sync + 'static> Attach<P> {
    pub(crate) fn new(gate: Gate<P>) -> Self {
        Self { closed: Arc::new(closed_by_default(&gate)), gate }
    }

    /// Closes everything below this path: what is not [excepted](Self::except) passes this gate, whether or not a guard of its own
    /// stands in front of it. `/` closes all. Called again, it closes more.
    ///
    /// Around a scope the prefix counts of the whole path and of what the scope is left with, so that a route is closed if either is below.
    /// Around the App it covers everything, the default service too.
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

    /// Leaves these routes to their own guards: by their whole pattern, scopes included, as
    /// [`match_pattern`](actix_web::HttpRequest::match_pattern) has it, never by a path.
    ///
    /// An exception is a `web::resource` without guards of its own; methods are told apart by its routes, as in
    /// `web::resource("/api/health").route(web::get().to(health))`. Where a resource has guards (`App::route` and
    /// `Scope::route` put the method there), the router may pass it by for another of the same path. The gate then withholds
    /// the answer and says so in the log, but that other route has run. Where resources must have guards, close a scope instead,
    /// behind the open resources: `web::scope("/api").wrap(gate.enforce())` admits before anything in it is looked at.
    pub fn except<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.closed = Arc::new(Arc::unwrap_or_clone(self.closed).except(patterns));
        self
    }
}

impl<P> Clone for Attach<P> {
    fn clone(&self) -> Self {
        Self { gate: self.gate.clone(), closed: self.closed.clone() }
    }
}

impl<P> fmt::Debug for Attach<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attach")
            .field("closed_below", &self.closed.prefixes().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl<S, P, B> Transform<S, ServiceRequest> for Attach<P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    P: Send + Sync + 'static,
{
    type Response = ServiceResponse<Held<EitherBody<B>>>;
    type Error = Error;
    type Transform = Attached<S, P>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        let guarded = Enforce::new(&self.gate).around(inner);
        ready(Ok(Attached { guarded, gate: Rc::new(AttachedGate(self.gate.clone())), closed: self.closed.clone() }))
    }
}

/// A service with a gate attached.
pub struct Attached<S, P> {
    guarded: Enforced<S, P>,
    gate: Rc<AttachedGate<P>>,
    closed: Arc<Closed>,
}

impl<S, P> fmt::Debug for Attached<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attached(..)")
    }
}

impl<S, P, B> Service<ServiceRequest> for Attached<S, P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    P: Send + Sync + 'static,
{
    type Response = ServiceResponse<Held<EitherBody<B>>>;
    type Error = Error;
    type Future = AttachFuture<S, P>;

    forward_ready!(guarded);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let body = Shared::of(&mut request);
        let outer = exchange_of(request.request());
        let received = receive(&self.gate.0, &ActixHead::of(request.request()), outer.as_ref());
        if let Some(query) = received.query {
            let cleaned = without_credential(request.uri(), query.as_deref());
            request.match_info_mut().get_mut().update(&cleaned);
            request.head_mut().uri = cleaned;
        }
        if let Some(left) = received.subprotocols {
            request.headers_mut().remove(SEC_WEBSOCKET_PROTOCOL);
            if let Ok(left) = HeaderValue::from_bytes(&left)
                && !left.is_empty()
            {
                request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, left);
            }
        }
        request.extensions_mut().insert(received.exchange.clone());
        request.extensions_mut().insert(Rc::clone(&self.gate));
        let way = way_of(&self.closed, request.request());
        let inner = if way == Way::Closed { self.guarded.call(request) } else { self.guarded.pass(request) };
        let excepted = (way == Way::Excepted).then(|| Arc::clone(&self.closed));
        AttachFuture { inner, exchange: received.exchange, excepted, body }
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
    #[doc(hidden)]
    pub struct AttachFuture<S, P>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        inner: EnforceFuture<S, P>,
        exchange: Exchange,
        excepted: Option<Arc<Closed>>,
        body: Option<Shared>,
    }
}

impl<S, P, B> Future for AttachFuture<S, P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    P: Send + Sync + 'static,
{
    type Output = Result<ServiceResponse<Held<EitherBody<B>>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match ready!(this.inner.poll(context)) {
            Ok(response) => response,
            Err(error) => return Poll::Ready(Err(finishing(error, this.exchange, this.body.take()))),
        };
        let passed_by = this.excepted.as_ref().is_some_and(|closed| was_passed_by(closed, response.request()));
        if let Some(reply) = this.exchange.take_swallowed().or_else(|| passed_by.then(withheld)) {
            let (request, _) = response.into_parts();
            response = ServiceResponse::new(request, respond(&reply).map_into_right_body());
        }
        finish(this.exchange, response.headers_mut());
        let status = response.status();
        Poll::Ready(Ok(response.map_body(|_, body| match this.body.take() {
            Some(request) => request.held_by(status, body),
            None => Held::alone(body),
        })))
    }
}

impl<S: Service<ServiceRequest>, P> fmt::Debug for AttachFuture<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachFuture(..)")
    }
}

/// The reply in place of one that a route gave which is not excepted.
fn withheld() -> Reply {
    tracing::error!(
        target: "countersign",
        "the router passed an excepted resource by, whose guards did not hold, for one that is closed: except resources without guards, and tell methods apart by their routes"
    );
    Reply::problem(500, "The service is set up wrongly.", None)
}

/// An error of a wrap further in, whose response carries what it must, and holds the request's body.
fn finishing(mut error: Error, exchange: &Exchange, body: Option<Shared>) -> Error {
    if let Some(reply) = exchange.take_swallowed() {
        error = InternalError::from_response("a refusal was swallowed", respond(&reply)).into();
    }
    let exchange = exchange.clone();
    error.add_response_mapper(move |mut response| {
        finish(&exchange, response.headers_mut());
        let status = response.status();
        match body.clone() {
            Some(request) => response.map_body(|_, body| BoxBody::new(request.held_by(status, body))),
            None => response,
        }
    });
    error
}
