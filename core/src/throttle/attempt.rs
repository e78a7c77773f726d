//! One try, and the answers to one that cannot begin: [`Try`], [`RetryAfter`], [`CannotEnter`].

use std::{error::Error, fmt, time::Duration};

use super::{
    Places, Throttle,
    common::{Common, CommonTry, Ended},
    network::Network,
};
use crate::unavailable::Unavailable;

/// A try that was let through and counts as wrong for as long as it runs.
///
/// Dropping it gives its place back: the client left, or the verifier had no answer.
#[must_use = "dropping a try gives its place back"]
pub struct Try {
    pub(super) throttle: Throttle,
    pub(super) network: Network,
    pub(super) places: Places,
    pub(super) wrong: bool,
    /// The same try in the count of all copies, until that is told how it ended.
    pub(super) common: Option<Box<(Common, CommonTry)>>,
}

/// Why a try cannot begin.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "too many and no answer: there is no third")]
pub enum CannotEnter {
    /// There were too many wrong ones.
    Later(RetryAfter),
    /// The count that copies share has no answer.
    Unavailable(Unavailable),
}

/// Too many wrong passwords, for some time to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    pub(super) after: Duration,
    pub(super) undecided: bool,
    pub(super) rule: Rule,
}

/// What a try has met: for the log alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Pair,
    Name,
    Address,
    /// Told by the count that copies share, which does not say which of them.
    Common,
}

impl Try {
    /// The password was wrong: the try counts until the window is over.
    pub fn refused(mut self) {
        self.wrong = true;
        self.tell_detached(Ended::Refused);
    }

    /// The password was right: the place is given back, and the name is known at the address for a day.
    pub fn succeeded(mut self) {
        self.throttle.remember(&self);
        self.tell_detached(Ended::Right);
    }

    /// The same as [`refused`](Self::refused), for who can wait until all copies count it.
    pub(crate) async fn refused_everywhere(mut self) {
        self.wrong = true;
        self.tell(Ended::Refused).await;
    }

    /// The same as [`succeeded`](Self::succeeded), for who can wait until all copies know it.
    pub(crate) async fn succeeded_everywhere(mut self) {
        self.throttle.remember(&self);
        self.tell(Ended::Right).await;
    }

    async fn tell(&mut self, ended: Ended) {
        if let Some(common) = self.common.take() {
            tell(&common, ended).await;
        }
    }

    fn tell_detached(&mut self, ended: Ended) {
        let Some(common) = self.common.take() else { return };
        // Without a runtime nobody is told; the common count then takes the try for one that was refused.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { tell(&common, ended).await });
        }
    }
}

async fn tell((common, one): &(Common, CommonTry), ended: Ended) {
    let Err(source) = common.count.leave(one, &common.budgets, ended).await else { return };
    match ended {
        // It may not have begun at all, where the count is out of reach.
        Ended::GivenBack => tracing::debug!(target: "countersign", "a try was not given back: {source}"),
        Ended::Refused | Ended::Right => tracing::warn!(
            target: "countersign",
            "the common count was not told how a try ended, and will count it as wrong: {source}"
        ),
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        self.tell_detached(Ended::GivenBack);
        self.throttle.leave(self);
    }
}

impl RetryAfter {
    /// How long until it is worth another try.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.after
    }

    /// The same in whole seconds, rounded up, at least one: for a `Retry-After` field.
    #[must_use]
    pub fn whole_seconds(self) -> u64 {
        self.after.as_secs().saturating_add(u64::from(self.after.subsec_nanos() > 0)).max(1)
    }

    /// Which rule it was, in words for the log.
    pub(crate) fn why(self) -> &'static str {
        match self.rule {
            Rule::Pair => "too many tries for this name from this address were wrong",
            Rule::Name => "too many tries for this name, from wherever, were wrong",
            Rule::Address => "too many tries from this address, or the network around it, were wrong",
            Rule::Common => "too many tries for this name, or from this address, were wrong on all copies together",
        }
    }

    /// Whether only tries that still run stand in the way: [`Throttle::enter`] waits for them.
    #[must_use]
    pub fn is_undecided(self) -> bool {
        self.undecided
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too many wrong passwords; another try in {} s", self.whole_seconds())
    }
}

impl Error for RetryAfter {}

impl fmt::Display for CannotEnter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Later(later) => later.fmt(f),
            Self::Unavailable(source) => source.fmt(f),
        }
    }
}

impl Error for CannotEnter {}

impl From<RetryAfter> for CannotEnter {
    fn from(later: RetryAfter) -> Self {
        Self::Later(later)
    }
}

impl fmt::Debug for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Try(..)")
    }
}
