//! What of a gate does not depend on the principal: its realm, and what grants and refusals need of it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::tasks::Tasks;
use crate::{
    cache::CredentialCache,
    clock::SharedClock,
    observe::{
        audit::{About, Audit},
        meter, span,
    },
    request::{Proxies, RequestView, Wants, origin::TrustedOrigins, origin::whose_page},
    response::{Page, Reason, Rejection, Reply},
};

pub(super) type PageOf = Box<dyn Fn(&Rejection, Wants) -> Option<Page> + Send + Sync>;

/// A gate's realm, clock, pages and counters: what grants and refusals need of it.
pub(crate) struct Realm {
    pub(super) name: String,
    pub(super) scheme_names: Vec<Arc<str>>,
    pub(super) clock: SharedClock,
    pub(super) cache: CredentialCache,
    pub(super) proxies: Proxies,
    pub(super) origins: TrustedOrigins,
    pub(super) page: Option<PageOf>,
    pub(super) audit: Option<Audit>,
    pub(super) sign_in: Option<String>,
    /// Whether a refusal depends on what kind of answer the client can use.
    pub(super) minds_wants: bool,
    /// Whether spans tell who was admitted.
    pub(super) tells_subjects: bool,
    /// Whether challenges describe what was wrong.
    pub(super) describes: bool,
    pub(super) totals: Totals,
    pub(super) tasks: Tasks,
}

#[derive(Default)]
pub(super) struct Totals([AtomicU64; Reason::ALL.len()]);

impl Totals {
    fn count(&self, reason: Reason) {
        meter::count!("countersign_rejections_total", "reason" => reason.name());
        if let Some(total) = self.0.get(reason.place()) {
            total.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn sum(&self) -> u64 {
        self.0.iter().map(|total| total.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn by_reason(&self) -> Vec<(&'static str, u64)> {
        Reason::ALL.iter().zip(&self.0).map(|(reason, total)| (reason.name(), total.load(Ordering::Relaxed))).collect()
    }
}

impl Realm {
    /// The name of what is protected, as challenges and browsers' dialogs show it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(crate) fn cache(&self) -> &CredentialCache {
        &self.cache
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(crate) fn origins(&self) -> &TrustedOrigins {
        &self.origins
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What kind of answer the client can use, as far as a later refusal depends on it.
    pub(super) fn wants_of(&self, request: &RequestView<'_>) -> Wants {
        if self.minds_wants { request.wants() } else { Wants { html: false, script: false } }
    }

    pub(super) fn sends_to_sign_in(&self) -> bool {
        self.sign_in.is_some()
    }

    /// The page to which a browser is sent that is not signed in.
    pub(crate) fn sign_in(&self) -> Option<&str> {
        self.sign_in.as_deref()
    }

    pub(super) fn scheme_name(&self, place: usize) -> Arc<str> {
        self.scheme_names.get(place).map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// The refusal of a request that another site's page made; nothing more is looked at.
    pub(crate) fn refuse_page_of(&self, request: &RequestView<'_>) -> Rejection {
        let rejection = Rejection::new(Reason::CrossSite).saying(whose_page(request));
        let (method, address) = (Some(request.method()).filter(|method| !method.is_empty()), request.address());
        let about = About { method, address, ..About::of_head(request) };
        span::admit(&self.name, request).in_scope(|| self.finish(rejection, || request.wants(), about))
    }

    /// A refusal that names no scheme.
    pub(crate) fn refuse(&self, reason: Reason, wants: Wants) -> Rejection {
        self.finish(Rejection::new(reason), || wants, About::default())
    }

    /// A mistake in how the app is put together: 500 for the client, the sentence for the log.
    pub(crate) fn fault(&self, sentence: &str, wants: Wants) -> Rejection {
        tracing::error!(target: "countersign", realm = self.name, "{sentence}");
        self.refuse(Reason::Misconfigured, wants)
    }

    /// For guards that need somebody and were given nobody, which a gate of known callers does not do.
    pub(crate) fn fault_of_nobody(&self) -> Rejection {
        let wants = Wants { html: false, script: false };
        self.fault("a gate of known callers admitted nobody in particular", wants)
    }

    /// Counts and logs a refusal, and lets the app put its page in.
    pub(crate) fn finish(
        &self,
        mut rejection: Rejection,
        wants: impl FnOnce() -> Wants,
        about: About<'_>,
    ) -> Rejection {
        let reason = rejection.reason();
        self.totals.count(reason);
        let why = rejection.take_why();
        tracing::debug!(
            target: "countersign",
            realm = self.name,
            scheme = about.scheme,
            reason = reason.name(),
            request = about.request.as_deref().map(tracing::field::display),
            why = about.why.as_deref().or(why.as_deref()),
            "refused"
        );
        self.tell(about, Some(reason));
        if let Some(page) = self.page.as_ref().and_then(|page| page(&rejection, wants())) {
            rejection.parts().page = Some(page);
        }
        rejection
    }

    /// An endpoint's reply, with the app's page in place of a problem document, if it has one.
    pub(crate) fn with_page(&self, reply: Reply, wants: Wants) -> Reply {
        let page = || self.page.as_ref()?(&Rejection::of_problem(&reply)?, wants);
        match page() {
            Some(page) => reply.shown_as(&page),
            None => reply,
        }
    }

    /// Counts and logs an admission.
    pub(crate) fn admitted(&self, about: About<'_>) {
        // Without a label, which would cost each request an allocation.
        meter::count!("countersign_admissions_total");
        tracing::debug!(target: "countersign", realm = self.name, scheme = about.scheme, "admitted");
        self.tell(about, None);
    }

    pub(crate) fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    fn tell(&self, about: About<'_>, refused: Option<Reason>) {
        if let Some(audit) = &self.audit {
            about.decided(audit, &self.name, refused);
        }
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm").field("name", &self.name).finish_non_exhaustive()
    }
}
