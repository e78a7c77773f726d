//! A guard of a framework, as it asks a gate: [`Guard`].

use std::fmt;

use super::{Admission, Finished, Verdict};
use crate::{
    gate::{Demand, Gate, Grant},
    request::{Exchange, RequestHead},
    response::Rejection,
};

/// A gate as one guard asks it. Cheap to make and to clone.
///
/// ```text
/// let mut admission = guard.admit(&head, exchange);
/// let verdict = loop {
///     match admission {
///         Admission::Decided(verdict) => break verdict,
///         Admission::Pending(pending) => admission = guard.conclude(pending.await, &head, exchange),
///     }
/// };
/// ```
/// The verdict then settles to what the guard promises: [`granted`](Self::granted), or [`visitor`](Self::visitor).
pub struct Guard<P>(Gate<P>);

impl<P: Send + Sync + 'static> Guard<P> {
    /// In front of a route.
    #[must_use]
    pub fn in_front(gate: &Gate<P>) -> Self {
        Self(gate.clone())
    }

    /// In a handler's signature, for somebody: what is in force on the route, with a demand `D`.
    #[must_use]
    pub fn for_somebody<D: Demand<P>>(gate: &Gate<P>, exchange: Option<&Exchange>) -> Self {
        Self(gate.in_force(exchange).demanding::<D>().known_callers())
    }

    /// In a handler's signature, for somebody or nobody: what is in force on the route, with a demand `D` of whoever is known.
    #[must_use]
    pub fn for_anybody<D: Demand<P>>(gate: &Gate<P>, exchange: Option<&Exchange>) -> Self {
        Self(gate.in_force(exchange).demanding::<D>().or_anonymous())
    }

    /// Admits a request, refuses it, or says what to wait for.
    ///
    /// `exchange` is what the attached part [received](super::receive) the request as; without one the answer is a fault.
    pub fn admit(&self, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Admission<P> {
        self.0.admit(head, exchange)
    }

    /// Decides after the wait, for the same request; or says what else to wait for, where what was found has been revoked meanwhile.
    pub fn conclude(&self, finished: Finished<P>, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Admission<P> {
        self.0.conclude(finished, head, exchange)
    }

    /// Who was admitted.
    ///
    /// # Errors
    /// The refusal. Nobody in particular is one too: a guard for somebody never admits nobody, and should it ever, nobody gets in here.
    pub fn granted(&self, verdict: Verdict<P>) -> Result<Grant<P>, Rejection> {
        match verdict {
            Verdict::Admitted(grant) => Ok(grant),
            Verdict::Anonymous => Err(self.0.realm().fault_of_nobody()),
            Verdict::Rejected(rejection) => Err(rejection),
        }
    }

    /// Who was admitted, or nobody.
    ///
    /// # Errors
    /// The refusal.
    pub fn visitor(&self, verdict: Verdict<P>) -> Result<Option<Grant<P>>, Rejection> {
        match verdict {
            Verdict::Admitted(grant) => Ok(Some(grant)),
            Verdict::Anonymous => Ok(None),
            Verdict::Rejected(rejection) => Err(rejection),
        }
    }

    /// Says that this guard let the request through, to the guards further in: they take what it takes, and demand what it demands.
    pub fn put_in_force(&self, exchange: &Exchange) {
        self.0.put_in_force(exchange);
    }
}

impl<P> Clone for Guard<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Send + Sync + 'static> fmt::Debug for Guard<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guard").field(&self.0).finish()
    }
}
