//! What follows from what is known of a credential: the gate's answer.

use std::sync::Arc;

use super::{
    Gate,
    answer::{Admission, Verdict, rejected},
    case::{Case, Pending, Unread, Wait},
    confirm::{InPlace, in_place},
    grant::Grant,
    policy::{Asking, Decision, Policy},
    refusal::Refusing,
    tasks::PATIENCE,
    why::not_shown,
};
use crate::{
    cache::Outcome,
    clock::Moment,
    credential::{Confirmation, Covers, Rank, Sender},
    observe::why::{apart, worded},
    request::{
        RequestView,
        origin::{may_change_something, whose_page},
    },
    response::{Advice, Reason},
    unavailable::Unavailable,
};

impl<P: Send + Sync + 'static> Gate<P> {
    /// What follows from what is known by now. Whenever something was waited for, this begins from the start, so that what was revoked or
    /// has ended meanwhile is found out, and nothing is waited for behind its last look.
    pub(super) fn proceed(
        &self,
        case: Case<P>,
        takes: &[usize],
        request: &RequestView<'_>,
        now: &Moment<'_>,
    ) -> Admission<P> {
        let place = case.place;
        let scheme = self.shared.schemes.get(place);
        let mut refusing = Refusing { scheme: scheme.map(|scheme| scheme.name()), ..self.refusing(takes, request) };
        let (entry, stale) = match &case.outcome {
            Some(Outcome::Good { entry, stale }) => (entry, *stale),
            Some(Outcome::Throttled(later)) => {
                return rejected(refusing.saying(later.why()).later(Reason::TooManyTries, later.duration()));
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
        if let Some(end) = verified.ends().filter(|end| *end <= now.wall()) {
            let refusing = refusing.saying(worded("it has ended", || format!("it ended {}", apart(end, now.wall()))));
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
                    let shown = request.exchange()?.confirmation::<Confirmation>(&case.fingerprint?)?;
                    Some((*shown).clone())
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
            wants: self.shared.realm.wants_of(request),
            secure: request.is_secure(),
            refuses: Arc::clone(&self.demands) as _,
            docket: self.shared.realm.audit().zip(request.exchange()).map(|(audit, exchange)| exchange.docket(audit)),
        };
        let policy = self.policy_of(&case);
        let decision = match (self.judge(policy, &grant, request), &case.decision) {
            (Decision::Ask, Some(Ok(decision))) => decision.clone(),
            (Decision::Ask, Some(Err(source))) => return rejected(refusing.no_answer("a policy", source)),
            (Decision::Ask, None) => {
                let asking = policy.and_then(|policy| policy.ask(&grant, request));
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
                self.mark_admission(&case, request);
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
            Decision::Misconfigured(sentence) => rejected(refusing.fault(&sentence)),
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

    /// What is left to be demanded of a caller.
    fn policy_of(&self, case: &Case<P>) -> Option<&Arc<dyn Policy<P>>> {
        let own = self.outer.as_ref().filter(|_| case.is_admitted).map(|outer| outer.own_policy.as_ref());
        own.unwrap_or(self.demands.policy.as_ref())
    }

    fn judge(&self, policy: Option<&Arc<dyn Policy<P>>>, grant: &Grant<P>, request: &RequestView<'_>) -> Decision {
        let by_value = policy.map_or(Decision::Permit, |policy| policy.judge(grant, request));
        match (by_value, &self.typed) {
            (open @ (Decision::Permit | Decision::Ask), Some(typed)) => match (typed.judge)(grant, request) {
                Decision::Permit => open,
                objection => objection,
            },
            (decision, _) => decision,
        }
    }

    /// A shared cache keeps answers to `Authorization` to itself (RFC 9111 §3.5), but knows nothing of the other places.
    fn mark_admission(&self, case: &Case<P>, request: &RequestView<'_>) {
        let (Some(exchange), Some(scheme)) = (request.exchange(), self.shared.schemes.get(case.place)) else { return };
        if case.by_query || !scheme.only_in_authorization() {
            exchange.mark_private();
        }
    }
}

/// A policy that does not answer is no answer.
fn in_time(asking: Asking) -> Asking {
    Box::pin(async move {
        tokio::time::timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| Err(Unavailable::because("a policy takes too long to decide")))
    })
}
