//! What a verifier's answer comes to: [`Outcome`].

use std::sync::Arc;

use super::Entry;
use crate::{
    throttle::{Account, RetryAfter},
    unavailable::Unavailable,
};

/// A verifier's answer with what cache and throttle made of it. A good one has been found fresh last of all.
pub(crate) enum Outcome<P> {
    Good {
        entry: Arc<Entry<P>>,
        /// Its life is over; it serves because the verifier has no answer and the cache was told to allow that.
        stale: bool,
    },
    Refused {
        /// The account that the throttle counts by.
        account: Option<Account>,
    },
    /// Refused, and neither to be kept nor counted.
    Unjudged,
    /// It came over a channel on which anybody may have read it: the verifier was not asked.
    InTheClear,
    /// Too many tries were wrong: the verifier was not asked, or what it said before does not count.
    Throttled(RetryAfter),
    Unavailable(Unavailable),
}

impl<P> Outcome<P> {
    pub(crate) fn good(entry: Arc<Entry<P>>) -> Self {
        Self::Good { entry, stale: false }
    }

    /// Revoked while it was being verified, each time.
    pub(crate) fn revoked_again_and_again() -> Self {
        Self::Unavailable(Unavailable::because("revoked while it was being verified, again and again"))
    }

    pub(crate) fn account(&self) -> Option<Account> {
        match self {
            Self::Good { entry, .. } => entry.account(),
            Self::Refused { account } => *account,
            Self::Unjudged | Self::InTheClear | Self::Throttled(_) | Self::Unavailable(_) => None,
        }
    }
}

impl<P> Clone for Outcome<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Good { entry, stale } => Self::Good { entry: Arc::clone(entry), stale: *stale },
            Self::Refused { account } => Self::Refused { account: *account },
            Self::Unjudged => Self::Unjudged,
            Self::InTheClear => Self::InTheClear,
            Self::Throttled(later) => Self::Throttled(*later),
            Self::Unavailable(source) => Self::Unavailable(source.clone()),
        }
    }
}
