//! Endpoints that hand out something of their caller's own.

use std::sync::Arc;

use super::{Endpoint, Work};
use crate::{
    gate::{Gate, Grant, Realm},
    principal::Scopes,
    request::{RequestView, Wants},
    response::{Rejection, Reply},
};

/// Whose keys or tokens a request is about, and what may be handed on.
pub(crate) struct Owner {
    pub(crate) subject: Box<str>,
    pub(crate) scopes: Scopes,
    narrowed: bool,
    admission: Box<dyn Fn() -> Result<(), Rejection> + Send + Sync>,
}

impl Owner {
    /// Whether these are all the scopes that the owner has, whom a narrowed credential does not show whole: what it hands on is
    /// narrowed too.
    pub(crate) fn has_no_more_than(&self, scopes: &Scopes) -> bool {
        !self.narrowed && scopes.covers(&self.scopes)
    }

    /// Goes on if the caller would still be admitted: to be asked when what was made for them is stored.
    pub(crate) fn ask_again(&self) -> Result<(), Reply> {
        (self.admission)().map_err(|rejection| rejection.reply())
    }
}

/// An endpoint for whom this gate admits.
pub(crate) fn owned<P: Send + Sync + 'static>(
    method: &'static str,
    gate: &Gate<P>,
    prepare: impl Fn(&RequestView<'_>, Owner, Arc<Realm>, Wants) -> Result<Work, Reply> + Send + Sync + 'static,
) -> Endpoint<P> {
    let realm = Arc::clone(gate.realm());
    Endpoint::new(method, &Arc::clone(&realm), Some(gate.known_callers()), move |request, grant: Option<Grant<P>>| {
        let wants = request.wants();
        let owner = grant.and_then(|grant| {
            let narrowed = grant.known.verified().is_narrowed();
            let (subject, scopes) = (grant.subject()?.into(), grant.scopes().clone());
            Some(Owner { subject, scopes, narrowed, admission: Box::new(move || grant.ask_again()) })
        });
        match owner {
            Some(owner) => prepare(request, owner, Arc::clone(&realm), wants),
            None => Err(realm
                .fault("a verifier names no subject, so nothing can be its: use Verified::with_subject", wants)
                .reply()),
        }
    })
}

/// Asking for more than one has.
pub(crate) fn beyond() -> Reply {
    Reply::problem(400, "The caller does not have all of the scopes that were asked for.", Some("invalid_scope"))
}
