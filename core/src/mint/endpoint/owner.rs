//! Endpoints that hand out something of their caller's own.

use std::sync::Arc;

use super::{Endpoint, Work};
use crate::{
    gate::{Gate, Grant, Site},
    principal::Scopes,
    request::{RequestHead, Wants},
    response::Reply,
};

/// Whose keys or tokens a request is about, and what may be handed on.
pub(crate) struct Owner {
    pub(crate) subject: Box<str>,
    pub(crate) scopes: Scopes,
    narrowed: bool,
}

impl Owner {
    /// Whether these are all the scopes that the owner has, whom a narrowed credential does not show whole: what it hands on is
    /// narrowed too.
    pub(crate) fn has_no_more_than(&self, scopes: &Scopes) -> bool {
        !self.narrowed && scopes.covers(&self.scopes)
    }
}

/// An endpoint for whom this gate admits.
pub(crate) fn owned<P: Send + Sync + 'static>(
    method: &'static str,
    gate: &Gate<P>,
    prepare: impl Fn(&dyn RequestHead, Owner, Arc<Site>, Wants) -> Result<Work, Reply> + Send + Sync + 'static,
) -> Endpoint<P> {
    let site = Arc::clone(gate.site());
    Endpoint::new(method, &Arc::clone(&site), Some(gate.known_callers()), move |head, grant: Option<Grant<P>>| {
        let wants = Wants::of(head);
        let owner = grant.and_then(|grant| {
            let narrowed = grant.known.verified().is_narrowed();
            Some(Owner { subject: grant.subject()?.into(), scopes: grant.scopes().clone(), narrowed })
        });
        match owner {
            Some(owner) => prepare(head, owner, Arc::clone(&site), wants),
            None => Err(site
                .fault("a verifier names no subject, so nothing can be its: use Verified::subject", wants)
                .reply()),
        }
    })
}

/// Asking for more than one has.
pub(crate) fn beyond() -> Reply {
    Reply::problem(400, "The caller does not have all of the scopes that were asked for.", Some("invalid_scope"))
}
