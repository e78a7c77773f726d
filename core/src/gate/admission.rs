//! The way of a request through a gate.

use std::{borrow::Cow, sync::Arc};

use tracing::{Span, level_filters::LevelFilter};

use super::{
    Gate,
    answer::rejected,
    case::{Case, Wait},
    locate::Choice,
    refusal::Refusing,
    scheme::Scheme,
    verification::{Progress, known},
};
pub use super::{
    answer::{Admission, Verdict},
    case::{Finished, Pending, Unread},
};
use crate::{
    cache::Outcome,
    clock::Moment,
    credential::Occurrences,
    observe::span,
    request::{Exchange, RequestHead, RequestView, Unreadable, host},
    response::{Reason, Rejection},
    secret::fingerprint::Fingerprint,
};

/// The credential of a request that counts.
struct Chosen<'r, 'h> {
    place: usize,
    found: &'r Occurrences<'h>,
    /// It must not travel in the clear, and did.
    in_the_clear: bool,
    /// It stood in the query.
    by_query: bool,
}

/// How often a request is begun again because what was found of its credential was revoked before it was used.
pub(super) const TRIES: usize = 3;

impl<P: Send + Sync + 'static> Gate<P> {
    /// See [`Guard::admit`](crate::adapter::Guard::admit).
    pub(crate) fn admit(&self, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Admission<P> {
        let request = RequestView::new(head, exchange, self.shared.realm.proxies());
        // Where nobody listens, a span would be made for the crate `log`, which knows no spans.
        let is_heard = LevelFilter::current() >= LevelFilter::DEBUG;
        let deciding = is_heard.then(|| span::admit(self.shared.realm.name(), &request));
        let begin = || self.begin(&request, TRIES);
        let admission = deciding.as_ref().map_or_else(begin, |deciding| deciding.in_scope(begin));
        self.tell_subject(&admission, deciding.as_ref(), exchange);
        admission
    }

    /// Writes who was admitted into the span of the decision and, once a request, into that around it, which is the current one again, if the app
    /// wants that.
    fn tell_subject(&self, admission: &Admission<P>, deciding: Option<&Span>, exchange: Option<&Exchange>) {
        if self.shared.realm.tells_subjects
            && let Admission::Decided(Verdict::Admitted(grant)) = admission
            && let Some(subject) = grant.subject()
        {
            let around = Span::current();
            if exchange.is_some_and(Exchange::is_first_to_tell) {
                around.record("subject", subject);
            }
            if let Some(deciding) = deciding.filter(|deciding| **deciding != around) {
                deciding.record("subject", subject);
            }
        }
    }

    /// See [`Guard::conclude`](crate::adapter::Guard::conclude).
    pub(crate) fn conclude(
        &self,
        finished: Finished<P>,
        head: &dyn RequestHead,
        exchange: Option<&Exchange>,
    ) -> Admission<P> {
        let request = &RequestView::new(head, exchange, self.shared.realm.proxies());
        let case = *finished.0;
        let deciding = case.span.clone();
        let admission = deciding.in_scope(|| self.decide(case, request));
        self.tell_subject(&admission, Some(&deciding), exchange);
        admission
    }

    fn decide(&self, case: Case<P>, request: &RequestView<'_>) -> Admission<P> {
        let takes = match self.taken_schemes() {
            Ok(takes) => takes,
            Err(sentence) => return rejected(self.refusing(&[], request).fault(&sentence)),
        };
        if case.gate != self.shared.number {
            return rejected(
                self.refusing(&takes, request).fault("a wait that one gate began was concluded at another"),
            );
        }
        if let (Some(exchange), Some(outcome)) = (request.exchange(), &case.outcome) {
            match (&case.confirmation, case.fingerprint) {
                (None, Some(fingerprint)) => remember(exchange, fingerprint, case.anew, outcome),
                (Some(confirmation), Some(fingerprint)) if case.decision.is_none() => {
                    exchange.remember_confirmation(fingerprint, Arc::new(confirmation.clone()) as _);
                }
                _ => {}
            }
        }
        self.proceed(case, &takes, request, &Moment::of(&**self.shared.realm.clock()))
    }

    /// See [`Guard::conclude_with_body`](crate::adapter::Guard::conclude_with_body).
    pub(crate) fn conclude_with_body(
        &self,
        unread: Unread<P>,
        body: Result<&[u8], Unreadable>,
        head: &dyn RequestHead,
        exchange: Option<&Exchange>,
    ) -> Admission<P> {
        let request = RequestView::new(head, exchange, self.shared.realm.proxies());
        let deciding = unread.case.span.clone();
        let admission = deciding.in_scope(|| self.decide_with_body(unread, body, request));
        self.tell_subject(&admission, Some(&deciding), exchange);
        admission
    }

    fn decide_with_body<'h>(
        &self,
        unread: Unread<P>,
        body: Result<&'h [u8], Unreadable>,
        request: RequestView<'h>,
    ) -> Admission<P> {
        let takes = match self.taken_schemes() {
            Ok(takes) => takes,
            Err(sentence) => return rejected(self.refusing(&[], &request).fault(&sentence)),
        };
        let refusing = self.refusing(&takes, &request);
        if unread.case.gate != self.shared.number {
            return rejected(refusing.fault("a body that one gate asked for was shown to another"));
        }
        match body {
            // The credential stands in the body, and can be read now.
            Ok(body) if unread.case.outcome.is_none() => self.begin(&request.with_body(body), unread.case.tries),
            Ok(body) => {
                let now = Moment::of(&**self.shared.realm.clock());
                self.proceed(*unread.case, &takes, &request.with_body(body), &now)
            }
            Err(why) => rejected(refusing.because(of_body(why))),
        }
    }

    /// See [`Guard::refuse_body`](crate::adapter::Guard::refuse_body).
    pub(crate) fn refuse_body(
        &self,
        why: Unreadable,
        head: &dyn RequestHead,
        exchange: Option<&Exchange>,
    ) -> Rejection {
        let request = RequestView::new(head, exchange, self.shared.realm.proxies());
        self.refusing(&[], &request).because(of_body(why))
    }

    /// See [`Guard::cannot_read`](crate::adapter::Guard::cannot_read).
    pub(crate) fn cannot_read(&self, head: &dyn RequestHead, exchange: Option<&Exchange>) -> Rejection {
        let request = RequestView::new(head, exchange, self.shared.realm.proxies());
        self.refusing(&[], &request).fault(
            "a credential covers the body, which the guard that met it cannot read: put gate.enforce() in front of the route, \
             in the form of your adapter that reads bodies",
        )
    }

    pub(super) fn begin(&self, request: &RequestView<'_>, tries: usize) -> Admission<P> {
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
        if let Some(what) = self.unclean(&takes, exchange) {
            return rejected(
                refusing.fault(&format!("{what} was not taken out: attach this gate outermost, with gate.attach()")),
            );
        }
        if !exchange.host_is_named(|| !host::is_misnamed(request)) {
            return rejected(refusing.because(Reason::BadHost));
        }
        exchange.mark_read(&self.demands.reads);
        let in_query = self.in_query(&takes, exchange, request);
        if !in_query.is_empty() {
            exchange.mark_no_referrer();
        }
        #[cfg(all(any(test, feature = "test-util"), debug_assertions))]
        if let Some((place, outcome)) = self.posed(&takes, request) {
            let case = Case::with_outcome(self.shared.number, place, outcome);
            return self.proceed(case, &takes, request, &Moment::of(&**self.shared.realm.clock()));
        }
        if let Some(case) = self.admitted_further_out(&takes, &in_query, tries) {
            return self.proceed(case, &takes, request, &Moment::of(&**self.shared.realm.clock()));
        }
        match self.choose(&takes, request) {
            Choice::TooLarge => {
                let longest = self.shared.longest_credential;
                rejected(refusing.saying(format!("it is longer than {longest} bytes")).because(Reason::TooLarge))
            }
            Choice::Ambiguous => rejected(refusing.saying(self.what_was_found(&takes, request)).ambiguous()),
            Choice::Nothing if self.anonymous => Admission::Decided(Verdict::Anonymous),
            Choice::Nothing => {
                rejected(refusing.saying(self.nothing_taken(&takes, request)).unknown_caller(None, None))
            }
            Choice::One { place, found, in_the_clear } => {
                let chosen = Chosen { place, found: &found, in_the_clear, by_query: in_query.contains(&place) };
                self.verify_found(&chosen, &takes, exchange, request, tries)
            }
        }
    }

    fn verify_found(
        &self,
        chosen: &Chosen<'_, '_>,
        takes: &[usize],
        exchange: &Exchange,
        request: &RequestView<'_>,
        tries: usize,
    ) -> Admission<P> {
        let Chosen { place, found, in_the_clear, by_query } = *chosen;
        let (Some(scheme), Some(key), Some(raw)) =
            (self.shared.schemes.get(place), self.shared.keys.get(place), found.only())
        else {
            return rejected(self.refusing(takes, request).fault("a gate lost one of its schemes"));
        };
        // What covers the request is verified once for it, and begun again never.
        let once = !scheme.covers().is_empty();
        // A fingerprint costs more than what an HMAC decides is worth to be remembered by.
        let is_plain = !scheme.is_kept() && !once && scheme.confirm().is_none() && raw.more().is_empty();
        let taken = || key.fingerprint_of_parts(raw.whole(), raw.more());
        let fingerprint = (!is_plain || exchange.has_answers()).then(taken);
        let tries = if once { 0 } else { tries };
        let mut case = Case {
            gate: self.shared.number,
            place,
            fingerprint,
            is_admitted: false,
            by_query,
            anew: self.uncached && !once,
            tries,
            outcome: None,
            confirmation: None,
            decision: None,
            span: Span::current(),
        };
        let known_by = fingerprint.map(|fingerprint| if case.anew { fingerprint.anew() } else { fingerprint });
        let by_itself = || is_plain.then(|| exchange.answer_to::<Outcome<P>>(case.gate, place, raw.whole())).flatten();
        let remembered = known_by.and_then(|known_by| exchange.answer::<Outcome<P>>(&known_by)).or_else(by_itself);
        if let Some(outcome) = remembered.filter(|outcome| once || !self.was_revoked(outcome)) {
            case.outcome = Some((*outcome).clone());
            return self.proceed(case, takes, request, &Moment::of(&**self.shared.realm.clock()));
        }
        if request.body().is_none() && scheme.stands_in_body(request) {
            let longest = self.shared.longest_body;
            return Admission::Body(Unread { case: Box::new(case), longest });
        }
        let cache = self.shared.realm.cache();
        let is_kept = scheme.is_kept() && !once && !in_the_clear && !case.anew;
        let now = Moment::of(&**self.shared.realm.clock());
        let found = fingerprint.filter(|_| is_kept).and_then(|fingerprint| cache.look(&fingerprint, &now));
        let is_hit = found.is_some();
        let progress = match found {
            _ if in_the_clear => scheme.seen_in_the_clear(raw, request, &self.shared.realm),
            Some(found) => match scheme.throttle() {
                None => Progress::Done(found),
                Some(throttle) => known(found, throttle, request.address()),
            },
            None => scheme.verify(raw, fingerprint.filter(|_| !case.anew), request, cache),
        };
        match progress {
            Progress::Waits(outcome) => {
                case.fingerprint = fingerprint.or_else(|| Some(taken()));
                Admission::Pending(Pending { case: Some(Box::new(case)), wait: Wait::Outcome(outcome) })
            }
            Progress::Done(outcome) => {
                // A good hit is found again for less than it takes to remember it. A refusal was counted, and once is enough.
                if !is_hit || matches!(outcome, Outcome::Refused { .. }) {
                    match fingerprint {
                        Some(fingerprint) => remember(exchange, fingerprint, case.anew, &outcome),
                        None => {
                            let answer = Arc::new(outcome.clone());
                            exchange.remember_answer_to(case.gate, place, raw.whole(), answer);
                        }
                    }
                }
                case.outcome = Some(outcome);
                // A verifier that answers on the spot takes its time all the same.
                let now = if is_hit { now } else { Moment::of(&**self.shared.realm.clock()) };
                self.proceed(case, takes, request, &now)
            }
        }
    }

    /// Whether this is an answer that a revocation has voided since it was found.
    pub(super) fn was_revoked(&self, outcome: &Outcome<P>) -> bool {
        matches!(outcome, Outcome::Good { entry, .. } if !self.shared.realm.cache().is_fresh(entry))
    }

    /// The schemes that this guard takes: the gate's, narrowed by a typed demand.
    fn taken_schemes(&self) -> Result<Cow<'_, [usize]>, String> {
        if self.demands.takes.is_empty() {
            return Err("a guard stands on a route that takes none of its schemes".to_owned());
        }
        let Some((name, wanted)) = self.typed.as_ref().and_then(|typed| Some((typed.name, typed.schemes?))) else {
            return Ok(self.demands.takes.as_slice().into());
        };
        let takes: Vec<usize> = self
            .demands
            .takes
            .iter()
            .copied()
            .filter(|place| wanted.iter().any(|wanted| self.shared.named(*place, wanted)))
            .collect();
        match wanted.iter().find(|wanted| !(0..self.shared.schemes.len()).any(|place| self.shared.named(place, wanted)))
        {
            Some(unknown) => {
                Err(format!("the demand {name} names the scheme {unknown:?}, which the gate does not have"))
            }
            None if takes.is_empty() => {
                Err(format!("the demand {name} stands on a route that takes none of its schemes"))
            }
            None => Ok(takes.into()),
        }
    }

    /// The places of schemes of which a credential was in the query, or is there still.
    fn in_query(&self, takes: &[usize], exchange: &Exchange, request: &RequestView<'_>) -> Vec<usize> {
        let stands = |scheme: &dyn Scheme<P>| {
            let was = scheme.parameter().is_some_and(|name| exchange.taken(name).next().is_some());
            was || scheme.stands_in_query(request)
        };
        let taken = |place: &usize| self.shared.schemes.get(*place).is_some_and(|scheme| stands(&**scheme));
        takes.iter().copied().filter(taken).collect()
    }

    /// What of the request would have been taken out, had this gate received it.
    fn unclean(&self, takes: &[usize], exchange: &Exchange) -> Option<String> {
        let schemes = || takes.iter().filter_map(|place| self.shared.schemes.get(*place));
        let parameter = schemes().filter_map(|scheme| scheme.parameter()).find(|name| !exchange.cleaned(name));
        let prefix = schemes().filter_map(|scheme| scheme.subprotocol());
        let prefix = prefix.into_iter().find(|prefix| !exchange.cleaned_subprotocols(prefix));
        parameter
            .map(|name| format!("the query parameter {name:?}"))
            .or_else(|| prefix.map(|prefix| format!("the subprotocol {prefix:?}")))
    }

    pub(super) fn refusing<'g>(&'g self, takes: &'g [usize], request: &'g RequestView<'g>) -> Refusing<'g, P> {
        let scopes = self.demands.scopes.as_deref();
        // What a typed demand leaves of the schemes asks in its own way.
        let usual = (takes.len() == self.demands.takes.len()).then_some(&self.demands.usual);
        let shared = &self.shared;
        Refusing { shared, takes, scopes, usual, request, scheme: None, subject: None, why: None, late: None }
    }
}

/// Leaves an outcome for the guards further in. One that was asked for anew is good for those, too, that would have taken a known one.
fn remember<P: Send + Sync + 'static>(exchange: &Exchange, fingerprint: Fingerprint, anew: bool, outcome: &Outcome<P>) {
    let outcome: Arc<Outcome<P>> = Arc::new(outcome.clone());
    if anew {
        exchange.remember(fingerprint.anew(), Arc::clone(&outcome) as _);
    }
    exchange.remember(fingerprint, outcome);
}

fn of_body(why: Unreadable) -> Reason {
    match why {
        Unreadable::TooLong => Reason::BodyTooLong,
        Unreadable::TooSlow => Reason::BodyTooSlow,
        Unreadable::BrokenOff => Reason::BodyBrokenOff,
    }
}
