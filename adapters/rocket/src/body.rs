//! Reading bodies.

use std::{
    io,
    pin::pin,
    task::{Poll, ready},
    time::Duration,
};

use countersign::request::{Unreadable, read_whole};
use rocket::{
    Data, Request,
    data::ToByteUnit,
    tokio::{
        io::{AsyncRead, ReadBuf},
        time::timeout,
    },
};

use crate::memory::Memory;

/// How much of a body Rocket keeps when it is looked at.
const PEEK: usize = 512;

/// The longest that a body may make no progress.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Reads a whole body of at most so many bytes.
pub(crate) async fn read(request: &Request<'_>, data: Data<'_>, longest: usize) -> Result<Vec<u8>, Unreadable> {
    if Memory::of(request).broke_off() {
        return Err(Unreadable::BrokenOff);
    }
    let mut missing = announced(request);
    let mut stream = pin!(data.open((longest.saturating_add(1)).bytes()));
    let mut buffer = [0; 4096];
    read_whole(longest, |context| -> Poll<Option<io::Result<_>>> {
        let mut piece = ReadBuf::new(&mut buffer);
        if let Err(error) = ready!(stream.as_mut().poll_read(context, &mut piece)) {
            return Poll::Ready(Some(Err(error)));
        }
        let piece = piece.filled().to_vec();
        missing = missing.saturating_sub(piece.len());
        Poll::Ready(match piece.is_empty() {
            true if missing > 0 => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            true => None,
            false => Some(Ok(piece)),
        })
    })
    .await
}

/// Looks at a body without taking it: one that is longer than Rocket shows is too long.
pub(crate) async fn look<'d>(
    request: &Request<'_>,
    data: &'d mut Data<'_>,
    longest: usize,
) -> Result<&'d [u8], Unreadable> {
    let seen = timeout(LONGEST_PAUSE, data.peek(PEEK)).await.map_err(|_| Unreadable::TooSlow)?.len();
    // Rocket drops the error of a body that breaks off, and then has neither all that it wanted to see nor an end.
    if Memory::of(request).broke_off() || (!data.peek_complete() && seen < PEEK) {
        return Err(Unreadable::BrokenOff);
    }
    // Rocket does not look further than it shows, and so does not see the end of a body of exactly that length.
    if !data.peek_complete() && seen != announced(request) {
        return Err(Unreadable::TooLong);
    }
    match data.peek(PEEK).await {
        body if body.len() > longest => Err(Unreadable::TooLong),
        body if body.len() < announced(request) => Err(Unreadable::BrokenOff),
        body => Ok(body),
    }
}

/// The length that the client stated. Rocket looks at the first 14 bytes before any handler runs, and takes a connection that breaks off
/// there for the end.
fn announced(request: &Request<'_>) -> usize {
    request.headers().get_one("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0)
}
