//! Mounting the core's endpoints.

use countersign::mint::endpoint::{Endpoint, LONGEST_BODY};
use rocket::{
    Data, Request, Response, Route,
    data::ToByteUnit,
    http::Method,
    route::{Handler, Outcome},
};

use crate::{granted::admit, head::RocketHead, respond::respond, routes::Mark};

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
/// # use countersign::{Gate, mint::api_key::KeyEndpoints};
/// # use countersign_rocket::endpoint;
/// fn mount(rocket: Rocket<Build>, keys: &KeyEndpoints<String>, gate: &Gate<String>) -> Rocket<Build> {
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
        Some(gate) => match admit(gate, request).await {
            Ok(grant) => grant,
            Err(rejection) => return respond(rejection.reply()),
        },
        None => None,
    };
    let prepared = endpoint.prepare(&RocketHead::of(request), grant);
    let work = match prepared {
        Ok(work) => work,
        Err(reply) => return respond(reply),
    };
    match data.open(LONGEST_BODY.bytes()).into_bytes().await {
        Ok(body) if body.is_complete() => respond(work.run(body.into_inner()).await),
        Ok(_) => respond(endpoint.too_large()),
        Err(_) => respond(endpoint.cut_short()),
    }
}
