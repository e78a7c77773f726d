//! The part around the app.

use std::fmt;

use countersign::{Gate, adapter::receive, route::Closed};
use rocket::{
    Build, Data, Orbit, Request, Response, Rocket,
    fairing::{self, Fairing, Info, Kind},
    http::uri::Origin,
};

use crate::{
    memory::Memory,
    respond::{finish, replace},
    routes::{open_routes, route_table},
};

/// Begins visits, cleans the URI, and writes what responses must carry. Made by [`GateExt::attach`](crate::GateExt::attach).
#[must_use]
pub struct Attach<P> {
    gate: Gate<P>,
    closed: Option<Closed>,
    shows_routes: bool,
}

impl<P> Attach<P> {
    pub(crate) fn new(gate: Gate<P>) -> Self {
        Self { gate, closed: None, shows_routes: false }
    }

    /// Closes everything below this path: an app does not launch with a route that could answer there and is neither
    /// [enforced](crate::GateExt::enforce) nor named [`public`](crate::public) nor [excepted](Self::except). `/` closes all.
    ///
    /// A guard in a handler's signature does not count: it cannot be seen from outside.
    pub fn closed_below(mut self, prefix: &str) -> Self {
        self.closed = Some(Closed::below(prefix));
        self
    }

    /// Leaves these routes to their own guards: by their pattern as Rocket lists it (`/api/pages/<page>`), without its query,
    /// never by a path. What is named before [`closed_below`](Self::closed_below) is forgotten.
    pub fn except<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.closed = self.closed.map(|closed| closed.except(patterns));
        self
    }

    /// Writes the [table of routes](crate::route_table) to the log at launch, at INFO.
    pub fn showing_routes(mut self) -> Self {
        self.shows_routes = true;
        self
    }

    /// What is open and must not be; said in the log.
    fn open_routes<Q: rocket::Phase>(&self, rocket: &Rocket<Q>) -> bool {
        let faults = self.closed.as_ref().map(|closed| open_routes(closed, rocket)).unwrap_or_default();
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

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let outer = Memory::of(request).exchange();
        let uri = request.uri();
        let received =
            receive(&self.gate, uri.path().as_str(), uri.query().map(|query| query.as_str()), outer.as_ref());
        if let Some(left) = received.query {
            let mut cleaned = uri.clone();
            cleaned.clear_query();
            if let Some(query) = left {
                // A URI that hyper takes and Rocket does not stays without a query.
                cleaned = Origin::parse_owned(format!("{}?{query}", uri.path())).unwrap_or(cleaned);
            }
            request.set_uri(cleaned);
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

impl<P> fmt::Debug for Attach<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attach").field("closed", &self.closed).finish_non_exhaustive()
    }
}
