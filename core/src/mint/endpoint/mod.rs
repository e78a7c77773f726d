//! Handlers that need no framework: signing in and out, tokens, keys. An adapter mounts each with a line.
//!
//! An endpoint works in three steps, so that nothing of the body is read for a request that is refused by its head. A gate
//! decides first, where the endpoint has [one](Endpoint::gate). [`prepare`](Endpoint::prepare) reads the head, and refuses what the head
//! alone condemns. [`read_body`] reads the body, and [`Work::run`] takes it and answers.
//!
//! A client decides how long its body takes. Therefore the gate's admission is asked again when the body is whole, and once more when
//! what was made of it is stored: a key or session that was made for a credential which ended meanwhile is removed, and the
//! answer is 401. What changes something runs to its end in a task of its own, whoever hangs up.
//!
//! | endpoint | made by |
//! |---|---|
//! | `POST /session`, `GET /session`, `DELETE /session`, `POST /session/end` | [`SessionEndpoints`](crate::mint::session::SessionEndpoints) |
//! | `GET /sessions`, `DELETE /sessions`, `DELETE /sessions/{id}`, and `POST /sessions/end`, `POST /sessions/{id}/end` for forms | the same |
//! | `POST /tokens`, `GET /.well-known/jwks.json` | `TokenEndpoints`, with the feature `jwt` |
//! | the same with a refresh token, and `POST /tokens/refresh` | `RefreshEndpoints`, with the feature `jwt` |
//! | `DELETE /tokens`, `DELETE /users/{name}/tokens` | [`Revocation`](crate::mint::revocation::Revocation) |
//! | `POST /photos/{id}/link`, or whatever is linked to | [`LinkEndpoints`](crate::mint::link::LinkEndpoints) |
//! | `POST /keys`, `GET /keys`, `DELETE /keys/{id}` | [`ApiKeyEndpoints`](crate::mint::api_key::ApiKeyEndpoints) |
//!
//! Each is mounted by itself, or not at all, below whatever prefix. An app adds to it by [`before`](Endpoint::before) and
//! [`after`](Endpoint::after). Paths are the app's to choose; the id of a key or of a session is the path parameter `id`, a subject the path parameter `name`.
//!
//! # Deployment
//! Bodies are JSON in UTF-8, `Content-Type: application/json` (415 otherwise), 64 KiB at most (413), and come within a minute, without
//! a pause of ten seconds (408). At shut-down await [`Gate::drained`](crate::Gate::drained).

pub(crate) mod body;
pub(crate) mod described;
mod hook;
pub(crate) mod moment;
pub(crate) mod owner;
pub(crate) mod password;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use tracing::{Instrument, Span};

pub(crate) use self::hook::Checkpoint;
pub use self::{
    body::{read_body, unreadable},
    hook::{Attempt, Done},
};
use self::{
    described::{Answered, Described},
    hook::{Hooks, Trip},
};
use crate::{
    gate::{Gate, Grant, Realm},
    observe::{audit::About, span},
    request::{Exchange, RequestHead, RequestView, Wants, host},
    response::{Reason, Rejection, Reply},
    unavailable::{RETRY_AFTER_OUTAGE, Unavailable},
    verifier::queue::sender,
};

