//! What happened behind the socket: which handlers ran, and what was verified.

use std::sync::{Mutex, PoisonError};

/// Everything in order of happening.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    handlers: Mutex<Vec<String>>,
    verifications: Mutex<Vec<&'static str>>,
}

impl Ledger {
    pub(crate) fn handler_ran(&self, route: &str) {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner).push(route.to_owned());
    }

    /// A verifier was called, for this scheme.
    pub(crate) fn verified(&self, scheme: &'static str) {
        self.verifications.lock().unwrap_or_else(PoisonError::into_inner).push(scheme);
    }

    /// The handlers that ran since this was asked last.
    pub(crate) fn take_handlers(&self) -> Vec<String> {
        std::mem::take(&mut *self.handlers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The schemes whose verifier was called since this was asked last, once for each call.
    pub(crate) fn take_verifications(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.verifications.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
