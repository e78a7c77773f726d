//! A name and a password for something of the app's own: an endpoint of `POST` for schemes that begin with a password, made by [`SignIn`].
//!
//! - The name and the password come as a form or as JSON, under the names that the scheme gives them.
//! - Whoever is wrong gets 401 with the challenges of the gate, and the throttle of the verifier counts.
//! - Another site's page is refused before the body is read, since what is handed out may be a cookie.
//! - What is handed out is made in a task of its own, and given away only if the password still stands when it is made.
//!
//! [Sessions](crate::mint::session) have an endpoint of their own.
//!
//! # Example
//! ```
//! use countersign::{
//!     Bearer, Gate, Reply, Verified,
//!     mint::sign_in::SignIn,
//!     verifier::{PasswordTable, TokenTable},
//! };
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::in_realm("machines").accept(Bearer, TokenTable::<String>::new()).build()?;
//! let passwords = PasswordTable::new().with(
//!     "emma",
//!     "a long password",
//!     Verified::new("emma".to_owned()).with_subject("emma"),
//! );
//! let endpoint =
//!     SignIn::at(&gate).fields("name", "password").then(Arc::new(passwords), |me| async move {
//!         Ok(Reply::new(200).with_body("text/plain", format!("hello, {}", me.principal())))
//!     });
//! assert_eq!(endpoint.method(), "POST");
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not take back what was made for a password that was changed meanwhile: nobody is given it, and it is for the store to let it end.

use std::{fmt, future::Future, sync::Arc};

use tokio::time::timeout;

use super::endpoint::{
    Checkpoint, Endpoint, Work,
    body::{self, BodyType},
    described::{Described, Member, NOT_SIGNED_IN, Shape},
    password::{FormPasswords, TRIES, about, no_answer, revoked_each_time},
};
use crate::{
    cache::Entry,
    credential::BasicCredential,
    gate::{Gate, PATIENCE},
    request::{ClientInfo, RequestView},
    response::{Challenge, Reason, Rejection, Reply},
    secret::Secret,
    unavailable::Unavailable,
    verifier::Verify,
};

/// What a client makes of a name and a password is nobody else's.
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

/// Makes an endpoint that takes a name and a password. See the [module](self).
pub struct SignIn<P> {
    gate: Gate<P>,
    fields: [&'static str; 2],
    secure: bool,
}

/// Whom a password named, for what is then handed out.
pub struct SignedIn<P> {
    entry: Arc<Entry<P>>,
    from: ClientInfo,
}

/// What the endpoint does, shared by its requests.
pub(crate) struct Signing<P, V, B> {
    gate: Gate<P>,
    fields: [&'static str; 2],
    secure: bool,
    passwords: FormPasswords<V>,
    begin: B,
}

/// What signing in needs of the head.
struct FormHead {
    kind: BodyType,
    from: ClientInfo,
    challenges: Vec<Challenge>,
}

impl<P: Send + Sync + 'static> SignIn<P> {
    /// An endpoint of the realm, the pages and the challenges of this gate. Its fields are `username` and `password`.
    #[must_use]
    pub fn at(gate: &Gate<P>) -> Self {
        Self { gate: gate.clone().known_callers(), fields: ["username", "password"], secure: false }
    }

    /// Names the fields of the body.
    #[must_use]
    pub fn fields(mut self, name: &'static str, password: &'static str) -> Self {
        self.fields = [name, password];
        self
    }

    /// Refuses with 403 whoever does not come over TLS, before the body is read.
    #[must_use]
    pub fn over_tls_alone(mut self) -> Self {
        self.secure = true;
        self
    }

