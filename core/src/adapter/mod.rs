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
    gate::{
        admission::{Admission, Finished, Pending, Unread, Verdict},
        received::{Received, receive},
    },
    request::{Exchange, RequestHead},
    response::FieldValue,
};

/// Who sent a request, as the gate sees it that received it: for an adapter's extractor.
///
/// # Errors
/// When no gate has: 500. The log says what to add.
pub fn client_info(head: &dyn RequestHead, exchange: Option<&Exchange>) -> Result<ClientInfo, Rejection> {
    let Some((exchange, trusted)) = exchange.and_then(|exchange| Some((exchange, exchange.trusted()?))) else {
        tracing::error!(
            target: "countersign",
            "a handler asks who sent a request that no gate received: attach one outermost, with gate.attach()"
        );
        return Err(Rejection::new(Reason::Misconfigured));
    };
    Ok(RequestView::received(head, exchange, trusted).client_info())
}

/// What is closed by default where this gate is attached, before an app closes anything: nothing, and the page to which the gate
/// [sends browsers to sign in](crate::gate::GateBuilder::sign_in_at) stays open whatever is closed.
#[must_use]
pub fn closed_by_default<P>(gate: &Gate<P>) -> Closed {
    Closed::default().except(gate.realm().sign_in())
}
