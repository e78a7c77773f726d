//! How far a request has come with its credential, and what it waits for.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tracing::Span;

use super::{
    policy::{Asking, Decision},
    verification::Waiting,
};
use crate::{
    cache::Outcome,
    credential::{Confirmation, Confirming},
    secret::fingerprint::Fingerprint,
    unavailable::Unavailable,
};

/// A wait: for a verifier, for what a grant is bound to, or for a policy that asks. Owns what it needs; borrows nothing of the request.
#[must_use]
pub struct Pending<P> {
    pub(super) case: Option<Box<Case<P>>>,
    pub(super) wait: Wait<P>,
}

/// A body that has to be read before anything more can be said: the credential covers it, and the head is good as far as that goes without.
#[must_use]
pub struct Unread<P> {
    pub(super) case: Box<Case<P>>,
    pub(super) longest: usize,
}

/// What was waited for, to be concluded at the gate that asked.
#[must_use]
pub struct Finished<P>(pub(super) Box<Case<P>>);

/// How far a request has come with its credential.
pub(super) struct Case<P> {
    /// The gate that asks.
    pub(super) gate: u64,
    pub(super) place: usize,
    /// By what its answer is remembered, unless that is the credential itself.
    pub(super) fingerprint: Option<Fingerprint>,
    /// Whether a guard of the same gate further out has admitted it already, so that this one judges its own demands alone.
    pub(super) is_admitted: bool,
    /// Whether it stood in the query.
    pub(super) by_query: bool,
    /// Whether the cache was not looked at.
    pub(super) anew: bool,
    /// How often it may be begun again.
    pub(super) tries: usize,
    /// Given as soon as it is known.
    pub(super) outcome: Option<Outcome<P>>,
    pub(super) confirmation: Option<Confirmation>,
    pub(super) decision: Option<Result<Decision, Unavailable>>,
    /// Under which the log shows it.
    pub(super) span: Span,
}

/// What a request waits for.
pub(super) enum Wait<P> {
    Outcome(Waiting<P>),
    Confirmation(Confirming),
    Decision(Asking),
}

impl<P> Case<P> {
    /// Of which the outcome is known, and which is begun again by whoever made it.
    pub(super) fn with_outcome(gate: u64, place: usize, outcome: Outcome<P>) -> Self {
        Self {
            gate,
            place,
            fingerprint: None,
            is_admitted: false,
            by_query: false,
            anew: false,
            tries: 0,
            outcome: Some(outcome),
            confirmation: None,
            decision: None,
            span: Span::current(),
        }
    }
}

impl<P> Finished<P> {
    pub(super) fn of(case: Case<P>) -> Self {
        Self(Box::new(case))
    }
}

impl<P> Future for Pending<P> {
    type Output = Finished<P>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished<P>> {
        let Self { case, wait } = &mut *self;
        // Polled again after it was ready: no future has an answer to that.
        let Some(known) = case else { return Poll::Pending };
        let span = known.span.clone();
        match wait {
            Wait::Outcome(outcome) => {
                known.outcome = Some(ready!(span.in_scope(|| outcome.as_mut().poll(context))));
            }
            Wait::Confirmation(shown) => {
                known.confirmation = Some(ready!(span.in_scope(|| shown.as_mut().poll(context))));
            }
            Wait::Decision(decision) => {
                known.decision = Some(ready!(span.in_scope(|| decision.as_mut().poll(context))));
            }
        }
        case.take().map_or(Poll::Pending, |case| Poll::Ready(Finished(case)))
    }
}

impl<P> fmt::Debug for Pending<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending(..)")
    }
}

impl<P> Unread<P> {
    /// The longest body that is worth reading, in bytes.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }
}

impl<P> fmt::Debug for Unread<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("longest", &self.longest).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Finished<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finished(..)")
    }
}
