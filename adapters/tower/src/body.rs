//! Reading a body because a credential covers it: [`ReadBody`].

use std::{fmt, future::Future, io, pin::Pin, task::ready};

use countersign::request::{Unreadable, read_whole};
use http_body::Body;

/// A body being read.
pub type Reading<B> = Pin<Box<dyn Future<Output = Result<WholeBody<B>, Unreadable>> + Send>>;

/// The bytes of a body, and how it is made of them again.
pub struct WholeBody<B> {
    bytes: Vec<u8>,
    again: fn(Vec<u8>) -> B,
}

impl<B> WholeBody<B> {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same body.
    #[must_use]
    pub fn into_body(self) -> B {
        (self.again)(self.bytes)
    }
}

impl<B> fmt::Debug for WholeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeBody").field("length", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// What an [`Enforce`](crate::Enforce) layer does with bodies that a credential covers.
pub trait ReadBody<B>: Clone + Send + Sync + 'static {
    /// Begins to read a body of at most so many bytes; `None` if there is no way to.
    fn read(&self, body: B, longest: usize) -> Option<Reading<B>>;
}

/// Leaves every body alone: a credential that covers one is answered with 500.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a name for nothing")]
pub struct LeaveBodies;

impl<B> ReadBody<B> for LeaveBodies {
    fn read(&self, _: B, _: usize) -> Option<Reading<B>> {
        None
    }
}

/// Reads bodies that can be made from bytes again, within ten seconds for each piece and a minute for all. One with trailers counts as broken
/// off: no signature of a body covers them.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a name for a way")]
pub struct WholeBodies;

impl<B> ReadBody<B> for WholeBodies
where
    B: Body + From<Vec<u8>> + Send + 'static,
    B::Data: AsRef<[u8]>,
{
    fn read(&self, body: B, longest: usize) -> Option<Reading<B>> {
        Some(Box::pin(async move {
            let mut body = Box::pin(body);
            let bytes = read_whole(longest, |context| {
                let frame = match ready!(body.as_mut().poll_frame(context)) {
                    None => return None.into(),
                    Some(frame) => frame.map_err(|_| io::ErrorKind::UnexpectedEof),
                };
                Some(frame.and_then(|frame| frame.into_data().map_err(|_| io::ErrorKind::InvalidData))).into()
            });
            Ok(WholeBody { bytes: bytes.await?, again: B::from })
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        task::{Context, Poll},
    };

    use http::HeaderMap;
    use http_body::Frame;

    use super::*;

    /// A body of these frames; nothing behind them is its end, an error breaks it off.
    struct Frames(VecDeque<Result<Frame<&'static [u8]>, io::ErrorKind>>);

    impl Body for Frames {
        type Data = &'static [u8];
        type Error = io::ErrorKind;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<&'static [u8]>, io::ErrorKind>>> {
            Poll::Ready(self.0.pop_front())
        }
    }

    impl From<Vec<u8>> for Frames {
        fn from(bytes: Vec<u8>) -> Self {
            Self([Ok(Frame::data(&*bytes.leak()))].into())
        }
    }

    #[tokio::test]
    async fn a_body_is_read_whole_or_not_at_all() {
        let data = |text: &'static str| Ok(Frame::data(text.as_bytes()));
        let trailers = || Ok(Frame::trailers(HeaderMap::new()));
        let rows: [(Vec<_>, Result<&str, Unreadable>); 6] = [
            (vec![], Ok("")),
            (vec![data("ab"), data(""), data("cd")], Ok("abcd")),
            (vec![data("ab"), data("cde")], Err(Unreadable::TooLong)),
            (vec![data("ab"), Err(io::ErrorKind::ConnectionReset)], Err(Unreadable::BrokenOff)),
            (vec![data("ab"), trailers()], Err(Unreadable::BrokenOff)),
            (vec![trailers()], Err(Unreadable::BrokenOff)),
        ];
        for (row, (frames, expected)) in rows.into_iter().enumerate() {
            let read = async |body: Frames| WholeBodies.read(body, 4).expect("there is a way").await;
            match read(Frames(frames.into())).await {
                Ok(whole) => {
                    let bytes = whole.bytes().to_vec();
                    assert_eq!(Ok(bytes.as_slice()), expected.map(str::as_bytes), "{row}");
                    assert_eq!(read(whole.into_body()).await.map(|again| again.bytes).ok(), Some(bytes), "{row}");
                }
                Err(why) => assert_eq!(Err(why), expected, "{row}"),
            }
        }
    }

    #[test]
    fn what_leaves_bodies_reads_none() {
        assert!(LeaveBodies.read((), 4).is_none());
    }
}
