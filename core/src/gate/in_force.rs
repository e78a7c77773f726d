//! What guards further out demand of a request, as guards further in see it.

use std::sync::Arc;

use super::{Demand, Demands, Gate, Typed, case::Case, grant::Grant, policy::Policy};
use crate::{
    cache::{Entry, Outcome},
    principal::Binding,
    request::Exchange,
};

/// A gate that was enforced on a request, and whom it admitted there.
struct InForce<P> {
    gate: Gate<P>,
    /// By the place of the scheme.
    admitted: Option<usize>,
    /// What was known of the caller, if it was somebody.
    known: Option<(Arc<Entry<P>>, bool)>,
}

/// What a guard of the same gate further out has found out of this request, for one further in.
pub(super) struct Outer<P> {
    entry: Arc<Entry<P>>,
    stale: bool,
    /// Whether it asked its verifier anew.
    uncached: bool,
    /// What the guard further in demands beside.
    pub(super) own_policy: Option<Arc<dyn Policy<P>>>,
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// What a guard in a handler's signature asks: this gate beside what guards further out on this request put in force.
    ///
    /// A guard further out weakens nothing: what this gate demands is demanded still. Lists of schemes intersect and never widen, and whom a
    /// guard further out admitted is whom this one sees, or nobody: another credential of the request counts as absent.
    pub(crate) fn in_force(&self, exchange: Option<&Exchange>) -> Self {
        match self.enforced(exchange) {
            None => self.clone(),
            Some(enforced) => {
                Self { admitted: enforced.admitted, outer: self.outer_of(&enforced), ..self.beside(&enforced.gate) }
            }
        }
    }

    /// The same gate, which refuses callers without a credential: what [`or_anonymous`](Self::or_anonymous) and
    /// [`or_anonymous_clearing_cookies`](Self::or_anonymous_clearing_cookies) undo.
    pub(crate) fn known_callers(self) -> Self {
        Self { anonymous: false, clears_cookies: false, ..self }
    }

    /// The same as [`or_anonymous`](Self::or_anonymous), of a gate of one's own.
    pub(crate) fn any_callers(self) -> Self {
        Self { anonymous: true, ..self }
    }

    /// The same gate with a demand that stands in a signature.
    pub(crate) fn demanding<D: Demand<P>>(self) -> Self {
        let typed = Typed { name: std::any::type_name::<D>(), schemes: D::SCHEMES, judge: D::judge };
        Self { typed: Some(typed), ..self }
    }

    /// This gate as a second guard in front of a route, if another is in force: it judges its own demands alone.
    pub(crate) fn narrowed(&self, exchange: Option<&Exchange>) -> Option<Self> {
        let enforced = self.enforced(exchange)?;
        let takes = self.common(&enforced.gate);
        let reads = self.shared.fields_read(&takes);
        let narrowed = self.with_demands(Demands { takes, reads, ..self.demands.duplicate() });
        Some(Self { admitted: enforced.admitted, outer: self.outer_of(&enforced), ..narrowed })
    }

    fn outer_of(&self, enforced: &InForce<P>) -> Option<Outer<P>> {
        let (entry, stale) = enforced.known.as_ref()?;
        Some(Outer {
            entry: Arc::clone(entry),
            stale: *stale,
            uncached: enforced.gate.uncached,
            own_policy: self.demands.policy.clone(),
        })
    }

    /// The caller whom a guard of this gate further out has admitted on this request, if this one takes the scheme by which that was, and nothing
    /// is to be shown again or asked anew: then what this one demands beside is all that is left.
    pub(super) fn admitted_further_out(&self, takes: &[usize], in_query: &[usize], tries: usize) -> Option<Case<P>> {
        let (outer, place) = (self.outer.as_ref()?, self.admitted.filter(|place| takes.contains(place))?);
        let is_enough = (outer.uncached || !self.uncached)
            && matches!(outer.entry.verified().binding(), Binding::Nothing)
            && self.shared.realm.cache().is_fresh(&outer.entry);
        let outcome = Outcome::Good { entry: Arc::clone(&outer.entry), stale: outer.stale };
        is_enough.then(|| Case {
            is_admitted: true,
            by_query: in_query.contains(&place),
            tries,
            ..Case::with_outcome(self.shared.number, place, outcome)
        })
    }

    fn enforced(&self, exchange: Option<&Exchange>) -> Option<Arc<InForce<P>>> {
        exchange?.in_force(self.shared.number)
    }

    fn common(&self, enforced: &Self) -> Vec<usize> {
        enforced.demands.takes.iter().copied().filter(|place| self.demands.takes.contains(place)).collect()
    }

    /// Whether this is the gate as it was built, for anybody who is known.
    fn demands_nothing(&self) -> bool {
        self.demands.policy.is_none() && self.demands.takes.len() == self.shared.schemes.len()
    }

    /// The gate in force, with the demands of this one added to its own.
    fn beside(&self, enforced: &Self) -> Self {
        let enforced = &Self { uncached: self.uncached || enforced.uncached, ..enforced.clone() };
        if self.demands_nothing() {
            return enforced.clone();
        }
        let takes = self.common(enforced);
        let reads = self.shared.fields_read(&takes);
        let narrowed = enforced.with_demands(Demands { takes, reads, ..enforced.demands.duplicate() });
        match &self.demands.policy {
            Some(policy) => narrowed.require(Arc::clone(policy)),
            None => narrowed,
        }
    }

    /// Says to guards further in that this gate let the request through, and as whom.
    pub(crate) fn put_in_force(&self, exchange: &Exchange, grant: Option<&Grant<P>>) {
        let earlier = self.enforced(Some(exchange));
        let place =
            grant.and_then(|grant| (0..self.shared.schemes.len()).find(|at| self.shared.named(*at, grant.scheme())));
        let admitted = place.or_else(|| earlier.as_ref()?.admitted);
        let known = grant.map(|grant| (Arc::clone(&grant.known), grant.stale));
        let gate = earlier.map_or_else(|| self.clone(), |earlier| self.beside(&earlier.gate));
        exchange.put_in_force(self.shared.number, Arc::new(InForce { gate, admitted, known }));
    }

    /// Takes back what [`put_in_force`](Self::put_in_force) said.
    pub(crate) fn take_out_of_force(&self, exchange: &Exchange) {
        exchange.take_out_of_force(self.shared.number);
    }
}

impl<P> Clone for Outer<P> {
    fn clone(&self) -> Self {
        Self {
            entry: Arc::clone(&self.entry),
            stale: self.stale,
            uncached: self.uncached,
            own_policy: self.own_policy.clone(),
        }
    }
}
