//! What is remembered for the length of one request: [`Exchange`].
//!
//! The attached part of a gate begins an exchange before anything else sees the request, and ends it when the response leaves. In
//! between, guards leave here what a second guard need not find out again, and what the response must carry.
//!
//! **A verifier's answer to one credential is remembered, and never a grant**: each guard makes its own, once it has asked what was revoked since
//! and what it demands itself. An answer for one gate's scheme opens nothing at another's.

use std::{
    any::Any,
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Proxies, client::Trusted};
use crate::{
    observe::audit::{Audit, Docket},
    response::{FieldValue, Rejection, Reply},
    secret::{Secret, fingerprint::Fingerprint},
};

/// One request's memory. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

struct Inner {
    taken: Vec<Taken>,
    target: Option<Box<str>>,
    raw_target: Option<Secret>,
    subprotocols: Subprotocols,
    /// Whose word is taken by the gate that received the request.
    trusted: Option<Arc<Trusted>>,
    /// Whether the host is named as it must be, once somebody has looked.
    host_is_named: OnceLock<bool>,
    /// Whether a span around the request says already who was admitted.
    is_told: AtomicBool,
    state: Mutex<State>,
}

/// What was taken out of `Sec-WebSocket-Protocol`, by how it begins.
#[derive(Clone, Default)]
pub(crate) struct Subprotocols {
    pub(crate) taken: Vec<Taken>,
    /// Whether anything is left.
    pub(crate) has_others: bool,
}

/// A query parameter that was taken out of the URI, and its raw values.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) name: Box<str>,
    pub(crate) values: Vec<Secret>,
}

/// The fields that a gate reads: locating, and choosing the form of a refusal.
pub(crate) struct FieldsRead {
    names: Box<[Box<str>]>,
    /// All of them, as `Vary` lists them.
    value: FieldValue,
}

impl FieldsRead {
    pub(crate) fn of(names: Box<[Box<str>]>) -> Self {
        Self { value: FieldValue::new(names.join(", ")), names }
    }
}

#[derive(Default)]
struct State {
    answers: Vec<(Fingerprint, Arc<dyn Any + Send + Sync>)>,
    /// The same about credentials that no cache keeps: by the number of the gate, the place of the scheme, and the bytes.
    verbatim: Vec<(u64, usize, Secret, Arc<dyn Any + Send + Sync>)>,
    /// What was shown, or not, beside the credentials of these fingerprints.
    confirmations: Vec<(Fingerprint, Arc<dyn Any + Send + Sync>)>,
    /// By the number of the gate.
    in_force: Vec<(u64, Arc<dyn Any + Send + Sync>)>,
    marks: Marks,
    /// What is to be told of this request when its response leaves, by whom it is told.
    dockets: Vec<Docket>,
    swallowed: Option<Rejection>,
}

/// What the response must carry because guards looked at the request.
#[derive(Default)]
pub(crate) struct Marks {
    read: Option<Arc<FieldsRead>>,
    more: Vec<Arc<FieldsRead>>,
    private: bool,
    no_referrer: bool,
    clear: Vec<String>,
    fields: Vec<(&'static str, String)>,
}

impl Exchange {
    pub(crate) fn begin(taken: Vec<Taken>, target: Option<Box<str>>, raw_target: Option<Secret>) -> Self {
        Self(Arc::new(Inner {
            taken,
            target,
            raw_target,
            subprotocols: Subprotocols::default(),
            trusted: None,
            host_is_named: OnceLock::new(),
            is_told: AtomicBool::new(false),
            state: Mutex::default(),
        }))
    }

