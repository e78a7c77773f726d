//! Signing in.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    cache::Outcome,
    credential::BasicCredential,
    gate::{
        Realm,
        verification::{self, Verification},
    },
    mint::{
        endpoint::{
            Work,
            body::{self, BodyType},
        },
        session::{Begun, Sessions, patience::in_time},
    },
    observe::audit::About,
    request::{ClientInfo, RequestView, path::same_site_path},
    response::{Challenge, Page, Reason, Rejection, Reply},
    secret::Secret,
    throttle::RetryAfter,
    unavailable::{RETRY_AFTER_OUTAGE, Unavailable},
    verifier::Verify,
};

pub(super) type PageOf = dyn Fn(&Rejection, &Entered<'_>) -> Option<Page> + Send + Sync;

/// What was entered into the form of a sign-in that failed, for the page that shows it again. Empty where the body was not looked at.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Entered<'f> {
    /// The name, as it was entered.
    pub username: &'f str,
    /// Where to go after signing in: a path of this site.
    pub next: &'f str,
}

impl Entered<'_> {
    const NOTHING: Self = Self { username: "", next: "/" };
}

/// How often a sign-in is begun again because what it found was revoked meanwhile.
const TRIES: usize = 3;

/// The endpoint.
pub(super) struct SignIn<P, V>(Arc<Parts<P, V>>);

struct Parts<P, V> {
    sessions: Sessions<P>,
    realm: Arc<Realm>,
    page: Option<Arc<PageOf>>,
    passwords: Arc<Verification<BasicCredential, Arc<V>>>,
}

#[derive(Deserialize)]
struct Form {
    username: String,
    password: String,
    next: Option<String>,
    #[serde(default)]
    remember: bool,
}

impl<P, V> SignIn<P, V>
where
    P: Send + Sync + 'static,
    V: Verify<BasicCredential, Principal = P>,
{
    pub(super) fn new(sessions: Sessions<P>, realm: Arc<Realm>, page: Option<Arc<PageOf>>, passwords: Arc<V>) -> Self {
        Self(Arc::new(Parts { sessions, realm, page, passwords: Verification::of("sign-in", passwords) }))
    }

    pub(super) fn prepare(&self, request: &RequestView<'_>) -> Result<Work, Reply> {
        let (parts, from) = (Arc::clone(&self.0), request.client_info());
        if parts.realm.origins().another_site_made(request) {
            return Err(parts.shown(Rejection::new(Reason::CrossSite), &from, &Entered::NOTHING));
        }
        let kind = BodyType::of(request);
        if !matches!(kind, BodyType::Json | BodyType::Form) {
            return Err(Reply::problem(415, "Send a form, or JSON with Content-Type: application/json.", None));
        }
        let realm = Arc::clone(&parts.realm);
        Ok(Work::changing(request, &realm, move |body| async move {
            parts.run(&body, kind, &from).await.unwrap_or_else(|reply| reply)
        }))
    }
}

