//! Names and passwords that an LDAP server knows, such as OpenLDAP or Active Directory: [`LdapLogin`].
//!
//! - Whoever can bind with a password is who they say. The name becomes a DN by a [pattern](LdapLoginBuilder::for_names_as), or is
//!   [searched](LdapLoginBuilder::searching) for as a reader of the application's own; what is special in it is escaped either way, and a name
//!   that fits two entries is nobody's.
//! - An empty password is refused unasked: a server takes it for a visitor who says no name, and says yes.
//! - A result of 0 is yes; that there is no such entry, or the password is wrong or may not be used, is no; and **everything else is no answer**:
//!   a referral, an error, a timeout.
//! - The [groups](LdapLoginBuilder::with_groups_below) that have somebody as a member can be their roles.
//! - It is asked over TLS, by `ldaps` or StartTLS; in the clear only on this very machine, and if that is said.
//! - It counts wrong passwords as [`Passwords`](crate::verifier::Passwords) do, and a cache remembers a yes for a minute.
//!
//! # Example
//! ```
//! use countersign::{Basic, Gate, Secret, Verified, verifier::ldap::LdapLogin};
//!
//! fn gate(password: Secret) -> Result<Gate<String>, Box<dyn std::error::Error>> {
//!     let company = LdapLogin::at("ldaps://ldap.example")
//!         .reading_as("cn=people,dc=example,dc=com", password)
//!         .searching("ou=users,dc=example,dc=com", "uid")
//!         .with_groups_below("ou=groups,dc=example,dc=com");
//!     let company = company.principal_by(|user| {
//!         Some(
//!             Verified::new(user.name().to_owned())
//!                 .with_subject(user.name())
//!                 .with_roles(user.groups()),
//!         )
//!     })?;
//!     Ok(Gate::in_realm("people").accept(Basic, company).build()?)
//! }
//! ```
//!
//! # What it does not do
//! It changes nothing there, and follows no referrals. Groups of groups are not resolved; with Active Directory search for
//! `userPrincipalName` or `sAMAccountName`.

mod address;
mod connection;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use thiserror::Error;

use self::{
    address::Address,
    connection::{Connections, Found},
};
use crate::{
    credential::BasicCredential,
    principal::Verified,
    secret::Secret,
    throttle::{Account, Throttle},
    unavailable::Unavailable,
    verifier::{
        Answer, QueueLimits, Terms, Verify,
        queue::Queue,
        reuse::{Reuse, Tries},
    },
};

/// The longest password, in bytes.
const LONGEST_PASSWORD: usize = 1024;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;
/// What stands for the name in a pattern.
const PLACE: &str = "{}";

type Principal<P> = dyn Fn(&LdapUser) -> Option<Verified<P>> + Send + Sync;

/// Verifies names and passwords by an LDAP server. See the [module](self).
pub struct LdapLogin<P> {
    connections: Connections,
    way: Way,
    groups: Option<Box<str>>,
    principal: Box<Principal<P>>,
    tries: Tries,
    queue: Arc<Queue>,
}

/// A login that is being set up; [`LdapLogin::at`] begins one.
#[must_use]
pub struct LdapLoginBuilder {
    address: Box<str>,
    is_in_the_clear: bool,
    roots: Option<Box<str>>,
    reader: Option<(Box<str>, Secret)>,
    way: Option<Way>,
    groups: Option<Box<str>>,
    tries: Tries,
}

/// How a name leads to an entry.
#[derive(Debug)]
enum Way {
    /// What stands before the name, and behind it.
    Pattern(Box<str>, Box<str>),
    Search {
        base: Box<str>,
        attribute: Box<str>,
    },
}

/// Somebody whom the server let bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapUser {
    name: Box<str>,
    dn: Box<str>,
    groups: Vec<Box<str>>,
}

/// Why a login cannot be set up.
#[derive(Error)]
#[non_exhaustive]
pub enum LdapSetupError {
    /// The address is none that may be asked.
    #[error("the LDAP server {address:?} cannot be asked: {why}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no certificate in the roots, or one that cannot be read.
    #[error("the certificate authorities of the LDAP server cannot be read")]
    Roots,
    /// The operating system trusts nobody.
    #[error("the operating system has no certificates")]
    NoRoots,
    /// Neither a pattern nor a search says which entry a name means.
    #[error("say which entry a name means: by for_names_as or by searching")]
    NoWay,
    /// A pattern must have one place for the name.
    #[error("{0:?} must hold {{}} once, where the name belongs")]
    Pattern(String),
    /// An attribute's name is a letter, and letters, digits and hyphens.
    #[error("{0:?} is no attribute")]
    Attribute(String),
}

crate::sentence::prints_its_sentence!(LdapSetupError);

