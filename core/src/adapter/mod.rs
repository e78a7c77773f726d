//! What integrators need, and users never see: the parts from which an adapter to a web framework is made.
//!
//! An adapter does four things. It implements [`RequestHead`] for what its framework has. Outermost it calls [`receive`], puts the URI that
//! is left in place, and keeps the [`Exchange`] for the length of the request. Each of its guards is a [`Guard`], asked with the head and
//! that exchange. When the response leaves it asks the exchange for a refusal that a handler swallowed, and calls [`finish`].
//!
//! What it must get right is a library of tests: `countersign-conformance`.

mod guard;
mod response;

pub use self::{
    guard::Guard,
    response::{ResponseHead, finish},
};
use crate::{
    gate::Gate,
    request::{ClientInfo, RequestView},
    response::{Reason, Rejection},
    route::Closed,
};
pub use crate::{
    gate::admission::{Admission, Finished, Pending, Unread, Verdict},
    request::{Exchange, RequestHead},
};

/// Who sent a request, as the gate sees it that received it: for an adapter's extractor.
///
/// # Errors
/// When no gate has: 500. The log says what to add.
pub fn client_info(head: &dyn RequestHead, exchange: Option<&Exchange>) -> Result<ClientInfo, Rejection> {
    let Some((exchange, proxies)) = exchange.and_then(|exchange| Some((exchange, exchange.proxies()?))) else {
        tracing::error!(
            target: "countersign",
            "a handler asks who sent a request that no gate received: attach one outermost, with gate.attach()"
        );
        return Err(Rejection::new(Reason::Misconfigured));
    };
    Ok(RequestView::new(head, Some(exchange), proxies).client_info())
}

/// What is closed by default where this gate is attached, before an app closes anything: nothing, and the page to which the gate
/// [sends browsers to sign in](crate::gate::GateBuilder::sign_in_at) stays open whatever is closed.
#[must_use]
pub fn closed_by_default<P>(gate: &Gate<P>) -> Closed {
    Closed::default().except(gate.realm().sign_in())
}

/// What is left of a request's query and subprotocols, and where guards leave things for each other.
#[derive(Debug)]
#[non_exhaustive]
pub struct Received {
    /// To be handed to every guard of this request, and to [`finish`].
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
    let (exchange, left) = gate.receive(head, outer);
    Received { exchange, query: left.query, subprotocols: left.subprotocols }
}
