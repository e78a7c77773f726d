//! Who is known, by which credentials, and the verifiers that tell.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, Grant, Unavailable, Verified, Verify, async_trait,
    credential::{BasicCredential, CookieCredential, TokenCredential},
    principal::Binding,
    verifier::{Kept, PasswordTable, Terms},
};

use super::{gate::now, ledger::Ledger};

/// A user of the conformance service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    name: String,
}

impl Person {
    /// Who is called so.
    pub(super) fn called(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A caller in one line: everything that a handler is told.
pub(super) fn introduce(grant: &Grant<Person>) -> String {
    let list = |items: Vec<&str>| if items.is_empty() { "none".to_owned() } else { items.join(" ") };
    let ends = grant.ends().map_or_else(
        || "never".to_owned(),
        |end| end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs().to_string(),
    );
    format!(
        "{} by {}; scopes {}; roles {}; ends {ends}",
        grant.name(),
        grant.scheme(),
        list(grant.scopes().iter().collect()),
        list(grant.roles().iter().map(AsRef::as_ref).collect()),
    )
}

/// The end of `emily-until-2100`: 2100-01-01.
const IN_2100: Duration = Duration::from_secs(4_102_444_800);

pub(super) fn person(name: &str, scopes: &str, roles: &[&str]) -> Verified<Person> {
    let scopes = scopes.parse().expect("scopes");
    Verified::new(Person::called(name)).with_subject(name).with_scopes(scopes).with_roles(roles.iter().copied())
}

pub(super) fn emily() -> Verified<Person> {
    person("emily", "reports:read", &["member"])
}

/// A binding to this network of 256 addresses.
fn network(address: [u8; 4]) -> Binding {
    Binding::AddressPrefix { network: address.into(), bits: 24 }
}

/// Names and passwords.
pub(super) struct Names {
    ledger: Arc<Ledger>,
    table: PasswordTable<Person>,
}

impl Names {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        let table = PasswordTable::new()
            .with("emily", "emily:s3cret", emily())
            .with("emma", "pässwörd-emma", person("emma", "reports:read", &["member"]))
            .with("jacob", "jacob-is-admin", person("jacob", "reports:read reports:write", &["member", "admin"]))
            .with("jürgen", "grüße", person("jürgen", "", &[]))
            .with("door", "", person("door", "", &[]));
        Self { ledger, table }
    }
}

#[async_trait]
impl Verify<BasicCredential> for Names {
    type Principal = Person;

    fn verify_now(&self, credential: &BasicCredential) -> Option<Answer<Person>> {
        self.ledger.verified("basic");
        self.table.verify_now(credential)
    }

    async fn verify(&self, _: BasicCredential) -> Answer<Person> {
        Answer::Refused
    }
}

/// Tokens and keys, with every kind of trouble a verifier can have.
pub(super) struct Tokens {
    ledger: Arc<Ledger>,
    scheme: &'static str,
}

impl Tokens {
    pub(super) fn new(scheme: &'static str, ledger: Arc<Ledger>) -> Self {
        Self { ledger, scheme }
    }
}

#[async_trait]
impl Verify<TokenCredential> for Tokens {
    type Principal = Person;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<Person>> {
        self.ledger.verified(self.scheme);
        let token = credential.token().expose();
        let verified = match token {
            b"emily-reads" => emily(),
            b"emily-writes" => person("emily", "reports:read reports:write", &[]),
            b"emma-reads" => person("emma", "reports:read", &["member"]),
            b"jacob-admin" => person("jacob", "reports:read reports:write", &["member", "admin"]),
            b"jacob-no-scopes" => person("jacob", "", &["admin"]),
            b"emily-until-2100" => emily().ending_at(SystemTime::UNIX_EPOCH + IN_2100),
            b"emily-ended" => emily().ending_at(now()),
            b"emily-bound" => emily().bound_to(Binding::KeyThumbprint([7; 32])),
            b"emily-here" => emily().bound_to(network([127, 0, 0, 0])),
            b"emily-elsewhere" => emily().bound_to(network([192, 0, 2, 0])),
            b"emily-by-agent" => emily().bound_to(Binding::Agent(Some("agent/1".into()))),
            b"outage" => return Some(Answer::Unavailable(Unavailable::because("the database is out"))),
            b"panic" => panic!("the verifier panics at once, as the case asks"),
            b"slow-yes" | b"slow-no" | b"slow-outage" | b"slow-panic" | b"slow-bound" => return None,
            _ if token.starts_with(b"person-") => person(&String::from_utf8_lossy(&token[b"person-".len()..]), "", &[]),
            _ => return Some(Answer::Refused),
        };
        Some(verified.into())
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<Person> {
        Patience(20_000).await;
        match credential.token().expose() {
            b"slow-yes" => emily().into(),
            b"slow-bound" => emily().bound_to(Binding::KeyThumbprint([7; 32])).into(),
            b"slow-outage" => Answer::Unavailable(Unavailable::because("the database is out")),
            b"slow-panic" => panic!("the verifier panics while it waits, as the case asks"),
            _ => Answer::Refused,
        }
    }
}

/// What session cookies hold: looked up slowly, and remembered by the gate's cache.
pub(super) struct Sessions {
    ledger: Arc<Ledger>,
}

impl Sessions {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger }
    }
}

#[async_trait]
impl Verify<CookieCredential> for Sessions {
    type Principal = Person;

    async fn verify(&self, credential: CookieCredential) -> Answer<Person> {
        self.ledger.verified("cookie");
        Patience::short().await;
        if credential.value().matches(b"emily-session") {
            person("emily", "reports:read reports:write", &["member"]).into()
        } else {
            Answer::Refused
        }
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

/// Lets others go first so many times: long enough for a body that has arrived to be read, on any runtime.
pub(super) struct Patience(u32);

impl Patience {
    /// Long enough to be waited for.
    pub(super) fn short() -> Self {
        Self(2_000)
    }
}

impl Future for Patience {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
