//! Lets a page on another subdomain talk to the API. It stands outside of everything, and answers preflights.

use axum::http::{HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

/// The origin of the page.
pub(crate) const PAGE: &str = "https://app.example.com";

/// The layer, for that page alone.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(PAGE))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
}
