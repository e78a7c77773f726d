//! The way of a request through a gate.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    Gate,
    confirm::{InPlace, in_place},
    grant::Grant,
    locate::{Choice, is_in_the_clear},
    policy::{Anyone, Asking, Decision},
    refusal::Refusing,
    scheme::Scheme,
    tasks::PATIENCE,
    verification::{Progress, Waiting, known},
};
use crate::{
    cache::Outcome,
    credential::{Confirmation, Confirming, Covers, Occurrences, Rank, Sender},
    observe::why::{apart, quoted, worded},
    principal::{Binding, Scopes},
    request::{
        Exchange, Field, Occurrence, RequestHead, RequestView, Unreadable, field, host, origin::may_change_something,
    },
    response::{Advice, Reason, Rejection},
    secret::fingerprint::Fingerprint,
    unavailable::Unavailable,
};

/// How often a request is begun again because what was found of its credential was revoked before it was used.
pub(super) const TRIES: usize = 3;

/// A gate's answer, or the wait for it.
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "now or later: an adapter must handle both")]
pub enum Admission<P> {
    /// Decided on the spot.
    Decided(Verdict<P>),
    /// Something has to be waited for; then [`Guard::conclude`](crate::adapter::Guard::conclude) decides.
    Pending(Pending<P>),
    /// The body has to be read: by a guard that can, which goes on with [`Guard::conclude_with_body`](crate::adapter::Guard::conclude_with_body)
    /// and hands the same bytes on; else [`Guard::cannot_read`](crate::adapter::Guard::cannot_read).
    Body(Unread<P>),
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

/// A wait: for a verifier, for what a grant is bound to, or for a policy that asks. Owns what it needs; borrows nothing of the request.
#[must_use]
pub struct Pending<P> {
    case: Option<Box<Case<P>>>,
    wait: Wait<P>,
}

/// A body that has to be read before anything more can be said: the credential covers it, and the head is good as far as that goes without.
#[must_use]
pub struct Unread<P> {
    case: Box<Case<P>>,
    longest: usize,
}

/// What was waited for, to be concluded at the gate that asked.
#[must_use]
pub struct Finished<P>(Box<Case<P>>);

/// How far a request has come with its credential.
pub(super) struct Case<P> {
    /// The gate that asks.
    gate: u64,
    place: usize,
    fingerprint: Fingerprint,
    /// Whether the cache was not looked at.
    anew: bool,
    /// How often it may be begun again.
    tries: usize,
    /// Given as soon as it is known.
    outcome: Option<Outcome<P>>,
    confirmation: Option<Confirmation>,
    decision: Option<Result<Decision, Unavailable>>,
}

enum Wait<P> {
    Outcome(Waiting<P>),
    Confirmation(Confirming),
    Decision(Asking),
}

impl<P> Case<P> {
    /// Of which the outcome is known, and which is begun again by whoever made it.
    pub(super) fn with_outcome(gate: u64, place: usize, fingerprint: Fingerprint, outcome: Outcome<P>) -> Self {
        Self {
            gate,
            place,
            fingerprint,
            anew: false,
            tries: 0,
            outcome: Some(outcome),
            confirmation: None,
            decision: None,
        }
    }
}

impl<P> Finished<P> {
    pub(super) fn of(case: Case<P>) -> Self {
        Self(Box::new(case))
    }
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
        let case = *finished.0;
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
            match &case.confirmation {
                None => remember(exchange, case.fingerprint, case.anew, outcome),
                Some(confirmation) if case.decision.is_none() => {
                    exchange.remember_confirmation(case.fingerprint, Arc::new(confirmation.clone()) as _);
                }
                Some(_) => {}
            }
        }
        self.proceed(case, &takes, request)
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
            Ok(body) => self.proceed(*unread.case, &takes, &request.with_body(body)),
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
        if let Some(what) = self.unclean(&takes, exchange) {
            return rejected(
                refusing.fault(&format!("{what} was not taken out: attach this gate outermost, with gate.attach()")),
            );
        }
        if host::is_misnamed(request) {
            return rejected(refusing.because(Reason::BadHost));
        }
        exchange.mark_read(&self.demands.reads);
        let mut taken = takes.iter().filter_map(|place| self.shared.schemes.get(*place));
        if taken.any(|scheme| by_query(&**scheme, exchange, request)) {
            exchange.mark_no_referrer();
        }
        match self.choose(&takes, request) {
            Choice::TooLarge => {
                let longest = self.shared.longest_credential;
                rejected(refusing.saying(format!("it is longer than {longest} bytes")).because(Reason::TooLarge))
            }
            Choice::Ambiguous => rejected(refusing.saying(self.what_was_found(&takes, request)).ambiguous()),
            Choice::Nothing if self.anonymous => Admission::Decided(Verdict::Anonymous),
            Choice::Nothing => {
                rejected(refusing.saying("there is none of the kinds that are taken").unknown_caller(None, None))
            }
            Choice::One { place, found } => self.verify_found(place, &found, &takes, exchange, request, tries),
        }
    }

    fn verify_found(
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
        // What covers the request is verified once for it, and begun again never.
        let once = !scheme.covers().is_empty();
        let tries = if once { 0 } else { tries };
        let mut case = Case {
            gate: self.shared.number,
            place,
            fingerprint,
            anew: self.uncached && !once,
            tries,
            outcome: None,
            confirmation: None,
            decision: None,
        };
        let known_by = if case.anew { fingerprint.anew() } else { fingerprint };
        let remembered = exchange.answer::<Outcome<P>>(&known_by);
        if let Some(outcome) = remembered.filter(|outcome| once || !self.was_revoked(outcome)) {
            case.outcome = Some((*outcome).clone());
            return self.proceed(case, takes, request);
        }
        if request.body().is_none() && scheme.stands_in_body(request) {
            let longest = self.shared.longest_body;
            return Admission::Body(Unread { case: Box::new(case), longest });
        }
        let cache = self.shared.realm.cache();
        let in_the_clear = is_in_the_clear(&**scheme, found, request);
        let is_kept = scheme.is_kept() && !once && !in_the_clear && !case.anew;
        let found = if is_kept { cache.look(&fingerprint) } else { None };
        let is_hit = found.is_some();
        let progress = match found {
            _ if in_the_clear => scheme.seen_in_the_clear(raw, request, &self.shared.realm),
            Some(found) => known(found, scheme.throttle(), request.address()),
            None => scheme.verify(raw, (!case.anew).then_some(fingerprint), request, cache),
        };
        match progress {
            Progress::Waits(outcome) => {
                Admission::Pending(Pending { case: Some(Box::new(case)), wait: Wait::Outcome(outcome) })
            }
            Progress::Done(outcome) => {
                // A good hit is found again for less than it takes to remember it. A refusal was counted, and once is enough.
                if !is_hit || matches!(outcome, Outcome::Refused { .. }) {
                    remember(exchange, fingerprint, case.anew, &outcome);
                }
                case.outcome = Some(outcome);
                self.proceed(case, takes, request)
            }
        }
    }

    /// Whether this is an answer that a revocation has voided since it was found.
    pub(super) fn was_revoked(&self, outcome: &Outcome<P>) -> bool {
        matches!(outcome, Outcome::Good { entry, .. } if !self.shared.realm.cache().is_fresh(entry))
    }

    /// What follows from what is known by now. Whenever something was waited for, this begins from the start, so that what was revoked or
    /// has ended meanwhile is found out, and nothing is waited for behind its last look.
    fn proceed(&self, case: Case<P>, takes: &[usize], request: &RequestView<'_>) -> Admission<P> {
        let place = case.place;
        let scheme = self.shared.schemes.get(place);
        let mut refusing = Refusing { scheme: scheme.map(|scheme| scheme.name()), ..self.refusing(takes, request) };
        let (entry, stale) = match &case.outcome {
            Some(Outcome::Good { entry, stale }) => (entry, *stale),
            Some(Outcome::Throttled(later)) => {
                let why = "too many tries for this name or from this address were wrong";
                return rejected(refusing.saying(why).later(Reason::TooManyTries, later.duration()));
            }
            Some(Outcome::Refused { .. } | Outcome::Unjudged) => {
                let refusing = refusing.saying("it cannot be read, or its verifier refuses it");
                return Admission::Decided(self.no_longer_good(place, &refusing, None));
            }
            Some(Outcome::InTheClear) => {
                return rejected(refusing.saying("it came without TLS").because(Reason::InTheClear));
            }
            Some(Outcome::Unavailable(source)) => {
                return rejected(refusing.no_answer("a verifier", source));
            }
            None => return rejected(refusing.fault("a wait ended without an outcome")),
        };
        if !self.shared.realm.cache().is_fresh(entry) {
            return match case.tries.checked_sub(1) {
                Some(left) => self.begin(request, left),
                None => {
                    rejected(refusing.saying("it was revoked while it was verified, again and again").unavailable(None))
                }
            };
        }
        let verified = entry.verified();
        refusing.subject = verified.subject();
        let now = self.shared.realm.clock().wall();
        if let Some(end) = verified.ends().filter(|end| *end <= now) {
            let refusing = refusing.saying(worded("it has ended", || format!("it ended {}", apart(end, now))));
            return Admission::Decided(self.no_longer_good(place, &refusing, None));
        }
        match in_place(verified.binding(), request) {
            InPlace::Shown => {}
            InPlace::NotShown => {
                let refusing = refusing.saying(not_shown(verified.binding()));
                return Admission::Decided(self.no_longer_good(place, &refusing, None));
            }
            InPlace::Further => {
                let remembered = || {
                    request.exchange()?.confirmation::<Confirmation>(&case.fingerprint).map(|shown| (*shown).clone())
                };
                match case.confirmation.clone().or_else(remembered) {
                    Some(Confirmation::Shown(fields)) => {
                        request.exchange().into_iter().for_each(|exchange| exchange.mark_fields(&fields));
                    }
                    Some(Confirmation::NotShown(advice)) => {
                        let refusing = refusing.saying(not_shown(verified.binding()));
                        return Admission::Decided(self.no_longer_good(place, &refusing, Some(&advice)));
                    }
                    Some(Confirmation::Ambiguous) => {
                        return rejected(refusing.saying("what it is bound to is shown more than once").ambiguous());
                    }
                    Some(Confirmation::Unavailable(source)) => {
                        return rejected(refusing.no_answer("a confirmation", &source));
                    }
                    None => {
                        let Some(confirm) = scheme.and_then(|scheme| scheme.confirm()) else {
                            let refusing = refusing.saying("it is bound to something that its kind does not show");
                            return Admission::Decided(self.no_longer_good(place, &refusing, None));
                        };
                        if request.body().is_none()
                            && scheme.is_some_and(|scheme| scheme.covers().contains(&Covers::Body))
                            && confirm.needs_body(verified.binding(), request)
                        {
                            let longest = self.shared.longest_body;
                            return Admission::Body(Unread { case: Box::new(case), longest });
                        }
                        let confirming = confirm.confirm(verified.binding(), request);
                        return Admission::Pending(Pending {
                            case: Some(Box::new(case)),
                            wait: Wait::Confirmation(confirming),
                        });
                    }
                }
            }
        }
        let by_browser = scheme.is_some_and(|scheme| scheme.sender() == Sender::Browser);
        if by_browser && may_change_something(request) && self.shared.realm.origins().another_site_made(request) {
            if self.forgives_cookies() {
                return Admission::Decided(Verdict::Anonymous);
            }
            return rejected(refusing.saying(whose_page(request)).because(Reason::CrossSite));
        }
        let grant = Grant {
            known: Arc::clone(entry),
            stale,
            scheme: self.shared.realm.scheme_name(place),
            realm: Arc::clone(&self.shared.realm),
            wants: request.wants(),
            secure: request.is_secure(),
            refuses: Arc::clone(&self.demands) as _,
            docket: self.shared.realm.audit().zip(request.exchange()).map(|(audit, exchange)| exchange.docket(audit)),
        };
        let decision = match (self.judge(&grant, request), &case.decision) {
            (Decision::Ask, Some(Ok(decision))) => decision.clone(),
            (Decision::Ask, Some(Err(source))) => return rejected(refusing.no_answer("a policy", source)),
            (Decision::Ask, None) => {
                let asking = self.demands.policy.as_ref().and_then(|policy| policy.ask(&grant, request));
                let Some(asking) = asking else {
                    return rejected(
                        refusing.fault("a policy says Decision::Ask and asks nobody: implement Policy::ask"),
                    );
                };
                return Admission::Pending(Pending {
                    case: Some(Box::new(case)),
                    wait: Wait::Decision(in_time(asking)),
                });
            }
            (decision, _) => decision,
        };
        match decision {
            Decision::Permit => {
                self.mark_admission(place, request);
                self.shared.realm.admitted(refusing.about());
                Admission::Decided(Verdict::Admitted(grant))
            }
            Decision::Deny => rejected(refusing.saying(self.objection(&grant, None)).because(Reason::Forbidden)),
            Decision::MissingScopes(scopes) => {
                rejected(refusing.saying(self.objection(&grant, Some(&scopes))).missing_scopes(scopes))
            }
            Decision::StepUp(needs) => {
                rejected(refusing.saying(self.objection(&grant, None)).weak_sign_in(&needs.advice()))
            }
            Decision::Ask => rejected(refusing.fault("a policy that was asked must decide, and not say Decision::Ask")),
            Decision::Fault(sentence) => rejected(refusing.fault(&sentence)),
        }
    }

    /// A refusal, or nobody where a bad cookie counts as none.
    fn no_longer_good(&self, place: usize, refusing: &Refusing<'_, P>, advice: Option<&Advice>) -> Verdict<P> {
        let cookie = self.shared.schemes.get(place).filter(|scheme| scheme.rank() == Rank::Ambient);
        match (cookie, refusing.request.exchange()) {
            (Some(cookie), Some(exchange)) if self.forgives_cookies() => {
                cookie.clear(refusing.request).into_iter().for_each(|clear| exchange.mark_cleared(clear));
                Verdict::Anonymous
            }
            _ => Verdict::Rejected(refusing.unknown_caller(Some(place), advice)),
        }
    }

    fn judge(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Decision {
        let by_value = self.demands.policy.as_ref().map_or(Decision::Permit, |policy| policy.judge(grant, request));
        match (by_value, &self.typed) {
            (open @ (Decision::Permit | Decision::Ask), Some(typed)) => match (typed.judge)(grant, request) {
                Decision::Permit => open,
                objection => objection,
            },
            (decision, _) => decision,
        }
    }

    /// What the policy asks for and what there is, for the log.
    fn objection(&self, grant: &Grant<P>, missing: Option<&Scopes>) -> Cow<'static, str> {
        worded("the policy says no", || {
            let policy = self.demands.policy.as_ref().map(|policy| policy.describe());
            let typed = self.typed.as_ref().filter(|typed| typed.name != std::any::type_name::<Anyone>());
            let demand = typed.map(|typed| format!("the demand {}", typed.name));
            let asked: Vec<_> = policy.into_iter().chain(demand).collect();
            let missing = missing.map(|missing| format!(", and lacks {missing:?}")).unwrap_or_default();
            let (roles, scopes) = (grant.roles(), grant.scopes());
            format!(
                "it asks for {}; the caller has the roles {roles:?} and the scopes {scopes:?}{missing}",
                asked.join(" and ")
            )
        })
    }

    /// How often each kind stands in the request, for the log.
    fn what_was_found(&self, takes: &[usize], request: &RequestView<'_>) -> Cow<'static, str> {
        worded("there is more than one", || {
            let counted = takes.iter().filter_map(|place| self.shared.schemes.get(*place)).filter_map(|scheme| {
                let mut found = Occurrences::default();
                scheme.locate(request, &mut found);
                (found.count() > 0).then(|| format!("{} {}", found.count(), scheme.name()))
            });
            let fields = request.fields(&field::AUTHORIZATION).count();
            format!(
                "there is more than one: {}, in {fields} fields `Authorization`",
                counted.collect::<Vec<_>>().join(", ")
            )
        })
    }

    /// A shared cache keeps answers to `Authorization` to itself (RFC 9111 §3.5), but knows nothing of the other places.
    fn mark_admission(&self, place: usize, request: &RequestView<'_>) {
        let (Some(exchange), Some(scheme)) = (request.exchange(), self.shared.schemes.get(place)) else { return };
        if by_query(&**scheme, exchange, request) || !scheme.only_in_authorization() {
            exchange.mark_private();
        }
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
        Refusing { shared: &self.shared, takes, request, scheme: None, subject: None, why: None, late: None }
    }
}

