//! How many verifications of one verifier run at once, and who waits for their turn.
//!
//! A sender gets a share of the waiting places and no more, so that one address cannot keep the others out. Beyond that the
//! answer is "busy", at once: a long queue helps nobody.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::{observe::meter, unavailable::Unavailable};

tokio::task_local! {
    static PERMIT: WorkPermit;
}

/// How much of a verifier's work is taken on at a time. Each is at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    at_once: usize,
    waiting: usize,
    share: usize,
}

impl QueueLimits {
    /// So many verifications at once; as many may wait as 64 times that, and one sender has an eighth of the places.
    #[must_use]
    pub fn at_once(verifications: usize) -> Self {
        let at_once = verifications.clamp(1, Semaphore::MAX_PERMITS);
        let waiting = at_once.saturating_mul(64);
        Self { at_once, waiting, share: (waiting / 8).max(1) }
    }

    /// As many verifications may wait for their turn, all senders together.
    #[must_use]
    pub fn waiting(mut self, places: usize) -> Self {
        self.waiting = places.max(1);
        self
    }

    /// As many places may be taken by one sender: an IPv4 address, or an IPv6 network of 64 bits.
    #[must_use]
    pub fn share(mut self, places: usize) -> Self {
        self.share = places.max(1);
        self
    }
}

impl Default for QueueLimits {
    /// For verifiers that wait for others and use no processor of ours: 256 at once.
    fn default() -> Self {
        Self::at_once(256)
    }
}

/// The right to work for one verification, counted until the last clone is dropped.
///
/// A verifier that hands its work to a thread of its own lets the thread hold one, since the thread goes on when the
/// request, or its deadline, does not: else a flood of requests that leave would start more threads than allowed.
///
/// ```
/// # use countersign::verifier::WorkPermit;
/// # async fn verify() {
/// let permit = WorkPermit::current();
/// let answer = tokio::task::spawn_blocking(move || {
///     let _held = permit;
///     // hash the password
/// });
/// # let _ = answer.await; }
/// ```
#[derive(Clone)]
pub struct WorkPermit(Arc<OwnedSemaphorePermit>);

impl WorkPermit {
    /// The permit of the verification that this task is doing; `None` outside of one.
    #[must_use]
    pub fn current() -> Option<Self> {
        PERMIT.try_with(Clone::clone).ok()
    }

    /// Whether this is a turn in that queue.
    pub(crate) fn is_of(&self, queue: &Queue) -> bool {
        Arc::ptr_eq(self.0.semaphore(), &queue.turns)
    }

    /// Does the work under this permit.
    pub(crate) async fn cover<W: Future>(self, work: W) -> W::Output {
        PERMIT.scope(self, work).await
    }
}

impl fmt::Debug for WorkPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkPermit(..)")
    }
}

/// The queue in front of one verifier.
#[derive(Debug)]
pub(crate) struct Queue {
    limits: QueueLimits,
    turns: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    all: usize,
    by_sender: HashMap<u128, usize>,
}

/// Whose share of a queue a request uses: its address, or its IPv6 network of 64 bits. Who has no address shares one share.
pub(crate) fn sender(peer: Option<IpAddr>) -> u128 {
    match peer.map(|peer| peer.to_canonical()) {
        None => 0,
        Some(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
        Some(IpAddr::V6(address)) => address.to_bits() >> 64 << 64,
    }
}

/// No place is left: come back after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) retry_after: Duration,
    why: &'static str,
}

impl From<Busy> for Unavailable {
    fn from(busy: Busy) -> Self {
        Self::because(busy.why).retrying_after(busy.retry_after)
    }
}

/// A place in the queue, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    queue: Arc<Queue>,
    sender: u128,
}

impl Queue {
    /// An empty queue.
    pub(crate) fn new(limits: QueueLimits) -> Arc<Self> {
        Arc::new(Self { limits, turns: Arc::new(Semaphore::new(limits.at_once)), waiting: Mutex::default() })
    }

    /// Takes a place for this sender.
    ///
    /// # Errors
    /// When all places, or the sender's share of them, are taken.
    pub(crate) fn enter(self: &Arc<Self>, sender: u128) -> Result<Place, Busy> {
        self.enter_within(sender, self.limits.share)
    }

    /// Takes a place for the service itself, which has no share.
    ///
    /// # Errors
    /// When all places are taken.
    pub(crate) fn enter_ourselves(self: &Arc<Self>) -> Result<Place, Busy> {
        self.enter_within(u128::MAX, usize::MAX)
    }

    fn enter_within(self: &Arc<Self>, sender: u128, share: usize) -> Result<Place, Busy> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let places = self.limits.at_once.saturating_add(self.limits.waiting);
        let retry_after = Duration::from_secs(2);
        if waiting.all >= places {
            return Err(Busy { retry_after, why: "all places in the queue are taken" });
        }
        if waiting.by_sender.get(&sender).is_some_and(|taken| *taken >= share) {
            return Err(Busy { retry_after, why: "its sender's share of the places in the queue is taken" });
        }
        waiting.all += 1;
        meter::gauge!("countersign_queued", increment, 1.0);
        *waiting.by_sender.entry(sender).or_insert(0) += 1;
        Ok(Place { queue: self.clone(), sender })
    }

    /// How many have their turn, at most [`QueueLimits::at_once`].
    pub(crate) fn running(&self) -> usize {
        self.limits.at_once.saturating_sub(self.turns.available_permits())
    }

    /// How many have a place: those that wait, and those whose turn it is.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Place {
    /// Waits for the turn. The place stays taken until the verification is over.
    ///
    /// # Errors
    /// Never in fact: the semaphore is not closed by anybody.
    pub(crate) async fn turn(&self) -> Result<WorkPermit, AcquireError> {
        Ok(WorkPermit(Arc::new(self.queue.turns.clone().acquire_owned().await?)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.all = waiting.all.saturating_sub(1);
        meter::gauge!("countersign_queued", decrement, 1.0);
        let left = waiting.by_sender.get_mut(&self.sender).map_or(0, |taken| {
            *taken = taken.saturating_sub(1);
            *taken
        });
        if left == 0 {
            waiting.by_sender.remove(&self.sender);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_a_share_and_everybody_together_has_the_places() {
        // L4: a bounded queue.
        let queue = Queue::new(QueueLimits::at_once(1).waiting(4).share(2));
        let first: Vec<_> = (0..2).map(|_| queue.enter(1).unwrap()).collect();
        assert!(queue.enter(1).is_err());
        let second: Vec<_> = [2, 2, 3].into_iter().map(|sender| queue.enter(sender).unwrap()).collect();
        assert!(queue.enter(4).is_err());
        drop(first);
        assert!(queue.enter(1).is_ok());
        drop(second);
        assert_eq!(queue.len(), 0);
        assert!(queue.waiting.lock().unwrap().by_sender.is_empty());
    }

    #[tokio::test]
    async fn a_permit_counts_until_the_last_clone_is_gone() {
        // L4: the permit belongs to the thread.
        let queue = Queue::new(QueueLimits::at_once(1));
        let permit = queue.enter(1).unwrap().turn().await.unwrap();
        let thread = permit.clone().cover(async { WorkPermit::current().unwrap() }).await;
        drop(permit);
        assert_eq!(queue.turns.available_permits(), 0);
        drop(thread);
        assert_eq!(queue.turns.available_permits(), 1);
        assert!(WorkPermit::current().is_none());
    }
}
