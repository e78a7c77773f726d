//! Endpoints that hand out something of their caller's own.

use std::{sync::Arc, time::SystemTime};

use super::{Endpoint, Work, described::Described};
use crate::{
    gate::{Gate, Grant, Realm},
    principal::{Handle, Scopes},
    request::{RequestView, Wants},
    response::{Rejection, Reply},
};

/// Whose keys or tokens a request is about, and what may be handed on.
pub(crate) struct Owner {
    pub(crate) subject: Box<str>,
    pub(crate) scopes: Scopes,
    /// In which generation of the subject the caller's credential was issued, if it says so.
    pub(crate) generation: Option<u64>,
    /// The name of the caller's credential, and its end.
    pub(crate) own_handle: Option<Handle>,
    pub(crate) ends: Option<SystemTime>,
    limited: bool,
    /// By which scheme the request was let in, and the id of the credential, if it has one.
    pub(crate) by: (Arc<str>, Option<Box<str>>),
    admission: Box<dyn Fn() -> Result<(), Rejection> + Send + Sync>,
}

impl Owner {
    /// Whether what is made without a word on scopes is for whatever the owner has. Not so for a caller that holds what it was issued
    /// for: what it hands on is for that, by name.
    pub(crate) fn hands_on_all(&self) -> bool {
        !self.limited
    }

    /// Goes on if the caller would still be admitted: to be asked when what was made for them is stored.
    pub(crate) fn ask_again(&self) -> Result<(), Reply> {
        (self.admission)().map_err(|rejection| rejection.reply())
    }
}

/// An endpoint for whom this gate admits.
pub(crate) fn owned<P: Send + Sync + 'static>(
    described: Described,
    gate: &Gate<P>,
    prepare: impl Fn(&RequestView<'_>, Owner, Arc<Realm>, Wants) -> Result<Work, Reply> + Send + Sync + 'static,
) -> Endpoint<P> {
    let realm = Arc::clone(gate.realm());
    Endpoint::new(
        described,
        &Arc::clone(&realm),
        Some(gate.clone().known_callers()),
        move |request, grant: Option<Grant<P>>| {
            let wants = request.wants();
            let owner = grant.and_then(|grant| {
                let verified = grant.known.verified();
                Some(Owner {
                    subject: grant.subject()?.into(),
                    scopes: grant.scopes().clone(),
                    generation: verified.generation(),
                    own_handle: verified.own_handle(),
                    ends: grant.ends(),
                    limited: verified.is_limited(),
                    by: (Arc::clone(&grant.scheme), grant.credential_id().map(Box::from)),
                    admission: {
                        let grant = grant.clone();
                        Box::new(move || grant.ask_again())
                    },
                })
            });
            match owner {
                Some(owner) => prepare(request, owner, Arc::clone(&realm), wants),
                None => Err(realm
                    .fault("a verifier names no subject, so nothing can be its: use Verified::with_subject", wants)
                    .reply()),
            }
        },
    )
}

/// Asking for more than one has.
pub(crate) fn beyond() -> Reply {
    Reply::problem(400, "The caller does not have all of the scopes that were asked for.", Some("invalid_scope"))
}