    /// The endpoint: `begin` hands out what whoever is right shall have.
    #[must_use]
    pub fn then<V, B, F>(self, passwords: Arc<V>, begin: B) -> Endpoint<P>
    where
        V: Verify<BasicCredential, Principal = P>,
        B: Fn(SignedIn<P>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Unavailable>> + Send + 'static,
    {
        let realm = Arc::clone(self.gate.realm());
        let [name, password] = self.fields;
        let signing = self.signing(passwords, begin);
        let described = Described::new("POST", "Signs in by name and password.")
            .taking_either(&[Member::of(name, Shape::Text), Member::of(password, Shape::Password)])
            .refusing(NOT_SIGNED_IN);
        Endpoint::new(described, &realm, None, move |request, _| signing.prepare(request))
    }

    pub(crate) fn signing<V, B>(self, passwords: Arc<V>, begin: B) -> Arc<Signing<P, V, B>>
    where
        V: Verify<BasicCredential, Principal = P>,
    {
        let passwords = FormPasswords::of(passwords);
        Arc::new(Signing { gate: self.gate, fields: self.fields, secure: self.secure, passwords, begin })
    }
}

impl<P, V, B, F> Signing<P, V, B>
where
    P: Send + Sync + 'static,
    V: Verify<BasicCredential, Principal = P>,
    B: Fn(SignedIn<P>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Unavailable>> + Send + 'static,
{
    /// Reads the head.
    pub(crate) fn prepare(self: &Arc<Self>, request: &RequestView<'_>) -> Result<Work, Reply> {
        let realm = self.gate.realm();
        if realm.origins().another_site_made(request) {
            return Err(realm.refuse_page_of(request).reply());
        }
        if self.secure && !request.is_secure() {
            return Err(realm.refuse(Reason::InTheClear, request.wants()).reply());
        }
        let kind = BodyType::of(request);
        if !matches!(kind, BodyType::Json | BodyType::Form) {
            return Err(Reply::problem(415, "Send a form, or JSON with Content-Type: application/json.", None));
        }
        let head = FormHead { kind, from: request.client_info(), challenges: self.gate.challenges(request) };
        let this = Arc::clone(self);
        Ok(Work::changing_past(request, realm, move |body, checkpoint| async move {
            this.run(&body, head, &checkpoint).await.unwrap_or_else(|reply| reply)
        }))
    }

    async fn run(&self, body: &[u8], head: FormHead, checkpoint: &Checkpoint) -> Result<Reply, Reply> {
        let (name, password) = self.read(body, head.kind)?;
        let realm = self.gate.realm();
        let credential = BasicCredential::new(name, Secret::new(password));
        for _ in 0..TRIES {
            let known = self.passwords.known(&credential, &head.from, realm.cache()).await;
            let entry = known.map_err(|rejection| self.refused(rejection, &head))?;
            checkpoint.pass_as(entry.verified().subject()).await?;
            let me = SignedIn { entry: Arc::clone(&entry), from: head.from.clone() };
            let begun = timeout(PATIENCE, (self.begin)(me)).await;
            let begun = begun.unwrap_or_else(|_| Err(Unavailable::because("what is handed out takes too long")));
            let reply = begun.map_err(|source| self.refused(no_answer(&source), &head))?;
            if realm.cache().still_stands(&entry) {
                realm.admitted(about(&head.from, entry.verified().subject()));
                let says_so = reply.fields().any(|field| field == NO_STORE);
                return Ok(if says_so { reply } else { reply.with(NO_STORE.0, NO_STORE.1) });
            }
        }
        Err(self.refused(revoked_each_time(), &head))
    }

    fn read(&self, body: &[u8], kind: BodyType) -> Result<(String, String), Reply> {
        let fields = if kind == BodyType::Json {
            let mut members = body::json::<body::Members>(body)?;
            let [name, password] = self.fields;
            [members.text(name)?, members.text(password)?]
        } else {
            body::form(body, self.fields)?
        };
        let [Some(name), Some(password)] = fields else { return Err(body::malformed()) };
        Ok((name, password))
    }

    fn refused(&self, mut rejection: Rejection, head: &FormHead) -> Reply {
        if rejection.reason() == Reason::BadCredential {
            rejection.parts().challenges = head.challenges.clone();
        }
        self.gate.realm().finish(rejection, || head.from.wants(), about(&head.from, None)).reply()
    }
}

impl<P> SignedIn<P> {
    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &P {
        self.entry.verified().principal()
    }

    /// The subject's name, if the verifier gave one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.entry.verified().subject()
    }

    /// Who sent the request.
    #[must_use]
    pub fn from(&self) -> &ClientInfo {
        &self.from
    }
}

impl<P> fmt::Debug for SignIn<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for SignedIn<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Bearer, Verified,
        testing::PlainHead,
        verifier::{PasswordTable, TokenTable},
    };

    async fn ask(head: PlainHead, body: &str) -> Reply {
        let gate = Gate::in_realm("r").accept(Bearer, TokenTable::<&'static str>::new()).build().unwrap();
        let passwords =
            PasswordTable::new().with("emma", "a long password", Verified::new("emma").with_subject("emma"));
        let endpoint = SignIn::at(&gate).fields("name", "password").then(Arc::new(passwords), |me| async move {
            Ok(Reply::new(200).with_body("text/plain", *me.principal()))
        });
        match endpoint.prepare(&head, None, None) {
            Ok(work) => work.run(body.as_bytes().to_vec()).await,
            Err(reply) => reply,
        }
    }

    fn post(kind: &str) -> PlainHead {
        PlainHead::new("POST", "/sign-in").with("content-type", kind)
    }

    #[tokio::test]
    async fn a_name_and_its_password_are_let_in_by_form_and_json() {
        let (form, json) = ("application/x-www-form-urlencoded", "application/json");
        for (kind, body, status) in [
            (form, "name=emma&password=a+long+password", 200),
            (form, "name=emma&password=a+long+password&more=1", 200),
            (json, r#"{"name":"emma","password":"a long password"}"#, 200),
            (json, r#"{"password":"a long password","name":"emma","more":[1]}"#, 200),
            (form, "name=emma&password=wrong", 401),
            (form, "name=&password=", 401),
            (form, "name=em%00ma&password=a+long+password", 401),
            (json, r#"{"name":"emily","password":"a long password"}"#, 401),
            (form, "name=emma", 400),
            (form, "name=emma&name=emma&password=a+long+password", 400),
            (json, r#"{"name":"emma"}"#, 400),
            (json, r#"{"name":"emma","name":"emma","password":"a long password"}"#, 400),
            (json, r#"{"name":"emma","password":7}"#, 400),
            (json, r#"["emma","a long password"]"#, 400),
            (json, "", 400),
            ("text/plain", "name=emma&password=a+long+password", 415),
        ] {
            let reply = ask(post(kind), body).await;
            assert_eq!(reply.status(), status, "{body}");
            let challenged =
                reply.fields().any(|(name, value)| (name, value) == ("www-authenticate", "Bearer realm=\"r\""));
            assert_eq!(challenged, status == 401, "{body}");
            assert!(status == 415 || reply.fields().any(|field| field == ("cache-control", "no-store")), "{body}");
        }
    }

    #[tokio::test]
    async fn another_site_signs_nobody_in() {
        let head = post("application/json").with("host", "a.example").with("sec-fetch-site", "cross-site");
        assert_eq!(ask(head, r#"{"name":"emma","password":"a long password"}"#).await.status(), 403);
    }
}
