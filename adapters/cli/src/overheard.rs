//! What the library writes into its log while it judges: the `why` of a refusal, which it tells nobody else.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// What `act` makes, and the sentences that the library wrote meanwhile.
pub(crate) fn overheard<T>(act: impl FnOnce() -> T) -> (T, Vec<String>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let made = tracing::subscriber::with_default(Ear(Arc::clone(&heard)), act);
    let sentences = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
    (made, sentences)
}

struct Ear(Arc<Mutex<Vec<String>>>);

/// The `why` of an event, or else its message.
#[derive(Default)]
struct Sentence {
    why: Option<String>,
    message: Option<String>,
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "countersign"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut sentence = Sentence::default();
        event.record(&mut sentence);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(sentence.why.or(sentence.message));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Visit for Sentence {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "why" {
            self.why = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "why" => self.why = Some(format!("{value:?}")),
            "message" => self.message = Some(format!("{value:?}")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_heard_and_nobody_else() {
        let (made, sentences) = overheard(|| {
            tracing::debug!(target: "countersign", why = "it ended 40 s ago", "a token was refused");
            tracing::debug!(target: "countersign", "its issuer has no key {}", "\"k7\"");
            tracing::debug!(target: "other", why = "nothing", "else");
            7
        });
        assert_eq!(
            (made, sentences),
            (7, vec!["it ended 40 s ago".to_owned(), "its issuer has no key \"k7\"".to_owned()])
        );
    }
}
