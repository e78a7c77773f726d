//! Signing in.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    credential::BasicCredential,
    gate::Realm,
    mint::{
        endpoint::{
            Checkpoint, Work,
            body::{self, BodyType, Members},
            described::{Member, Shape},
            password::{FormPasswords, TRIES, about, no_answer, revoked_each_time},
        },
        session::{Begun, Sessions, patience::in_time},
    },
    request::{ClientInfo, RequestView, origin::whose_page, path::same_site_path},
    response::{Challenge, Page, Reason, Rejection, Reply},
    secret::Secret,
    verifier::Verify,
};

pub(super) type PageOf = dyn Fn(&Rejection, &Entered<'_>) -> Option<Page> + Send + Sync;

/// What was entered into the form of a sign-in that failed, for the page that shows it again. Empty where the body was not looked at.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Entered<'f> {
    /// The name, as it was entered: escape it where it is shown.
    pub username: &'f str,
    /// Where to go after signing in: a path of this site.
    pub next: &'f str,
}

impl Entered<'_> {
    const NOTHING: Self = Self { username: "", next: "/" };
}

/// The endpoint.
pub(super) struct SignIn<P, V>(Arc<Parts<P, V>>);

struct Parts<P, V> {
    sessions: Sessions<P>,
    realm: Arc<Realm>,
    page: Option<Arc<PageOf>>,
    fields: FieldNames,
    passwords: FormPasswords<V>,
}

/// Under which names a form has what it asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldNames {
    pub(super) name: &'static str,
    pub(super) password: &'static str,
    pub(super) next: &'static str,
    pub(super) remember: &'static str,
}

struct Form {
    username: String,
    password: String,
    next: Option<String>,
    remember: bool,
}

impl<P, V> SignIn<P, V>
where
    P: Send + Sync + 'static,
    V: Verify<BasicCredential, Principal = P>,
{
    pub(super) fn new(
        sessions: Sessions<P>,
        realm: Arc<Realm>,
        page: Option<Arc<PageOf>>,
        fields: FieldNames,
        passwords: Arc<V>,
    ) -> Self {
        Self(Arc::new(Parts { sessions, realm, page, fields, passwords: FormPasswords::of(passwords) }))
    }

    pub(super) fn prepare(&self, request: &RequestView<'_>) -> Result<Work, Reply> {
        let (parts, from) = (Arc::clone(&self.0), request.client_info());
        if let Some(name) = parts.fields.repeated() {
            let sentence =
                format!("the form to sign in has the field {name:?} for two things; give each a name of its own");
            return Err(parts.realm.fault(&sentence, request.wants()).reply());
        }
        if parts.realm.origins().another_site_made(request) {
            let rejection = Rejection::new(Reason::CrossSite).saying(whose_page(request));
            return Err(parts.shown(rejection, &from, &Entered::NOTHING));
        }
        let kind = BodyType::of(request);
        if !matches!(kind, BodyType::Json | BodyType::Form) {
            return Err(Reply::problem(415, "Send a form, or JSON with Content-Type: application/json.", None));
        }
        let realm = Arc::clone(&parts.realm);
        Ok(Work::changing_past(request, &realm, move |body, checkpoint| async move {
            parts.run(&body, kind, &from, &checkpoint).await.unwrap_or_else(|reply| reply)
        }))
    }
}

