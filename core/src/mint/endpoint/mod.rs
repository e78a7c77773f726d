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
//! | `GET /sessions`, `DELETE /sessions/{id}`, `POST /sessions/{id}/end` | the same |
//! | `POST /tokens`, `GET /.well-known/jwks.json` | `TokenEndpoints`, with the feature `jwt` |
//! | the same with a refresh token, and `POST /tokens/refresh` | `RefreshEndpoints`, with the feature `jwt` |
//! | `DELETE /tokens`, `DELETE /users/{name}/tokens` | [`Revocation`](crate::mint::revocation::Revocation) |
//! | `POST /photos/{id}/link`, or whatever is linked to | [`LinkEndpoints`](crate::mint::link::LinkEndpoints) |
//! | `POST /keys`, `GET /keys`, `DELETE /keys/{id}` | [`ApiKeyEndpoints`](crate::mint::api_key::ApiKeyEndpoints) |
//!
//! Paths are the app's to choose; the id of a key or of a session is the path parameter `id`, a subject the path parameter `name`.
//!
//! # Deployment
//! Bodies are JSON in UTF-8, `Content-Type: application/json` (415 otherwise), 64 KiB at most (413), and come within a minute, without
//! a pause of ten seconds (408). At shut-down await [`Gate::drained`](crate::Gate::drained).

pub(crate) mod body;
pub(crate) mod moment;
pub(crate) mod owner;
pub(crate) mod password;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

pub use self::body::{read_body, unreadable};
use crate::{
    gate::{Gate, Grant, Realm},
    observe::audit::About,
    request::{Exchange, RequestHead, RequestView, Wants, host},
    response::{Reason, Rejection, Reply},
    unavailable::{RETRY_AFTER_OUTAGE, Unavailable},
    verifier::queue::sender,
};

type Prepare<P> = dyn Fn(&RequestView<'_>, Option<Grant<P>>) -> Result<Work, Reply> + Send + Sync;

/// A handler of one method. Cheap to clone. See the [module](self).
pub struct Endpoint<P> {
    method: &'static str,
    gate: Option<Gate<P>>,
    realm: Arc<Realm>,
    prepare: Arc<Prepare<P>>,
}

type Replying = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What is left to do once the head is read. Owns what it needs.
#[must_use]
pub struct Work {
    run: Box<dyn FnOnce(Vec<u8>) -> Replying + Send>,
    asked_again: Option<Box<dyn FnOnce() -> Result<(), Rejection> + Send>>,
    shield: Option<Shield>,
    /// Whose pages its refusals are shown as, and to whom.
    shown: Option<(Arc<Realm>, Wants)>,
}

/// What it takes to run in a task of its own.
struct Shield {
    realm: Arc<Realm>,
    sender: u128,
    wants: Wants,
}

impl<P: Send + Sync + 'static> Endpoint<P> {
    pub(crate) fn new(
        method: &'static str,
        realm: &Arc<Realm>,
        gate: Option<Gate<P>>,
        prepare: impl Fn(&RequestView<'_>, Option<Grant<P>>) -> Result<Work, Reply> + Send + Sync + 'static,
    ) -> Self {
        Self { method, gate, realm: Arc::clone(realm), prepare: Arc::new(prepare) }
    }

    /// The method that it answers.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
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
        let admitted = |gate: &Gate<P>| grant.as_ref().is_some_and(|grant| gate.made(grant));
        if self.gate.as_ref().is_some_and(|gate| !admitted(gate)) {
            let sentence = "an endpoint with a gate met a request that the gate has not admitted";
            return Err(self.realm.fault(sentence, request.wants()).reply());
        }
        if host::is_misnamed(request) {
            return Err(self.realm.refuse(Reason::BadHost, request.wants()).reply());
        }
        let asked_again = grant.clone().map(|grant| Box::new(move || grant.ask_again()) as _);
        let wants = request.wants();
        let work = (self.prepare)(request, grant).map_err(|reply| self.realm.dressed(reply, wants))?;
        Ok(Work { asked_again, shown: Some((Arc::clone(&self.realm), wants)), ..work })
    }
}

impl Work {
    /// Work that changes nothing: it ends with its request.
    pub(crate) fn reading<F>(run: impl FnOnce(Vec<u8>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        Self { run: Box::new(|body| Box::pin(run(body))), asked_again: None, shield: None, shown: None }
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
        let shield = Shield { realm: Arc::clone(realm), sender: sender(request.address()), wants: request.wants() };
        Self { shield: Some(shield), ..Self::reading(run) }
    }

    /// The reply where the body could not be read whole: that of [`read_body`], as the app shows it.
    pub fn refused(self, reply: Reply) -> Reply {
        dressed(self.shown.as_ref(), reply)
    }

    /// Does it, with the whole body.
    pub async fn run(mut self, body: Vec<u8>) -> Reply {
        let shown = self.shown.take();
        dressed(shown.as_ref(), self.done(body).await)
    }

    async fn done(self, body: Vec<u8>) -> Reply {
        if let Some(ask) = self.asked_again
            && let Err(rejection) = ask()
        {
            return rejection.reply();
        }
        let work = (self.run)(body);
        let Some(Shield { realm, sender, wants }) = self.shield else { return work.await };
        match realm.tasks().run(sender, work).await {
            Ok(reply) => reply,
            Err(source) => unavailable(&realm, &source, wants),
        }
    }
}

fn dressed(shown: Option<&(Arc<Realm>, Wants)>, reply: Reply) -> Reply {
    match shown {
        Some((realm, wants)) => realm.dressed(reply, *wants),
        None => reply,
    }
}

/// The reply when a store has no answer.
pub(crate) fn unavailable(realm: &Realm, source: &Unavailable, wants: Wants) -> Reply {
    tracing::warn!(target: "countersign", "an endpoint has no answer from a store: {source}");
    let mut rejection = Rejection::new(Reason::Unavailable);
    rejection.parts().retry_after = Some(source.retry_after().unwrap_or(RETRY_AFTER_OUTAGE));
    realm.finish(rejection, wants, About::default()).reply()
}

impl<P> Clone for Endpoint<P> {
    fn clone(&self) -> Self {
        Self {
            method: self.method,
            gate: self.gate.clone(),
            realm: Arc::clone(&self.realm),
            prepare: Arc::clone(&self.prepare),
        }
    }
}

impl<P> fmt::Debug for Endpoint<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work(..)")
    }
}