/// Whether a credential of this scheme was in the query, or is there still.
fn by_query<P>(scheme: &dyn Scheme<P>, exchange: &Exchange, request: &RequestView<'_>) -> bool {
    let was = scheme.parameter().is_some_and(|name| exchange.taken(name).next().is_some());
    was || scheme.stands_in_query(request)
}

/// Leaves an outcome for the guards further in. One that was asked for anew is good for those, too, that would have taken a known one.
fn remember<P: Send + Sync + 'static>(exchange: &Exchange, fingerprint: Fingerprint, anew: bool, outcome: &Outcome<P>) {
    let outcome: Arc<Outcome<P>> = Arc::new(outcome.clone());
    if anew {
        exchange.remember(fingerprint.anew(), Arc::clone(&outcome) as _);
    }
    exchange.remember(fingerprint, outcome);
}

/// What a request did not show.
fn not_shown(binding: &Binding) -> &'static str {
    match binding {
        Binding::Agent(_) => "its `User-Agent` is not the one that it is bound to",
        Binding::AddressPrefix { .. } => "its address is not in the network that it is bound to",
        Binding::Certificate(_) => "the client shows no certificate, or another than the one that it is bound to",
        Binding::KeyThumbprint(_) => "the key that it is bound to is not shown",
        Binding::Nothing | Binding::Proof(_) | Binding::All(_) => "what it is bound to is not shown",
    }
}