    /// The same, before anybody has a clone of it, with these subprotocols.
    pub(crate) fn with_subprotocols(mut self, subprotocols: Subprotocols) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.subprotocols = subprotocols;
        }
        self
    }

    /// The same, received by a gate that takes the word of these. To be said before anybody else has it.
    pub(crate) fn behind(mut self, proxies: &Proxies) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.trusted = Some(proxies.now());
        }
        self
    }

    /// What followed this beginning in the subprotocols that were taken out of the request, in order.
    pub(crate) fn taken_subprotocols<'v>(&'v self, prefix: &'v str) -> impl Iterator<Item = &'v [u8]> + 'v {
        let taken = self.0.subprotocols.taken.iter().filter(move |taken| *taken.name == *prefix);
        taken.flat_map(|taken| taken.values.iter().map(Secret::expose))
    }

    /// Whether the client asked for other subprotocols, too.
    pub(crate) fn has_other_subprotocols(&self) -> bool {
        self.0.subprotocols.has_others
    }

    pub(crate) fn all_subprotocols(&self) -> &[Taken] {
        &self.0.subprotocols.taken
    }

    /// Whether subprotocols that begin so were looked for and taken out.
    pub(crate) fn cleaned_subprotocols(&self, prefix: &str) -> bool {
        self.0.subprotocols.taken.iter().any(|taken| *taken.name == *prefix)
    }

    /// Whose word is taken about this request.
    pub(crate) fn trusted(&self) -> Option<&Trusted> {
        self.0.trusted.as_deref()
    }

    /// Whether nobody has told yet who was admitted; whoever asks does it now.
    pub(crate) fn is_first_to_tell(&self) -> bool {
        !self.0.is_told.swap(true, Ordering::Relaxed)
    }

    /// Whether the request names its host as it must; `look` finds out, for the first who asks.
    pub(crate) fn host_is_named(&self, look: impl FnOnce() -> bool) -> bool {
        *self.0.host_is_named.get_or_init(look)
    }

    /// The raw values that stood in the URI under this parameter, in order; nothing if it was not taken out.
    pub fn taken<'v>(&'v self, parameter: &'v str) -> impl Iterator<Item = &'v [u8]> + 'v {
        self.0
            .taken
            .iter()
            .filter(move |taken| *taken.name == *parameter)
            .flat_map(|taken| taken.values.iter().map(Secret::expose))
    }

    pub(crate) fn all_taken(&self) -> &[Taken] {
        &self.0.taken
    }

    /// Whether this parameter was looked for and taken out.
    pub(crate) fn cleaned(&self, parameter: &str) -> bool {
        self.0.taken.iter().any(|taken| *taken.name == *parameter)
    }

    /// Path and cleaned query as the client asked for them, where a gate needs them to send a browser back.
    pub(crate) fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// Path and query as the client sent them, where a gate has a kind that covers them or took a credential out of them.
    pub(crate) fn raw_target(&self) -> Option<&str> {
        self.0.raw_target.as_ref().and_then(|target| std::str::from_utf8(target.expose()).ok())
    }

    pub(crate) fn answer<T: Any + Send + Sync>(&self, fingerprint: &Fingerprint) -> Option<Arc<T>> {
        let state = self.state();
        let answer = state.answers.iter().find(|(known, _)| known == fingerprint).map(|(_, answer)| Arc::clone(answer));
        drop(state);
        answer?.downcast().ok()
    }

    pub(crate) fn remember(&self, fingerprint: Fingerprint, answer: Arc<dyn Any + Send + Sync>) {
        let mut state = self.state();
        state.answers.retain(|(known, _)| *known != fingerprint);
        state.answers.push((fingerprint, answer));
    }

    /// Whether anything is remembered by a fingerprint.
    pub(crate) fn has_answers(&self) -> bool {
        !self.state().answers.is_empty()
    }

    /// What is remembered of a credential by itself.
    pub(crate) fn answer_to<T: Any + Send + Sync>(&self, gate: u64, place: usize, raw: &[u8]) -> Option<Arc<T>> {
        let state = self.state();
        let found = state.verbatim.iter().find(|(of, at, known, _)| (*of, *at) == (gate, place) && known.matches(raw));
        let answer = found.map(|(.., answer)| Arc::clone(answer));
        drop(state);
        answer?.downcast().ok()
    }

    /// For a credential whose fingerprint costs more than the credential is long: no cache keeps it, and this ends with the request.
    pub(crate) fn remember_answer_to(&self, gate: u64, place: usize, raw: &[u8], answer: Arc<dyn Any + Send + Sync>) {
        let raw = Secret::new(raw);
        let mut state = self.state();
        state.verbatim.retain(|(of, at, ..)| (*of, *at) != (gate, place));
        state.verbatim.push((gate, place, raw, answer));
    }

    pub(crate) fn confirmation<T: Any + Send + Sync>(&self, fingerprint: &Fingerprint) -> Option<Arc<T>> {
        let state = self.state();
        let found =
            state.confirmations.iter().find(|(known, _)| known == fingerprint).map(|(_, shown)| Arc::clone(shown));
        drop(state);
        found?.downcast().ok()
    }

    pub(crate) fn remember_confirmation(&self, fingerprint: Fingerprint, confirmation: Arc<dyn Any + Send + Sync>) {
        self.state().confirmations.push((fingerprint, confirmation));
    }

    pub(crate) fn in_force<T: Any + Send + Sync>(&self, gate: u64) -> Option<Arc<T>> {
        let state = self.state();
        let found = state.in_force.iter().find(|(known, _)| *known == gate).map(|(_, enforced)| Arc::clone(enforced));
        drop(state);
        found?.downcast().ok()
    }

    pub(crate) fn put_in_force(&self, gate: u64, enforced: Arc<dyn Any + Send + Sync>) {
        let mut state = self.state();
        state.in_force.retain(|(known, _)| *known != gate);
        state.in_force.push((gate, enforced));
    }

    pub(crate) fn take_out_of_force(&self, gate: u64) {
        self.state().in_force.retain(|(known, _)| *known != gate);
    }

    /// Where decisions wait that this is told of.
    pub(crate) fn docket(&self, audit: &Audit) -> Docket {
        let mut state = self.state();
        if let Some(known) = state.dockets.iter().find(|docket| docket.is_of(audit)) {
            return known.clone();
        }
        let docket = Docket::of(audit);
        state.dockets.push(docket.clone());
        docket
    }

    /// Tells what was decided of this request, now that its response leaves.
    pub(crate) fn tell_decisions(&self) {
        let dockets = std::mem::take(&mut self.state().dockets);
        dockets.iter().for_each(Docket::tell);
    }

    pub(crate) fn mark_read(&self, fields: &Arc<FieldsRead>) {
        let marks = &mut self.state().marks;
        match &marks.read {
            None => marks.read = Some(Arc::clone(fields)),
            Some(known) if Arc::ptr_eq(known, fields) || marks.more.iter().any(|known| Arc::ptr_eq(known, fields)) => {}
            Some(_) => marks.more.push(Arc::clone(fields)),
        }
    }

    pub(crate) fn mark_private(&self) {
        self.state().marks.private = true;
    }

    /// Says that the URI held a credential, which no other site must be told.
    pub(crate) fn mark_no_referrer(&self) {
        self.state().marks.no_referrer = true;
    }

    /// Says that the response carries these fields.
    pub(crate) fn mark_fields(&self, fields: &[(&'static str, String)]) {
        let marks = &mut self.state().marks;
        for field in fields {
            if !marks.fields.contains(field) {
                marks.fields.push(field.clone());
            }
        }
    }

    /// Says that the response makes the browser forget a cookie: a whole `Set-Cookie` value.
    pub(crate) fn mark_cleared(&self, clear: String) {
        let marks = &mut self.state().marks;
        if !marks.clear.contains(&clear) {
            marks.clear.push(clear);
        }
    }

    /// Keeps a refusal that a handler might swallow (`Option<Granted<P>>` in frameworks that answer it themselves).
    ///
    /// [`take_swallowed`](Self::take_swallowed) finds it when the response leaves, unless the guard's refusal was written.
    pub fn keep_refusal(&self, rejection: &Rejection) {
        self.state().swallowed.get_or_insert_with(|| rejection.clone());
    }

    /// Says that the kept refusal is what the client gets.
    pub fn refusal_was_written(&self) {
        self.state().swallowed = None;
    }

    /// A refusal that was kept and never written: the client must get it instead of the handler's response.
    ///
    /// Says so in the log, with the type to write instead.
    #[must_use]
    pub fn take_swallowed(&self) -> Option<Reply> {
        let rejection = self.state().swallowed.take()?;
        tracing::error!(
            target: "countersign",
            reason = rejection.reason().name(),
            "a refusal was swallowed by `Option<Granted<_>>` or `Result<Granted<_>, _>`; write `Visitor<_>` instead"
        );
        Some(rejection.reply())
    }

    /// What the response must carry.
    pub(crate) fn marks(&self) -> impl Deref<Target = Marks> + '_ {
        Marked(self.state())
    }

    /// A lock that a panic elsewhere poisoned still guards whole values: each change above is one assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Marked<'e>(MutexGuard<'e, State>);

impl Deref for Marked<'_> {
    type Target = Marks;

    fn deref(&self) -> &Marks {
        &self.0.marks
    }
}

