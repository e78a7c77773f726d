//! The one room in which a credential is verified, whoever asks: a guard, the sign-in form, an app.
//!
//! What is known already passes the throttle and nothing else: [`known`]. What is not takes its place in the budget of tries, then is
//! decided on the spot where the verifier can, else waits for its turn in the verifier's queue and for the answer, until the
//! deadline, together with those that brought the same credential. What was revoked meanwhile is begun again.

use std::{
    future::Future,
    marker::PhantomData,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::runtime;
use tracing::Instrument;

use crate::{
    cache::{CredentialCache, Miss, Outcome, Terms},
    observe::meter,
    secret::fingerprint::Fingerprint,
    throttle::{Account, CannotEnter, RetryAfter, Throttle, Try},
    unavailable::Unavailable,
    verifier::{self, Answer, Issued, Kept, Verify, queue::sender},
};

/// An outcome, or the wait for it, which borrows nothing.
pub(crate) enum Progress<P> {
    Done(Outcome<P>),
    Waits(Waiting<P>),
}

pub(crate) type Waiting<P> = Pin<Box<dyn Future<Output = Outcome<P>> + Send>>;

/// A verifier with the queue in front of it, and what is counted of its work.
pub(crate) struct Verification<C, V> {
    name: Arc<str>,
    verifier: V,
    terms: verifier::Terms,
    calls: AtomicU64,
    of: PhantomData<fn(C)>,
}

/// A credential of which nothing is known, and who sent it.
pub(crate) struct Presented<C, A> {
    pub(crate) credential: C,
    /// Makes what has the same credential again, for when it must be verified again. Without it, it is verified once.
    pub(crate) again: Option<A>,
    /// When the credential itself says that it ends.
    pub(crate) ends: Option<SystemTime>,
    /// By what it is remembered. Without one it is verified for this request alone.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) address: Option<IpAddr>,
}

/// Has a credential again.
pub(crate) type Again<C> = Box<dyn Fn() -> Option<C> + Send + Sync>;

/// How a try stands with the throttle.
enum Standing {
    /// It is not counted.
    Free,
    /// It has its place.
    Entered(Try),
    /// Tries that run are in its way.
    Waits(Throttle, Account),
}

impl<C: Send + 'static, V: Verify<C>> Verification<C, V> {
    pub(crate) fn of(name: &str, verifier: V) -> Arc<Self> {
        let terms = verifier.terms();
        Arc::new(Self { name: name.into(), verifier, terms, calls: AtomicU64::new(0), of: PhantomData })
    }

    pub(crate) fn throttle(&self) -> Option<&Throttle> {
        self.terms.throttle.as_ref()
    }

    /// Whose tokens the verifier says that it takes.
    pub(super) fn issuers(&self) -> &[Issued] {
        &self.terms.issuers
    }

    /// What is wrong with what the verifier was put together with.
    pub(super) fn check(&self, company: &verifier::Company<'_>) -> Vec<String> {
        self.verifier.check(company)
    }

    /// Whether a cache keeps any answers.
    pub(crate) fn is_kept(&self) -> bool {
        self.terms.kept != Kept::Never
    }

    /// How often the verifier was called.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many verifications run or wait for their turn.
    pub(crate) fn queued(&self) -> usize {
        self.terms.queue.len()
    }

    /// Decides, or says what to wait for.
    pub(crate) fn begin<A>(
        self: &Arc<Self>,
        presented: Presented<C, A>,
        cache: &CredentialCache,
    ) -> Progress<V::Principal>
    where
        A: FnOnce() -> Again<C>,
    {
        let Presented { credential, again, ends, fingerprint, address } = presented;
        let account = self.verifier.account(&credential);
        let standing = match self.enter(account, address) {
            Ok(standing) => standing,
            Err(later) => return Progress::Done(Outcome::Throttled(later)),
        };
        // The answer says for how long.
        let life = (fingerprint.is_some() && self.is_kept()).then_some(Duration::MAX);
        let terms = Terms { life, account };
        if !matches!(standing, Standing::Waits(..)) {
            let mut asked = false;
            let verify_now = || {
                if std::mem::replace(&mut asked, true) && again.is_none() {
                    return Some(revoked());
                }
                let answer = self.verifier.verify_now(&credential)?;
                self.count();
                Some(self.limited(ends, answer))
            };
            if let Some(outcome) = cache.decide_now(fingerprint, terms, verify_now) {
                if let Standing::Entered(attempt) = standing {
                    conclude(attempt, &outcome);
                }
                return Progress::Done(outcome);
            }
        }
        let miss = Miss {
            fingerprint,
            terms,
            queue: Arc::clone(&self.terms.queue),
            sender: sender(address),
            verify: self.call(credential, again.map(|again| again()), ends),
        };
        let span = tracing::debug_span!(target: "countersign", "verify", scheme = &*self.name);
        Progress::Waits(Box::pin(resolve(cache.clone(), miss, standing, address).instrument(span)))
    }

    /// Decides, for who can wait.
    pub(crate) async fn outcome<A>(
        self: &Arc<Self>,
        presented: Presented<C, A>,
        cache: &CredentialCache,
    ) -> Outcome<V::Principal>
    where
        A: FnOnce() -> Again<C>,
    {
        match self.begin(presented, cache) {
            Progress::Done(outcome) => outcome,
            Progress::Waits(waiting) => waiting.await,
        }
    }

    /// Takes a place in the budget of wrong tries, before the verifier is called.
    fn enter(&self, account: Option<Account>, address: Option<IpAddr>) -> Result<Standing, RetryAfter> {
        let (Some(throttle), Some(account)) = (self.throttle(), account) else { return Ok(Standing::Free) };
        match throttle.enter_now(account, address) {
            Ok(attempt) => Ok(Standing::Entered(attempt)),
            Err(later) if later.is_undecided() => Ok(Standing::Waits(throttle.clone(), account)),
            Err(later) => Err(later),
        }
    }

    /// Calls the verifier as often as it is asked to: with the credential that is at hand, then with what is had again.
    fn call(
        self: &Arc<Self>,
        credential: C,
        again: Option<Again<C>>,
        ends: Option<SystemTime>,
    ) -> Arc<dyn Fn() -> crate::cache::Verifying<V::Principal> + Send + Sync> {
        let (verification, first) = (Arc::clone(self), std::sync::Mutex::new(Some(credential)));
        Arc::new(move || {
            let first = first.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            let credential = match (first, &again) {
                (Some(first), _) => Ok(first),
                (None, Some(again)) => again().ok_or(Answer::Refused),
                (None, None) => Err(revoked()),
            };
            let verification = Arc::clone(&verification);
            Box::pin(async move {
                let credential = match credential {
                    Ok(credential) => credential,
                    Err(answer) => return answer,
                };
                verification.count();
                verification.limited(ends, verification.verifier.verify(credential).await)
            })
        })
    }

    /// No answer outlives the credential that it is about, and one of a verifier whose answers are kept at times is kept if it says so.
    fn limited(&self, ends: Option<SystemTime>, answer: Answer<V::Principal>) -> Answer<V::Principal> {
        let Answer::Verified(mut verified) = answer else { return answer };
        if let Some(end) = ends {
            verified = verified.ending_at(end);
        }
        if self.terms.kept == Kept::Sometimes && verified.life().is_none() {
            verified = verified.kept_for(Duration::ZERO);
        }
        Answer::Verified(verified)
    }

    /// The label is a name that the app gave, never one of a request.
    fn count(&self) {
        let scheme = Arc::clone(&self.name);
        meter::count!("countersign_verifications_total", "scheme" => scheme);
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is known already, by this request. A hit passes the same throttle as a miss, else a guesser who is locked out learns the right
/// password from its owner's entry.
pub(super) fn known<P: Send + Sync + 'static>(
    found: Outcome<P>,
    throttle: &Throttle,
    address: Option<IpAddr>,
) -> Progress<P> {
    let Some(account) = found.account() else { return Progress::Done(found) };
    let passed = match &found {
        Outcome::Refused { .. } => throttle.enter_now(account, address).map(Try::refused),
        _ => throttle.locked_now(account, address),
    };
    match passed {
        Ok(()) => Progress::Done(found),
        Err(later) if later.is_undecided() => {
            let throttle = throttle.clone();
            Progress::Waits(Box::pin(async move {
                match throttle.enter(account, address).await {
                    Err(why) => return cannot_enter(why),
                    Ok(attempt) => conclude_everywhere(attempt, &found).await,
                }
                found
            }))
        }
        Err(later) => Progress::Done(Outcome::Throttled(later)),
    }
}

/// Waits for a place in the budget of wrong tries, then for the verifier.
async fn resolve<P: Send + Sync + 'static>(
    cache: CredentialCache,
    miss: Miss<P>,
    standing: Standing,
    address: Option<IpAddr>,
) -> Outcome<P> {
    let attempt = match standing {
        Standing::Free => return cache.resolve(miss).await,
        Standing::Entered(attempt) => attempt,
        Standing::Waits(throttle, account) => match throttle.enter(account, address).await {
            Ok(attempt) => attempt,
            Err(why) => return cannot_enter(why),
        },
    };
    let resolved = cache.resolve(miss);
    let counted = async move {
        let outcome = resolved.await;
        conclude_everywhere(attempt, &outcome).await;
        outcome
    };
    // A try lasts as long as its verification: else who leaves at once guesses for nothing.
    let Ok(runtime) = runtime::Handle::try_current() else { return counted.await };
    let stopped = |_| Outcome::Unavailable(Unavailable::because("the verification was stopped"));
    runtime.spawn(counted.in_current_span()).await.unwrap_or_else(stopped)
}

