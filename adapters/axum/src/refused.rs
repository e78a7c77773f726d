//! A refusal as an axum response.

use axum::response::{IntoResponse, Response};
use countersign::{
    Unavailable,
    request::Exchange,
    response::{Reason, Rejection},
};

/// A gate's refusal: the rejection of [`Granted`](crate::Granted) and [`Visitor`](crate::Visitor), and the error of `allow_if`.
#[derive(Debug)]
pub struct Refused {
    rejection: Rejection,
    exchange: Option<Exchange>,
}

impl Refused {
    pub(crate) fn new(rejection: Rejection, exchange: Option<&Exchange>) -> Self {
        if let Some(exchange) = exchange {
            exchange.keep_refusal(&rejection);
        }
        Self { rejection, exchange: exchange.cloned() }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.rejection.reason()
    }
}

/// What a gate refuses that a handler asked by itself, as with [`Gate::verify`](countersign::Gate::verify).
impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, exchange: None }
    }
}

/// A store, or whatever else a handler asked, has no answer: 503.
impl From<Unavailable> for Refused {
    fn from(source: Unavailable) -> Self {
        Self { rejection: source.into(), exchange: None }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        if let Some(exchange) = &self.exchange {
            exchange.refusal_was_written();
        }
        countersign_tower::refuse(&self.rejection)
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rejection.fmt(f)
    }
}

impl std::error::Error for Refused {}
