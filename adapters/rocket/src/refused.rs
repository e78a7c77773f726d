//! A refusal as a Rocket response.

use std::fmt;

use countersign::{
    Reply, Unavailable,
    response::{Reason, Rejection},
};
use rocket::{
    Request,
    http::Status,
    response::{self, Responder},
};

use crate::{memory::Memory, respond::respond};

/// A gate's refusal: the error of [`Granted`](crate::Granted) and [`Visitor`](crate::Visitor) as guards, and of `allow_if`. A
/// handler may answer with it; nothing of it can be changed.
pub struct Refused(Option<Rejection>);

impl Refused {
    pub(crate) fn new(rejection: Rejection, memory: &Memory) -> Self {
        memory.refuse(&rejection);
        Self(Some(rejection))
    }

    /// For a rejection that is kept already.
    pub(crate) fn kept(rejection: Rejection) -> Self {
        Self(Some(rejection))
    }

    /// No gate, so nobody can be admitted.
    pub(crate) fn without_gate() -> Self {
        tracing::error!(
            target: "countersign",
            "a guard found no gate of its principal: attach it first, with .attach(gate.attach())"
        );
        Self(None)
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.as_ref().map_or(Reason::Misconfigured, Rejection::reason)
    }

    pub(crate) fn status(&self) -> Status {
        self.0.as_ref().map_or(Status::InternalServerError, |rejection| Status::new(rejection.status()))
    }
}

/// What a gate refuses that a handler asked by itself, as with [`Gate::verify`](countersign::Gate::verify).
impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self(Some(rejection))
    }
}

/// A store, or whatever else a handler asked, has no answer: 503.
impl From<Unavailable> for Refused {
    fn from(source: Unavailable) -> Self {
        Self(Some(source.into()))
    }
}

impl<'r> Responder<'r, 'static> for Refused {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        Memory::of(request).refusal_was_written();
        let reply = match self.0 {
            Some(rejection) => rejection.reply(),
            None => Reply::problem(500, "The service is set up wrongly.", None),
        };
        Ok(respond(reply))
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("reason", &self.reason()).finish_non_exhaustive()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(rejection) => rejection.fmt(f),
            None => f.write_str("The service is set up wrongly."),
        }
    }
}

impl std::error::Error for Refused {}