impl<P, V> Parts<P, V>
where
    P: Send + Sync + 'static,
    V: Verify<BasicCredential, Principal = P>,
{
    async fn run(&self, body: &[u8], kind: BodyType, from: &ClientInfo) -> Result<Reply, Reply> {
        let form = read(body, kind)?;
        let next = form.next.as_deref().map_or("/", same_site_path);
        let entered = Entered { username: &form.username, next };
        // As in `Basic`: nobody is called so, and a store may fail on it, which would be no refusal.
        if form.username.chars().any(char::is_control) {
            return Err(self.refused(from, &entered));
        }
        let credential = BasicCredential::new(form.username.clone(), Secret::new(form.password));
        let (subject, begun) = self.begin(&credential, form.remember, from, &entered).await?;
        let ended = self.sessions.end_earlier(from, Some(self.realm.cache())).await;
        ended.map_err(|source| self.unavailable(&source, from, &entered))?;
        self.realm.admitted(about(from, Some(&subject)));
        Ok(if from.wants().html { begun.going_to(next) } else { begun.reply() })
    }

    /// A session of whom the password names. What was verified must still stand when the session is stored: a password that was changed
    /// meanwhile begins none.
    async fn begin(
        &self,
        credential: &BasicCredential,
        remembered: bool,
        from: &ClientInfo,
        entered: &Entered<'_>,
    ) -> Result<(Box<str>, Begun), Reply> {
        let unavailable = |source: Unavailable| self.unavailable(&source, from, entered);
        let cache = self.realm.cache();
        for _ in 0..TRIES {
            let known = match self.passwords.outcome(asked(credential, from), cache).await {
                Outcome::Good { entry, .. } => entry,
                Outcome::Refused { .. } | Outcome::Unjudged | Outcome::InTheClear => {
                    return Err(self.refused(from, entered));
                }
                Outcome::Throttled(later) => return Err(self.throttled(later, from, entered)),
                Outcome::Unavailable(source) => return Err(unavailable(source)),
            };
            let Some(subject) = known.verified().subject() else {
                let fault =
                    "a verifier of passwords names no subject, so no session can be its: use Verified::with_subject";
                return Err(self.realm.fault(fault, from.wants()).reply());
            };
            let begun = self.sessions.start(subject, from, remembered, Some(cache)).await.map_err(unavailable)?;
            if cache.still_stands(&known) {
                return Ok((subject.into(), begun));
            }
            in_time(self.sessions.store.remove(begun.digest)).await.map_err(unavailable)?;
        }
        Err(unavailable(Unavailable::because("revoked during a sign-in, again and again")))
    }

    fn throttled(&self, later: RetryAfter, from: &ClientInfo, entered: &Entered<'_>) -> Reply {
        let mut rejection = Rejection::new(Reason::TooManyTries);
        rejection.parts().retry_after = Some(later.duration());
        self.shown(rejection, from, entered)
    }

    fn refused(&self, from: &ClientInfo, entered: &Entered<'_>) -> Reply {
        let cookie = self.sessions.cookie.name_on(from.is_secure());
        let challenge = Challenge::new("Cookie").with("realm", self.realm.name()).with("cookie-name", cookie);
        let mut rejection = Rejection::new(Reason::BadCredential);
        rejection.parts().challenges = vec![challenge];
        self.shown(rejection, from, entered)
    }

    fn unavailable(&self, source: &Unavailable, from: &ClientInfo, entered: &Entered<'_>) -> Reply {
        tracing::warn!(target: "countersign", "nobody can sign in at the moment: {source}");
        let mut rejection = Rejection::new(Reason::Unavailable);
        rejection.parts().retry_after = Some(source.retry_after().unwrap_or(RETRY_AFTER_OUTAGE));
        self.shown(rejection, from, entered)
    }

    fn shown(&self, rejection: Rejection, from: &ClientInfo, entered: &Entered<'_>) -> Reply {
        let mut rejection = self.realm.finish(rejection, from.wants(), about(from, None));
        if from.wants().html
            && let Some(page) = self.page.as_ref().and_then(|page| page(&rejection, entered))
        {
            rejection.parts().page = Some(page);
        }
        rejection.reply()
    }
}

/// A form is remembered by nothing: each sign-in asks the verifier.
fn asked(credential: &BasicCredential, from: &ClientInfo) -> verification::Asked<BasicCredential> {
    let again = credential.clone();
    verification::Asked {
        credential: credential.clone(),
        again: Some(Box::new(move || Some(again.clone()))),
        ends: None,
        fingerprint: None,
        address: from.address(),
    }
}

fn about<'a>(from: &ClientInfo, subject: Option<&'a str>) -> About<'a> {
    About { scheme: Some("sign-in"), subject, address: from.address(), method: Some("POST") }
}

fn read(body: &[u8], kind: BodyType) -> Result<Form, Reply> {
    if kind == BodyType::Json {
        return body::json(body);
    }
    let [username, password, next, remember] = body::form(body, ["username", "password", "next", "remember"])?;
    let (Some(username), Some(password)) = (username, password) else { return Err(body::malformed()) };
    // A box that is ticked is sent, mostly as "on"; one that is not is absent.
    let remember = remember.is_some_and(|ticked| !matches!(ticked.as_str(), "" | "0" | "false" | "off" | "no"));
    Ok(Form { username, password, next, remember })
}
