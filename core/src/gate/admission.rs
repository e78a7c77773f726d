//! The way of a request through a gate.

use std::{
    fmt,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::runtime;
use tracing::Instrument;

use super::{
    Gate,
    confirm::confirms,
    grant::Grant,
    locate::Choice,
    policy::Judgement,
    refusal::Refusing,
    scheme::{Asked, Begun, Entry, conclude},
};
use crate::{
    cache::{CredentialCache, Errand, Found, Known, Resolved},
    credential::{Nature, Sender},
    request::{RequestHead, Visit, Wants, client::Seen, origin::may_change_something},
    response::{Reason, Rejection},
    secret::fingerprint::Fingerprint,
    throttle::{RetryAfter, Throttle, Try},
    unavailable::Unavailable,
};

/// A gate's answer, or the wait for it.
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "now or later: an adapter must handle both")]
pub enum Admission<P> {
    /// Decided on the spot.
    Decided(Verdict<P>),
    /// A verifier has to be waited for; then [`Gate::conclude`] decides.
    Pending(Pending<P>),
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

/// A verification under way. Owns what it needs; borrows nothing of the request.
#[must_use]
pub struct Pending<P> {
    place: usize,
    fingerprint: Fingerprint,
    outcome: Waiting<P>,
}

type Waiting<P> = Pin<Box<dyn Future<Output = Outcome<P>> + Send>>;

/// A verifier's answer, to be concluded at the gate that asked.
#[must_use]
pub struct Answered<P> {
    place: usize,
    fingerprint: Fingerprint,
    outcome: Outcome<P>,
}

/// What came of one credential, as it is remembered for the request.
enum Outcome<P> {
    Known {
        known: Arc<Known<P>>,
        stale: bool,
    },
    Refused,
    Unavailable(Unavailable),
    /// Too many tries were wrong: the verifier was not asked, or what it said before does not count.
    Throttled(RetryAfter),
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// Admits a request, refuses it, or says what to wait for.
    ///
    /// The request must have been [received](Self::receive) by the attached part of a gate; else the answer is a fault.
    pub fn admit(&self, head: &dyn RequestHead) -> Admission<P> {
        let seen = Seen::through(self.shared.site.proxies(), head);
        let _deciding =
            tracing::debug_span!(target: "countersign", "admit", realm = self.shared.site.realm()).entered();
        self.begin(&seen)
    }

    /// Decides after the wait, for the same request.
    pub fn conclude(&self, answered: Answered<P>, head: &dyn RequestHead) -> Verdict<P> {
        let seen = Seen::through(self.shared.site.proxies(), head);
        let Answered { place, fingerprint, outcome } = answered;
        let outcome = Arc::new(outcome);
        if let Some(visit) = seen.visit() {
            visit.remember(fingerprint, Arc::clone(&outcome) as _);
        }
        match self.taken_schemes() {
            Ok(takes) => self.decide(place, &outcome, &takes, &seen),
            Err(sentence) => Verdict::Rejected(self.refusing(&[], &seen).fault(&sentence)),
        }
    }

    fn begin(&self, head: &dyn RequestHead) -> Admission<P> {
        let takes = match self.taken_schemes() {
            Ok(takes) => takes,
            Err(sentence) => return rejected(self.refusing(&[], head).fault(&sentence)),
        };
        let refusing = self.refusing(&takes, head);
        let Some(visit) = head.visit() else {
            return rejected(
                refusing.fault("a guard met a request that no gate received: attach it outermost, with gate.attach()"),
            );
        };
        if let Some(name) = self.unclean(&takes, visit) {
            return rejected(refusing.fault(&format!(
                "the query parameter {name:?} was not taken out: attach this gate outermost, with gate.attach()"
            )));
        }
        visit.mark_read(&self.demands.reads);
        match self.choose(&takes, head) {
            Choice::TooLarge => rejected(refusing.because(Reason::TooLarge)),
            Choice::Ambiguous => rejected(refusing.ambiguous()),
            Choice::Nothing if self.anonymous => Admission::Decided(Verdict::Anonymous),
            Choice::Nothing => rejected(refusing.unknown_caller(None)),
            Choice::One { place, raw } => self.verify(place, raw, &takes, visit, head),
        }
    }

