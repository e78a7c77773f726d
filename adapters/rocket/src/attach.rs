//! The part around the app.

use std::fmt;

use countersign::{
    Gate,
    adapter::{closed_by_default, receive},
    route::{BadPrefix, Closed},
};
use rocket::{
    Build, Data, Orbit, Request, Response, Rocket,
    fairing::{self, Fairing, Info, Kind},
    http::{Header, Method, uri::Origin},
};

use crate::{
    head::RocketHead,
    memory::Memory,
    respond::{finish, replace},
    routes::{open_routes, route_table},
};

/// Begins visits, cleans the URI, and writes what responses must carry. Made by [`GateExt::attach`](crate::GateExt::attach).
#[must_use]
pub struct Attach<P> {
    gate: Gate<P>,
    closed: Closed,
    shows_routes: bool,
}

impl<P> Attach<P> {
    pub(crate) fn new(gate: Gate<P>) -> Self {
        Self { closed: closed_by_default(&gate), gate, shows_routes: false }
    }

    /// Closes everything below this path: an app does not launch with a route that could answer there and is neither
    /// [enforced](crate::GateExt::enforce) nor named [`public`](crate::public) nor [excepted](Self::except). `/` closes all. Called again, it
    /// closes more.
    ///
    /// A guard in a handler's signature does not count: it cannot be seen from outside. The page of
    /// [`sign_in_at`](countersign::gate::GateBuilder::sign_in_at) stays open, if a route has that path as its pattern. A route that answers
    /// preflights (`OPTIONS`) is a route like any other: name it public.
    ///
    /// # Errors
    /// When no path can begin with the prefix, so that it would close nothing.
    pub fn closed_below(mut self, prefix: &str) -> Result<Self, BadPrefix> {
        self.closed = self.closed.and_below(prefix)?;
        Ok(self)
    }

    /// Leaves these routes to their own guards: by their pattern as Rocket lists it (`/api/pages/<page>`), without its query,
    /// never by a path.
    pub fn except<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.closed = self.closed.except(patterns);
        self
    }

    /// Writes the [table of routes](crate::route_table) to the log at launch, at INFO.
    pub fn showing_routes(mut self) -> Self {
        self.shows_routes = true;
        self
    }

    /// What is open and must not be; said in the log.
    fn open_routes<Q: rocket::Phase>(&self, rocket: &Rocket<Q>) -> bool {
        let faults = open_routes(&self.closed, rocket);
        for fault in &faults {
            tracing::error!(target: "countersign", "{fault}");
        }
        !faults.is_empty()
    }
}

#[rocket::async_trait]
impl<P: Send + Sync + 'static> Fairing for Attach<P> {
    fn info(&self) -> Info {
        Info { name: "Countersign", kind: Kind::Ignite | Kind::Liftoff | Kind::Request | Kind::Response }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        if rocket.state::<Gate<P>>().is_some() {
            tracing::error!(
                target: "countersign",
                "two gates of callers of type {} are attached: attach one, and enforce others",
                std::any::type_name::<P>()
            );
            return Err(rocket);
        }
        if self.open_routes(&rocket) {
            return Err(rocket);
        }
        Ok(rocket.manage(self.gate.clone()))
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        // Fairings that are attached later may have mounted more since.
        if self.open_routes(rocket) {
            rocket.shutdown().notify();
        }
        if self.shows_routes {
            for row in route_table(rocket).to_string().lines() {
                tracing::info!(target: "countersign", "{row}");
            }
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        if broke_off(data).await {
            Memory::of(request).mark_broken_off();
        }
        if is_safe(request.method()) && names_a_method(request, data).await {
            Memory::of(request).mark_a_post();
        }
        let outer = Memory::of(request).exchange();
        let received = receive(&self.gate, &RocketHead::of(request), outer.as_ref());
        if let Some(left) = received.query {
            let uri = request.uri();
            let mut cleaned = uri.clone();
            cleaned.clear_query();
            if let Some(query) = left {
                // A URI that hyper takes and Rocket does not stays without a query.
                cleaned = Origin::parse_owned(format!("{}?{query}", uri.path())).unwrap_or(cleaned);
            }
            request.set_uri(cleaned);
        }
        if let Some(left) = received.subprotocols {
            // Rocket takes no field away; what is left may be an empty one.
            request.replace_header(Header::new("sec-websocket-protocol", String::from_utf8_lossy(&left).into_owned()));
        }
        Memory::of(request).begin(received.exchange);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let memory = Memory::of(request);
        if let Some(reply) = memory.owed(response.status().code) {
            replace(response, reply);
        }
        if let Some(exchange) = memory.exchange() {
            finish(&exchange, response);
        }
    }
}

fn is_safe(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head | Method::Options | Method::Trace)
}

/// Whether this may be a form that was sent by `POST`: Rocket has made it a request of the method that its first field names. Another
/// site's page can send one with a browser's cookies.
async fn names_a_method(request: &Request<'_>, data: &mut Data<'_>) -> bool {
    const NAME: &[u8] = b"_method";
    let is_form = request.content_type().is_some_and(|kind| kind.is_form());
    is_form && data.peek(LOOKED_AT).await.windows(NAME.len()).any(|window| window == NAME)
}

/// Whether the body broke off where Rocket has looked at it. Rocket drops that error, and what is read next is an end; but only an end that
/// it met itself does it call complete.
async fn broke_off(data: &mut Data<'_>) -> bool {
    !data.peek_complete() && data.peek(LOOKED_AT).await.len() < LOOKED_AT
}

/// As many bytes of every body as Rocket looks at, for the method that a form may name.
const LOOKED_AT: usize = "_method=delete".len();

impl<P> fmt::Debug for Attach<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attach").field("closed", &self.closed).finish_non_exhaustive()
    }
}
