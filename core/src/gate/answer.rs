//! What a gate answers: [`Admission`], now or later.

use std::fmt;

use super::{
    case::{Pending, Unread},
    grant::Grant,
};
use crate::response::Rejection;

/// A gate's answer, or the wait for it.
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "now or later: an adapter must handle both")]
pub enum Admission<P> {
    /// Decided on the spot.
    Decided(Verdict<P>),
    /// Something has to be waited for; then [`Guard::conclude`](crate::adapter::Guard::conclude) decides.
    Pending(Pending<P>),
    /// The body has to be read: by a guard that can, which goes on with [`Guard::conclude_with_body`](crate::adapter::Guard::conclude_with_body)
    /// and hands the same bytes on; else [`Guard::cannot_read`](crate::adapter::Guard::cannot_read).
    Body(Unread<P>),
}

/// A gate's answer.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "an adapter must handle each")]
pub enum Verdict<P> {
    /// Somebody known, who may.
    Admitted(Grant<P>),
    /// Nobody, where nobody may.
    Anonymous,
    /// Refused.
    Rejected(Rejection),
}

pub(super) fn rejected<P>(rejection: Rejection) -> Admission<P> {
    Admission::Decided(Verdict::Rejected(rejection))
}

impl<P> fmt::Debug for Admission<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decided(Verdict::Admitted(_)) => "Admission::Decided(Admitted)",
            Self::Decided(Verdict::Anonymous) => "Admission::Decided(Anonymous)",
            Self::Decided(Verdict::Rejected(_)) => "Admission::Decided(Rejected)",
            Self::Pending(_) => "Admission::Pending",
            Self::Body(_) => "Admission::Body",
        })
    }
}