impl<P, V> Parts<P, V>
where
    P: Send + Sync + 'static,
    V: Verify<BasicCredential, Principal = P>,
{
    async fn run(
        &self,
        body: &[u8],
        kind: BodyType,
        from: &ClientInfo,
        checkpoint: &Checkpoint,
    ) -> Result<Reply, Reply> {
        let form = self.fields.read(body, kind)?;
        let next = form.next.as_deref().map_or("/", same_site_path);
        let entered = Entered { username: &form.username, next };
        let credential = BasicCredential::new(form.username.clone(), Secret::new(form.password));
        let (subject, begun) = self.begin(&credential, form.remember, (from, &entered), checkpoint).await?;
        let ended = self.sessions.end_earlier(from, Some(self.realm.cache())).await;
        ended.map_err(|source| self.shown(no_answer(&source), from, &entered))?;
        self.realm.admitted(about(from, Some(&subject)));
        Ok(if from.wants().html { begun.going_to(next) } else { begun.reply() })
    }

    /// A session of whom the password names. What was verified must still stand when the session is stored: a password that was changed
    /// meanwhile begins none.
    async fn begin(
        &self,
        credential: &BasicCredential,
        remembered: bool,
        (from, entered): (&ClientInfo, &Entered<'_>),
        checkpoint: &Checkpoint,
    ) -> Result<(Box<str>, Begun), Reply> {
        let refused = |rejection: Rejection| self.shown(rejection, from, entered);
        let cache = self.realm.cache();
        for _ in 0..TRIES {
            let known = self.passwords.known(credential, from, cache).await.map_err(refused)?;
            let Some(subject) = known.verified().subject() else {
                let fault =
                    "a verifier of passwords names no subject, so no session can be its: use Verified::with_subject";
                return Err(self.realm.fault(fault, from.wants()).reply());
            };
            checkpoint.pass_as(Some(subject)).await?;
            let begun = self.sessions.start(subject, from, remembered, self.sessions.cookie.now(), Some(cache)).await;
            let begun = begun.map_err(|source| refused(no_answer(&source)))?;
            if cache.still_stands(&known) {
                return Ok((subject.into(), begun));
            }
            let removed = in_time(self.sessions.store.remove(begun.digest)).await;
            removed.map_err(|source| refused(no_answer(&source)))?;
        }
        Err(refused(revoked_each_time()))
    }

    fn shown(&self, mut rejection: Rejection, from: &ClientInfo, entered: &Entered<'_>) -> Reply {
        if rejection.reason() == Reason::BadCredential {
            let cookie = self.sessions.cookie.name_on(from.is_secure());
            let challenge = Challenge::new("Cookie").with("realm", self.realm.name()).with("cookie-name", cookie);
            rejection.parts().challenges = vec![challenge];
        }
        let mut rejection = self.realm.finish(rejection, || from.wants(), about(from, None));
        if from.wants().html
            && let Some(page) = self.page.as_ref().and_then(|page| page(&rejection, entered))
        {
            rejection.parts().page = Some(page);
        }
        rejection.reply()
    }
}

impl FieldNames {
    /// What a form has under them.
    pub(super) fn members(self) -> [Member; 4] {
        [
            Member::of(self.name, Shape::Text),
            Member::of(self.password, Shape::Password),
            Member::maybe(self.next, Shape::Text),
            Member::maybe(self.remember, Shape::Flag),
        ]
    }

    fn all(self) -> [&'static str; 4] {
        [self.name, self.password, self.next, self.remember]
    }

    /// A name that two fields have.
    fn repeated(self) -> Option<&'static str> {
        let all = self.all();
        all.iter()
            .enumerate()
            .find_map(|(place, name)| all.iter().take(place).find(|earlier| *earlier == name).copied())
    }

    fn read(self, body: &[u8], kind: BodyType) -> Result<Form, Reply> {
        let (username, password, next, remember) = if kind == BodyType::Json {
            let mut members = body::json::<Members>(body)?;
            let remember = match members.take(self.remember)? {
                None => false,
                Some(Value::Bool(remember)) => remember,
                Some(_) => return Err(body::malformed()),
            };
            (members.text(self.name)?, members.text(self.password)?, members.text(self.next)?, remember)
        } else {
            let [username, password, next, remember] = body::form(body, self.all())?;
            // A box that is ticked is sent, mostly as "on"; one that is not is absent.
            let remember = remember.is_some_and(|ticked| !matches!(ticked.as_str(), "" | "0" | "false" | "off" | "no"));
            (username, password, next, remember)
        };
        let (Some(username), Some(password)) = (username, password) else { return Err(body::malformed()) };
        Ok(Form { username, password, next, remember })
    }
}

impl Default for FieldNames {
    fn default() -> Self {
        Self { name: "username", password: "password", next: "next", remember: "remember" }
    }
}
