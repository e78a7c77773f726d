//! Signing in and out.

use std::{fmt, future::Future, net::IpAddr, sync::Arc};

use serde::Deserialize;

use super::{Begun, Sessions};
use crate::{
    cache::Outcome,
    credential::{BasicCredential, CookieCredential, Extract, Occurrences},
    gate::{
        Gate, PATIENCE, RETRY_AFTER_OUTAGE, Realm,
        verification::{self, Verification},
    },
    mint::endpoint::{
        Endpoint, Work,
        body::{self, BodyType},
        unavailable,
    },
    observe::audit::About,
    request::{RequestView, Wants, path::same_site_path},
    response::{Challenge, Page, Reason, Rejection, Reply},
    secret::Secret,
    throttle::RetryAfter,
    unavailable::Unavailable,
    verifier::Verify,
};

type PageOf = dyn Fn(&Rejection, &str) -> Option<Page> + Send + Sync;

/// Makes the endpoints that begin and end sessions.
///
/// Signing in takes `username`, `password` and an optional `next`, as a form or as JSON. A browser ([`Wants::html`]) is sent to
/// `next`, if that is a path on this realm, else to `/`; anybody else gets 204. Every sign-in makes a fresh identifier, and ends the session
/// that the browser brought along. Another site's page can neither sign a browser in nor out.
pub struct SessionEndpoints<P> {
    sessions: Sessions<P>,
    gate: Gate<P>,
    page: Option<Arc<PageOf>>,
}

#[derive(Deserialize)]
struct SignIn {
    username: String,
    password: String,
    next: Option<String>,
}

/// What signing in needs of the head.
struct Asked {
    kind: BodyType,
    wants: Wants,
    address: Option<IpAddr>,
    secure: bool,
    earlier: Option<CookieCredential>,
}

impl<P: Send + Sync + 'static> SessionEndpoints<P> {
    /// Endpoints for these sessions, at the gate whose realm, pages and cache they share. The gate must take the sessions'
    /// cookie.
    #[must_use]
    pub fn new(sessions: Sessions<P>, gate: &Gate<P>) -> Self {
        Self { sessions, gate: gate.known_callers(), page: None }
    }

    /// The page for a browser that was not signed in: the sign-in page with a message. It is given the refusal and where the browser
    /// wanted to go.
    #[must_use]
    pub fn showing(mut self, page: impl Fn(&Rejection, &str) -> Option<Page> + Send + Sync + 'static) -> Self {
        self.page = Some(Arc::new(page));
        self
    }

    /// Begins a session: `POST`.
    #[must_use]
    pub fn sign_in<V>(&self, passwords: Arc<V>) -> Endpoint<P>
    where
        V: Verify<BasicCredential, Principal = P>,
    {
        let (sessions, realm, page) = (self.sessions.clone(), Arc::clone(self.gate.realm()), self.page.clone());
        let passwords = Verification::of("sign-in", passwords);
        Endpoint::new("POST", &Arc::clone(&realm), None, move |request, _| {
            let wants = request.wants();
            if realm.origins().another_site_made(request) {
                return Err(realm.refuse(Reason::CrossSite, wants).reply());
            }
            let kind = BodyType::of(request);
            if !matches!(kind, BodyType::Json | BodyType::Form) {
                return Err(Reply::problem(415, "Send a form, or JSON with Content-Type: application/json.", None));
            }
            let asked = Asked {
                kind,
                wants,
                address: request.address(),
                secure: request.is_secure(),
                earlier: earlier_session(&sessions, request),
            };
            let signing_in = SigningIn {
                sessions: sessions.clone(),
                realm: Arc::clone(&realm),
                page: page.clone(),
                passwords: Arc::clone(&passwords),
            };
            Ok(Work::changing(request, &realm, move |body| async move {
                signing_in.run(&body, asked).await.unwrap_or_else(|reply| reply)
            }))
        })
    }

    /// Ends the caller's session: `DELETE`, answers 204.
    #[must_use]
    pub fn sign_out(&self) -> Endpoint<P> {
        self.ending("DELETE", |reply| reply)
    }

    /// Ends the caller's session for a form: `POST`, answers 303 to `/`.
    #[must_use]
    pub fn end(&self) -> Endpoint<P> {
        self.ending("POST", |reply| reply.status_is(303).with("location", "/"))
    }

    fn ending(&self, method: &'static str, finish: fn(Reply) -> Reply) -> Endpoint<P> {
        let (sessions, realm) = (self.sessions.clone(), Arc::clone(self.gate.realm()));
        let gate = self.gate.only([sessions.cookie().scheme()]);
        let fault = gate.is_err();
        Endpoint::new(method, &Arc::clone(&realm), gate.ok(), move |request, _| {
            let wants = request.wants();
            if fault {
                return Err(realm.fault("sessions are ended at a gate that does not take their cookie", wants).reply());
            }
            let session = earlier_session(&sessions, request);
            let clear = sessions.cookie().clear(request);
            let (sessions, realm) = (sessions.clone(), Arc::clone(&realm));
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                // A cookie that ended since the gate read it has nothing left to end.
                if let Some(session) = session
                    && let Err(source) = sessions.end(&session, realm.cache()).await
                {
                    return unavailable(&realm, &source, wants);
                }
                let reply = Reply::new(204).with("cache-control", "no-store");
                finish(clear.into_iter().fold(reply, |reply, clear| reply.with("set-cookie", clear)))
            }))
        })
    }
}

/// A store that does not answer is no answer.
async fn in_time<T>(asked: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(Unavailable::because("the store of sessions does not answer")))
}