impl LdapUser {
    /// The name: where it was searched for as its entry writes it, since servers compare without case; else as it was sent.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The entry.
    #[must_use]
    pub fn dn(&self) -> &str {
        &self.dn
    }

    /// The names (`cn`) of the groups that have the entry as a member, if groups are looked for.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &str> {
        self.groups.iter().map(AsRef::as_ref)
    }
}

impl LdapLogin<()> {
    /// The server at this address: `ldaps://…`, or `ldap://…`, which is asked with StartTLS.
    pub fn at(address: &str) -> LdapLoginBuilder {
        LdapLoginBuilder {
            address: address.into(),
            is_in_the_clear: false,
            roots: None,
            reader: None,
            way: None,
            groups: None,
            tries: Tries::default(),
        }
    }
}

impl LdapLoginBuilder {
    /// Sends passwords in the clear. Only to this very machine: to any other address it cannot be built.
    pub fn in_the_clear(mut self) -> Self {
        self.is_in_the_clear = true;
        self
    }

    /// Trusts the certificate authorities in this PEM, and nobody else; without it those of the operating system.
    pub fn trusting_only(mut self, roots: &str) -> Self {
        self.roots = Some(roots.into());
        self
    }

    /// Searches as this entry. Without it as nobody, which many servers do not answer.
    pub fn reading_as(mut self, dn: &str, password: Secret) -> Self {
        self.reader = Some((dn.into(), password));
        self
    }

    /// A name means the entry that has it as this attribute, anywhere below this one.
    pub fn searching(mut self, base: &str, attribute: &str) -> Self {
        self.way = Some(Way::Search { base: base.into(), attribute: attribute.into() });
        self
    }

    /// A name means this entry, with the name in place of `{}`, such as `uid={},ou=users,dc=example,dc=com`.
    pub fn for_names_as(mut self, pattern: &str) -> Self {
        let (before, after) = pattern.split_once(PLACE).unwrap_or((pattern, PLACE));
        self.way = Some(Way::Pattern(before.into(), after.into()));
        self
    }

    /// Looks for groups below this entry: those that name the user as `member`, `uniqueMember` or, by the name, as `memberUid`.
    pub fn with_groups_below(mut self, base: &str) -> Self {
        self.groups = Some(base.into());
        self
    }

    /// Counts wrong passwords here, together with whatever else is counted by this throttle.
    pub fn throttled_by(mut self, throttle: Throttle) -> Self {
        self.tries.throttle = Some(throttle);
        self
    }

    /// Lets everyone guess as fast as the server answers: right where the server itself counts.
    pub fn without_throttle(mut self) -> Self {
        self.tries.throttle = None;
        self
    }

    /// How long a cache may reuse a yes: a minute unless set here. `None` asks each time.
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.tries.reuse = Reuse(life);
        self
    }

    /// Lets in whom the server lets bind, as whom this says; `None` for nobody. The server is not asked yet: an application starts without it.
    ///
    /// # Errors
    /// When the address is none that may be asked, the certificates cannot be read, or nothing says which entry a name means.
    pub fn principal_by<P>(
        self,
        principal: impl Fn(&LdapUser) -> Option<Verified<P>> + Send + Sync + 'static,
    ) -> Result<LdapLogin<P>, LdapSetupError> {
        let Self { address, is_in_the_clear, roots, reader, way, groups, tries } = self;
        let way = way.ok_or(LdapSetupError::NoWay)?;
        way.check()?;
        let address = Address::read(&address, is_in_the_clear)
            .map_err(|why| LdapSetupError::Address { address: address.to_string(), why })?;
        let connections = Connections::to(address, roots.as_deref(), reader)?;
        let queue = Queue::new(QueueLimits::at_once(32));
        Ok(LdapLogin { connections, way, groups, principal: Box::new(principal), tries, queue })
    }
}

