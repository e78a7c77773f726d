//! What a gate takes out of a request that it receives, before anything else sees it.

use super::{Gate, Shared};
use crate::{
    credential::Covers,
    request::{
        Exchange, RequestHead,
        exchange::{Subprotocols, Taken},
        field::{SEC_WEBSOCKET_PROTOCOL, trim_blanks},
        query,
    },
    secret::Secret,
};

/// What is left of a request's query and subprotocols, and where guards leave things for each other.
#[derive(Debug)]
#[non_exhaustive]
pub struct Received {
    /// To be handed to every guard of this request, and to [`finish`](crate::adapter::finish).
    pub exchange: Exchange,
    /// If a credential was taken out of the query: the query that is left, to put in its place in every URI that the app can
    /// see. `Some(None)` leaves no query at all.
    pub query: Option<Option<String>>,
    /// If a credential was taken out of `Sec-WebSocket-Protocol`: what is left of all fields of that name, to be put in their place as
    /// one. Where it is empty, no such field should be.
    pub subprotocols: Option<Vec<u8>>,
}

/// Begins the exchange of a request: for the attached part of an adapter, before anything else sees it.
///
/// Takes the credentials of the gate's schemes out of the query and of `Sec-WebSocket-Protocol`; the adapter puts what is left in their place.
/// `outer` is the exchange that a gate further out began.
pub fn receive<P: Send + Sync + 'static>(gate: &Gate<P>, head: &dyn RequestHead, outer: Option<&Exchange>) -> Received {
    gate.receive(head, outer)
}

impl<P: Send + Sync + 'static> Gate<P> {
    fn receive(&self, head: &dyn RequestHead, outer: Option<&Exchange>) -> Received {
        // Once a request, since it costs a look at two fields.
        self.shared.realm.proxies.now().warn_of(head);
        let (target, query) = (head.path(), head.query());
        let mut taken: Vec<Taken> = outer.map(|outer| outer.all_taken().to_vec()).unwrap_or_default();
        let left = self.take_credentials(query, &mut taken);
        let sent_earlier = outer.and_then(Exchange::raw_target).map(Secret::new);
        let raw_target = sent_earlier.or_else(|| {
            (left.is_some() || self.shared.covers_target()).then(|| match query {
                Some(query) => Secret::new(format!("{target}?{query}")),
                None => Secret::new(target),
            })
        });
        let target = self.shared.realm.sends_to_sign_in().then(|| {
            let query = left.as_ref().map_or(query, |left| left.as_deref());
            match query {
                Some(query) => format!("{target}?{query}").into(),
                None => target.into(),
            }
        });
        let (subprotocols, left_protocols) = self.take_subprotocols(head, outer);
        let exchange = Exchange::begin(taken, target, raw_target);
        let exchange = exchange.with_subprotocols(subprotocols).behind(&self.shared.realm.proxies);
        Received { exchange, query: left, subprotocols: left_protocols }
    }

    /// Moves the query credentials that nobody took yet into `taken`; the query that is left, if any was there.
    fn take_credentials(&self, query: Option<&str>, taken: &mut Vec<Taken>) -> Option<Option<String>> {
        let outer = taken.len();
        for name in self.shared.schemes.iter().filter_map(|scheme| scheme.parameter()) {
            if !taken.iter().any(|known| *known.name == *name) {
                taken.push(Taken { name: name.into(), values: Vec::new() });
            }
        }
        let ours = taken.get_mut(outer..)?;
        let names: Vec<&str> = ours.iter().map(|taken| &*taken.name).collect();
        let (left, values) = query::take(query?, &names)?;
        for (index, value) in values {
            if let Some(taken) = ours.get_mut(index) {
                taken.values.push(Secret::new(value));
            }
        }
        Some((!left.is_empty()).then_some(left))
    }

    /// Takes the subprotocols of the gate's schemes out; the list that is left, if any was there.
    fn take_subprotocols(&self, head: &dyn RequestHead, outer: Option<&Exchange>) -> (Subprotocols, Option<Vec<u8>>) {
        let mut taken = outer.map(|outer| outer.all_subprotocols().to_vec()).unwrap_or_default();
        let others = taken.len();
        for prefix in self.shared.schemes.iter().filter_map(|scheme| scheme.subprotocol()) {
            if !taken.iter().any(|known| *known.name == *prefix) {
                taken.push(Taken { name: prefix.into(), values: Vec::new() });
            }
        }
        if taken.is_empty() {
            return (Subprotocols::default(), None);
        }
        let ours = taken.get_mut(others..).unwrap_or_default();
        let asked = head.fields(&SEC_WEBSOCKET_PROTOCOL).flat_map(|line| line.split(|byte| *byte == b','));
        let (mut left, mut found): (Vec<&[u8]>, _) = (Vec::new(), false);
        for text in asked.map(trim_blanks).filter(|text| !text.is_empty()) {
            let of = ours.iter_mut().find_map(|taken| Some((text.strip_prefix(taken.name.as_bytes())?, taken)));
            match of {
                Some((value, taken)) => {
                    taken.values.push(Secret::new(value));
                    found = true;
                }
                None => left.push(text),
            }
        }
        let subprotocols = Subprotocols { taken, has_others: !left.is_empty() };
        (subprotocols, found.then(|| left.join(&b", "[..])))
    }
}

impl<P> Shared<P> {
    fn covers_target(&self) -> bool {
        self.schemes.iter().any(|scheme| scheme.covers().contains(&Covers::Target))
    }
}
