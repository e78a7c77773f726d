//! Who the gallery knows.

use std::sync::Arc;

use countersign::{
    Answer, Verified, Verify,
    clock::SharedClock,
    credential::BasicCredential,
    throttle::{Account, Throttle, ThrottleLimits},
    verifier::{PasswordTable, Terms},
};

/// Number, name and password of each user.
const USERS: [(u64, &str, &str); 8] = [
    (5, "emily", "emily:s3cret"),
    (7, "emma", "pässwörd-emma"),
    (50, "jacob", "jacob-is-admin"),
    (51, "Mufasa", "Circle of Life"),
    (52, "Jäsøn Doe", "Secret, or not?"),
    (53, "bob", "taadtaadpstcsm"),
    (54, "alice", "secret"),
    (55, "root", "password"),
];

/// Whom a grant names: a user, or another party that a scheme knows by a name of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    name: Box<str>,
}

impl Caller {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// The passwords of all users, with a count of the wrong ones. Each route that takes passwords has its own: what is tried at one holds up no other.
pub(crate) struct Passwords {
    table: PasswordTable<Caller>,
    terms: Terms,
}

/// The passwords for one route.
pub(crate) fn passwords(clock: &SharedClock) -> Passwords {
    let table = USERS
        .iter()
        .fold(PasswordTable::new(), |table, (_, name, password)| table.with(name, password, verified(name)));
    let throttle = Throttle::new(&ThrottleLimits::default().timed_by(Arc::clone(clock)));
    Passwords { table, terms: Terms::new().throttled_by(throttle) }
}

#[countersign::async_trait]
impl Verify<BasicCredential> for Passwords {
    type Principal = Caller;

    fn verify_now(&self, credential: &BasicCredential) -> Option<Answer<Caller>> {
        self.table.verify_now(credential)
    }

    async fn verify(&self, credential: BasicCredential) -> Answer<Caller> {
        self.table.verify(credential).await
    }

    fn terms(&self) -> Terms {
        self.terms.clone()
    }

    fn account(&self, credential: &BasicCredential) -> Option<Account> {
        self.terms.throttle().map(|throttle| throttle.account(credential.name()))
    }
}

/// The user of this name as a caller, if there is one.
pub(crate) fn caller(name: &str) -> Option<Caller> {
    USERS.iter().find(|(_, known, _)| *known == name).map(|(_, name, _)| Caller { name: (*name).into() })
}

/// A caller of this name, verified.
pub(crate) fn verified(name: &str) -> Verified<Caller> {
    Verified::new(Caller { name: name.into() }).with_subject(name)
}

/// The user of this name, if there is one.
pub(crate) fn named(name: &str) -> Option<Verified<Caller>> {
    USERS.iter().find(|(_, known, _)| *known == name).map(|(_, name, _)| verified(name))
}

/// The user of this number, if there is one.
pub(crate) fn numbered(number: u64) -> Option<Verified<Caller>> {
    USERS.iter().find(|(known, ..)| *known == number).map(|(_, name, _)| verified(name))
}

/// Number, name and password of each user, for schemes that need passwords, and for who reads the terminal.
pub(crate) fn all() -> impl Iterator<Item = (u64, &'static str, &'static str)> {
    USERS.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_number_exactly() {
        assert_eq!(named("emma").unwrap().principal().name(), "emma");
        assert_eq!(numbered(50).unwrap().subject(), Some("jacob"));
        for name in ["", "Emma", "emma ", "mufasa"] {
            assert!(named(name).is_none(), "{name:?}");
        }
        assert!(numbered(0).is_none() && numbered(6).is_none());
    }
}
