//! One verification for many: how a miss is resolved.
//!
//! Who misses first registers a flight, reads `started`, and sends a task of its own off; who misses meanwhile waits for the
//! same flight. The task belongs to nobody, so that who leaves fails nobody. It ends by putting its answer into the store,
//! leaving the table and waking those that wait, in that order, and in the last two even if the verifier panics or the
//! runtime stops.

pub(super) mod table;

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{runtime, sync::Notify};
use tracing::Instrument;

use self::table::Seat;
#[cfg(test)]
use super::fault::Fault;
use super::{
    Outcome, Shared,
    counts::Event,
    entry::{Entry, RefusalEntry, Start, Terms},
    sync,
};
use crate::{
    clock::Moment,
    secret::fingerprint::Fingerprint,
    unavailable::Unavailable,
    verifier::{
        Answer,
        queue::{Busy, Place, Queue},
    },
};

/// How often a verification is begun again because what it found was revoked meanwhile.
const TRIES: usize = 3;

/// A verifier at work on one credential.
pub(crate) type Verifying<P> = Pin<Box<dyn Future<Output = Answer<P>> + Send>>;

/// All that a miss needs.
pub(crate) struct Miss<P> {
    /// What its answer is remembered by, and shared. Without one it is asked for alone.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) terms: Terms,
    /// The queue in front of the verifier.
    pub(crate) queue: Arc<Queue>,
    /// Whose share of the queue is used: an address, as a number.
    pub(crate) sender: u128,
    /// Calls the verifier. More than once only if a revocation came between.
    pub(crate) verify: Arc<dyn Fn() -> Verifying<P> + Send + Sync>,
}

/// One verification that several may wait for.
#[derive(Debug)]
pub(super) struct Flight {
    start: Start,
    landing: OnceLock<Landing>,
    wake: Notify,
}

#[derive(Debug, Clone)]
enum Landing {
    /// An `Arc<Entry<P>>`.
    Good(Arc<dyn Any + Send + Sync>),
    Refused,
    Unjudged,
    Unavailable(Unavailable),
}

impl Flight {
    fn starting(start: Start) -> Self {
        Self { start, landing: OnceLock::new(), wake: Notify::new() }
    }

    async fn landed(&self) -> Landing {
        loop {
            let mut woken = pin!(self.wake.notified());
            // Registered before the look, so that a landing between the two is not missed.
            woken.as_mut().enable();
            if let Some(landing) = self.landing.get() {
                return landing.clone();
            }
            woken.await;
        }
    }
}

/// Held by the task of a flight: dropping it, however that comes about, frees the key and wakes those that wait.
struct Ticket {
    shared: Arc<Shared>,
    fingerprint: Fingerprint,
    flight: Arc<Flight>,
    landing: Option<Landing>,
}

impl Ticket {
    fn land(mut self, landing: Landing) {
        self.landing = Some(landing);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Out of the table first: who finds the landing of no use and begins again must not find the same flight.
        self.shared.flights.remove(&self.fingerprint, &self.flight);
        let stopped = || Landing::Unavailable(Unavailable::because("the verification was stopped"));
        let landing = self.landing.take().unwrap_or_else(stopped);
        self.flight.landing.get_or_init(|| landing);
        self.flight.wake.notify_waiters();
    }
}

