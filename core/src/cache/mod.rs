//! The credential cache: a verified credential costs a hash and a look-up, and a revocation wins every race.
//!
//! - A credential is remembered by a keyed hash, never by itself, and apart for each gate, scheme and verifier.
//! - It is remembered for as long as its verifier allows, the cache allows, and it lasts itself, whichever is shortest.
//! - A thousand requests that bring an unknown credential at once verify it once.
//! - [`revoke`](CredentialCache::revoke) voids what was verified for a handle, in the store and under way. When it has
//!   returned, no request is let in by what was verified before.
//! - No answer is not "no": an outage is told to those that wait for it and remembered for nobody.
//!
//! # Example
//! ```
//! use std::time::Duration;
//! use countersign::{CredentialCache, Handle, cache::CacheOptions};
//!
//! let cache = CredentialCache::with(CacheOptions::default().longest_life(Duration::from_secs(30)));
//! // in a handler, when the new password is in the database:
//! cache.revoke(Handle::subject("emily"));
//! assert_eq!(cache.counts().revocations, 1);
//! ```
//!
//! # What it does not do
//! It tells no other copies of a service by itself: [`copies`] do. And it does not make a self-contained token end: a verifier that would accept
//! it again needs a record of what was revoked.
//!
//! # Deployment
//! Make one cache at start-up and share it. In actix-web's `HttpServer::new` closure every worker would make its own, and a
//! revocation would reach one of them.
//!
//! # Why
//! See [`manual::design`](crate::manual::design).

pub mod copies;
mod counts;
mod entry;
#[cfg(test)]
mod fault;
mod flight;
mod options;
mod outcome;
mod revocation;
mod shelf;
mod sync;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    time::Duration,
};

use self::{
    copies::touch::Touch,
    counts::{Counts, Event},
    entry::{Age, RefusalEntry},
    flight::{Flight, panicked, table::Table},
    revocation::Revocations,
    shelf::{Shelf, shelf},
};
pub use self::{counts::CacheCounts, options::CacheOptions};
pub(crate) use self::{
    entry::{Entry, Start, Terms},
    flight::{Miss, Verifying},
    outcome::Outcome,
};
use crate::{
    clock::{Moment, SharedClock},
    principal::Handle,
    secret::fingerprint::{Fingerprint, FingerprintKey, SchemeKey, VerifierNumber},
    throttle::Account,
    verifier::Answer,
};

/// Remembers what verifiers said. Cheap to clone: all clones are one cache. See the [module](self).
#[derive(Clone)]
pub struct CredentialCache(Arc<Shared>);

/// See [`CredentialCache::revoked_afterwards`].
#[must_use]
pub(crate) struct RevokedAfterwards {
    cache: CredentialCache,
    handle: Option<Handle>,
}

impl RevokedAfterwards {
    /// Nothing was changed after all.
    pub(crate) fn unneeded(mut self) {
        self.handle = None;
    }
}

impl Drop for RevokedAfterwards {
    fn drop(&mut self) {
        if let Some(handle) = self.handle {
            self.cache.revoke(handle);
        }
    }
}

struct Shared {
    options: CacheOptions,
    clock: SharedClock,
    key: FingerprintKey,
    good: Box<dyn Shelf>,
    refused: Box<dyn Shelf>,
    revocations: Revocations,
    flights: Table<Fingerprint, Flight>,
    counts: Counts,
    /// Whether this copy is in touch with others, if it follows any.
    touch: OnceLock<Arc<Touch>>,
    #[cfg(test)]
    fault: Option<fault::Fault>,
}

impl CredentialCache {
    #[cfg(test)]
    pub(super) fn with_fault(options: CacheOptions, fault: fault::Fault) -> Self {
        let shared = Shared::new(options);
        let revocations =
            Revocations::with_fault(shared.options.keep_floors(), shared.options.revocations, Some(fault));
        Self(Arc::new(Shared { fault: Some(fault), revocations, ..shared }))
    }

