//! What is kept for the length of one request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign::{Reply, request::Exchange, response::Rejection};
use rocket::Request;

/// The exchange, and a guard's refusal until it is written. Lives in Rocket's request-local cache, which sets a value once and never
/// replaces it: hence the lock.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    exchange: Option<Exchange>,
    refusal: Option<Rejection>,
    is_a_post: bool,
    broke_off: bool,
}

impl Memory {
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    /// The exchange that the innermost attached gate began.
    pub(crate) fn exchange(&self) -> Option<Exchange> {
        self.kept().exchange.clone()
    }

    /// Says that the request was sent as a `POST`, whatever method a form has named.
    pub(crate) fn mark_a_post(&self) {
        self.kept().is_a_post = true;
    }

    pub(crate) fn is_a_post(&self) -> bool {
        self.kept().is_a_post
    }

    /// Says that the body broke off where Rocket looked at it before anybody else, which nothing shows any more.
    pub(crate) fn mark_broken_off(&self) {
        self.kept().broke_off = true;
    }

    pub(crate) fn broke_off(&self) -> bool {
        self.kept().broke_off
    }

    pub(crate) fn begin(&self, exchange: Exchange) {
        self.kept().exchange = Some(exchange);
    }

    /// Keeps the first refusal: Rocket lets a guard fail with a status and nothing more, and lets a handler drop the failure.
    pub(crate) fn refuse(&self, rejection: &Rejection) {
        let mut kept = self.kept();
        if let Some(exchange) = &kept.exchange {
            exchange.keep_refusal(rejection);
            kept.refusal.get_or_insert_with(|| rejection.clone());
        }
    }

    /// A handler has made a response of the refusal.
    pub(crate) fn refusal_was_written(&self) {
        let mut kept = self.kept();
        kept.refusal = None;
        if let Some(exchange) = &kept.exchange {
            exchange.refusal_was_written();
        }
    }

    /// What the client must get in place of this response, if a guard refused and nothing of it was written.
    ///
    /// A response with the refusal's status comes of a catcher, since a guard failed with it. Any other is a handler's, which
    /// swallowed the refusal, and the log says so.
    pub(crate) fn owed(&self, status: u16) -> Option<Reply> {
        let mut kept = self.kept();
        let exchange = kept.exchange.clone()?;
        match kept.refusal.take() {
            Some(refusal) if refusal.status() == status => {
                exchange.refusal_was_written();
                Some(refusal.reply())
            }
            _ => exchange.take_swallowed(),
        }
    }

    /// A panic elsewhere leaves whole values: each change above is one assignment.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
