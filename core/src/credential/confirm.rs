//! Showing what a grant is bound to, where that takes more than a look at the request: [`Confirm`].

use std::{fmt, future::Future, pin::Pin};

use crate::{principal::Binding, request::RequestView, response::Advice, unavailable::Unavailable};

/// A confirmation under way. Owns copies of what the request shows; borrows nothing of it.
pub type Confirming = Pin<Box<dyn Future<Output = Confirmation> + Send>>;

/// Judges whether a request shows what a grant is bound to, where that takes more than a look.
pub trait Confirm: Send + Sync + 'static {
    /// Begins to judge: copies what it needs of the request, and then needs the request no more. Called once for a request and a
    /// credential, after the credential was found good.
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming;
}

/// Whether a request shows what a grant is bound to.
#[derive(Debug, Clone)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "yes, no, and no answer are all there is")]
pub enum Confirmation {
    /// It does. The response carries these fields.
    Shown(Vec<(&'static str, String)>),
    /// It does not: 401. The advice is for a client that holds the credential, as it was found good.
    NotShown(Advice),
    /// It could not be found out: 503.
    Unavailable(Unavailable),
}

impl Confirmation {
    /// It does, and there is nothing to add.
    pub fn shown() -> Self {
        Self::Shown(Vec::new())
    }

    /// It does not, and there is nothing to add.
    pub fn not_shown() -> Self {
        Self::NotShown(Advice::default())
    }
}

impl fmt::Debug for dyn Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirm(..)")
    }
}
