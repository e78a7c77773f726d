//! A reply of the core as what a handler answers: [`Written`].

use countersign::{Reply, mint::session::Begun};
use rocket::{
    Request,
    response::{self, Responder},
};

use crate::respond::respond;

/// A reply of the core, written as Rocket's response: for handlers that answer with one.
#[derive(Debug)]
pub struct Written(Reply);

impl From<Reply> for Written {
    fn from(reply: Reply) -> Self {
        Self(reply)
    }
}

/// 204, with the cookie of a session that was just begun.
impl From<Begun> for Written {
    fn from(begun: Begun) -> Self {
        Self(begun.into())
    }
}

impl<'r> Responder<'r, 'static> for Written {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Ok(respond(self.0))
    }
}
