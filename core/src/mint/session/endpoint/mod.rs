//! Signing in and out, and the devices on which one is signed in.

mod devices;
mod sign_in;

use std::{fmt, sync::Arc};

pub use self::sign_in::Entered;
use self::sign_in::{FieldNames, PageOf, SignIn};
use super::Sessions;
use crate::{
    credential::{BasicCredential, Extract},
    gate::Gate,
    mint::endpoint::{
        Endpoint, Work,
        described::{Answered, Described, NOT_SIGNED_IN},
        unavailable,
    },
    response::{Page, Rejection, Reply},
    verifier::Verify,
};

/// Makes the endpoints that begin, list and end sessions.
///
/// Signing in takes `username`, `password`, an optional `next` and an optional `remember`, as a form or as JSON, or [fields](Self::fields) of
/// other names. A browser that loads a page
/// is sent to `next`, if that is a path on this site, else to `/`; anybody else gets 204. Every sign-in makes a fresh identifier, and ends the
/// session that the browser brought along. Another site's page can neither sign a browser in nor out.
pub struct SessionEndpoints<P> {
    sessions: Sessions<P>,
    gate: Gate<P>,
    page: Option<Arc<PageOf>>,
    fields: FieldNames,
}

impl<P: Send + Sync + 'static> SessionEndpoints<P> {
    /// Endpoints for these sessions, at the gate whose realm, pages and cache they share. The gate must take the sessions'
    /// cookie.
    #[must_use]
    pub fn new(sessions: Sessions<P>, gate: &Gate<P>) -> Self {
        Self { sessions, gate: gate.clone().known_callers(), page: None, fields: FieldNames::default() }
    }

    /// The page for a browser that was not signed in: the sign-in page with a message. It is given the refusal and what was entered.
    #[must_use]
    pub fn showing(mut self, page: impl Fn(&Rejection, &Entered<'_>) -> Option<Page> + Send + Sync + 'static) -> Self {
        self.page = Some(Arc::new(page));
        self
    }

    /// Takes the name and the password from these fields of the form, and members of the JSON, in place of `username` and `password`: for
    /// a page that has its form already.
    #[must_use]
    pub fn fields(mut self, name: &'static str, password: &'static str) -> Self {
        (self.fields.name, self.fields.password) = (name, password);
        self
    }

    /// Takes where to go afterwards from this field, in place of `next`. A browser that is sent to the page by
    /// [`sign_in_at`](crate::gate::GateBuilder::sign_in_at) finds it in the page's `?next=` all the same.
    #[must_use]
    pub fn next_field(mut self, name: &'static str) -> Self {
        self.fields.next = name;
        self
    }

    /// Takes the wish to be remembered from this field, in place of `remember`.
    #[must_use]
    pub fn remember_field(mut self, name: &'static str) -> Self {
        self.fields.remember = name;
        self
    }

    /// Begins a session: `POST`.
    #[must_use]
    pub fn sign_in<V>(&self, passwords: Arc<V>) -> Endpoint<P>
    where
        V: Verify<BasicCredential, Principal = P>,
    {
        let (sessions, realm) = (self.sessions.clone(), Arc::clone(self.gate.realm()));
        let sign_in = SignIn::new(sessions, Arc::clone(&realm), self.page.clone(), self.fields, passwords);
        let described = Described::new("POST", "Signs in by name and password, and begins a session.")
            .taking_either(&self.fields.members())
            .answering(SIGNED_IN)
            .refusing(NOT_SIGNED_IN);
        Endpoint::new(described, &realm, None, move |request, _| sign_in.prepare(request))
    }

    /// Sends whoever reloads the answer to a sign-in that failed to the page for it: `GET`, answers 303.
    #[must_use]
    pub fn reload(&self) -> Endpoint<P> {
        let realm = Arc::clone(self.gate.realm());
        let page: Arc<str> = realm.sign_in().unwrap_or("/").into();
        let described = Described::new("GET", "Leads whoever reloads a sign-in that failed to the page for it.");
        Endpoint::new(described.at_once().answering(ON_TO_THE_PAGE), &realm, None, move |_, _| {
            let page = Arc::clone(&page);
            Ok(Work::reading(move |_| async move {
                Reply::new(303).with("cache-control", "no-store").with("location", &*page)
            }))
        })
    }

    /// Ends the caller's session: `DELETE`, answers 204.
    #[must_use]
    pub fn sign_out(&self) -> Endpoint<P> {
        let described = Described::new("DELETE", "Signs out: ends the session that the request came with.");
        self.ending(described.answering(SIGNED_OUT), |reply| reply)
    }

    /// Ends the caller's session for a form: `POST`, answers 303 to `/`.
    #[must_use]
    pub fn end(&self) -> Endpoint<P> {
        let described = Described::new("POST", "Signs out by a form.");
        self.ending(described.answering(SIGNED_OUT_BY_FORM), to_the_page)
    }

    fn ending(&self, described: Described, finish: fn(Reply) -> Reply) -> Endpoint<P> {
        let (sessions, realm) = (self.sessions.clone(), Arc::clone(self.gate.realm()));
        let gate = self.gate.only([sessions.cookie.scheme()]);
        let fault = gate.is_err();
        Endpoint::new(described, &Arc::clone(&realm), gate.ok(), move |request, _| {
            let wants = request.wants();
            if fault {
                return Err(realm.fault("sessions are ended at a gate that does not take their cookie", wants).reply());
            }
            let from = request.client_info();
            let clear = sessions.cookie.clear(request);
            let (sessions, realm) = (sessions.clone(), Arc::clone(&realm));
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                // A cookie that ended since the gate read it has nothing left to end.
                if let Err(source) = sessions.end_earlier(&from, Some(realm.cache())).await {
                    return unavailable(&realm, &source, wants);
                }
                let reply = Reply::new(204).with("cache-control", "no-store");
                finish(clear.into_iter().fold(reply, |reply, clear| reply.with("set-cookie", clear)))
            }))
        })
    }
}

const SIGNED_IN: &[Answered] = &[
    Answered::empty(204, "A session has begun.").with_fields(&["Set-Cookie"]),
    Answered::empty(303, "A session has begun; a browser goes on to `next`.").with_fields(&["Location", "Set-Cookie"]),
];
const ON_TO_THE_PAGE: &[Answered] = &[Answered::empty(303, "On to the page.").with_fields(&["Location"])];
const SIGNED_OUT: &[Answered] = &[Answered::empty(204, "The session is over.").with_fields(&["Set-Cookie"])];
const SIGNED_OUT_BY_FORM: &[Answered] =
    &[Answered::empty(303, "The session is over; on to the page.").with_fields(&["Location", "Set-Cookie"])];

/// What a form gets in place of 204.
fn to_the_page(reply: Reply) -> Reply {
    reply.status_is(303).with("location", "/")
}

impl<P> Clone for SessionEndpoints<P> {
    fn clone(&self) -> Self {
        Self { sessions: self.sessions.clone(), gate: self.gate.clone(), page: self.page.clone(), fields: self.fields }
    }
}

impl<P> fmt::Debug for SessionEndpoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionEndpoints(..)")
    }
}
