//! What a gate decided, for a record of who was let in and who was not: [`AuditEvent`].
//!
//! An app hands a closure to [`GateBuilder::audited_by`](crate::gate::GateBuilder::audited_by); it is told of each admission and of each refusal, with
//! the reason and, where somebody was known, the subject. It holds no credential, and not the name that a wrong password was tried
//! for: people type passwords into the wrong field.
//!
//! It is called on the thread that serves the request, before the answer leaves, so it must be quick: hand on to a queue what takes
//! longer. Where a route has two guards, each tells of its own decision.
//!
//! # Example
//! ```
//! use countersign::{Bearer, Gate, Verified, verifier::TokenTable};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (tell, told) = std::sync::mpsc::channel();
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("a-long-random-token", Verified::new("emily").with_subject("emily")))
//!     .audited_by(move |decision| {
//!         let line = format!("{:?} {:?} {:?}", decision.refused, decision.scheme, decision.subject);
//!         let _ = tell.send(line);
//!     })
//!     .build()?;
//! # use countersign::testing::PlainHead;
//! # let head = PlainHead::get("/").with("authorization", "Bearer a-long-random-token").received_by(&gate);
//! let _ = head.at(&gate);
//! assert_eq!(told.recv()?, r#"None Some("bearer") Some("emily")"#);
//! # Ok(()) }
//! ```

use std::net::IpAddr;

use crate::response::Reason;

/// One decision of a gate or an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent<'d> {
    /// Why the request was refused; `None` if it was admitted.
    pub refused: Option<Reason>,
    /// The gate's realm.
    pub realm: &'d str,
    /// By which scheme the credential came that was looked at; `sign-in` for the sign-in form; `None` if there was none.
    pub scheme: Option<&'d str>,
    /// Who it was, if a verifier said so: also where a policy then refused.
    pub subject: Option<&'d str>,
    /// The client's address, as far as it is known.
    pub address: Option<IpAddr>,
    /// The request's method, where a request was at hand.
    pub method: Option<&'d str>,
}

/// What is known of a request when it is decided.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'d> {
    pub(crate) scheme: Option<&'d str>,
    pub(crate) subject: Option<&'d str>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) method: Option<&'d str>,
}

impl<'d> About<'d> {
    pub(crate) fn decided(self, realm: &'d str, refused: Option<Reason>) -> AuditEvent<'d> {
        AuditEvent {
            refused,
            realm,
            scheme: self.scheme,
            subject: self.subject,
            address: self.address,
            method: self.method,
        }
    }
}

pub(crate) type Audit = Box<dyn Fn(&AuditEvent<'_>) + Send + Sync>;
