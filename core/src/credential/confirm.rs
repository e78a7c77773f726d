//! Showing what a grant is bound to, where that takes more than a look at the request: [`Confirm`].

use std::{fmt, future::Future, pin::Pin};

use crate::{
    observe::why::say, principal::Binding, request::RequestView, response::Advice, store::First,
    unavailable::Unavailable,
};

/// A confirmation under way. Owns copies of what the request shows; borrows nothing of it.
pub type Confirming = Pin<Box<dyn Future<Output = Confirmation> + Send>>;

/// Judges whether a request shows what a grant is bound to, where that takes more than a look.
pub trait Confirm: Send + Sync + 'static {
    /// Begins to judge: copies what it needs of the request, and then needs the request no more. Called once for a request and a
    /// credential, after the credential was found good.
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming;

    /// Whether it needs the [body](RequestView::body) of this request, which is then read whole before [`confirm`](Self::confirm) is called. Asked of
    /// kinds that [cover](super::Extract::covers) the [body](super::Covers::Body), after the credential was found good.
    fn needs_body(&self, binding: &Binding, request: &RequestView<'_>) -> bool {
        let _ = (binding, request);
        false
    }
}

/// Whether a request shows what a grant is bound to.
#[derive(Debug, Clone)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "yes, no, which, and no answer are all there is")]
pub enum Confirmation {
    /// It does. The response carries these fields.
    Shown(Vec<(&'static str, String)>),
    /// It does not: 401. The advice is for a client that holds the credential, as it was found good.
    NotShown(Advice),
    /// Two credentials were sent, or one twice, which only the body or the keys that are known could tell: 400, and neither counts.
    Ambiguous,
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

    /// The same, with a sentence for the log.
    pub(crate) fn not_shown_since(why: &str) -> Self {
        say(why);
        Self::not_shown()
    }
}

impl First {
    /// As a confirmation: shown if it is new, not shown if it was seen, and no answer where there is none, with the time after which it
    /// is worth asking again if that is known. The last thing to ask, and once: see [`ReplayStore`](crate::store::ReplayStore).
    ///
    /// ```
    /// use countersign::{credential::Confirming, store::ReplayStore};
    /// use std::{sync::Arc, time::SystemTime};
    ///
    /// fn last_step(
    ///     replay: Arc<dyn ReplayStore>,
    ///     key_id: &str,
    ///     proof_id: String,
    ///     until: SystemTime,
    /// ) -> Confirming {
    ///     let scope = format!("dpop {key_id}");
    ///     Box::pin(
    ///         async move { replay.first(&scope, proof_id.as_bytes(), until).await.confirmation() },
    ///     )
    /// }
    /// ```
    pub fn confirmation(self) -> Confirmation {
        match self.passes() {
            Ok(true) => Confirmation::shown(),
            Ok(false) => Confirmation::not_shown_since("it was used before"),
            Err(source) => Confirmation::Unavailable(source),
        }
    }
}

impl fmt::Debug for dyn Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirm(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_is_new_is_shown() {
        let busy = Duration::from_secs(7);
        assert!(matches!(First::New.confirmation(), Confirmation::Shown(fields) if fields.is_empty()));
        assert!(matches!(First::Seen.confirmation(), Confirmation::NotShown(advice) if advice == Advice::default()));
        for (first, retry_after) in [
            (First::Full { retry_after: busy }, Some(busy)),
            (First::Unavailable(Unavailable::busy(busy)), Some(busy)),
            (First::Unavailable(Unavailable::because("gone")), None),
        ] {
            let Confirmation::Unavailable(source) = first.confirmation() else { panic!("no answer") };
            assert_eq!(source.retry_after(), retry_after, "{source}");
        }
    }
}
