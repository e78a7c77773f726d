//! A kind of credential and its verifier, seen without their types.

use std::{
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use crate::{
    cache::{CredentialCache, Errand, Resolved, Terms, Verification},
    credential::{Extract, Nature, Sender, Sightings},
    request::{Field, RequestHead, field},
    response::Challenge,
    secret::{
        Secret,
        fingerprint::{Fingerprint, VerifierNumber},
    },
    throttle::{Account, RetryAfter, Throttle, Try},
    unavailable::Unavailable,
    verifier::{
        Answer, Verify,
        queue::{Queue, sender},
    },
};

/// What a gate knows of a scheme.
pub(super) trait Scheme<P>: Send + Sync {
    fn name(&self) -> &str;
    fn shared_name(&self) -> Arc<str>;
    /// Drawn when the verifier was handed over, and never again in this process.
    fn number(&self) -> VerifierNumber;
    fn nature(&self) -> Nature;
    fn sender(&self) -> Sender;
    fn fields(&self) -> Vec<Field>;
    fn parameter(&self) -> Option<&str>;
    /// Whether caches know by themselves that answers to it are not for everybody.
    fn only_in_authorization(&self) -> bool;
    fn locate<'h>(&'h self, head: &'h dyn RequestHead, sightings: &mut Sightings<'h>);
    /// The throttle that tries pass, cached or not.
    fn throttle(&self) -> Option<&Throttle>;
    /// Reads a credential that is not known, and decides on the spot if that can be.
    fn begin(&self, asked: Asked<'_>) -> Begun<P>;
    fn challenge(&self, head: &dyn RequestHead) -> Option<Challenge>;
    fn clear(&self, head: &dyn RequestHead) -> Option<String>;
    fn faults(&self) -> Vec<String>;
    fn verifications(&self) -> u64;
    /// How many verifications run or wait for their turn.
    fn queued(&self) -> usize;
}

/// How far a verification got on the spot.
pub(super) enum Begun<P> {
    Malformed,
    /// Too many were wrong: not now.
    Throttled(RetryAfter),
    Now(Resolved<P>),
    Later {
        errand: Errand<P>,
        entry: Entry,
    },
}

/// How a try stands with the throttle.
pub(super) enum Entry {
    /// It is not counted.
    Free,
    /// It has its place.
    Entered(Try),
    /// Tries that run are in its way.
    Waits(Throttle, Account),
}

/// A credential that nothing is known of, and who sent it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) raw: &'a [u8],
    pub(super) fingerprint: Fingerprint,
    pub(super) peer: Option<IpAddr>,
    pub(super) cache: &'a CredentialCache,
}

pub(super) struct Accepted<E, V> {
    name: Arc<str>,
    number: VerifierNumber,
    only_in_authorization: bool,
    queue: Arc<Queue>,
    work: Arc<Work<E, V>>,
}

/// What a verification needs, wherever it runs.
struct Work<E, V> {
    name: Arc<str>,
    extract: E,
    verifier: V,
    verifications: AtomicU64,
}

impl<E: Extract, V: Verify<E::Credential>> Accepted<E, V> {
    pub(super) fn new(extract: E, verifier: V) -> Self {
        let name: Arc<str> = extract.scheme().into();
        Self {
            name: Arc::clone(&name),
            number: VerifierNumber::draw(),
            only_in_authorization: extract.fields() == [field::AUTHORIZATION.clone()],
            queue: Queue::new(verifier.queue_limits()),
            work: Arc::new(Work { name, extract, verifier, verifications: AtomicU64::new(0) }),
        }
    }
}

impl<E: Extract, V: Verify<E::Credential>> Work<E, V> {
    fn verify_now(&self, credential: &E::Credential, ends: Option<SystemTime>) -> Option<Answer<V::Principal>> {
        let answer = self.verifier.verify_now(credential)?;
        self.count();
        Some(until(ends, answer))
    }

    /// Calls the verifier as often as it is asked to: with the credential that was read already, then with what is read anew.
    fn verification(
        self: &Arc<Self>,
        raw: &[u8],
        credential: E::Credential,
        ends: Option<SystemTime>,
    ) -> Arc<dyn Fn() -> Verification<V::Principal> + Send + Sync> {
        let (work, raw, first) = (Arc::clone(self), Secret::new(raw), Mutex::new(Some(credential)));
        Arc::new(move || {
            let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let credential = first.or_else(|| work.extract.read(raw.expose()));
            let work = Arc::clone(&work);
            Box::pin(async move {
                let Some(credential) = credential else { return Answer::Refused };
                work.count();
                until(ends, work.verifier.verify(credential).await)
            })
        })
    }

