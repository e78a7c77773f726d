//! Names and passwords that somebody else knows, by an HTTP login that they run: [`HttpLogin`].
//!
//! - The login is asked with Basic, or with a JSON form such as CouchDB's `_session`. A status of 2xx is yes, 401 and 403 are no, and **everything
//!   else is no answer**: a redirect, an error, a timeout.
//! - An empty password is refused unasked, and with Basic a name with a colon, which would read as another name.
//! - Who it is, and what they may, is looked up among the application's users by the name that was sent.
//! - It counts wrong passwords as [`Passwords`](crate::verifier::Passwords) do, and a cache remembers a yes for a minute.
//!
//! # Example
//! ```
//! use countersign::{Basic, Gate, store::Directory, verifier::remote::HttpLogin};
//! use std::sync::Arc;
//!
//! fn gate(users: Arc<dyn Directory<String>>) -> Result<Gate<String>, Box<dyn std::error::Error>> {
//!     let couch = HttpLogin::form_at("https://couch.example/_session", ["name", "password"])
//!         .for_users_in(users)?;
//!     Ok(Gate::in_realm("people").accept(Basic, couch).build()?)
//! }
//! ```
//!
//! # What it does not do
//! It does not keep what the login answers: a cookie of it is thrown away.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{HttpClient, HttpRequest, RemoteSetupError, WebClient, address::Address};
use crate::{
    credential::BasicCredential,
    secret::Secret,
    store::Directory,
    throttle::{Account, Throttle},
    unavailable::Unavailable,
    verifier::{
        Answer, QueueLimits, Terms, Verify,
        queue::Queue,
        reuse::{Reuse, Tries},
    },
};

/// The longest answer that is read, and thrown away.
const LONGEST: usize = 64 << 10;
/// The longest password, in bytes.
const LONGEST_PASSWORD: usize = 1024;

/// Verifies names and passwords by asking a login over HTTP. See the [module](self).
pub struct HttpLogin<P> {
    address: Address,
    form: Form,
    client: Box<dyn HttpClient>,
    users: Arc<dyn Directory<P>>,
    tries: Tries,
    queue: Arc<Queue>,
}

/// A login that is being set up; [`HttpLogin::basic_at`] and [`HttpLogin::form_at`] begin one.
#[derive(Debug)]
#[must_use]
pub struct HttpLoginBuilder {
    address: Box<str>,
    form: Form,
    client: Option<Box<dyn HttpClient>>,
    tries: Tries,
}

/// How the name and the password are sent.
#[derive(Debug)]
enum Form {
    Basic,
    Json { name: Box<str>, password: Box<str> },
}

impl HttpLogin<()> {
    /// A login that is asked with GET and Basic.
    pub fn basic_at(address: &str) -> HttpLoginBuilder {
        HttpLoginBuilder::new(address, Form::Basic)
    }

    /// A login that is asked with POST and a JSON object, which has the name and the password under these two names.
    pub fn form_at(address: &str, [name, password]: [&str; 2]) -> HttpLoginBuilder {
        HttpLoginBuilder::new(address, Form::Json { name: name.into(), password: password.into() })
    }
}

impl HttpLoginBuilder {
    fn new(address: &str, form: Form) -> Self {
        Self { address: address.into(), form, client: None, tries: Tries::default() }
    }

    /// Asks through this client.
    pub fn through(mut self, client: impl HttpClient) -> Self {
        self.client = Some(Box::new(client));
        self
    }

    /// Counts wrong passwords here, together with whatever else is counted by this throttle.
    pub fn throttled_by(mut self, throttle: Throttle) -> Self {
        self.tries.throttle = Some(throttle);
        self
    }

    /// Lets everyone guess as fast as the login answers: right where the login itself counts.
    pub fn without_throttle(mut self) -> Self {
        self.tries.throttle = None;
        self
    }

    /// How long a cache may reuse a yes: a minute unless set here. `None` asks each time.
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.tries.reuse = Reuse(life);
        self
    }

    /// Lets in whom the login knows and who is among these users.
    ///
    /// # Errors
    /// When the address is none that may be called, or no client can be made.
    pub fn for_users_in<P>(self, users: Arc<dyn Directory<P>>) -> Result<HttpLogin<P>, RemoteSetupError> {
        let Self { address, form, client, tries } = self;
        let address =
            Address::read(&address).map_err(|why| RemoteSetupError::Login { address: address.to_string(), why })?;
        let client = match client {
            Some(client) => client,
            None => Box::new(if address.is_plain() { WebClient::local()? } else { WebClient::new()? }),
        };
        Ok(HttpLogin { address, form, client, users, tries, queue: Queue::new(QueueLimits::at_once(32)) })
    }
}

impl<P: Send + Sync + 'static> HttpLogin<P> {
    /// Whether there is a way to ask about this.
    fn may_be_asked(&self, credential: &BasicCredential) -> bool {
        let password = credential.password().expose();
        let can_be_written = match &self.form {
            Form::Basic => !credential.name().contains(':'),
            Form::Json { .. } => std::str::from_utf8(password).is_ok(),
        };
        (1..=LONGEST_PASSWORD).contains(&password.len()) && can_be_written
    }

    /// What is sent, if it can be.
    fn request(&self, credential: &BasicCredential) -> Option<HttpRequest> {
        if !self.may_be_asked(credential) {
            return None;
        }
        let (name, password) = (credential.name(), credential.password().expose());
        let address = self.address.as_str();
        match &self.form {
            Form::Basic => {
                let pair = [name.as_bytes(), b":", password].concat();
                Some(HttpRequest::get_with(address, Secret::new(format!("Basic {}", STANDARD.encode(pair))), LONGEST))
            }
            Form::Json { name: called, password: secret } => {
                let password = std::str::from_utf8(password).ok()?;
                let body = json!({ &**called: name, &**secret: password }).to_string();
                Some(HttpRequest::post_json(address, Secret::new(body), LONGEST))
            }
        }
    }

    async fn ask(&self, credential: &BasicCredential) -> Result<Option<bool>, Unavailable> {
        let Some(request) = self.request(credential) else { return Ok(Some(false)) };
        Ok(match self.client.send(request).await?.status() {
            200..=299 => Some(true),
            401 | 403 => Some(false),
            _ => None,
        })
    }

    async fn decide(&self, credential: &BasicCredential) -> Result<Answer<P>, Unavailable> {
        match self.ask(credential).await? {
            Some(true) => Ok(self.users.find(credential.name()).await?.map_or(Answer::Refused, Answer::Verified)),
            Some(false) => Ok(Answer::refused("the service elsewhere refuses name and password")),
            None => Err(Unavailable::because("the login says neither yes nor no")),
        }
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<BasicCredential> for HttpLogin<P> {
    type Principal = P;

    async fn verify(&self, credential: BasicCredential) -> Answer<P> {
        self.tries.reuse.limit(self.decide(&credential).await.unwrap_or_else(Answer::Unavailable))
    }

    fn terms(&self) -> Terms {
        self.tries.terms(&self.queue)
    }

    fn account(&self, credential: &BasicCredential) -> Option<Account> {
        self.tries.account(credential.name(), self.may_be_asked(credential))
    }
}

impl<P> fmt::Debug for HttpLogin<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLogin").field("address", &self.address).field("form", &self.form).finish_non_exhaustive()
    }
}