impl Shared {
    /// Finds the answer to a credential that the store does not know.
    pub(super) async fn resolve<P: Send + Sync + 'static>(self: Arc<Self>, miss: Miss<P>) -> Outcome<P> {
        let (Some(life), Some(fingerprint)) = (self.life(&miss.terms), miss.fingerprint) else {
            return self.resolve_alone(&miss).await;
        };
        let began = self.revocations.number();
        for _ in 0..TRIES {
            let (flight, joined) = match self.board(&miss, fingerprint, life) {
                Ok(Seat::Known(entry)) => return Outcome::good(entry),
                Ok(Seat::Joined(flight)) => (flight, true),
                Ok(Seat::Opened(flight)) => (flight, false),
                Err(refused) => return refused,
            };
            if joined {
                self.counts.add(Event::Join);
            }
            match flight.landed().await {
                Landing::Good(known) => {
                    let Ok(known) = known.downcast::<Entry<P>>() else { break };
                    let unchecked = self.trusts_joiners() && joined;
                    if !unchecked && !self.revocations.fresh(known.stamp(), known.verified().handles()) {
                        continue;
                    }
                    if known.ended(&Moment::of(&*self.clock)) {
                        return Outcome::Refused { account: miss.terms.account };
                    }
                    return Outcome::good(known);
                }
                // A "no" from before this request was sent is asked again if anything was revoked (say, an old password)
                // between: whoever has just changed a password is not refused for it.
                Landing::Refused | Landing::Unjudged if flight.start.number < began => {}
                Landing::Refused => return Outcome::Refused { account: miss.terms.account },
                Landing::Unjudged => return Outcome::Unjudged,
                Landing::Unavailable(source) => return self.stale(&miss, source),
            }
        }
        Outcome::revoked_again_and_again()
    }

    /// Joins a flight, or starts one.
    fn board<P: Send + Sync + 'static>(
        self: &Arc<Self>,
        miss: &Miss<P>,
        fingerprint: Fingerprint,
        life: Duration,
    ) -> Result<Seat<Arc<Entry<P>>, Flight>, Outcome<P>> {
        let Ok(runtime) = runtime::Handle::try_current() else {
            return Err(Outcome::Unavailable(Unavailable::because("there is no tokio runtime to verify on")));
        };
        let mut place = None;
        let seat = self.flights.seat(
            fingerprint,
            || self.find_good(&fingerprint, &Moment::of(&*self.clock)),
            || {
                place = Some(miss.queue.enter(miss.sender)?);
                Ok(Flight::starting(self.start()))
            },
        );
        let seat = seat.map_err(|busy: Busy| Outcome::Unavailable(busy.into()))?;
        if let (Seat::Opened(flight), Some(place)) = (&seat, place) {
            let ticket = Ticket { shared: self.clone(), fingerprint, flight: flight.clone(), landing: None };
            runtime.spawn(fly(ticket, miss.terms, life, miss.verify.clone(), place).in_current_span());
        }
        Ok(seat)
    }

    /// For answers that nobody may share: verifies within the request itself, and ends with it.
    async fn resolve_alone<P: Send + Sync + 'static>(&self, miss: &Miss<P>) -> Outcome<P> {
        for _ in 0..TRIES {
            let place = match miss.queue.enter(miss.sender) {
                Ok(place) => place,
                Err(busy) => return Outcome::Unavailable(busy.into()),
            };
            let start = self.start();
            let answer = self.work(miss.verify.clone(), place).await;
            if let Some(resolved) = self.settle(answer, start, miss.terms) {
                return resolved;
            }
        }
        Outcome::revoked_again_and_again()
    }

    /// What an answer that only this request has means for it; `None` if it was revoked meanwhile.
    pub(super) fn settle<P>(&self, answer: Answer<P>, start: Start, terms: Terms) -> Option<Outcome<P>> {
        match answer {
            Answer::Refused => Some(Outcome::Refused { account: terms.account }),
            Answer::Unjudged => Some(Outcome::Unjudged),
            Answer::Unavailable(source) => Some(Outcome::Unavailable(source)),
            Answer::Verified(verified) => {
                let life = self.life(&terms).unwrap_or(Duration::ZERO);
                let known = Arc::new(Entry::new(verified, start, life, terms.account));
                if !self.revocations.fresh(known.stamp(), known.verified().handles()) {
                    return None;
                }
                Some(match known.ended(&Moment::of(&*self.clock)) {
                    true => Outcome::Refused { account: terms.account },
                    false => Outcome::good(known),
                })
            }
        }
    }

    /// An outage: what was known before may serve, if it is allowed to.
    fn stale<P: Send + Sync + 'static>(&self, miss: &Miss<P>, source: Unavailable) -> Outcome<P> {
        match miss.fingerprint.and_then(|fingerprint| self.find_stale(&fingerprint)) {
            Some(entry) => Outcome::Good { entry, stale: true },
            None => Outcome::Unavailable(source),
        }
    }

    /// Calls the verifier when its turn has come, until the deadline. A panic is no answer.
    async fn work<P>(&self, verify: Arc<dyn Fn() -> Verifying<P> + Send + Sync>, place: Place) -> Answer<P> {
        let deadline = self.options.flight_deadline;
        let turn = async move {
            match place.turn().await {
                Ok(permit) => permit.cover(async { verify().await }).await,
                Err(closed) => Answer::Unavailable(Unavailable::because(closed)),
            }
        };
        let timed = async move {
            // Without a runtime there is nothing to tell the time by: the request's own limits hold.
            if runtime::Handle::try_current().is_err() {
                return turn.await;
            }
            let late = |_| Answer::Unavailable(Unavailable::because("the verifier took too long"));
            tokio::time::timeout(deadline, turn).await.unwrap_or_else(late)
        };
        Caught(Box::pin(timed)).await
    }

    #[cfg(test)]
    fn trusts_joiners(&self) -> bool {
        self.fault == Some(Fault::JoinersUnchecked)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "the same call as in tests, where a fault can be switched on")]
    fn trusts_joiners(&self) -> bool {
        false
    }

    #[cfg(test)]
    fn started(&self, start: Start) -> Start {
        if self.fault == Some(Fault::NumberAfterVerification) { self.start() } else { start }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "the same call as in tests, where a fault can be switched on")]
    fn started(&self, start: Start) -> Start {
        start
    }
}

/// The task of a flight.
async fn fly<P: Send + Sync + 'static>(
    ticket: Ticket,
    terms: Terms,
    life: Duration,
    verify: Arc<dyn Fn() -> Verifying<P> + Send + Sync>,
    place: Place,
) {
    let shared = ticket.shared.clone();
    let answer = shared.work(verify, place).await;
    let start = shared.started(ticket.flight.start);
    let landing = match answer {
        Answer::Verified(verified) => {
            let known = Arc::new(Entry::new(verified, start, life, terms.account));
            shared.keep_good(ticket.fingerprint, &known);
            Landing::Good(known)
        }
        Answer::Refused => {
            shared.keep_refusal(ticket.fingerprint, start, terms);
            Landing::Refused
        }
        Answer::Unjudged => Landing::Unjudged,
        Answer::Unavailable(source) => Landing::Unavailable(source),
    };
    ticket.land(landing);
}

impl RefusalEntry {
    pub(super) fn new(start: Start, terms: Terms) -> Self {
        Self { started: start.number, born: start.monotonic, account: terms.account }
    }
}

/// A verification whose panics are answers.
struct Caught<F>(Pin<Box<F>>);

impl<P, F: Future<Output = Answer<P>>> Future for Caught<F> {
    type Output = Answer<P>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer<P>> {
        let work = &mut self.0;
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|_| Poll::Ready(panicked()))
    }
}

/// What a panic of a verifier means.
pub(super) fn panicked<P>() -> Answer<P> {
    tracing::error!(target: "countersign", "a verifier panicked; its request is answered with 503");
    Answer::Unavailable(Unavailable::because("the verifier panicked"))
}