/// The session of the one good cookie that the request brings.
fn earlier_session<P: Send + Sync + 'static>(
    sessions: &Sessions<P>,
    request: &RequestView<'_>,
) -> Option<CookieCredential> {
    let mut occurrences = Occurrences::default();
    sessions.cookie().locate(request, &mut occurrences);
    sessions.cookie().read(occurrences.only()?)
}

struct SigningIn<P, V> {
    sessions: Sessions<P>,
    realm: Arc<Realm>,
    page: Option<Arc<PageOf>>,
    passwords: Arc<Verification<BasicCredential, Arc<V>>>,
}

/// How often a sign-in is begun again because what it found was revoked meanwhile.
const TRIES: usize = 3;

impl<P, V> SigningIn<P, V>
where
    P: Send + Sync + 'static,
    V: Verify<BasicCredential, Principal = P>,
{
    async fn run(self, body: &[u8], asked: Asked) -> Result<Reply, Reply> {
        let form = read(body, asked.kind)?;
        let next = form.next.as_deref().map_or("/", same_site_path);
        // As in `Basic`: nobody is called so, and a store may fail on it, which would be no refusal.
        if form.username.chars().any(char::is_control) {
            return Err(self.refused(&asked, next));
        }
        let credential = BasicCredential::new(form.username, Secret::new(form.password));
        let (subject, begun) = self.begin(&credential, &asked, next).await?;
        if let Some(earlier) = &asked.earlier {
            let ended = in_time(self.sessions.end(earlier, self.realm.cache())).await;
            ended.map_err(|source| self.unavailable(&source, &asked, next))?;
        }
        self.realm.admitted(about(&asked, Some(&subject)));
        let cookie = self.sessions.cookie().set_cookie(asked.secure, &begun.sealed, begun.max_age);
        let reply = if asked.wants.html { Reply::new(303).with("location", next) } else { Reply::new(204) };
        Ok(reply.with("cache-control", "no-store").with("set-cookie", cookie))
    }

    /// A session of whom the password names. What was verified must still stand when the session is stored: a password that was changed
    /// meanwhile begins none.
    async fn begin(&self, credential: &BasicCredential, asked: &Asked, next: &str) -> Result<(Box<str>, Begun), Reply> {
        let unavailable = |source: Unavailable| self.unavailable(&source, asked, next);
        for _ in 0..TRIES {
            let known = match self.passwords.outcome(self.asked(credential, asked), self.realm.cache()).await {
                Outcome::Good { entry, .. } => entry,
                Outcome::Refused { .. } | Outcome::Unjudged | Outcome::InTheClear => {
                    return Err(self.refused(asked, next));
                }
                Outcome::Throttled(later) => return Err(self.throttled(later, asked, next)),
                Outcome::Unavailable(source) => return Err(unavailable(source)),
            };
            let Some(subject) = known.verified().subject() else {
                let fault =
                    "a verifier of passwords names no subject, so no session can be its: use Verified::with_subject";
                return Err(self.realm.fault(fault, asked.wants).reply());
            };
            let begun = in_time(self.sessions.begin(subject)).await.map_err(unavailable)?;
            if self.realm.cache().still_stands(&known) {
                return Ok((subject.into(), begun));
            }
            in_time(self.sessions.take_back(&begun)).await.map_err(unavailable)?;
        }
        Err(unavailable(Unavailable::because("revoked during a sign-in, again and again")))
    }

    /// A form is remembered by nothing: each sign-in asks the verifier.
    fn asked(&self, credential: &BasicCredential, asked: &Asked) -> verification::Asked<BasicCredential> {
        let again = credential.clone();
        verification::Asked {
            credential: credential.clone(),
            again: Some(Box::new(move || Some(again.clone()))),
            ends: None,
            fingerprint: None,
            address: asked.address,
        }
    }

    fn throttled(&self, later: RetryAfter, asked: &Asked, next: &str) -> Reply {
        let mut rejection = Rejection::new(Reason::TooManyTries);
        rejection.parts().retry_after = Some(later.duration());
        self.shown(rejection, asked, next)
    }

    fn refused(&self, asked: &Asked, next: &str) -> Reply {
        let cookie = self.sessions.cookie();
        let challenge =
            Challenge::new("Cookie").with("realm", self.realm.name()).with("cookie-name", cookie.name_on(asked.secure));
        let mut rejection = Rejection::new(Reason::BadCredential);
        rejection.parts().challenges = vec![challenge];
        self.shown(rejection, asked, next)
    }

    fn unavailable(&self, source: &Unavailable, asked: &Asked, next: &str) -> Reply {
        tracing::warn!(target: "countersign", "nobody can sign in at the moment: {source}");
        let mut rejection = Rejection::new(Reason::Unavailable);
        rejection.parts().retry_after = Some(source.retry_after().unwrap_or(RETRY_AFTER_OUTAGE));
        self.shown(rejection, asked, next)
    }

    fn shown(&self, rejection: Rejection, asked: &Asked, next: &str) -> Reply {
        let mut rejection = self.realm.finish(rejection, asked.wants, about(asked, None));
        if asked.wants.html
            && let Some(page) = self.page.as_ref().and_then(|page| page(&rejection, next))
        {
            rejection.parts().page = Some(page);
        }
        rejection.reply()
    }
}

fn about<'a>(asked: &Asked, subject: Option<&'a str>) -> About<'a> {
    About { scheme: Some("sign-in"), subject, address: asked.address, method: Some("POST") }
}

fn read(body: &[u8], kind: BodyType) -> Result<SignIn, Reply> {
    if kind == BodyType::Json {
        return body::json(body);
    }
    let [username, password, next] = body::form(body, ["username", "password", "next"])?;
    let (Some(username), Some(password)) = (username, password) else { return Err(body::malformed()) };
    Ok(SignIn { username, password, next })
}

impl<P> fmt::Debug for SessionEndpoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionEndpoints(..)")
    }
}
