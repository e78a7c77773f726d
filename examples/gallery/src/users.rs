//! Who the gallery knows.

use countersign::Verified;

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
