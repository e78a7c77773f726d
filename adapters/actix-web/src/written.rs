//! A reply of the core as what a handler answers: [`Written`].

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use countersign::{Reply, mint::session::Begun};

use crate::reply::respond;

/// A reply of the core, written as actix-web's response: for handlers that answer with one.
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

impl Responder for Written {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        respond(&self.0)
    }
}
