//! Signing in and out.

use std::{fmt, net::IpAddr, sync::Arc};

use serde::Deserialize;

use super::Sessions;
use crate::{
    credential::{BasicCredential, CookieCredential, Extract, Sightings},
    gate::{Gate, RETRY_AFTER_OUTAGE, Site},
    mint::endpoint::{
        Endpoint, Work,
        body::{self, BodyType},
        unavailable,
    },
    observe::audit::About,
    request::{RequestHead, Wants, is_cross_site, path::same_site_path},
    response::{Challenge, Page, Reason, Rejection, Reply},
    secret::Secret,
    throttle::Try,
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

type PageOf = dyn Fn(&Rejection, &str) -> Option<Page> + Send + Sync;

/// Makes the endpoints that begin and end sessions.
///
/// Signing in takes `username`, `password` and an optional `next`, as a form or as JSON. A browser (`Accept` prefers `text/html`) is sent to
/// `next`, if that is a path on this site, else to `/`; anybody else gets 204. Every sign-in makes a fresh identifier, and ends the session
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
        let (sessions, site, page) = (self.sessions.clone(), Arc::clone(self.gate.site()), self.page.clone());
        Endpoint::new("POST", &Arc::clone(&site), None, move |head, _| {
            let wants = Wants::of(head);
            if is_cross_site(head) {
                return Err(site.refuse(Reason::CrossSite, wants).reply());
            }
            let kind = BodyType::of(head);
            if !matches!(kind, BodyType::Json | BodyType::Form) {
                return Err(Reply::problem(415, "Send a form, or JSON with Content-Type: application/json.", None));
            }
            let asked = Asked {
                kind,
                wants,
                address: head.peer(),
                secure: head.is_secure(),
                earlier: earlier_session(&sessions, head),
            };
            let signing_in = SigningIn {
                sessions: sessions.clone(),
                site: Arc::clone(&site),
                page: page.clone(),
                passwords: Arc::clone(&passwords),
            };
            Ok(Work::new(move |body| async move { signing_in.run(&body, asked).await.unwrap_or_else(|reply| reply) }))
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
        let (sessions, site) = (self.sessions.clone(), Arc::clone(self.gate.site()));
        let gate = self.gate.only([sessions.cookie().scheme()]);
        let fault = gate.is_err();
        Endpoint::new(method, &Arc::clone(&site), gate.ok(), move |head, _| {
            let wants = Wants::of(head);
            if fault {
                return Err(site.fault("sessions are ended at a gate that does not take their cookie", wants).reply());
            }
            let session = earlier_session(&sessions, head);
            let clear = sessions.cookie().clear(head);
            let (sessions, site) = (sessions.clone(), Arc::clone(&site));
            Ok(Work::new(move |_| async move {
                // A cookie that ended since the gate read it has nothing left to end.
                if let Some(session) = session {
                    match sessions.end(&session).await {
                        Ok(handle) => site.cache().revoke(handle),
                        Err(source) => return unavailable(&site, &source, wants),
                    }
                }
                let reply = Reply::new(204).with("cache-control", "no-store");
                finish(clear.into_iter().fold(reply, |reply, clear| reply.with("set-cookie", clear)))
            }))
        })
    }
}

/// The session of the one good cookie that the request brings.
fn earlier_session<P: Send + Sync + 'static>(
    sessions: &Sessions<P>,
    head: &dyn RequestHead,
) -> Option<CookieCredential> {
    let mut sightings = Sightings::default();
    sessions.cookie().locate(head, &mut sightings);
    let raw = sightings.first().filter(|_| sightings.count() == 1)?;
    sessions.cookie().read(raw)
}

struct SigningIn<P, V> {
    sessions: Sessions<P>,
    site: Arc<Site>,
    page: Option<Arc<PageOf>>,
    passwords: Arc<V>,
}

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
        let attempt = self.attempt(&credential, &asked, next).await?;
        let subject = match self.verify(credential, attempt).await {
            Answer::Verified(verified) => verified.subject_name().map(str::to_owned),
            Answer::Refused => return Err(self.refused(&asked, next)),
            Answer::Unavailable(source) => return Err(self.unavailable(&source, &asked, next)),
        };
        let Some(subject) = subject else {
            let fault = "a verifier of passwords names no subject, so no session can be its: use Verified::subject";
            return Err(self.site.fault(fault, asked.wants).reply());
        };
        let begun = self.sessions.begin(&subject).await.map_err(|source| self.unavailable(&source, &asked, next))?;
        self.site.admitted(about(&asked, Some(&subject)));
        if let Some(earlier) = &asked.earlier {
            let handle = self.sessions.end(earlier).await.map_err(|source| self.unavailable(&source, &asked, next))?;
            self.site.cache().revoke(handle);
        }
        let cookie = self.sessions.cookie().set_cookie_on(asked.secure, &begun.sealed, begun.max_age);
        let reply = if asked.wants.html { Reply::new(303).with("location", next) } else { Reply::new(204) };
        Ok(reply.with("cache-control", "no-store").with("set-cookie", cookie))
    }

    /// A place in the budget of tries, taken before anything is verified.
    async fn attempt(&self, credential: &BasicCredential, asked: &Asked, next: &str) -> Result<Option<Try>, Reply> {
        let (Some(throttle), Some(account)) = (self.passwords.throttle(), self.passwords.account(credential)) else {
            return Ok(None);
        };
        throttle.entered(account, asked.address).await.map(Some).map_err(|later| {
            let mut rejection = Rejection::new(Reason::TooManyTries);
            rejection.parts().retry_after = Some(later.duration());
            self.shown(rejection, asked, next)
        })
    }

    async fn verify(&self, credential: BasicCredential, attempt: Option<Try>) -> Answer<P> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Answer::Unavailable(Unavailable::because("no tokio runtime runs here"));
        };
        // In a task of its own, so that a client that leaves neither stops it nor gets its try back, and a panic is no answer.
        let passwords = Arc::clone(&self.passwords);
        let verification = runtime.spawn(async move {
            let answer = match passwords.verify_now(&credential) {
                Some(answer) => answer,
                None => passwords.verify(credential).await,
            };
            match (&answer, attempt) {
                (Answer::Verified(_), Some(attempt)) => attempt.succeeded(),
                (Answer::Refused, Some(attempt)) => attempt.refused(),
                // No answer: the try gives its place back.
                (_, attempt) => drop(attempt),
            }
            answer
        });
        verification.await.unwrap_or_else(|_| Answer::Unavailable(Unavailable::because("the verifier panicked")))
    }

    fn refused(&self, asked: &Asked, next: &str) -> Reply {
        let cookie = self.sessions.cookie();
        let challenge =
            Challenge::new("Cookie").with("realm", self.site.realm()).with("cookie-name", cookie.name_on(asked.secure));
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
        let mut rejection = self.site.finish(rejection, asked.wants, about(asked, None));
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
