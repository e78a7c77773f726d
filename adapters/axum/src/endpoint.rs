//! Mounting the core's endpoints.

use axum::{
    body::Body,
    extract::Request,
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use countersign::{
    Grant,
    mint::endpoint::{Endpoint, LONGEST_BODY},
};
use countersign_tower::{HttpHead, respond};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{GateExt, surroundings::Axum};

/// An endpoint as a method router, behind the gate that it asks for.
///
/// ```
/// # use axum::Router;
/// # use countersign::{Gate, mint::api_key::KeyEndpoints};
/// # use countersign_axum::endpoint;
/// fn mount(router: Router<Gate<String>>, keys: &KeyEndpoints<String>, gate: &Gate<String>) -> Router<Gate<String>> {
///     router
///         .route("/keys", endpoint(keys.create(gate)).merge(endpoint(keys.list(gate))))
///         .route("/keys/{id}", endpoint(keys.delete(gate)))
/// }
/// ```
pub fn endpoint<S, P>(endpoint: Endpoint<P>) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
    P: Send + Sync + 'static,
{
    let gate = endpoint.gate().cloned();
    let method =
        Method::from_bytes(endpoint.method().as_bytes()).ok().and_then(|method| MethodFilter::try_from(method).ok());
    let Some(method) = method else {
        // The core makes endpoints of standard methods alone.
        return MethodRouter::new().fallback(|| async { StatusCode::METHOD_NOT_ALLOWED });
    };
    let router = on(method, move |request: Request| answer(endpoint.clone(), request));
    match gate {
        Some(gate) => router.route_layer(gate.enforce()),
        None => router,
    }
}

async fn answer<P: Send + Sync + 'static>(endpoint: Endpoint<P>, request: Request) -> Response {
    let grant = request.extensions().get::<Grant<P>>().cloned();
    let prepared = endpoint.prepare(&HttpHead::<Axum>::of(&request), grant);
    let work = match prepared {
        Ok(work) => work,
        Err(reply) => return respond(reply),
    };
    match whole(request.into_body()).await {
        Ok(body) => respond(work.run(body).await),
        Err(too_large) => respond(if too_large { endpoint.too_large() } else { endpoint.cut_short() }),
    }
}

/// The body, or whether it was too large (else it broke off).
async fn whole(body: Body) -> Result<Vec<u8>, bool> {
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) => Err(error.is::<LengthLimitError>()),
    }
}
