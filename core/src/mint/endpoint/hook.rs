//! What an app adds to an endpoint: [`Attempt`] is what a hook before its work is told, [`Done`] what one behind it is told.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::body::{self, BodyType, Members};
use crate::{
    request::{ClientInfo, RequestView},
    response::{Rejection, Reply},
    secret::Secret,
};

type Passing = Pin<Box<dyn Future<Output = Result<(), Reply>> + Send>>;
type Replying = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The hooks of an endpoint, in their order.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    before: Vec<Arc<dyn Fn(Attempt) -> Passing + Send + Sync>>,
    after: Vec<Arc<dyn Fn(Done, Reply) -> Replying + Send + Sync>>,
}

/// What somebody is about to do at an endpoint, for a hook [before](super::Endpoint::before) its work.
pub struct Attempt {
    subject: Option<Box<str>>,
    from: ClientInfo,
    body: Arc<Secret>,
    kind: BodyType,
}

/// What was done at an endpoint, for a hook [behind](super::Endpoint::after) its work.
#[derive(Debug)]
pub struct Done {
    subject: Option<Box<str>>,
    from: ClientInfo,
}

/// The way of one request past the hooks, of which there may be none.
#[derive(Default)]
pub(crate) struct Checkpoint {
    told: Option<(Trip, Arc<Secret>)>,
    subject: Mutex<Option<Box<str>>>,
    passed: OnceCell<Result<(), Reply>>,
}

/// What a checkpoint needs of the head.
pub(super) struct Trip {
    hooks: Hooks,
    from: ClientInfo,
    kind: BodyType,
    subject: Option<Box<str>>,
}

/// Whether a caller still stands.
type Standing = dyn Fn() -> Result<(), Rejection> + Send + Sync;

impl Hooks {
    pub(super) fn add_before<F>(&mut self, hook: impl Fn(Attempt) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), Reply>> + Send + 'static,
    {
        self.before.push(Arc::new(move |attempt| Box::pin(hook(attempt))));
    }

    pub(super) fn add_after<F>(&mut self, hook: impl Fn(Done, Reply) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        self.after.push(Arc::new(move |done, reply| Box::pin(hook(done, reply))));
    }

    /// What a request by this subject takes along, if there is a hook at all.
    pub(super) fn trip(&self, request: &RequestView<'_>, subject: Option<&str>) -> Option<Trip> {
        let none = self.before.is_empty() && self.after.is_empty();
        (!none).then(|| Trip {
            hooks: self.clone(),
            from: request.client_info(),
            kind: BodyType::of(request),
            subject: subject.map(Into::into),
        })
    }
}

impl Trip {
    pub(super) fn checkpoint(trip: Option<Self>, body: &[u8]) -> Arc<Checkpoint> {
        let Some(trip) = trip else { return Arc::default() };
        let subject = Mutex::new(trip.subject.clone());
        Arc::new(Checkpoint { told: Some((trip, Arc::new(Secret::new(body)))), subject, passed: OnceCell::new() })
    }
}

impl Checkpoint {
    /// Says whose request it is, where the work finds that out.
    pub(crate) fn subject_is(&self, subject: &str) {
        if self.told.is_some() {
            *self.subject.lock().unwrap_or_else(PoisonError::into_inner) = Some(subject.into());
        }
    }

    fn named(&self) -> Option<Box<str>> {
        self.subject.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the hooks before the work: once, however often the work begins anew.
    pub(crate) async fn pass(&self) -> Result<(), Reply> {
        match &self.told {
            Some((trip, body)) => self.passed.get_or_init(|| self.ask(trip, body)).await.clone(),
            None => Ok(()),
        }
    }

    /// The same for this subject, if it has a name.
    pub(crate) async fn pass_as(&self, subject: Option<&str>) -> Result<(), Reply> {
        subject.into_iter().for_each(|subject| self.subject_is(subject));
        self.pass().await
    }

    /// The same for a caller whom a gate admitted, and who must still stand when the hooks have said yes.
    pub(super) async fn pass_standing(&self, caller: Option<&Standing>) -> Result<(), Reply> {
        self.pass().await?;
        match caller {
            Some(stands) if self.told.is_some() => stands().map_err(|rejection| rejection.reply()),
            _ => Ok(()),
        }
    }

    async fn ask(&self, trip: &Trip, body: &Arc<Secret>) -> Result<(), Reply> {
        for hook in &trip.hooks.before {
            let (subject, body) = (self.named(), Arc::clone(body));
            hook(Attempt { subject, from: trip.from.clone(), body, kind: trip.kind }).await?;
        }
        Ok(())
    }

    pub(super) async fn leave(&self, mut reply: Reply) -> Reply {
        let Some((trip, _)) = &self.told else { return reply };
        for hook in &trip.hooks.after {
            reply = hook(Done { subject: self.named(), from: trip.from.clone() }, reply).await;
        }
        reply
    }
}

impl Attempt {
    /// Whose attempt it is: whom the gate admitted, or whom the password named. `None` where nobody is known by then, as of who brings a
    /// refresh token.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Who sent the request.
    #[must_use]
    pub fn from(&self) -> &ClientInfo {
        &self.from
    }

    /// A field of the form or the JSON object that was sent, if it is there once, and text.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Secret> {
        let body = self.body.expose();
        let text = match self.kind {
            BodyType::Form => body::form(body, [name]).ok().and_then(|[value]| value),
            BodyType::Json => body::json::<Members>(body).ok()?.text(name).ok()?,
            BodyType::None | BodyType::Other => None,
        };
        text.map(Secret::new)
    }
}

impl Done {
    /// Whose request it was, if that is known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Who sent it.
    #[must_use]
    pub fn from(&self) -> &ClientInfo {
        &self.from
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("subject", &self.subject).finish_non_exhaustive()
    }
}
