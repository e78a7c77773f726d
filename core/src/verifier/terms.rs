//! On what terms a verifier is asked: [`Terms`].

use std::sync::Arc;

use super::queue::{Queue, QueueLimits};
use crate::throttle::Throttle;

/// Whether a cache keeps a verifier's answers, how many run at once, and who counts wrong tries.
///
/// A verifier that is asked in more than one place, such as by a gate and by a sign-in form, makes its terms once and returns clones: all
/// clones share one queue.
///
/// # Example
/// ```
/// use countersign::{
///     Answer, Verified, Verify,
///     credential::TokenCredential,
///     verifier::{Kept, QueueLimits, Terms},
/// };
/// use std::time::Duration;
///
/// struct Directory;
///
/// #[countersign::async_trait]
/// impl Verify<TokenCredential> for Directory {
///     type Principal = u32;
///
///     fn terms(&self) -> Terms {
///         Terms::new().kept(Kept::Always).queued(QueueLimits::at_once(8))
///     }
///
///     async fn verify(&self, credential: TokenCredential) -> Answer<u32> {
///         // … and for how long, says each answer
///         Verified::new(7).kept_for(Duration::from_secs(30)).into()
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Terms {
    pub(crate) kept: Kept,
    pub(crate) queue: Arc<Queue>,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) issuers: Vec<Issued>,
}

/// Whose tokens a verifier takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issued {
    /// The issuer.
    pub(crate) by: Box<str>,
    /// For whom they must be, one of these; for whomever, if there is none.
    pub(crate) to: Vec<Box<str>>,
}

/// Whether a cache keeps the answers of a verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "never, sometimes and always are all there is")]
pub enum Kept {
    /// Never: nothing is looked up, and no request waits for another one's answer. For what an HMAC alone decides, which costs less than
    /// the look-up, and for what is good once.
    #[default]
    Never,
    /// Where the answer says [for how long](crate::Verified::kept_for), and then for so long.
    Sometimes,
    /// For as long as the answer says, else for as long as the cache allows. For password hashes, stores, asymmetric signatures.
    Always,
}

impl Terms {
    /// Nothing is kept, 256 verifications run at once, and nobody counts.
    pub fn new() -> Self {
        Self { kept: Kept::Never, queue: Queue::new(QueueLimits::default()), throttle: None, issuers: Vec::new() }
    }

    /// Whether answers are kept.
    pub fn kept(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    /// How many verifications run at once, and how many may wait for their turn: in a queue of their own from here on.
    pub fn queued(mut self, limits: QueueLimits) -> Self {
        self.queue = Queue::new(limits);
        self
    }

    /// Says that it takes tokens of this issuer, for one of these audiences, or for whomever if there is none. It changes nothing of what is
    /// verified: it is how the metadata of a [`ProtectedResource`](crate::credential::ProtectedResource) knows what is. Said again, one more.
    pub fn of_issuer<'a>(mut self, name: &str, audiences: impl IntoIterator<Item = &'a str>) -> Self {
        self.issuers.push(Issued { by: name.into(), to: audiences.into_iter().map(Box::from).collect() });
        self
    }

    /// Whether answers are kept.
    #[must_use]
    pub fn are_kept(&self) -> Kept {
        self.kept
    }

    /// Who counts wrong tries, if anybody does.
    #[must_use]
    pub fn throttle(&self) -> Option<&Throttle> {
        self.throttle.as_ref()
    }

    /// Counts tries with credentials of an [`account`](super::Verify::account), cached or not. For what people choose and guessers can
    /// guess: passwords, not random tokens.
    pub fn throttled_by(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self::new()
    }
}
