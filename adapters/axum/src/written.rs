//! A reply of the core as what a handler answers: [`Written`].

use axum::response::{IntoResponse, Response};
use countersign::{Reply, mint::session::Begun};

/// A reply of the core, written as axum's response: for handlers that answer with one.
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

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        countersign_tower::respond(self.0)
    }
}