/// By what a request of a browser was taken for another site's.
fn whose_page(request: &RequestView<'_>) -> Cow<'static, str> {
    worded("another site's page made it", || {
        let sent = |name: &Field| match request.only(name) {
            Occurrence::Absent => "nothing".to_owned(),
            Occurrence::Once(value) => quoted(value),
            Occurrence::Repeated => "several".to_owned(),
        };
        let host = request.host().map_or_else(|| "nothing".to_owned(), quoted);
        format!(
            "another site's page made it: `Sec-Fetch-Site` says {}, `Origin` {}, and the host is {host}",
            sent(&field::SEC_FETCH_SITE),
            sent(&field::ORIGIN)
        )
    })
}

fn of_body(why: Unreadable) -> Reason {
    match why {
        Unreadable::TooLong => Reason::BodyTooLong,
        Unreadable::TooSlow => Reason::BodyTooSlow,
        Unreadable::BrokenOff => Reason::BodyBrokenOff,
    }
}

fn rejected<P>(rejection: Rejection) -> Admission<P> {
    Admission::Decided(Verdict::Rejected(rejection))
}

/// A policy that does not answer is no answer.
fn in_time(asking: Asking) -> Asking {
    Box::pin(async move {
        tokio::time::timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| Err(Unavailable::because("a policy takes too long to decide")))
    })
}

