//! The gate's answer when it does not admit: [`Rejection`], and how it reads on the wire.
//!
//! A refusal is `application/problem+json` (RFC 9457), says nothing that helps an attacker, and is never stored
//! (`Cache-Control: no-store`). A 401 carries a `WWW-Authenticate` field for each challenge of the schemes that would have been taken; RFC 6750's
//! `error` parameters go to the Bearer challenge alone. Of several reasons the first in this order counts: 400 for a host that is misnamed, 403 for a secret in the clear, 431, 400, 401 or
//! 429 or 503, 403 for another site's request, 403 of a policy.
//!
//! An app may put its own page in place of the JSON: see [`GateBuilder::refusals`](crate::gate::GateBuilder::refusals). Status and
//! header fields are not the page's to change.

use std::{
    any::Any,
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{Challenge, Page, Reason, Reply, problem::problem};
use crate::{
    principal::Scopes,
    unavailable::{RETRY_AFTER_OUTAGE, Unavailable},
};

/// Why and how a request was not admitted.
///
/// Cheap to clone. `Debug` and `Display` name the reason and nothing of the request: some frameworks print them.
#[derive(Clone)]
pub struct Rejection(Arc<Parts>);

#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) reason: Reason,
    pub(crate) challenges: Vec<Challenge>,
    pub(crate) error: Option<Cow<'static, str>>,
    pub(crate) missing: Option<Scopes>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) clear_cookies: Vec<String>,
    pub(crate) sign_in: Option<String>,
    pub(crate) page: Option<Page>,
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Why, for the log alone, where whoever refuses is not who logs it.
    pub(crate) why: Option<Cow<'static, str>>,
    /// Status and sentence of an endpoint's own refusal.
    problem: Option<(u16, Box<str>)>,
    written: Written,
}

/// The reply of a refusal that goes to many clients, once it was made. A clone is to be changed, and has none.
#[derive(Default)]
struct Written(Option<Box<Made>>);

#[derive(Default)]
struct Made {
    reply: OnceLock<Reply>,
    native: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Clone for Written {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Rejection {
    pub(crate) fn new(reason: Reason) -> Self {
        Self(Arc::new(Parts {
            reason,
            challenges: Vec::new(),
            error: reason.oauth_error().map(Cow::Borrowed),
            missing: None,
            retry_after: None,
            clear_cookies: Vec::new(),
            sign_in: None,
            page: None,
            fields: Vec::new(),
            why: None,
            problem: None,
            written: Written::default(),
        }))
    }

    /// An endpoint's own refusal, as pages are shown it; `None` if this is none.
    pub(crate) fn of_problem(reply: &Reply) -> Option<Self> {
        let mut rejection = Self::new(Reason::Request);
        rejection.parts().problem = Some((reply.status(), reply.detail()?.into()));
        Some(rejection)
    }

    fn detail(&self) -> &str {
        self.0.problem.as_ref().map_or_else(|| self.0.reason.detail(), |(_, detail)| detail)
    }

    /// The same, with a sentence for the log.
    pub(crate) fn saying(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.parts().why = Some(why.into());
        self
    }

    /// The sentence for the log, taken out.
    pub(crate) fn take_why(&mut self) -> Option<Cow<'static, str>> {
        self.0.why.as_ref()?;
        self.parts().why.take()
    }

    /// To be changed while it is made, before anybody has a clone of it.
    pub(crate) fn parts(&mut self) -> &mut Parts {
        let parts = Arc::make_mut(&mut self.0);
        parts.written = Written::default();
        parts
    }

    /// The same, of which many clones are sent: its reply is made once.
    pub(crate) fn for_many(mut self) -> Self {
        self.parts().written = Written(Some(Box::default()));
        self
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The status code of the reply: that of the reason, or 303 where a browser is sent to sign in.
    #[must_use]
    pub fn status(&self) -> u16 {
        match &self.0.problem {
            Some((status, _)) => *status,
            None if self.0.sign_in.is_some() => 303,
            None => self.0.reason.status(),
        }
    }

    /// What the client is told to do, in order.
    #[must_use]
    pub fn challenges(&self) -> &[Challenge] {
        &self.0.challenges
    }

    /// The scopes that were missing.
    #[must_use]
    pub fn missing_scopes(&self) -> Option<&Scopes> {
        self.0.missing.as_ref()
    }

    /// After what time another try makes sense, in whole seconds rounded up on the wire.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The whole reply, for an adapter to write.
    pub fn reply(&self) -> Reply {
        match &self.0.written.0 {
            Some(made) => made.reply.get_or_init(|| self.make_reply()).clone(),
            None => self.make_reply(),
        }
    }

    /// The framework's own form of the reply, made when it is first written and kept, where the same refusal goes to many clients. `None` where it
    /// is for one alone, or where another framework in the same process has its form kept: then [`reply`](Self::reply) is to be written.
    pub fn native<N: Any + Send + Sync>(&self, make: impl FnOnce(&Reply) -> N) -> Option<&N> {
        let made = self.0.written.0.as_deref()?;
        let native = made.native.get_or_init(|| Box::new(make(made.reply.get_or_init(|| self.make_reply()))));
        native.downcast_ref()
    }

    fn make_reply(&self) -> Reply {
        let parts = &*self.0;
        let mut reply = Reply::new(self.status()).with_fixed("cache-control", "no-store");
        // The rest of a body that is not wanted is read by nobody.
        if matches!(parts.reason, Reason::BodyTooLong | Reason::BodyTooSlow) {
            reply = reply.with_fixed("connection", "close");
        }
        for cookie in &parts.clear_cookies {
            reply = reply.with("set-cookie", cookie);
        }
        for (name, value) in &parts.fields {
            reply = reply.with(name, value);
        }
        if let Some(target) = &parts.sign_in {
            return reply.with("location", target);
        }
        for challenge in &parts.challenges {
            reply = reply.with("www-authenticate", challenge.written());
        }
        if let Some(after) = parts.retry_after {
            reply = reply.with("retry-after", after.as_millis().div_ceil(1000).max(1).to_string());
        }
        match &parts.page {
            Some(page) => reply.with_body(&page.content_type, page.body.clone()),
            None => reply.with_problem(problem(self.status(), self.detail(), parts.error.as_deref())),
        }
    }
}

/// An app's own store, or whatever else it asked, has no answer: 503.
impl From<Unavailable> for Rejection {
    fn from(source: Unavailable) -> Self {
        tracing::warn!(target: "countersign", "there is no answer: {source}");
        let mut rejection = Self::new(Reason::Unavailable);
        rejection.parts().retry_after = Some(source.retry_after().unwrap_or(RETRY_AFTER_OUTAGE));
        rejection
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection").field("reason", &self.0.reason).finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_prints_its_reason_alone() {
        let rejection = Rejection::new(Reason::BadCredential);
        assert_eq!(format!("{rejection:?}"), "Rejection { reason: BadCredential, .. }");
    }
}
