//! A refusal as an error of actix-web.

use std::fmt;

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use countersign::{
    Reply, Unavailable,
    request::Exchange,
    response::{Reason, Rejection},
};

use crate::{
    head::exchange_of,
    reply::{refuse, respond},
};

/// A gate's refusal: the error of [`Granted`](crate::Granted) and [`Visitor`](crate::Visitor), and of `allow_if`.
///
/// A handler that returns it answers with the gate's own reply. One that drops it does not get around it: the attached part of the
/// gate then answers with it, in place of what the handler said.
#[derive(Debug)]
pub struct Refused(Cause);

#[derive(Debug)]
enum Cause {
    Rejected {
        rejection: Rejection,
        exchange: Option<Exchange>,
    },
    /// Nothing was attached: there is no gate to ask.
    NoGate,
}

impl Refused {
    pub(crate) fn new(rejection: Rejection, exchange: Option<&Exchange>) -> Self {
        if let Some(exchange) = exchange {
            exchange.keep_refusal(&rejection);
        }
        Self(Cause::Rejected { rejection, exchange: exchange.cloned() })
    }

    pub(crate) fn at(request: &HttpRequest, rejection: Rejection) -> Self {
        Self::new(rejection, exchange_of(request).as_ref())
    }

    /// Says in the log what to add. `asked` is the type that asked for a gate.
    pub(crate) fn without_gate(asked: &str) -> Self {
        tracing::error!(
            target: "countersign",
            "{asked} stands in a handler, and no gate of its principal is attached: add `.wrap(gate.attach())` to the App, as its last wrap"
        );
        Self(Cause::NoGate)
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match &self.0 {
            Cause::Rejected { rejection, .. } => rejection.reason(),
            Cause::NoGate => Reason::Misconfigured,
        }
    }
}

/// What a gate refuses that a handler asked by itself, as with [`Gate::verify`](countersign::Gate::verify).
impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self(Cause::Rejected { rejection, exchange: None })
    }
}

/// A store, or whatever else a handler asked, has no answer: 503.
impl From<Unavailable> for Refused {
    fn from(source: Unavailable) -> Self {
        Self(Cause::Rejected { rejection: source.into(), exchange: None })
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        let status = match &self.0 {
            Cause::Rejected { rejection, .. } => rejection.status(),
            Cause::NoGate => Reason::Misconfigured.status(),
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        if let Cause::Rejected { exchange: Some(exchange), .. } = &self.0 {
            exchange.refusal_was_written();
        }
        match &self.0 {
            Cause::Rejected { rejection, .. } => refuse(rejection),
            Cause::NoGate => {
                let sentence = "The service is set up wrongly.";
                respond(&Reply::problem(Reason::Misconfigured.status(), sentence, None))
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Rejected { rejection, .. } => rejection.fmt(f),
            Cause::NoGate => f.write_str("The service is set up wrongly."),
        }
    }
}

impl std::error::Error for Refused {}
