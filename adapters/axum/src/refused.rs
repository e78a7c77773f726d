//! A refusal as an axum response.

use axum::response::{IntoResponse, Response};
use countersign::{
    request::Visit,
    response::{Reason, Rejection},
};

/// A gate's refusal: the rejection of [`Granted`](crate::Granted) and [`Visitor`](crate::Visitor), and the error of `allow_if`.
#[derive(Debug)]
pub struct Refused {
    rejection: Rejection,
    visit: Option<Visit>,
}

impl Refused {
    pub(crate) fn new(rejection: Rejection, visit: Option<&Visit>) -> Self {
        if let Some(visit) = visit {
            visit.keep_refusal(&rejection);
        }
        Self { rejection, visit: visit.cloned() }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.rejection.reason()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        if let Some(visit) = &self.visit {
            visit.refusal_was_written();
        }
        countersign_tower::respond(self.rejection.reply())
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rejection.fmt(f)
    }
}

impl std::error::Error for Refused {}