    /// The label is a name that the app gave, never one of a request.
    fn count(&self) {
        let scheme = Arc::clone(&self.name);
        metrics::counter!("countersign_verifications_total", "scheme" => metrics::SharedString::from_shared(scheme))
            .increment(1);
        self.verifications.fetch_add(1, Ordering::Relaxed);
    }
}

impl<E, V, P> Accepted<E, V>
where
    E: Extract,
    V: Verify<E::Credential, Principal = P>,
    P: Send + Sync + 'static,
{
    fn read_and_begin(&self, asked: Asked<'_>) -> Begun<P> {
        let work = &self.work;
        let Some(credential) = work.extract.read(asked.raw) else { return Begun::Malformed };
        let ends = work.extract.ends(&credential);
        let account = work.verifier.account(&credential);
        let entry = match self.enter(account, asked.peer) {
            Ok(entry) => entry,
            Err(later) => return Begun::Throttled(later),
        };
        let terms = Terms { life: work.verifier.reusable_for(), account };
        if !matches!(entry, Entry::Waits(..)) {
            let verify_now = || work.verify_now(&credential, ends);
            if let Some(now) = asked.cache.decide_now(asked.fingerprint, terms, verify_now) {
                if let Entry::Entered(attempt) = entry {
                    conclude(attempt, &now);
                }
                return Begun::Now(now);
            }
        }
        let errand = Errand {
            fingerprint: asked.fingerprint,
            terms,
            queue: Arc::clone(&self.queue),
            sender: sender(asked.peer),
            verify: work.verification(asked.raw, credential, ends),
        };
        Begun::Later { errand, entry }
    }

    /// Takes a place in the budget of wrong tries, before the verifier is called.
    fn enter(&self, account: Option<Account>, peer: Option<IpAddr>) -> Result<Entry, RetryAfter> {
        let (Some(throttle), Some(account)) = (self.work.verifier.throttle(), account) else { return Ok(Entry::Free) };
        match throttle.enter(account, peer) {
            Ok(attempt) => Ok(Entry::Entered(attempt)),
            Err(later) if later.is_undecided() => Ok(Entry::Waits(throttle.clone(), account)),
            Err(later) => Err(later),
        }
    }
}

/// Spends a try that was refused; gives any other back.
pub(crate) fn conclude<P>(attempt: Try, resolved: &Resolved<P>) {
    match resolved {
        Resolved::Refused => attempt.refused(),
        Resolved::Good(_) | Resolved::Stale(_) => attempt.succeeded(),
        Resolved::Unjudged | Resolved::Unavailable(_) | Resolved::Busy(_) => drop(attempt),
    }
}

impl<E, V, P> Scheme<P> for Accepted<E, V>
where
    E: Extract,
    V: Verify<E::Credential, Principal = P>,
    P: Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn number(&self) -> VerifierNumber {
        self.number
    }

    fn nature(&self) -> Nature {
        self.work.extract.nature()
    }

    fn sender(&self) -> Sender {
        self.work.extract.sender()
    }

    fn fields(&self) -> Vec<Field> {
        self.work.extract.fields()
    }

    fn parameter(&self) -> Option<&str> {
        self.work.extract.parameter()
    }

    fn only_in_authorization(&self) -> bool {
        self.only_in_authorization
    }

    fn locate<'h>(&'h self, head: &'h dyn RequestHead, sightings: &mut Sightings<'h>) {
        self.work.extract.locate(head, sightings);
    }

    fn throttle(&self) -> Option<&Throttle> {
        self.work.verifier.throttle()
    }

    fn begin(&self, asked: Asked<'_>) -> Begun<P> {
        let begun = catch_unwind(AssertUnwindSafe(|| self.read_and_begin(asked)));
        begun.unwrap_or_else(|_| {
            Begun::Now(Resolved::Unavailable(Unavailable::because("reading a credential panicked")))
        })
    }

    fn challenge(&self, head: &dyn RequestHead) -> Option<Challenge> {
        self.work.extract.challenge(head)
    }

    fn clear(&self, head: &dyn RequestHead) -> Option<String> {
        self.work.extract.clear(head)
    }

    fn faults(&self) -> Vec<String> {
        self.work.extract.faults()
    }

    fn verifications(&self) -> u64 {
        self.work.verifications.load(Ordering::Relaxed)
    }

    fn queued(&self) -> usize {
        self.queue.len()
    }
}

/// No answer outlives the credential that it is about.
fn until<P>(ends: Option<SystemTime>, answer: Answer<P>) -> Answer<P> {
    match (answer, ends) {
        (Answer::Verified(verified), Some(end)) => Answer::Verified(verified.not_after(end)),
        (answer, _) => answer,
    }
}