    #[cfg(test)]
    fn look_now<P: Send + Sync + 'static>(&self, fingerprint: &Fingerprint) -> Option<Outcome<P>> {
        self.look(fingerprint, &Moment::of(&*self.0.clock))
    }

    /// A cache with these settings.
    #[must_use]
    pub fn with(options: CacheOptions) -> Self {
        Self(Arc::new(Shared::new(options)))
    }

    /// What a gate without a cache works through: nothing is stored or shared, all else is the same.
    pub(crate) fn off(clock: SharedClock) -> Self {
        let options = CacheOptions::default().entries(1).bytes(1).refusal_entries(1).longest_life(Duration::ZERO);
        Self::with(options.timed_by(clock))
    }

    /// Voids everything that was verified under this handle until now, in the store and under way.
    ///
    /// Call it **after** the store's own change is committed: a verification that reads the old record between the two would
    /// count as a new one.
    pub fn revoke(&self, handle: Handle) {
        self.forget(handle);
        self.wake_others();
    }

    /// The same, for what comes from another copy, which has told the others.
    fn forget(&self, handle: Handle) {
        self.0.revocations.revoke(handle, self.0.clock.monotonic());
        self.0.counts.add(Event::Revocation);
        self.0.refused.clear();
    }

    /// Voids everything of this handle when what is returned is dropped: for a change in a store that may fail, be given up, or panic,
    /// and of which nobody then knows how far it came.
    pub(crate) fn revoked_afterwards(&self, handle: Handle) -> RevokedAfterwards {
        RevokedAfterwards { cache: self.clone(), handle: Some(handle) }
    }

    /// Voids everything that was verified until now. For when messages about single revocations may have been lost.
    pub fn revoke_all(&self) {
        self.forget_everything();
        self.wake_others();
    }

    fn forget_everything(&self) {
        self.0.revocations.revoke_all();
        self.0.counts.add(Event::Revocation);
        self.0.refused.clear();
        self.0.good.clear();
    }

    /// What is revoked here was written by a store before, and the other copies may read it.
    fn wake_others(&self) {
        if let Some(touch) = self.0.touch.get() {
            touch.poke();
        }
    }

    /// How many revocations there were.
    pub(crate) fn revocations(&self) -> u64 {
        self.0.revocations.number()
    }

    /// Does this, and answers when this copy has read what it [revoked by it](Self::caught_up), if it did.
    pub(crate) async fn caught_up_after<T>(&self, work: impl Future<Output = T>) -> T {
        let before = self.revocations();
        let done = work.await;
        if self.revocations() != before {
            self.caught_up().await;
        }
        done
    }

    /// Waits, a second at most, until this copy has read what it revoked itself by now. A row that it reads later would void what was
    /// verified since: the next sign-in of whoever has just signed out. Out of touch it does not wait, since it forgets everything when it is
    /// in touch again.
    pub(crate) async fn caught_up(&self) {
        if let Some(touch) = self.0.touch.get().filter(|touch| touch.holds(self.0.clock.monotonic())) {
            touch.catch_up().await;
        }
    }

    /// Whether these are clones of one cache.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What the cache has done and holds at this moment. Tidies up first; for a metrics page, not for each request.
    #[must_use]
    pub fn counts(&self) -> CacheCounts {
        let shared = &self.0;
        shared.counts.snapshot(shared.good.len(), shared.refused.len(), shared.flights.len())
    }

    /// The clock that lives are measured by.
    pub(crate) fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// A key for the fingerprints of one scheme of one gate.
    pub(crate) fn scheme_key(&self, realm: &str, scheme: &str, verifier: VerifierNumber, key_set: u64) -> SchemeKey {
        self.0.key.scheme(realm, scheme, verifier, key_set)
    }

    /// What is known of a credential now. No allocation, no wait.
    pub(crate) fn look<P: Send + Sync + 'static>(
        &self,
        fingerprint: &Fingerprint,
        now: &Moment<'_>,
    ) -> Option<Outcome<P>> {
        let shared = &self.0;
        if shared.is_off() {
            return None;
        }
        let (event, found) = if let Some(known) = shared.find_good(fingerprint, now) {
            (Event::Hit, Some(Outcome::good(known)))
        } else if let Some(account) = shared.find_refusal(fingerprint, now) {
            (Event::RefusalHit, Some(Outcome::Refused { account }))
        } else {
            (Event::Miss, None)
        };
        shared.counts.add(event);
        found
    }

    /// Asks a verifier that may answer on the spot, and remembers what it says; `None` if it has to wait.
    pub(crate) fn decide_now<P: Send + Sync + 'static>(
        &self,
        fingerprint: Option<Fingerprint>,
        terms: Terms,
        mut verify_now: impl FnMut() -> Option<Answer<P>>,
    ) -> Option<Outcome<P>> {
        let shared = &self.0;
        for _ in 0..3 {
            let start = shared.start();
            let answer = catch_unwind(AssertUnwindSafe(&mut verify_now)).unwrap_or_else(|_| Some(panicked()))?;
            let Some(resolved) = shared.settle(answer, start, terms) else { continue };
            match (&resolved, fingerprint) {
                (Outcome::Good { entry, .. }, Some(fingerprint)) => shared.keep_good(fingerprint, entry),
                (Outcome::Refused { .. }, Some(fingerprint)) => shared.keep_refusal(fingerprint, start, terms),
                _ => {}
            }
            return Some(resolved);
        }
        Some(Outcome::revoked_again_and_again())
    }

    /// Verifies a credential that is not known, alone or together with others that wait for the same.
    pub(crate) fn resolve<P: Send + Sync + 'static>(
        &self,
        miss: Miss<P>,
    ) -> impl Future<Output = Outcome<P>> + Send + use<P> {
        self.0.clone().resolve(miss)
    }

    /// Whether nothing that concerns this was revoked.
    pub(crate) fn is_fresh<P>(&self, known: &Entry<P>) -> bool {
        self.0.revocations.fresh(known.stamp(), known.verified().handles())
    }

    /// Whether what was known when a request was admitted still holds: not revoked, and not at its end. Its life in the store
    /// does not matter here.
    pub(crate) fn still_stands<P>(&self, known: &Entry<P>) -> bool {
        self.is_fresh(known) && !known.ended(&Moment::of(&*self.0.clock))
    }
}

