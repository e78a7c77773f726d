//! One try, and the answer to one too many: [`Try`], [`RetryAfter`].

use std::{error::Error, fmt, time::Duration};

use super::{Places, Throttle, network::Network};

/// A try that was let through and counts as wrong for as long as it runs.
///
/// Dropping it gives its place back: the client left, or the verifier had no answer.
#[must_use = "dropping a try gives its place back"]
pub struct Try {
    pub(super) throttle: Throttle,
    pub(super) network: Network,
    pub(super) places: Places,
    pub(super) wrong: bool,
}

/// Too many wrong passwords, for some time to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    pub(super) after: Duration,
    pub(super) undecided: bool,
}

impl Try {
    /// The password was wrong: the try counts until the window is over.
    pub fn refused(mut self) {
        self.wrong = true;
    }

    /// The password was right: the place is given back, and the name is known at the address for a day.
    pub fn succeeded(self) {
        self.throttle.remember(&self);
    }
}

impl Drop for Try {
    fn drop(&mut self) {
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

impl fmt::Debug for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Try(..)")
    }
}
