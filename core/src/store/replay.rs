//! Where it is remembered what may pass once, and has: [`ReplayStore`].

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::unavailable::Unavailable;

/// Whether something is there for the first time. See [`ReplayStore`].
#[derive(Debug, Clone)]
#[must_use = "only what is new may pass"]
#[expect(clippy::exhaustive_enums, reason = "a store that says something else must not be taken for one that says yes")]
pub enum First {
    /// It is, and it is remembered from now on. It may pass.
    New,
    /// It is not, or its time is over already, so that it could not be remembered. It may not pass.
    Seen,
    /// There is no room to remember it, in all or in the share of its scope. It may not pass, and nobody is to blame.
    Full {
        /// How long until there may be room.
        retry_after: Duration,
    },
    /// It could not be found out. It may not pass.
    Unavailable(Unavailable),
}

/// Remembers what may pass once, and has, each until its end.
///
/// A signed request, a proof of possession or a token that is good once can be copied by whoever sees it. Its signature stays right, so
/// that only a memory tells the copy from the original: of a nonce, for as long as a credential with that nonce would be taken.
///
/// - [`first`](ReplayStore::first) is one step: of two requests at once with the same nonce, exactly one is [`First::New`].
/// - **Full is no answer**, 503, and never a pass. Nothing is forgotten before its end to make room, else a flood would buy a replay.
/// - Each scope has a share of the room. A scope is what is filled by one signer and hurts that signer alone: its key, with the route.
/// - What is kept of a nonce is a hash, never the nonce itself.
///
/// # Run it last, and once
/// Ask when all else about the credential has been found good: signature, time, what it covers. Whoever has no key then fills nothing, and
/// a request that is refused for something else spends nothing. Ask once for a request, because the second answer is [`First::Seen`]; a
/// gate remembers what a kind confirmed, so that a second guard of the same gate does not ask again.
///
/// # Example
/// ```
/// use std::time::{Duration, SystemTime};
/// use countersign::store::{First, MemoryReplay, ReplayStore};
///
/// # #[tokio::main] async fn main() {
/// let replay = MemoryReplay::default();
/// let until = SystemTime::now() + Duration::from_secs(60);
/// assert!(matches!(replay.first("/hawk dh37fgj492je", b"j4h3g2", until).await, First::New));
/// assert!(matches!(replay.first("/hawk dh37fgj492je", b"j4h3g2", until).await, First::Seen));
/// # }
/// ```
///
/// # What it does not do
/// It does not count: that Digest's `nc` came out of order is for the kind to judge, by keys such as nonce and count together.
///
/// # Deployment
/// Copies of a service must share one store, or a request passes once at each. What is in memory is gone with the process: after a restart,
/// what was signed before passes once more, until its window is over.
///
/// # What a store must do
/// Whatever else it does, these hold, and a store for which one of them fails lets a copy in:
/// - `New` is said once for a scope and a key, however many ask at once and from however many copies, until `until` is over.
/// - Nothing is said to be `New` whose `until` is over by the store's own clock, because that could not be remembered.
/// - A clock that is set back makes nothing `New` that was forgotten when it was ahead.
/// - Two scopes share nothing but the room in all.
#[async_trait]
pub trait ReplayStore: Send + Sync + 'static {
    /// Whether this key is there for the first time in its scope; if so, it is remembered until `until`, that moment excluded.
    ///
    /// `scope` names what is filled by one signer: its key's id, with the route or whatever else must not share its nonces. `key` is what
    /// may not come twice, such as a nonce, or a time and a nonce. Where parts are put together, put something between them that none of
    /// them can hold. `until` is the moment from which a credential with this key is refused for its age, leeway included; it is on the
    /// wall clock, and the same each time that the credential comes.
    ///
    /// Never fails by itself: a store that cannot be reached says [`First::Unavailable`].
    async fn first(&self, scope: &str, key: &[u8], until: SystemTime) -> First;
}

impl First {
    /// Why there is no answer, if there is none; else whether it may pass.
    pub(crate) fn passes(self) -> Result<bool, Unavailable> {
        match self {
            Self::New => Ok(true),
            Self::Seen => Ok(false),
            Self::Full { retry_after } => Err(Unavailable::because(NoRoom).retrying_after(retry_after)),
            Self::Unavailable(source) => Err(source),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "there is no room to remember that this was used; the bound of the replay store, or its share for one signer, is too small"
)]
struct NoRoom;
