//! Mounting the core's endpoints.

use std::{
    pin::Pin,
    task::{Poll, ready},
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Route,
    error::PayloadError,
    guard,
    http::{
        Method, StatusCode, Version,
        header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE},
    },
    web,
};
use countersign::{
    Grant, Reply,
    mint::endpoint::{self, Endpoint},
};
use futures_core::Stream;

use crate::{
    GateExt,
    head::{ActixHead, exchange_of},
    reply::respond,
};

/// An endpoint as a route, behind the gate that it asks for.
///
/// `ApiKeyEndpoints` and its like are made outside the closure of `HttpServer::new`, and shared by an `Arc`.
///
/// ```
/// # use actix_web::web;
/// # use countersign::{Gate, mint::api_key::ApiKeyEndpoints};
/// # use countersign_actix_web::endpoint;
/// fn mount(config: &mut web::ServiceConfig, keys: &ApiKeyEndpoints<String>, gate: &Gate<String>) {
///     config
///         .service(
///             web::resource("/keys")
///                 .route(endpoint(keys.create(gate)))
///                 .route(endpoint(keys.list(gate))),
///         )
///         .service(web::resource("/keys/{id}").route(endpoint(keys.delete(gate))));
/// }
/// ```
pub fn endpoint<P: Send + Sync + 'static>(endpoint: Endpoint<P>) -> Route {
    let gate = endpoint.gate().cloned();
    let Ok(method) = Method::from_bytes(endpoint.method().as_bytes()) else {
        // The core makes endpoints of standard methods alone.
        return web::to(|| async { HttpResponse::new(StatusCode::METHOD_NOT_ALLOWED) });
    };
    // HEAD is answered wherever GET is.
    let route = match method {
        Method::GET => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        method => web::method(method),
    };
    let route = route.to(move |request, body| answer(endpoint.clone(), request, body));
    match gate {
        Some(gate) => route.wrap(gate.enforce()),
        None => route,
    }
}

async fn answer<P: Send + Sync + 'static>(
    endpoint: Endpoint<P>,
    request: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let grant = request.extensions().get::<Grant<P>>().cloned();
    let prepared = endpoint.prepare(&ActixHead::of(&request), exchange_of(&request).as_ref(), grant);
    let work = match prepared {
        Ok(work) => work,
        Err(reply) => return respond(&reply),
    };
    match read_body(&request, body).await {
        Ok(body) => respond(&work.run(body).await),
        Err(reply) => respond(&work.refused(reply)),
    }
}

/// Reads a body of at most [`LONGEST_BODY`](countersign::request::LONGEST_BODY) bytes, with the deadlines of an endpoint: for handlers
/// that want the same bounds.
///
/// # Errors
/// The reply: 413 for a longer body, 408 for one that comes too slowly, 400 for one that breaks off.
pub async fn read_body(request: &HttpRequest, mut body: web::Payload) -> Result<Vec<u8>, Reply> {
    let mut missing = stated_length(request);
    endpoint::read_body(|context| {
        if missing == Some(0) {
            return Poll::Ready(None);
        }
        let piece = ready!(Pin::new(&mut body).poll_next(context));
        Poll::Ready(match (piece, &mut missing) {
            (Some(Ok(mut piece)), Some(missing)) => {
                piece.truncate(*missing);
                *missing -= piece.len();
                Some(Ok(piece))
            }
            (None, Some(_)) => Some(Err(PayloadError::Incomplete(None))),
            (piece, _) => piece,
        })
    })
    .await
}

/// How long the body is of a request that asks for the protocol of WebSockets, by what its head states: actix-web takes all that follows such
/// a head for the new protocol, which has no end, and whoever reads a body does not change to it. `None` for any other request.
fn stated_length(request: &HttpRequest) -> Option<usize> {
    let asks = request.headers().get_all(UPGRADE).any(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !asks || request.version() >= Version::HTTP_2 || request.headers().contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let stated = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    Some(stated.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}
