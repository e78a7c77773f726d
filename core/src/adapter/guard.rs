//! A guard of a framework, as it asks a gate: [`Guard`].

use std::fmt;

use super::{Admission, Finished, Unread, Verdict};
use crate::{
    gate::{Demand, Gate, Grant},
    request::{Exchange, RequestHead, Unreadable},
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
///         Admission::Body(unread) => {
///             let body = read_whole(unread.longest(), …).await;
///             admission = guard.conclude_with_body(unread, body.as_deref().map_err(|why| *why), &head, exchange);
///         }
///     }
/// };
/// ```
/// The verdict then settles to what the guard promises: [`granted`](Self::granted), or [`visitor`](Self::visitor).
pub struct Guard<P> {
    gate: Gate<P>,
    /// In front of a route: others may be in force on it, further out.
    in_front: bool,
}

impl<P: Send + Sync + 'static> Guard<P> {
    /// In front of a route.
    #[must_use]
    pub fn in_front(gate: &Gate<P>) -> Self {
        Self { gate: gate.clone(), in_front: true }
    }

    /// In a handler's signature, for somebody: what is in force on the route, with a demand `D`.
    #[must_use]
    pub fn for_somebody<D: Demand<P>>(gate: &Gate<P>, exchange: Option<&Exchange>) -> Self {
        Self { gate: gate.in_force(exchange).demanding::<D>().known_callers(), in_front: false }
    }

    /// In a handler's signature, for somebody or nobody: what is in force on the route, with a demand `D` of whoever is known.
    #[must_use]
    pub fn for_anybody<D: Demand<P>>(gate: &Gate<P>, exchange: Option<&Exchange>) -> Self {
        Self { gate: gate.in_force(exchange).demanding::<D>().any_callers(), in_front: false }
    }

    /// Admits a request, refuses it, or says what to wait for.
    ///
    /// `exchange` is what the attached part [received](super::receive) the request as; without one the answer is a fault.
    pub fn admit(&self, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Admission<P> {
        match self.narrowed(exchange) {
            Some(narrowed) => narrowed.admit(head, exchange),
            None => self.gate.admit(head, exchange),
        }
    }

    /// Decides after the wait, for the same request; or says what else to wait for, where what was found has been revoked meanwhile.
    pub fn conclude(&self, finished: Finished<P>, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Admission<P> {
        match self.narrowed(exchange) {
            Some(narrowed) => narrowed.conclude(finished, head, exchange),
            None => self.gate.conclude(finished, head, exchange),
        }
    }

    /// Goes on with the whole body, or with why it could not be read, for the same request: see
    /// [`read_whole`](crate::request::read_whole). What is inside must be handed the same bytes.
    pub fn conclude_with_body(
        &self,
        unread: Unread<P>,
        body: Result<&[u8], Unreadable>,
        head: &dyn RequestHead,
        exchange: Option<&Exchange>,
    ) -> Admission<P> {
        match self.narrowed(exchange) {
            Some(narrowed) => narrowed.conclude_with_body(unread, body, head, exchange),
            None => self.gate.conclude_with_body(unread, body, head, exchange),
        }
    }

    /// Refuses a request because this guard has no way to read its body: a mistake of the app, 500, and the log says what to write instead.
    pub fn cannot_read(&self, unread: Unread<P>, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Verdict<P> {
        drop(unread);
        Verdict::Rejected(self.gate.cannot_read(head, exchange))
    }

    /// Refuses a request because a guard that hands a body over could not read it.
    #[must_use]
    pub fn refuse_body(&self, why: Unreadable, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Rejection {
        self.gate.refuse_body(why, head, exchange)
    }

    /// Who was admitted.
    ///
    /// # Errors
    /// The refusal. Nobody in particular is one too: a guard for somebody never admits nobody, and should it ever, nobody gets in here.
    pub fn granted(&self, verdict: Verdict<P>) -> Result<Grant<P>, Rejection> {
        match verdict {
            Verdict::Admitted(grant) => Ok(grant),
            Verdict::Anonymous => Err(self.gate.realm().fault_of_nobody()),
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

    /// Says to the guards further in that this one let the request through, and as whom, if it was somebody: they take what it takes, demand
    /// what it demands, and see whom it saw.
    pub fn put_in_force(&self, exchange: &Exchange, grant: Option<&Grant<P>>) {
        self.gate.put_in_force(exchange, grant);
    }

    /// Takes that back, where a framework hands the request on to another route after all.
    pub fn take_out_of_force(&self, exchange: &Exchange) {
        self.gate.take_out_of_force(exchange);
    }

    fn narrowed(&self, exchange: Option<&Exchange>) -> Option<Gate<P>> {
        if self.in_front { self.gate.narrowed(exchange) } else { None }
    }
}

impl<P> Clone for Guard<P> {
    fn clone(&self) -> Self {
        Self { gate: self.gate.clone(), in_front: self.in_front }
    }
}

impl<P: Send + Sync + 'static> fmt::Debug for Guard<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("gate", &self.gate).finish_non_exhaustive()
    }
}