type Prepare<P> = dyn Fn(&RequestView<'_>, Option<Grant<P>>) -> Result<Work, Reply> + Send + Sync;

/// A handler of one method. Cheap to clone. See the [module](self).
pub struct Endpoint<P> {
    described: Arc<Described>,
    gate: Option<Gate<P>>,
    realm: Arc<Realm>,
    prepare: Arc<Prepare<P>>,
    hooks: Hooks,
}

type Replying = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What is run behind the body.
enum Run {
    /// Behind the hooks, too.
    Behind(Box<dyn FnOnce(Vec<u8>) -> Replying + Send>),
    /// It asks the hooks itself, at the moment when it knows who it is.
    Past(Box<dyn FnOnce(Vec<u8>, Arc<Checkpoint>) -> Replying + Send>),
}

/// What is left to do once the head is read. Owns what it needs.
#[must_use]
pub struct Work {
    run: Run,
    asked_again: Option<Box<dyn Fn() -> Result<(), Rejection> + Send + Sync>>,
    trip: Option<Trip>,
    shield: Option<Shield>,
    /// Whose pages its refusals are shown as, and to whom.
    shown: Option<(Arc<Realm>, Wants)>,
    /// Under which the log shows it.
    span: Span,
}

/// What it takes to run in a task of its own.
struct Shield {
    realm: Arc<Realm>,
    sender: u128,
    wants: Wants,
}

impl<P: Send + Sync + 'static> Endpoint<P> {
    pub(crate) fn new(
        described: Described,
        realm: &Arc<Realm>,
        gate: Option<Gate<P>>,
        prepare: impl Fn(&RequestView<'_>, Option<Grant<P>>) -> Result<Work, Reply> + Send + Sync + 'static,
    ) -> Self {
        let described = Arc::new(described);
        Self { described, gate, realm: Arc::clone(realm), prepare: Arc::new(prepare), hooks: Hooks::default() }
    }

    /// Asks this before the work: for a second factor, a quota, a service that is closed at night. What it refuses is the answer, and
    /// nothing was done. Said again, one is asked behind the other.
    ///
    /// It is asked when the body is whole and it is known who it is: behind the gate, and at a sign-in behind the password, so that a wrong
    /// one is answered alike whatever else was sent. An admission is asked again behind it. Where something is changed it runs to its end,
    /// whoever hangs up, and a panic is 503; a request waits fifteen seconds for all of it.
    ///
    /// ```
    /// use countersign::{
    ///     Reply, Secret,
    ///     mint::{endpoint::Endpoint, session::SessionEndpoints},
    ///     verifier::PasswordTable,
    /// };
    /// use std::sync::Arc;
    /// # async fn is_right(subject: Option<&str>, code: Option<Secret>) -> bool { code.is_some() && subject.is_some() }
    ///
    /// fn sign_in(
    ///     sessions: &SessionEndpoints<String>,
    ///     passwords: Arc<PasswordTable<String>>,
    /// ) -> Endpoint<String> {
    ///     sessions.sign_in(passwords).before(|attempt| async move {
    ///         // Count wrong codes, too: six digits are soon guessed.
    ///         match is_right(attempt.subject(), attempt.field("code")).await {
    ///             true => Ok(()),
    ///             false => Err(Reply::problem(401, "The code is not right.", Some("second_factor"))),
    ///         }
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn before<F>(mut self, hook: impl Fn(Attempt) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Reply>> + Send + 'static,
    {
        self.hooks.add_before(hook);
        self
    }

    /// Shows this what was done and the reply to it, and answers with what it returns: for a record of the app's own, and for own fields in
    /// the answer. Said again, one gets what the other returned.
    ///
    /// It is not asked where the head alone was refused: of that [`audited_by`](crate::gate::GateBuilder::audited_by) tells. What was done stays
    /// done, whatever it returns; so does what failed.
    ///
    /// ```
    /// use countersign::{Gate, mint::{endpoint::Endpoint, refresh_token::RefreshEndpoints}};
    /// # async fn record(subject: Option<&str>, status: u16) {}
    ///
    /// fn issue(tokens: &RefreshEndpoints<String>, gate: &Gate<String>) -> Endpoint<String> {
    ///     tokens.issue(gate).after(|done, reply| async move {
    ///         record(done.subject(), reply.status()).await;
    ///         if reply.status() == 200 { reply.with_member("region", "eu-1") } else { reply }
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn after<F>(mut self, hook: impl Fn(Done, Reply) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        self.hooks.add_after(hook);
        self
    }

    /// The method that it answers.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.described.method
    }

    /// What it takes and answers, for documents about an app.
    #[cfg(feature = "openapi")]
    pub(crate) fn described(&self) -> &Described {
        &self.described
    }

    /// Says what it answers, for an endpoint that is made of another.
    pub(crate) fn answering(mut self, answers: &'static [Answered]) -> Self {
        self.described = Arc::new(Arc::unwrap_or_clone(self.described).answering(answers));
        self
    }

    /// The gate that must have admitted its request, if there is one: the adapter enforces it.
    #[must_use]
    pub fn gate(&self) -> Option<&Gate<P>> {
        self.gate.as_ref()
    }

    /// Reads the head. `grant` is the proof that the endpoint's gate admitted the request.
    ///
    /// # Errors
    /// The reply, if the head alone decides.
    pub fn prepare(
        &self,
        head: &dyn RequestHead,
        exchange: Option<&Exchange>,
        grant: Option<Grant<P>>,
    ) -> Result<Work, Reply> {
        let request = &RequestView::new(head, exchange, self.realm.proxies());
        let span = span::endpoint(self.realm.name(), request);
        let _preparing = span.enter();
        let admitted = |gate: &Gate<P>| grant.as_ref().is_some_and(|grant| gate.made(grant));
        if self.gate.as_ref().is_some_and(|gate| !admitted(gate)) {
            let sentence = "an endpoint with a gate met a request that the gate has not admitted";
            return Err(self.realm.fault(sentence, request.wants()).reply());
        }
        if host::is_misnamed(request) {
            return Err(self.realm.refuse(Reason::BadHost, request.wants()).reply());
        }
        let trip = self.hooks.trip(request, grant.as_ref().and_then(Grant::subject));
        let asked_again = grant.clone().map(|grant| Box::new(move || grant.ask_again()) as _);
        let wants = request.wants();
        let work = (self.prepare)(request, grant).map_err(|reply| self.realm.with_page(reply, wants))?;
        let shown = Some((Arc::clone(&self.realm), wants));
        Ok(Work { asked_again, trip, shown, span: span.clone(), ..work })
    }
}

impl Work {
    /// Work that changes nothing: it ends with its request.
    pub(crate) fn reading<F>(run: impl FnOnce(Vec<u8>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        Self::of(Run::Behind(Box::new(|body| Box::pin(run(body)))))
    }

    fn of(run: Run) -> Self {
        Self { run, asked_again: None, trip: None, shield: None, shown: None, span: Span::none() }
    }

    /// Work that changes something: it runs to its end.
    pub(crate) fn changing<F>(
        request: &RequestView<'_>,
        realm: &Arc<Realm>,
        run: impl FnOnce(Vec<u8>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        Self { shield: Some(Shield::of(request, realm)), ..Self::reading(run) }
    }

    /// The same, which asks the hooks itself: it knows later than its gate who it is.
    pub(crate) fn changing_past<F>(
        request: &RequestView<'_>,
        realm: &Arc<Realm>,
        run: impl FnOnce(Vec<u8>, Arc<Checkpoint>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let run = Run::Past(Box::new(|body, checkpoint| Box::pin(run(body, checkpoint))));
        Self { shield: Some(Shield::of(request, realm)), ..Self::of(run) }
    }

    /// The reply where the body could not be read whole: that of [`read_body`], as the app shows it.
    pub fn refused(self, reply: Reply) -> Reply {
        with_page(self.shown.as_ref(), reply)
    }

    /// Does it, with the whole body.
    pub async fn run(mut self, body: Vec<u8>) -> Reply {
        let (shown, span) = (self.shown.take(), self.span.clone());
        with_page(shown.as_ref(), self.done(body).instrument(span).await)
    }

    async fn done(self, body: Vec<u8>) -> Reply {
        let Self { run, asked_again, trip, shield, shown: _, span: _ } = self;
        if let Some(ask) = &asked_again
            && let Err(rejection) = ask()
        {
            return rejection.reply();
        }
        let work = async move {
            let checkpoint = Trip::checkpoint(trip, &body);
            let reply = match run {
                Run::Past(run) => run(body, Arc::clone(&checkpoint)).await,
                Run::Behind(run) => match checkpoint.pass_standing(asked_again.as_deref()).await {
                    Ok(()) => run(body).await,
                    Err(refused) => refused,
                },
            };
            checkpoint.leave(reply).await
        };
        let Some(Shield { realm, sender, wants }) = shield else { return work.await };
        let cache = realm.cache().clone();
        let work = async move { cache.caught_up_after(work).await };
        match realm.tasks().run(sender, work).await {
            Ok(reply) => reply,
            Err(source) => unavailable(&realm, &source, wants),
        }
    }
}

impl Shield {
    fn of(request: &RequestView<'_>, realm: &Arc<Realm>) -> Self {
        Self { realm: Arc::clone(realm), sender: sender(request.address()), wants: request.wants() }
    }
}

fn with_page(shown: Option<&(Arc<Realm>, Wants)>, reply: Reply) -> Reply {
    match shown {
        Some((realm, wants)) => realm.with_page(reply, *wants),
        None => reply,
    }
}

/// The reply when a store has no answer.
pub(crate) fn unavailable(realm: &Realm, source: &Unavailable, wants: Wants) -> Reply {
    tracing::warn!(target: "countersign", "an endpoint has no answer from a store: {source}");
    let mut rejection = Rejection::new(Reason::Unavailable);
    rejection.parts().retry_after = Some(source.retry_after().unwrap_or(RETRY_AFTER_OUTAGE));
    realm.finish(rejection, || wants, About::default()).reply()
}

impl<P> Clone for Endpoint<P> {
    fn clone(&self) -> Self {
        Self {
            described: Arc::clone(&self.described),
            gate: self.gate.clone(),
            realm: Arc::clone(&self.realm),
            prepare: Arc::clone(&self.prepare),
            hooks: self.hooks.clone(),
        }
    }
}

impl<P> fmt::Debug for Endpoint<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("method", &self.described.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work(..)")
    }
}
