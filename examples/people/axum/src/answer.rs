//! What the service answers as axum's responses, and what it asks for as axum's extractors.

use std::convert::Infallible;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
        request::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign::request::Wants;
use countersign_axum::{Axum, Written, read_body};
use countersign_tower::HttpHead;
use people_shared::{answer, body};

/// The path's parameters in their order, decoded; `None` for one that is not UTF-8.
pub(crate) struct Named<const N: usize>(pub(crate) [Option<String>; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Named<N> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let mut named = [const { None }; N];
        if let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await {
            for (place, (_, value)) in named.iter_mut().zip(&parameters) {
                *place = Some(value.to_owned());
            }
        }
        Ok(Self(named))
    }
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Written;

    async fn from_request(request: Request, _: &S) -> Result<Self, Written> {
        body::expect_json(request.headers().get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes))?;
        Ok(Self(body::read(&read_body(request.into_body()).await?)?))
    }
}

pub(crate) async fn no_such_path() -> Written {
    answer::no_such_path().into()
}

/// axum adds `Allow` by itself.
pub(crate) async fn no_such_method() -> Written {
    answer::no_such_method().into()
}

/// Refusals as pages, where a browser loads one, and the fields that every response carries. And a parameter of a path is not empty, which axum
/// leaves to the app: a guard would be asked about a path that there is not.
pub(crate) async fn completed(request: Request, next: Next) -> Response {
    let wants = Wants::of(&HttpHead::<Axum>::of(&request));
    let mut response = if request.uri().path().contains("//") {
        no_such_path().await.into_response()
    } else {
        next.run(request).await
    };
    if wants.html && answer::is_refusal(content_type(&response)) {
        let (mut parts, body) = response.into_parts();
        // The service's own, in memory.
        let problem = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let (kind, page) = answer::page_of(&problem);
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        parts.headers.remove(CONTENT_LENGTH);
        response = Response::from_parts(parts, Body::from(page));
    }
    for (name, value) in answer::FIELDS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn content_type(response: &Response) -> Option<&[u8]> {
    response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes)
}
