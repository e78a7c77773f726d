//! No secret is written: every case is run at TRACE, and what all crates wrote is read.
//!
//! Targets that a framework is known to print requests under, before any code of the app has run, are declared by the harness.

use std::{
    fmt::{Debug, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry::LookupSpan,
};

use crate::{Harness, cases::CASES, lab::Lab};

/// What the cases send and nobody may repeat: good and wrong passwords, tokens, keys, cookies, as they are and as they travel.
const SECRETS: [&str; 15] = [
    "emily:s3cret",
    "ZW1pbHk6ZW1pbHk6czNjcmV0",
    "pässwörd-emma",
    "jacob-is-admin",
    "amFjb2I6amFjb2ItaXMtYWRtaW4",
    "grüße",
    "emily-reads",
    "emily-writes",
    "emma-reads",
    "emily%2Dreads",
    "ZW1pbHktcmVhZHM",
    "ZW1pbHktc2Vzc2lvbg",
    "emily-session",
    "nonsense",
    "planted-by-the-case-itself",
];

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<(String, String)>>>);

impl Written {
    fn keep(&self, metadata: &Metadata<'_>, line: Line) {
        let target = line.logged_as.unwrap_or_else(|| metadata.target().to_owned());
        let text = format!("{}: {}", metadata.name(), line.text);
        // A framework that looks again and again at a slow connection writes gigabytes.
        if target != "countersign" && !holds_a_secret(&text) {
            return;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((target, text));
    }
}

fn holds_a_secret(text: &str) -> bool {
    SECRETS.iter().any(|secret| text.contains(secret))
}

/// The fields of one event or span, in a line.
#[derive(Default)]
struct Line {
    text: String,
    /// The target of a record that came through the `log` facade.
    logged_as: Option<String>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.text, "{}={value:?} ", field.name()).expect("a string takes what is written");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.logged_as = Some(value.to_owned());
        }
        write!(self.text, "{}={value} ", field.name()).expect("a string takes what is written");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Written {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.keep(event.metadata(), line);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut line = Line::default();
        attributes.record(&mut line);
        self.keep(attributes.metadata(), line);
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(metadata) = context.metadata(span) {
            let mut line = Line::default();
            values.record(&mut line);
            self.keep(metadata, line);
        }
    }
}

/// Runs every case at TRACE and reads what was written. For a test that is the only one of its file, since it takes over what its
/// process logs.
///
/// # Panics
/// When a secret was written, or nothing was.
pub fn no_secret_is_written<H: Harness>() {
    let written = Written::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(written.clone()))
        .expect("nothing else in this process subscribes");
    tracing_log::LogTracer::init().expect("nothing else in this process logs");
    tracing::trace!(target: "control", "planted-by-the-case-itself");

    for (group, case, body) in CASES {
        // Whether a case passes is its own test's business.
        let _ = catch_unwind(AssertUnwindSafe(|| body(&Lab::open::<H>(group, case))));
    }

    let written = written.0.lock().unwrap_or_else(PoisonError::into_inner);
    let told = |target: &str, word: &str| written.iter().any(|(known, text)| known == target && text.contains(word));
    assert!(told("countersign", "admitted") && told("countersign", "refused"), "the core says what it decides");

    let leaks: Vec<_> = written
        .iter()
        .filter(|(_, text)| holds_a_secret(text))
        .filter(|(target, _)| !H::PRINTING_TARGETS.iter().any(|printing| target.starts_with(printing)))
        .collect();
    let (control, leaks): (Vec<_>, Vec<_>) = leaks.into_iter().partition(|(target, _)| target == "control");
    assert_eq!(control.len(), 1, "a planted secret is found");
    assert!(leaks.is_empty(), "{} lines hold a secret, first {:#?}", leaks.len(), &leaks[..leaks.len().min(5)]);
}