impl Marks {
    /// The names of the fields that guards read, each once.
    pub(crate) fn read(&self) -> impl Iterator<Item = &str> + Clone {
        let lists = || self.read.iter().chain(&self.more).flat_map(|read| read.names.iter());
        lists()
            .enumerate()
            .filter(move |(place, name)| !lists().take(*place).any(|earlier| earlier == *name))
            .map(|(_, name)| &**name)
    }

    /// All that guards read, if they read the same and anything, as it is written.
    pub(crate) fn read_alone(&self) -> Option<&FieldValue> {
        let read = self.read.as_ref().filter(|read| self.more.is_empty() && !read.names.is_empty());
        read.map(|read| &read.value)
    }

    pub(crate) fn is_private(&self) -> bool {
        self.private
    }

    pub(crate) fn no_referrer(&self) -> bool {
        self.no_referrer
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub(crate) fn cleared(&self) -> impl Iterator<Item = &str> {
        self.clear.iter().map(String::as_str)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_refusal_is_not_swallowed() {
        let exchange = Exchange::begin(Vec::new(), None, None);
        let rejection = Rejection::new(crate::response::Reason::BadCredential);
        exchange.keep_refusal(&rejection);
        exchange.refusal_was_written();
        assert!(exchange.take_swallowed().is_none());
        exchange.keep_refusal(&rejection);
        assert_eq!(exchange.take_swallowed().map(|reply| reply.status()), Some(401));
        assert!(exchange.take_swallowed().is_none());
    }
}
