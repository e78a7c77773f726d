//! A request's body, alive until its response has been written.
//!
//! When a response is written and nobody holds the request's body any more, actix-web reads a body in chunks on to its end, so as to
//! keep the connection: without a bound, and for as long as the client likes. Where somebody still holds it, the connection is closed behind
//! the response instead, as it is for bodies of a stated length. So the attached part holds every body that it hands on, together
//! with the response: a refused body, one that is too long, and one that a handler never asked for are not read on.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    body::{BodySize, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::StatusCode,
    web::Bytes,
};
use futures_core::Stream;
use pin_project_lite::pin_project;

/// A request's body, which several hold and one reads.
#[derive(Clone)]
pub(crate) struct Shared(Rc<RefCell<Payload>>);

impl Shared {
    /// The body of a request over HTTP/1, if it has one; the request is left with a share in it.
    pub(crate) fn of(request: &mut ServiceRequest) -> Option<Self> {
        match request.take_payload() {
            payload @ Payload::H1 { .. } => {
                let shared = Self(Rc::new(RefCell::new(payload)));
                request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
                Some(shared)
            }
            other => {
                request.set_payload(other);
                None
            }
        }
    }

    /// A response's body that holds this. What follows a change of protocol is no body.
    pub(crate) fn held_by<B>(self, status: StatusCode, body: B) -> Held<B> {
        Held { body, request: (status != StatusCode::SWITCHING_PROTOCOLS).then_some(self) }
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

pin_project! {
    /// The body of a response, and that of its request.
    #[doc(hidden)]
    pub struct Held<B> {
        #[pin]
        body: B,
        request: Option<Shared>,
    }
}

impl<B> Held<B> {
    /// Of a request without a body.
    pub(crate) fn alone(body: B) -> Self {
        Self { body, request: None }
    }
}

impl<B: MessageBody> MessageBody for Held<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        self.project().body.poll_next(context)
    }
}

impl<B> std::fmt::Debug for Held<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held(..)")
    }
}
