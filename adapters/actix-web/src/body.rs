//! Reading a body because a credential covers it, and handing it on.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{dev::Payload, error::PayloadError, web::Bytes};
use countersign::request::{Unreadable, read_whole};
use futures_core::Stream;

/// The whole body.
pub(crate) async fn read(mut payload: Payload, longest: usize) -> Result<Vec<u8>, Unreadable> {
    read_whole(longest, |context| Pin::new(&mut payload).poll_next(context)).await
}

/// The same body, for what is inside.
pub(crate) fn again(body: Vec<u8>) -> Payload {
    if body.is_empty() { Payload::None } else { Payload::Stream { payload: Box::pin(Whole(Some(body.into()))) } }
}

/// A body of one piece.
struct Whole(Option<Bytes>);

impl Stream for Whole {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}
