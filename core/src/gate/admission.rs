//! The way of a request through a gate.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Gate,
    confirm::confirms,
    grant::Grant,
    locate::Choice,
    policy::Decision,
    refusal::Refusing,
    verification::{Progress, Waiting, known},
};
use crate::{
    cache::Outcome,
    credential::{Nature, Occurrences, Sender},
    request::{Exchange, RequestHead, RequestView, origin::may_change_something},
    response::{Reason, Rejection},
    secret::fingerprint::Fingerprint,
};

/// How often a request is begun again because what was found of its credential was revoked before it was used.
const TRIES: usize = 3;

/// A gate's answer, or the wait for it.
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "now or later: an adapter must handle both")]
pub enum Admission<P> {
    /// Decided on the spot.
    Decided(Verdict<P>),
    /// A verifier has to be waited for; then [`Guard::conclude`](crate::adapter::Guard::conclude) decides.
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
    tries: usize,
}

/// A verifier's answer, to be concluded at the gate that asked.
#[must_use]
pub struct Finished<P> {
    place: usize,
    fingerprint: Fingerprint,
    outcome: Outcome<P>,
    tries: usize,
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// See [`Guard::admit`](crate::adapter::Guard::admit).
    pub(crate) fn admit(&self, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Admission<P> {
        let request = RequestView::new(head, exchange, self.shared.realm.proxies());
        let _deciding =
            tracing::debug_span!(target: "countersign", "admit", realm = self.shared.realm.name()).entered();
        self.begin(&request, TRIES)
    }

    /// See [`Guard::conclude`](crate::adapter::Guard::conclude).
    pub(crate) fn conclude(
        &self,
        finished: Finished<P>,
        head: &dyn RequestHead,
        exchange: Option<&Exchange>,
    ) -> Admission<P> {
        let request = &RequestView::new(head, exchange, self.shared.realm.proxies());
        let Finished { place, fingerprint, outcome, tries } = finished;
        let takes = match self.taken_schemes() {
            Ok(takes) => takes,
            Err(sentence) => return rejected(self.refusing(&[], request).fault(&sentence)),
        };
        if self.was_revoked(&outcome) {
            return match tries.checked_sub(1) {
                Some(left) => self.begin(request, left),
                None => Admission::Decided(self.decide(place, &Outcome::revoked_again_and_again(), &takes, request)),
            };
        }
        let verdict = self.decide(place, &outcome, &takes, request);
        if let Some(exchange) = request.exchange() {
            exchange.remember(fingerprint, Arc::new(outcome) as _);
        }
        Admission::Decided(verdict)
    }

    fn begin(&self, request: &RequestView<'_>, tries: usize) -> Admission<P> {
        let takes = match self.taken_schemes() {
            Ok(takes) => takes,
            Err(sentence) => return rejected(self.refusing(&[], request).fault(&sentence)),
        };
        let refusing = self.refusing(&takes, request);
        let Some(exchange) = request.exchange() else {
            return rejected(
                refusing.fault("a guard met a request that no gate received: attach it outermost, with gate.attach()"),
            );
        };
        if let Some(name) = self.unclean(&takes, exchange) {
            return rejected(refusing.fault(&format!(
                "the query parameter {name:?} was not taken out: attach this gate outermost, with gate.attach()"
            )));
        }
        exchange.mark_read(&self.demands.reads);
        match self.choose(&takes, request) {
            Choice::TooLarge => rejected(refusing.because(Reason::TooLarge)),
            Choice::Ambiguous => rejected(refusing.ambiguous()),
            Choice::Nothing if self.anonymous => Admission::Decided(Verdict::Anonymous),
            Choice::Nothing => rejected(refusing.unknown_caller(None)),
            Choice::One { place, found } => self.verify(place, &found, &takes, exchange, request, tries),
        }
    }

    fn verify(
        &self,
        place: usize,
        found: &Occurrences<'_>,
        takes: &[usize],
        exchange: &Exchange,
        request: &RequestView<'_>,
        tries: usize,
    ) -> Admission<P> {
        let (Some(scheme), Some(key), Some(raw)) =
            (self.shared.schemes.get(place), self.shared.keys.get(place), found.only())
        else {
            return rejected(self.refusing(takes, request).fault("a gate lost one of its schemes"));
        };
        let fingerprint = key.fingerprint_of_parts(raw.whole(), raw.more());
        let remembered = exchange.answer::<Outcome<P>>(&fingerprint);
        if let Some(outcome) = remembered.filter(|outcome| !self.was_revoked(outcome)) {
            return Admission::Decided(self.decide(place, &outcome, takes, request));
        }
        let cache = self.shared.realm.cache();
        for _ in 0..=tries {
            let found = cache.look(&fingerprint);
            let is_hit = found.is_some();
            let progress = match found {
                Some(found) => known(found, scheme.throttle(), request.address()),
                None => scheme.verify(raw, fingerprint, request.address(), cache),
            };
            let outcome = match progress {
                Progress::Waits(outcome) => {
                    return Admission::Pending(Pending { place, fingerprint, outcome, tries });
                }
                Progress::Done(outcome) if self.was_revoked(&outcome) => continue,
                Progress::Done(outcome) => outcome,
            };
            let verdict = self.decide(place, &outcome, takes, request);
            // A good hit is found again for less than it takes to remember it. A refusal was counted, and once is enough.
            if !is_hit || matches!(outcome, Outcome::Refused { .. }) {
                exchange.remember(fingerprint, Arc::new(outcome) as _);
            }
            return Admission::Decided(verdict);
        }
        Admission::Decided(self.decide(place, &Outcome::revoked_again_and_again(), takes, request))
    }

    /// Whether this is an answer that a revocation has voided since it was found.
    fn was_revoked(&self, outcome: &Outcome<P>) -> bool {
        matches!(outcome, Outcome::Good { entry, .. } if !self.shared.realm.cache().is_fresh(entry))
    }

    /// What follows from an outcome, in this request. Whoever calls it has just found that nothing of it was revoked, and nothing is
    /// waited for between.
    fn decide(&self, place: usize, outcome: &Outcome<P>, takes: &[usize], request: &RequestView<'_>) -> Verdict<P> {
        let scheme = self.shared.schemes.get(place).map(|scheme| scheme.name());
        let mut refusing = Refusing { scheme, ..self.refusing(takes, request) };
        let (known, stale) = match outcome {
            Outcome::Good { entry, stale } => (entry, *stale),
            Outcome::Throttled(later) => {
                return Verdict::Rejected(refusing.later(Reason::TooManyTries, later.duration()));
            }
            Outcome::Refused { .. } => return self.not_good(place, &refusing),
            Outcome::Unavailable(source) => {
                tracing::warn!(target: "countersign", scheme = &*self.shared.realm.scheme_name(place), "a verifier has no answer: {source}");
                return Verdict::Rejected(refusing.unavailable(source.retry_after()));
            }
        };
        let verified = known.verified();
        refusing.subject = verified.subject_name();
        let ended = verified.ends().is_some_and(|end| end <= self.shared.realm.clock().wall());
        if ended || !confirms(verified.binding(), request) {
            return self.not_good(place, &refusing);
        }
        let by_browser = self.shared.schemes.get(place).is_some_and(|scheme| scheme.sender() == Sender::Browser);
        if by_browser && may_change_something(request) && self.shared.realm.origins().another_site_made(request) {
            return Verdict::Rejected(refusing.because(Reason::CrossSite));
        }
        let grant = Grant {
            known: Arc::clone(known),
            stale,
            scheme: self.shared.realm.scheme_name(place),
            realm: Arc::clone(&self.shared.realm),
            wants: request.wants(),
            secure: request.is_secure(),
            refuses: Arc::clone(&self.demands) as _,
        };
        match self.judge(&grant, request) {
            Decision::Permit => {
                self.mark_admission(place, request);
                self.shared.realm.admitted(refusing.about());
                Verdict::Admitted(grant)
            }
            Decision::Deny => Verdict::Rejected(refusing.because(Reason::Forbidden)),
            Decision::MissingScopes(scopes) => Verdict::Rejected(refusing.missing_scopes(scopes)),
            Decision::Fault(sentence) => Verdict::Rejected(refusing.fault(&sentence)),
        }
    }

    /// A refusal, or nobody where a bad cookie counts as none.
    fn not_good(&self, place: usize, refusing: &Refusing<'_, P>) -> Verdict<P> {
        let cookie = self.shared.schemes.get(place).filter(|scheme| scheme.nature() == Nature::Ambient);
        match (cookie, refusing.request.exchange()) {
            (Some(cookie), Some(exchange)) if self.anonymous && self.clears_cookies => {
                cookie.clear(refusing.request).into_iter().for_each(|clear| exchange.mark_cleared(clear));
                Verdict::Anonymous
            }
            _ => Verdict::Rejected(refusing.unknown_caller(Some(place))),
        }
    }

    fn judge(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Decision {
        let by_value = self.demands.policy.as_ref().map_or(Decision::Permit, |policy| policy.judge(grant, request));
        match (by_value, &self.typed) {
            (Decision::Permit, Some(typed)) => (typed.judge)(grant, request),
            (judgement, _) => judgement,
        }
    }

    /// A shared cache keeps answers to `Authorization` to itself (RFC 9111 §3.5), but knows nothing of the other places.
    fn mark_admission(&self, place: usize, request: &RequestView<'_>) {
        let (Some(exchange), Some(scheme)) = (request.exchange(), self.shared.schemes.get(place)) else { return };
        if !scheme.only_in_authorization() {
            exchange.mark_private(scheme.parameter().is_some());
        }
    }

    fn unclean<'g>(&'g self, takes: &[usize], exchange: &Exchange) -> Option<&'g str> {
        takes
            .iter()
            .filter_map(|place| self.shared.schemes.get(*place)?.parameter())
            .find(|name| !exchange.cleaned(name))
    }

    fn refusing<'g>(&'g self, takes: &'g [usize], request: &'g RequestView<'g>) -> Refusing<'g, P> {
        Refusing { shared: &self.shared, takes, request, scheme: None, subject: None, late: None }
    }
}

fn rejected<P>(rejection: Rejection) -> Admission<P> {
    Admission::Decided(Verdict::Rejected(rejection))
}

impl<P> Future for Pending<P> {
    type Output = Finished<P>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished<P>> {
        let (place, fingerprint, tries) = (self.place, self.fingerprint, self.tries);
        self.outcome.as_mut().poll(context).map(|outcome| Finished { place, fingerprint, outcome, tries })
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

impl<P> fmt::Debug for Finished<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finished(..)")
    }
}
