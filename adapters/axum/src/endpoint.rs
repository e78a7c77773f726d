//! Mounting the core's endpoints.

use std::pin::Pin;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use countersign::{
    Grant, Reply,
    mint::endpoint::{self, Endpoint},
};
use countersign_tower::{HttpHead, respond};
use http::{Method, StatusCode};

use crate::{GateExt, framework::Axum};

/// An endpoint as a method router, behind the gate that it asks for.
///
/// ```
/// # use axum::Router;
/// # use countersign::{Gate, mint::api_key::ApiKeyEndpoints};
/// # use countersign_axum::endpoint;
/// fn mount(
///     router: Router<Gate<String>>,
///     keys: &ApiKeyEndpoints<String>,
///     gate: &Gate<String>,
/// ) -> Router<Gate<String>> {
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
    let prepared = endpoint.prepare(&HttpHead::<Axum>::of(&request), request.extensions().get(), grant);
    let work = match prepared {
        Ok(work) => work,
        Err(reply) => return respond(reply),
    };
    match read_body(request.into_body()).await {
        Ok(body) => respond(work.run(body).await),
        Err(reply) => respond(work.refused(reply)),
    }
}

/// Reads a body of at most [`LONGEST_BODY`](countersign::request::LONGEST_BODY) bytes, with the deadlines of an endpoint: for handlers
/// that want the same bounds.
///
/// # Errors
/// The reply: 413 for a longer body, 408 for one that comes too slowly, 400 for one that breaks off.
pub async fn read_body(mut body: Body) -> Result<Vec<u8>, Reply> {
    // Trailers are no part of the body.
    endpoint::read_body(|context| {
        Pin::new(&mut body).poll_frame(context).map_ok(|frame| frame.into_data().unwrap_or_default())
    })
    .await
}
