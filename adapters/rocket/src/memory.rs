//! What is kept for the length of one request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign::{Reply, request::Visit, response::Rejection};
use rocket::Request;

/// The visit, and a guard's refusal until it is written. Lives in Rocket's request-local cache, which sets a value once and never
/// replaces it: hence the lock.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    visit: Option<Visit>,
    refusal: Option<Rejection>,
}

impl Memory {
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    /// The visit that the innermost attached gate began.
    pub(crate) fn visit(&self) -> Option<Visit> {
        self.kept().visit.clone()
    }

    pub(crate) fn begin(&self, visit: Visit) {
        self.kept().visit = Some(visit);
    }

    /// Keeps the first refusal: Rocket lets a guard fail with a status and nothing more, and lets a handler drop the failure.
    pub(crate) fn refuse(&self, rejection: &Rejection) {
        let mut kept = self.kept();
        if let Some(visit) = &kept.visit {
            visit.keep_refusal(rejection);
            kept.refusal.get_or_insert_with(|| rejection.clone());
        }
    }

    /// A handler has made a response of the refusal.
    pub(crate) fn refusal_was_written(&self) {
        let mut kept = self.kept();
        kept.refusal = None;
        if let Some(visit) = &kept.visit {
            visit.refusal_was_written();
        }
    }

    /// What the client must get in place of this response, if a guard refused and nothing of it was written.
    ///
    /// A response with the refusal's status comes of a catcher, since a guard failed with it. Any other is a handler's, which
    /// swallowed the refusal, and the log says so.
    pub(crate) fn owed(&self, status: u16) -> Option<Reply> {
        let mut kept = self.kept();
        let visit = kept.visit.clone()?;
        match kept.refusal.take() {
            Some(refusal) if refusal.status() == status => {
                visit.refusal_was_written();
                Some(refusal.reply())
            }
            _ => visit.take_swallowed(),
        }
    }

    /// A panic elsewhere leaves whole values: each change above is one assignment.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
