//! Mounting the core's endpoints.

use countersign::{
    Reply,
    adapter::Guard,
    mint::endpoint::{self, Endpoint},
    request::LONGEST_BODY,
};
use rocket::{
    Data, Request, Response, Route,
    http::Method,
    route::{Handler, Outcome},
};

use crate::{body, granted::verdict, head::RocketHead, memory::Memory, respond::respond, routes::Mark};

struct Mounted<P>(Endpoint<P>);

impl<P> Clone for Mounted<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// An endpoint as a route of this pattern, behind the gate that it asks for.
///
/// Like [`Route::new`], ends the program at start-up if `pattern` is no route's pattern.
///
/// ```
/// # use rocket::{Build, Rocket};
/// # use countersign::{Gate, mint::api_key::ApiKeyEndpoints};
/// # use countersign_rocket::endpoint;
/// fn mount(
///     rocket: Rocket<Build>,
///     keys: &ApiKeyEndpoints<String>,
///     gate: &Gate<String>,
/// ) -> Rocket<Build> {
///     rocket
///         .mount("/", endpoint("/keys", keys.create(gate)))
///         .mount("/", endpoint("/keys", keys.list(gate)))
///         .mount("/", endpoint("/keys/<id>", keys.delete(gate)))
/// }
/// ```
#[must_use]
pub fn endpoint<P: Send + Sync + 'static>(pattern: &str, endpoint: Endpoint<P>) -> Vec<Route> {
    let mark = endpoint.gate().map_or(Mark::Public, |gate| Mark::Enforced(gate.summary()));
    // The core makes endpoints of standard methods alone.
    let Ok(method) = endpoint.method().parse::<Method>() else { return Vec::new() };
    let mut route = Route::new(method, pattern, Mounted(endpoint));
    route.name = Some("endpoint".into());
    mark.put_on(&mut route);
    vec![route]
}

#[rocket::async_trait]
impl<P: Send + Sync + 'static> Handler for Mounted<P> {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        Outcome::Success(answer(&self.0, request, data).await)
    }
}

async fn answer<'r, P: Send + Sync + 'static>(
    endpoint: &Endpoint<P>,
    request: &'r Request<'_>,
    data: Data<'r>,
) -> Response<'r> {
    let grant = match endpoint.gate() {
        Some(gate) => {
            let guard = Guard::in_front(gate);
            match guard.visitor(verdict(&guard, request).await) {
                Ok(grant) => grant,
                Err(rejection) => return respond(rejection.reply()),
            }
        }
        None => None,
    };
    let exchange = Memory::of(request).exchange();
    let prepared = endpoint.prepare(&RocketHead::of(request), exchange.as_ref(), grant);
    let work = match prepared {
        Ok(work) => work,
        Err(reply) => return respond(reply),
    };
    match read_body(request, data).await {
        Ok(body) => respond(work.run(body).await),
        Err(reply) => respond(work.refused(reply)),
    }
}

/// Reads a body of at most [`LONGEST_BODY`](countersign::request::LONGEST_BODY) bytes, with the deadlines of an endpoint: for handlers
/// that want the same bounds.
///
/// # Errors
/// The reply: 413 for a longer body, 408 for one that comes too slowly, 400 for one that breaks off.
pub async fn read_body(request: &Request<'_>, data: Data<'_>) -> Result<Vec<u8>, Reply> {
    body::read(request, data, LONGEST_BODY).await.map_err(endpoint::unreadable)
}