    fn verify(&self, place: usize, raw: &[u8], takes: &[usize], visit: &Visit, head: &dyn RequestHead) -> Admission<P> {
        let (Some(scheme), Some(key)) = (self.shared.schemes.get(place), self.shared.keys.get(place)) else {
            return rejected(self.refusing(takes, head).fault("a gate lost one of its schemes"));
        };
        let fingerprint = key.fingerprint(raw);
        let remembered = visit.answer::<Outcome<P>>(&fingerprint);
        if let Some(outcome) = remembered.filter(|outcome| !self.was_revoked(outcome)) {
            return Admission::Decided(self.decide(place, &outcome, takes, head));
        }
        let cache = self.shared.site.cache();
        if let Some(found) = cache.look(&fingerprint) {
            return match throttled(found, scheme.throttle(), head.peer()) {
                Ok(outcome) => {
                    if matches!(outcome, Outcome::Refused) {
                        // It was counted, and once is enough for a request.
                        visit.remember(fingerprint, Arc::new(Outcome::<P>::Refused) as _);
                    }
                    Admission::Decided(self.decide(place, &outcome, takes, head))
                }
                Err(outcome) => Admission::Pending(Pending { place, fingerprint, outcome }),
            };
        }
        let outcome = match scheme.begin(Asked { raw, fingerprint, peer: head.peer(), cache }) {
            Begun::Malformed => Outcome::Refused,
            Begun::Throttled(later) => Outcome::Throttled(later),
            Begun::Now(resolved) => resolved.into(),
            Begun::Later { errand, entry } => {
                let span = tracing::debug_span!(target: "countersign", "verify", scheme = scheme.name());
                let outcome = Box::pin(resolve(cache.clone(), errand, entry, head.peer()).instrument(span));
                return Admission::Pending(Pending { place, fingerprint, outcome });
            }
        };
        let outcome = Arc::new(outcome);
        visit.remember(fingerprint, Arc::clone(&outcome) as _);
        Admission::Decided(self.decide(place, &outcome, takes, head))
    }

    /// Whether this is an answer that a revocation has voided since it was found.
    fn was_revoked(&self, outcome: &Outcome<P>) -> bool {
        matches!(outcome, Outcome::Known { known, .. } if !self.shared.site.cache().is_fresh(known))
    }

    /// What follows from a verifier's answer, in this request.
    fn decide(&self, place: usize, outcome: &Outcome<P>, takes: &[usize], head: &dyn RequestHead) -> Verdict<P> {
        let scheme = self.shared.schemes.get(place).map(|scheme| scheme.name());
        let mut refusing = Refusing { scheme, ..self.refusing(takes, head) };
        let (known, stale) = match outcome {
            Outcome::Known { known, stale } => (known, *stale),
            Outcome::Throttled(later) => {
                return Verdict::Rejected(refusing.later(Reason::TooManyTries, later.duration()));
            }
            Outcome::Refused => return self.not_good(place, &refusing),
            Outcome::Unavailable(source) => {
                tracing::warn!(target: "countersign", scheme = &*self.shared.site.scheme_name(place), "a verifier has no answer: {source}");
                return Verdict::Rejected(refusing.unavailable(source.retry_after()));
            }
        };
        // Last, and in the request that uses it: it may have waited for its turn to be concluded.
        if self.was_revoked(outcome) {
            return Verdict::Rejected(refusing.unavailable(None));
        }
        let verified = known.verified();
        refusing.subject = verified.subject_name();
        let ended = verified.ends().is_some_and(|end| end <= self.shared.site.clock().wall());
        if ended || !confirms(verified.binding(), head) {
            return self.not_good(place, &refusing);
        }
        let by_browser = self.shared.schemes.get(place).is_some_and(|scheme| scheme.sender() == Sender::Browser);
        if by_browser && may_change_something(head) && self.shared.site.origins().another_site_made(head) {
            return Verdict::Rejected(refusing.because(Reason::CrossSite));
        }
        let grant = Grant {
            known: Arc::clone(known),
            stale,
            scheme: self.shared.site.scheme_name(place),
            site: Arc::clone(&self.shared.site),
            wants: Wants::of(head),
            secure: head.is_secure(),
            refuses: Arc::clone(&self.demands) as _,
        };
        match self.judge(&grant, head) {
            Judgement::Permit => {
                self.mark_admission(place, head);
                self.shared.site.admitted(refusing.about());
                Verdict::Admitted(grant)
            }
            Judgement::Deny => Verdict::Rejected(refusing.because(Reason::Forbidden)),
            Judgement::MissingScopes(scopes) => Verdict::Rejected(refusing.missing_scopes(scopes)),
            Judgement::Fault(sentence) => Verdict::Rejected(refusing.fault(&sentence)),
        }
    }

    /// A refusal, or nobody where a bad cookie counts as none.
    fn not_good(&self, place: usize, refusing: &Refusing<'_, P>) -> Verdict<P> {
        let cookie = self.shared.schemes.get(place).filter(|scheme| scheme.nature() == Nature::Ambient);
        match (cookie, refusing.head.visit()) {
            (Some(cookie), Some(visit)) if self.anonymous && self.clears_cookies => {
                cookie.clear(refusing.head).into_iter().for_each(|clear| visit.mark_cleared(clear));
                Verdict::Anonymous
            }
            _ => Verdict::Rejected(refusing.unknown_caller(Some(place))),
        }
    }

    fn judge(&self, grant: &Grant<P>, head: &dyn RequestHead) -> Judgement {
        let by_value = self.demands.policy.as_ref().map_or(Judgement::Permit, |policy| policy.judge(grant, head));
        match (by_value, &self.typed) {
            (Judgement::Permit, Some(typed)) => (typed.judge)(grant, head),
            (judgement, _) => judgement,
        }
    }

