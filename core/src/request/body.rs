//! Reading a body whole, up to a bound and within its time: [`read_whole`].

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::timeout;

/// The longest body that an endpoint reads, and a guard unless the app says otherwise, in bytes.
pub const LONGEST_BODY: usize = 64 * 1024;

/// The longest that a body may make no progress.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The longest that a body may take from its first byte to its last.
const LONGEST_READ: Duration = Duration::from_secs(60);

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "too long, too slow and broken off are all that a reader tells")]
pub enum Unreadable {
    /// It is longer than the bound: 413.
    #[error("the body is too long")]
    TooLong,
    /// It paused for ten seconds, or took more than a minute: 408.
    #[error("the body comes too slowly")]
    TooSlow,
    /// It ended before it was whole, or cannot be decoded: 400.
    #[error("the body ended before it was whole")]
    BrokenOff,
}

/// Reads a body of at most `longest` bytes, within ten seconds for each piece and sixty for all. `next` polls for the next piece; `None`
/// is the end. Runs in a tokio runtime.
///
/// # Errors
/// When it is too long, too slow, or breaks off.
pub async fn read_whole<C: AsRef<[u8]>, E>(
    longest: usize,
    mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<C, E>>>,
) -> Result<Vec<u8>, Unreadable> {
    let reading = async {
        let mut whole = Vec::new();
        loop {
            match timeout(LONGEST_PAUSE, poll_fn(&mut next)).await {
                Err(_) => return Err(Unreadable::TooSlow),
                Ok(None) => return Ok(whole),
                Ok(Some(Err(_))) => return Err(Unreadable::BrokenOff),
                Ok(Some(Ok(piece))) if piece.as_ref().len() > longest - whole.len() => return Err(Unreadable::TooLong),
                Ok(Some(Ok(piece))) => whole.extend_from_slice(piece.as_ref()),
            }
        }
    };
    timeout(LONGEST_READ, reading).await.unwrap_or(Err(Unreadable::TooSlow))
}