impl<P> Future for Pending<P> {
    type Output = Finished<P>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished<P>> {
        let Self { case, wait } = &mut *self;
        // Polled again after it was ready: no future has an answer to that.
        let Some(known) = case else { return Poll::Pending };
        match wait {
            Wait::Outcome(outcome) => known.outcome = Some(ready!(outcome.as_mut().poll(context))),
            Wait::Confirmation(shown) => known.confirmation = Some(ready!(shown.as_mut().poll(context))),
            Wait::Decision(decision) => known.decision = Some(ready!(decision.as_mut().poll(context))),
        }
        case.take().map_or(Poll::Pending, |case| Poll::Ready(Finished(case)))
    }
}

impl<P> fmt::Debug for Admission<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decided(Verdict::Admitted(_)) => "Admission::Decided(Admitted)",
            Self::Decided(Verdict::Anonymous) => "Admission::Decided(Anonymous)",
            Self::Decided(Verdict::Rejected(_)) => "Admission::Decided(Rejected)",
            Self::Pending(_) => "Admission::Pending",
            Self::Body(_) => "Admission::Body",
        })
    }
}

impl<P> fmt::Debug for Pending<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending(..)")
    }
}

impl<P> Unread<P> {
    /// The longest body that is worth reading, in bytes.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }
}

impl<P> fmt::Debug for Unread<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("longest", &self.longest).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Finished<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finished(..)")
    }
}
