//! Where it is remembered which counts of a nonce have passed: [`CountStore`].

use std::time::SystemTime;

use async_trait::async_trait;

use super::First;

/// How far below the highest count of its nonce a count may come and pass.
pub const COUNTS_OUT_OF_ORDER: u32 = 64;

/// Remembers the counts that a client uses a nonce with, each of which may pass once: `nc` of Digest.
///
/// Parallel requests overtake each other, so counts may come out of order: within 64 of the highest that has passed. What is lower is refused,
/// because whether it has passed is not known any more. So a nonce takes the same room however often it is used.
///
/// The rules of a [`ReplayStore`](super::ReplayStore) hold here too: one step, full is no answer, nothing is forgotten before its end, asked last and
/// once.
///
/// # Example
/// ```
/// use countersign::store::{CountStore, First, MemoryCounts};
/// use std::time::{Duration, SystemTime};
///
/// # #[tokio::main] async fn main() {
/// let counts = MemoryCounts::default();
/// let until = SystemTime::now() + Duration::from_secs(60);
/// for (count, is_new) in
///     [(1, true), (3, true), (2, true), (2, false), (100, true), (35, false), (36, true)]
/// {
///     let first = counts.first("/digest Mufasa", b"nonce", count, until).await;
///     assert_eq!(matches!(first, First::New), is_new, "{count}");
/// }
/// # }
/// ```
#[async_trait]
pub trait CountStore: Send + Sync + 'static {
    /// Whether this count comes for the first time with this key in its scope; if so, that is remembered until `until`, that moment excluded.
    ///
    /// `scope` and `key` are as for [`ReplayStore::first`](super::ReplayStore::first); `until` is the same each time that the key comes.
    ///
    /// Never fails by itself: a store that cannot be reached says [`First::Unavailable`].
    async fn first(&self, scope: &str, key: &[u8], count: u32, until: SystemTime) -> First;
}
