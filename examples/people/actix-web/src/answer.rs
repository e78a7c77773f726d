//! What the service answers as actix-web's responses, and what it asks for of its requests.

use actix_web::{
    Error, HttpRequest, Resource, Route,
    body::{BoxBody, EitherBody, MessageBody, to_bytes},
    dev::{ServiceRequest, ServiceResponse},
    guard,
    http::header::{ALLOW, CONTENT_TYPE, HeaderValue},
    middleware::{DefaultHeaders, Next},
    web,
};
use countersign::{Reply, request::Wants};
use countersign_actix_web::{ActixHead, Written, read_body, respond};
use people_shared::{answer, body};
use serde::de::DeserializeOwned;

/// GET, and HEAD with it.
pub(crate) fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// The routes of one path, and 405 with their methods for any other.
pub(crate) fn at(path: &str, allowed: &'static str, routes: impl IntoIterator<Item = Route>) -> Resource {
    let resource = routes.into_iter().fold(web::resource(path), Resource::route);
    resource.default_service(web::to(move || async move {
        let mut response = respond(&answer::no_such_method());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        response
    }))
}

pub(crate) async fn no_such_path() -> Written {
    answer::no_such_path().into()
}

/// The path's parameter of this name, decoded.
pub(crate) fn named<'r>(request: &'r HttpRequest, name: &str) -> Option<std::borrow::Cow<'r, str>> {
    use countersign::adapter::RequestHead;
    ActixHead::of(request).parameter(name).map(|value| value.into_owned().into())
}

/// A JSON body.
pub(crate) async fn json<T: DeserializeOwned>(request: &HttpRequest, payload: web::Payload) -> Result<T, Reply> {
    body::expect_json(request.headers().get_all(CONTENT_TYPE).map(HeaderValue::as_bytes))?;
    body::read(&read_body(request, payload).await?)
}

/// Refusals as pages, where a browser loads one.
pub(crate) async fn as_page<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let wants = Wants::of(&ActixHead::of(request.request()));
    let response = next.call(request).await?;
    let refuses = answer::is_refusal(response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes));
    if !(wants.html && refuses) {
        return Ok(response.map_into_left_body());
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    // The service's own, in memory.
    let problem = to_bytes(body).await.unwrap_or_default();
    let (kind, page) = answer::page_of(&problem);
    let mut response = head.set_body(BoxBody::new(page)).map_into_right_body();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(ServiceResponse::new(request, response))
}

/// The fields that every response carries.
pub(crate) fn fields() -> DefaultHeaders {
    answer::FIELDS.into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add)
}