impl Shared {
    fn new(options: CacheOptions) -> Self {
        let average = options.bytes / options.entries.max(1);
        Self {
            clock: options.clock.clone(),
            key: FingerprintKey::fresh(),
            good: shelf(options.entries, options.bytes),
            refused: shelf(options.refusal_entries, options.refusal_entries.saturating_mul(average.clamp(1, 512))),
            revocations: Revocations::new(options.keep_floors(), options.revocations),
            flights: Table::new(63),
            counts: Counts::default(),
            touch: OnceLock::new(),
            #[cfg(test)]
            fault: None,
            options,
        }
    }

    fn is_off(&self) -> bool {
        self.options.longest_life.is_zero()
    }

    /// How long an answer of this verifier is reused; `None` if not at all.
    fn life(&self, terms: &Terms) -> Option<Duration> {
        terms.life.map(|life| life.min(self.options.longest_life)).filter(|life| !life.is_zero())
    }

    /// Taken before a verifier is called.
    fn start(&self) -> Start {
        Start { number: self.revocations.number(), monotonic: self.clock.monotonic(), wall: self.clock.wall() }
    }

    fn find_good<P: Send + Sync + 'static>(
        &self,
        fingerprint: &Fingerprint,
        now: &Moment<'_>,
    ) -> Option<Arc<Entry<P>>> {
        let known = self.good.find(fingerprint)?.downcast::<Entry<P>>().ok()?;
        if known.age(now, Duration::ZERO) != Age::Live || !self.in_touch_for(&known, now) {
            return None;
        }
        if self.revocations.fresh(known.stamp(), known.verified().handles()) {
            return Some(known);
        }
        // If it is a newer one by now that goes, it costs a verification.
        self.good.remove(fingerprint);
        None
    }

    /// Whether the other copies let this be reused: what they revoked is known here, or the answer is young.
    fn in_touch_for<P>(&self, known: &Entry<P>, now: &Moment<'_>) -> bool {
        let Some(touch) = self.touch.get() else { return true };
        touch.allows(now.monotonic(), known.age_at(now.monotonic()))
    }

    fn find_stale<P: Send + Sync + 'static>(&self, fingerprint: &Fingerprint) -> Option<Arc<Entry<P>>> {
        let known = self.good.find(fingerprint)?.downcast::<Entry<P>>().ok()?;
        let now = Moment::of(&*self.clock);
        if known.age(&now, self.options.stale_if_unavailable) == Age::Over || !self.in_touch_for(&known, &now) {
            return None;
        }
        let stands = self.revocations.fresh(known.stamp(), known.verified().handles());
        stands.then(|| self.counts.add(Event::Stale));
        stands.then_some(known)
    }

    /// The throttle key of a stored refusal. It holds only if nothing at all was revoked since.
    fn find_refusal(&self, fingerprint: &Fingerprint, now: &Moment<'_>) -> Option<Option<Account>> {
        let refusal = self.refused.find(fingerprint)?.downcast::<RefusalEntry>().ok()?;
        let age = now.monotonic().saturating_sub(refusal.born);
        let holds = age < self.options.refusal_life && refusal.started == self.revocations.number();
        holds.then_some(refusal.account)
    }

    fn keep_good<P: Send + Sync + 'static>(&self, fingerprint: Fingerprint, known: &Arc<Entry<P>>) {
        let keep = known.keep(self.options.stale_if_unavailable);
        if !keep.is_zero() {
            self.good.put(fingerprint, known.clone(), known.bytes(), keep);
            Counts::entries(self.good.about());
        }
    }

    fn keep_refusal(&self, fingerprint: Fingerprint, start: Start, terms: Terms) {
        if self.life(&terms).is_some() && !self.options.refusal_life.is_zero() {
            let refusal = Arc::new(RefusalEntry::new(start, terms));
            self.refused.put(fingerprint, refusal, size_of::<RefusalEntry>(), self.options.refusal_life);
        }
    }
}

impl Default for CredentialCache {
    fn default() -> Self {
        Self::with(CacheOptions::default())
    }
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCache").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
