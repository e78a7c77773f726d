//! What a gate decided, for a record of who was let in and who was not: [`AuditEvent`].
//!
//! An app hands a closure to [`GateBuilder::audited_by`](crate::gate::GateBuilder::audited_by); it is told of each admission and of each refusal, with
//! the reason and, where somebody was known, the subject. It holds no credential, and not the name that a wrong password was tried
//! for: people type passwords into the wrong field.
//!
//! - **One decision a request**, told when the response leaves: where a route has several guards, what the last of them decided, and where a
//!   handler goes back on it ([`Grant::allow_if`](crate::Grant::allow_if)), that. Of a request that no response ends, because its handler panicked or its
//!   client went away, it is told then. Two gates decide apart, and so do guards of a request that no gate
//!   [received](crate::adapter::receive); and an endpoint that has no answer from its store, or refuses behind a body, tells that as well.
//! - The closure is called on the thread that serves the request, before the answer leaves, so it must be quick: hand on to a queue what takes
//!   longer.
//!
//! # Example
//! ```
//! use countersign::{Bearer, Gate, Verified, verifier::TokenTable};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (tell, told) = std::sync::mpsc::channel();
//! let gate = Gate::in_realm("people")
//!     .accept(
//!         Bearer,
//!         TokenTable::new()
//!             .with("a-long-random-token", Verified::new("emily").with_subject("emily")),
//!     )
//!     .audited_by(move |decision| {
//!         let line = format!("{:?} {:?} {:?}", decision.path, decision.refused, decision.subject);
//!         let _ = tell.send(line);
//!     })
//!     .build()?;
//! # use countersign::testing::PlainHead;
//! # let head = PlainHead::get("/me").with("authorization", "Bearer a-long-random-token").received_by(&gate);
//! # let _ = head.at(&gate);
//! # drop(head);
//! assert_eq!(told.recv()?, r#"Some("/me") None Some("emily")"#);
//! # Ok(()) }
//! ```

use std::{
    borrow::Cow,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use super::span::request_id_of;
use crate::{
    request::{Exchange, Occurrence, RequestView, field},
    response::Reason,
};

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
    /// Its path as it was sent, without the query.
    pub path: Option<&'d str>,
    /// What `X-Request-Id` said, if it is printable ASCII of at most 128 bytes. A proxy writes it, or else the client may.
    pub request_id: Option<&'d str>,
    /// What `User-Agent` said, which is the client's word: escape it where it is shown.
    pub agent: Option<&'d str>,
}

/// What is known of a request when it is decided.
#[derive(Debug, Clone, Default)]
pub(crate) struct About<'d> {
    pub(crate) scheme: Option<&'d str>,
    pub(crate) subject: Option<&'d str>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) method: Option<&'d str>,
    pub(crate) path: Option<&'d str>,
    pub(crate) request_id: Option<&'d str>,
    pub(crate) agent: Option<Cow<'d, str>>,
    /// Method and path, for a log that shows no spans.
    pub(crate) request: Option<String>,
    /// Why it is refused: for the log, and for nobody else.
    pub(crate) why: Option<Cow<'d, str>>,
    /// Where the decision waits for the response.
    pub(crate) docket: Option<Docket>,
}

/// The same, owned.
#[derive(Debug, Default)]
struct Record {
    refused: Option<Reason>,
    realm: Box<str>,
    scheme: Option<Box<str>>,
    subject: Option<Box<str>>,
    address: Option<IpAddr>,
    method: Option<Box<str>>,
    path: Option<Box<str>>,
    request_id: Option<Box<str>>,
    agent: Option<Box<str>>,
}

/// What an app is told by. Shared, since what is told later outlives the call.
pub(crate) type Audit = Arc<dyn Fn(&AuditEvent<'_>) + Send + Sync>;

/// The one decision of a gate about a request: the last that was made when the response leaves.
#[derive(Clone)]
pub(crate) struct Docket(Arc<Entry>);

struct Entry {
    audit: Audit,
    state: Mutex<State>,
}

enum State {
    Open(Option<Record>),
    Told,
}

impl<'d> About<'d> {
    /// What an audit is told of this request, beside what was decided.
    pub(crate) fn of_request(request: &RequestView<'d>, audit: &Audit) -> Self {
        let docket = request.exchange().map(|exchange: &Exchange| exchange.docket(audit));
        Self { docket, ..Self::of_head(request) }
    }

    /// The same, told at once.
    pub(crate) fn of_head(request: &RequestView<'d>) -> Self {
        Self {
            path: Some(request.path()).filter(|path| !path.is_empty()),
            request_id: request_id_of(request),
            agent: match request.only(&field::USER_AGENT) {
                Occurrence::Once(agent) => Some(String::from_utf8_lossy(agent)),
                Occurrence::Absent | Occurrence::Repeated => None,
            },
            ..Self::default()
        }
    }

    /// Tells of this decision, or has it wait for the response.
    pub(crate) fn decided(self, audit: &Audit, realm: &str, refused: Option<Reason>) {
        let owned = |text: Option<&str>| text.map(Box::from);
        let record = Record {
            refused,
            realm: realm.into(),
            scheme: owned(self.scheme),
            subject: owned(self.subject),
            address: self.address,
            method: owned(self.method),
            path: owned(self.path),
            request_id: owned(self.request_id),
            agent: owned(self.agent.as_deref()),
        };
        match self.docket {
            Some(docket) => docket.note(record),
            None => audit(&record.event()),
        }
    }
}

impl Record {
    fn event(&self) -> AuditEvent<'_> {
        AuditEvent {
            refused: self.refused,
            realm: &self.realm,
            scheme: self.scheme.as_deref(),
            subject: self.subject.as_deref(),
            address: self.address,
            method: self.method.as_deref(),
            path: self.path.as_deref(),
            request_id: self.request_id.as_deref(),
            agent: self.agent.as_deref(),
        }
    }

    /// This, with what only an earlier decision knew of the request.
    fn after(self, earlier: Self) -> Self {
        Self {
            address: self.address.or(earlier.address),
            method: self.method.or(earlier.method),
            path: self.path.or(earlier.path),
            request_id: self.request_id.or(earlier.request_id),
            agent: self.agent.or(earlier.agent),
            ..self
        }
    }
}

impl Docket {
    pub(crate) fn of(audit: &Audit) -> Self {
        Self(Arc::new(Entry { audit: Arc::clone(audit), state: Mutex::new(State::Open(None)) }))
    }

    pub(crate) fn is_of(&self, audit: &Audit) -> bool {
        Arc::ptr_eq(&self.0.audit, audit)
    }

    /// Puts this in place of what was decided before; tells it at once where the response has left.
    fn note(&self, record: Record) {
        let mut state = self.0.state();
        match &mut *state {
            State::Open(earlier) => {
                let record = match earlier.take() {
                    Some(earlier) => record.after(earlier),
                    None => record,
                };
                *earlier = Some(record);
            }
            State::Told => {
                drop(state);
                (self.0.audit)(&record.event());
            }
        }
    }

    /// Tells what was decided, now that the response leaves.
    pub(crate) fn tell(&self) {
        self.0.tell();
    }
}

impl Entry {
    fn tell(&self) {
        let decided = std::mem::replace(&mut *self.state(), State::Told);
        if let State::Open(Some(record)) = decided {
            (self.audit)(&record.event());
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that ends without a response is told of all the same. A panic in a drop would end the process.
impl Drop for Entry {
    fn drop(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.tell()));
    }
}

impl std::fmt::Debug for Docket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Docket(..)")
    }
}