    /// A shared cache keeps answers to `Authorization` to itself (RFC 9111 §3.5), but knows nothing of the other places.
    fn mark_admission(&self, place: usize, head: &dyn RequestHead) {
        let (Some(visit), Some(scheme)) = (head.visit(), self.shared.schemes.get(place)) else { return };
        if !scheme.only_in_authorization() {
            visit.mark_private(scheme.parameter().is_some());
        }
    }

    fn unclean<'g>(&'g self, takes: &[usize], visit: &Visit) -> Option<&'g str> {
        takes.iter().filter_map(|place| self.shared.schemes.get(*place)?.parameter()).find(|name| !visit.cleaned(name))
    }

    fn refusing<'g>(&'g self, takes: &'g [usize], head: &'g dyn RequestHead) -> Refusing<'g, P> {
        Refusing { shared: &self.shared, takes, head, scheme: None, subject: None, late: None }
    }
}

/// A hit passes the same throttle as a miss, else a guesser who is locked out learns the right password from its owner's
/// entry. What has to wait for tries that run is the error.
fn throttled<P: Send + Sync + 'static>(
    found: Found<P>,
    throttle: Option<&Throttle>,
    peer: Option<IpAddr>,
) -> Result<Outcome<P>, Waiting<P>> {
    let account = match &found {
        Found::Good(known) => known.account(),
        Found::Refused { account } => *account,
    };
    let (Some(throttle), Some(account)) = (throttle, account) else { return Ok(found.into()) };
    let passed = match &found {
        Found::Good(_) => throttle.pass(account, peer),
        Found::Refused { .. } => throttle.enter(account, peer).map(Try::refused),
    };
    match passed {
        Ok(()) => Ok(found.into()),
        Err(later) if later.is_undecided() => {
            let throttle = throttle.clone();
            Err(Box::pin(async move {
                match (throttle.entered(account, peer).await, &found) {
                    (Err(later), _) => return Outcome::Throttled(later),
                    (Ok(attempt), Found::Good(_)) => attempt.succeeded(),
                    (Ok(attempt), Found::Refused { .. }) => attempt.refused(),
                }
                found.into()
            }))
        }
        Err(later) => Ok(Outcome::Throttled(later)),
    }
}

/// Waits for a place in the budget of wrong tries, then for the verifier.
async fn resolve<P: Send + Sync + 'static>(
    cache: CredentialCache,
    errand: Errand<P>,
    entry: Entry,
    peer: Option<IpAddr>,
) -> Outcome<P> {
    let attempt = match entry {
        Entry::Free => return cache.resolve(errand).await.into(),
        Entry::Entered(attempt) => attempt,
        Entry::Waits(throttle, account) => match throttle.entered(account, peer).await {
            Ok(attempt) => attempt,
            Err(later) => return Outcome::Throttled(later),
        },
    };
    let resolved = cache.resolve(errand);
    let counted = async move {
        let resolved = resolved.await;
        conclude(attempt, &resolved);
        resolved.into()
    };
    // A try lasts as long as its verification: else who leaves at once guesses for nothing.
    let Ok(runtime) = runtime::Handle::try_current() else { return counted.await };
    let stopped = |_| Outcome::Unavailable(Unavailable::because("the verification was stopped"));
    runtime.spawn(counted).await.unwrap_or_else(stopped)
}

fn rejected<P>(rejection: Rejection) -> Admission<P> {
    Admission::Decided(Verdict::Rejected(rejection))
}

impl<P> From<Resolved<P>> for Outcome<P> {
    fn from(resolved: Resolved<P>) -> Self {
        match resolved {
            Resolved::Good(known) => Self::Known { known, stale: false },
            Resolved::Stale(known) => Self::Known { known, stale: true },
            Resolved::Refused | Resolved::Unjudged => Self::Refused,
            Resolved::Unavailable(source) => Self::Unavailable(source),
            Resolved::Busy(busy) => Self::Unavailable(Unavailable::busy(busy.retry_after)),
        }
    }
}

impl<P> From<Found<P>> for Outcome<P> {
    fn from(found: Found<P>) -> Self {
        match found {
            Found::Good(known) => Self::Known { known, stale: false },
            Found::Refused { .. } => Self::Refused,
        }
    }
}

impl<P> Future for Pending<P> {
    type Output = Answered<P>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answered<P>> {
        let (place, fingerprint) = (self.place, self.fingerprint);
        self.outcome.as_mut().poll(context).map(|outcome| Answered { place, fingerprint, outcome })
    }
}

impl<P> fmt::Debug for Admission<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decided(Verdict::Admitted(_)) => "Admission::Decided(Admitted)",
            Self::Decided(Verdict::Anonymous) => "Admission::Decided(Anonymous)",
            Self::Decided(Verdict::Rejected(_)) => "Admission::Decided(Rejected)",
            Self::Pending(_) => "Admission::Pending",
        })
    }
}

impl<P> fmt::Debug for Pending<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending(..)")
    }
}

impl<P> fmt::Debug for Answered<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answered(..)")
    }
}