/// Spends a try that was refused; gives any other back.
fn conclude<P>(attempt: Try, outcome: &Outcome<P>) {
    match outcome {
        Outcome::Refused { .. } => attempt.refused(),
        Outcome::Good { .. } => attempt.succeeded(),
        Outcome::Unjudged | Outcome::InTheClear | Outcome::Unavailable(_) | Outcome::Throttled(_) => drop(attempt),
    }
}

/// The same, told to the other copies before anybody is answered: the next try finds it counted, wherever it comes.
async fn conclude_everywhere<P>(attempt: Try, outcome: &Outcome<P>) {
    match outcome {
        Outcome::Refused { .. } => attempt.refused_everywhere().await,
        Outcome::Good { .. } => attempt.succeeded_everywhere().await,
        Outcome::Unjudged | Outcome::InTheClear | Outcome::Unavailable(_) | Outcome::Throttled(_) => drop(attempt),
    }
}

/// Why a try was not verified. Without the count that copies share nobody is let through, and nobody is told that they tried too often.
fn cannot_enter<P>(why: CannotEnter) -> Outcome<P> {
    match why {
        CannotEnter::Later(later) => Outcome::Throttled(later),
        CannotEnter::Unavailable(source) => Outcome::Unavailable(source),
    }
}

/// There is no answer where the first was revoked, and there can be no second.
fn revoked<P>() -> Answer<P> {
    Answer::Unavailable(Unavailable::because("revoked while it was being verified, which happens once"))
}
