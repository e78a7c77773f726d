//! What guards further out demand of a request, as guards further in see it.

use std::sync::Arc;

use super::{Demands, Gate, grant::Grant};
use crate::request::Exchange;

/// A gate that was enforced on a request, and whom it admitted there.
struct InForce<P> {
    gate: Gate<P>,
    /// By the place of the scheme.
    admitted: Option<usize>,
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// What a guard in a handler's signature asks: this gate beside what guards further out on this request put in force.
    ///
    /// A guard further out weakens nothing: what this gate demands is demanded still. Lists of schemes intersect and never widen, and whom a
    /// guard further out admitted is whom this one sees, or nobody: another credential of the request counts as absent.
    pub(crate) fn in_force(&self, exchange: Option<&Exchange>) -> Self {
        match self.enforced(exchange) {
            None => self.clone(),
            Some(enforced) => Self { admitted: enforced.admitted, ..self.beside(&enforced.gate) },
        }
    }

    /// This gate as a second guard in front of a route, if another is in force: it judges its own demands alone.
    pub(crate) fn narrowed(&self, exchange: Option<&Exchange>) -> Option<Self> {
        let enforced = self.enforced(exchange)?;
        let takes = self.common(&enforced.gate);
        let reads = self.shared.fields_read(&takes);
        let narrowed = self.with_demands(Demands { takes, reads, ..self.demands.duplicate() });
        Some(Self { admitted: enforced.admitted, ..narrowed })
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
        let gate = earlier.map_or_else(|| self.clone(), |earlier| self.beside(&earlier.gate));
        exchange.put_in_force(self.shared.number, Arc::new(InForce { gate, admitted }));
    }

    /// Takes back what [`put_in_force`](Self::put_in_force) said.
    pub(crate) fn take_out_of_force(&self, exchange: &Exchange) {
        exchange.take_out_of_force(self.shared.number);
    }
}