impl Way {
    fn check(&self) -> Result<(), LdapSetupError> {
        match self {
            Self::Pattern(before, after) if before.contains(PLACE) || after.contains(PLACE) => {
                Err(LdapSetupError::Pattern(format!("{before}{after}")))
            }
            Self::Search { attribute, .. } if !is_attribute(attribute) => {
                Err(LdapSetupError::Attribute(attribute.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn is_attribute(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether this can be asked at all: an empty password would be a visitor's, who is let in.
fn may_be_asked(name: &str, password: &[u8]) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && !name.chars().any(char::is_control)
        && (1..=LONGEST_PASSWORD).contains(&password.len())
}

impl<P: Send + Sync + 'static> LdapLogin<P> {
    /// Who this is, if the server says so.
    async fn user(&self, credential: &BasicCredential) -> Result<Option<LdapUser>, Unavailable> {
        let (name, password) = (credential.name(), credential.password());
        let Some(text) = std::str::from_utf8(password.expose()).ok().filter(|_| may_be_asked(name, password.expose()))
        else {
            return Ok(None);
        };
        let found = match &self.way {
            Way::Pattern(before, after) => {
                let dn = format!("{before}{}{after}", ldap3::dn_escape(name));
                Found::One { dn: dn.into(), name: name.into() }
            }
            Way::Search { base, attribute } => self.connections.find(base, attribute, name).await?,
        };
        let (dn, name, is_known) = match found {
            Found::One { dn, name } => (dn, name, true),
            // A bind that cannot succeed takes as long as one that does not.
            Found::None(base) => (format!("cn={},{base}", ldap3::dn_escape(name)).into(), name.into(), false),
        };
        if !self.connections.lets_bind(&dn, text).await? || !is_known {
            return Ok(None);
        }
        let groups = match &self.groups {
            None => Vec::new(),
            Some(base) => {
                let (dn, name) = (ldap3::ldap_escape(&*dn), ldap3::ldap_escape(&*name));
                let filter = format!("(|(member={dn})(uniqueMember={dn})(memberUid={name}))");
                self.connections.names(base, &filter).await?
            }
        };
        Ok(Some(LdapUser { name, dn, groups }))
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<BasicCredential> for LdapLogin<P> {
    type Principal = P;

    async fn verify(&self, credential: BasicCredential) -> Answer<P> {
        let answer = match self.user(&credential).await {
            Ok(user) => user.and_then(|user| (self.principal)(&user)).map_or(Answer::Refused, Answer::Verified),
            Err(source) => Answer::Unavailable(source),
        };
        self.tries.reuse.limit(answer)
    }

    fn terms(&self) -> Terms {
        self.tries.terms(&self.queue)
    }

    fn account(&self, credential: &BasicCredential) -> Option<Account> {
        let is_asked = may_be_asked(credential.name(), credential.password().expose());
        self.tries.account(credential.name(), is_asked)
    }
}

impl<P> fmt::Debug for LdapLogin<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapLogin").field("way", &self.way).field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl fmt::Debug for LdapLoginBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapLoginBuilder").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_up_wrongly_is_said() {
        let at = |address: &str| LdapLogin::at(address).in_the_clear();
        let built = |builder: LdapLoginBuilder| builder.principal_by(|_| Some(Verified::new(()))).map(drop);
        assert!(built(at("ldap://127.0.0.1").for_names_as("uid={},dc=a")).is_ok());
        assert!(matches!(built(at("ldap://127.0.0.1")), Err(LdapSetupError::NoWay)));
        for pattern in ["uid=,dc=a", "uid={},ou={}", ""] {
            let error = built(at("ldap://127.0.0.1").for_names_as(pattern));
            assert!(matches!(error, Err(LdapSetupError::Pattern(_))), "{pattern}");
        }
        for attribute in ["", "u id", "uid)(x=", "1", "uid="] {
            let error = built(at("ldap://127.0.0.1").searching("dc=a", attribute));
            assert!(matches!(error, Err(LdapSetupError::Attribute(_))), "{attribute}");
        }
        for roots in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let error = built(LdapLogin::at("ldaps://ldap.example").trusting_only(roots).searching("dc=a", "uid"));
            assert!(matches!(error, Err(LdapSetupError::Roots)), "{roots}");
        }
        assert!(matches!(built(at("ldap://10.0.0.1").searching("dc=a", "uid")), Err(LdapSetupError::Address { .. })));
    }

    #[test]
    fn what_is_never_asked_uses_up_no_tries_of_a_name() {
        let login = LdapLogin::at("ldap://127.0.0.1").in_the_clear().for_names_as("uid={},dc=a");
        let login = login.principal_by(|_| Some(Verified::new(()))).unwrap();
        let account = |password: String| login.account(&BasicCredential::new("emma", Secret::new(password))).unwrap();
        for password in [String::new(), "x".repeat(LONGEST_PASSWORD + 1)] {
            assert_eq!(account(password), Account::of_no_name());
        }
        assert_ne!(account("x".repeat(LONGEST_PASSWORD)), Account::of_no_name());
    }

    #[test]
    fn what_a_server_would_take_for_a_visitor_is_not_asked() {
        let long = "x".repeat(LONGEST_PASSWORD + 1);
        for (name, password, may) in [
            ("emma", "a", true),
            ("emma", "", false),
            ("", "a", false),
            ("em\0ma", "a", false),
            ("emma\n", "a", false),
            ("emma", &long, false),
            ("\u{e9}mma*)(", "a", true),
        ] {
            assert_eq!(may_be_asked(name, password.as_bytes()), may, "{name:?}");
        }
    }
}
