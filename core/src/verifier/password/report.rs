//! What a look at all stored hashes found: [`HashReport`].

use std::fmt;

use super::{HashLimits, fault::HashFault, stored::Stored};
use crate::store::StoredHash;

/// So many rows are named; of the others only the number is kept.
const NAMED: usize = 1000;

/// What [`Passwords::check`](super::Passwords::check) found. It prints as a sentence, without names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashReport {
    listed: u64,
    without_password: u64,
    unreadable: u64,
    rows: Vec<UnreadableHash>,
}

/// A row whose hash cannot be verified: whoever it belongs to is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableHash {
    name: Box<str>,
    why: HashFault,
}

impl HashReport {
    /// How many rows the store listed. None at all may mean that it lists none: see
    /// [`PasswordStore::hashes`](crate::store::PasswordStore::hashes).
    #[must_use]
    pub fn listed(&self) -> u64 {
        self.listed
    }

    /// How many say that there is no password (nothing, `!…`, `*…`): they are as they should be.
    #[must_use]
    pub fn without_password(&self) -> u64 {
        self.without_password
    }

    /// How many cannot be verified.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Those that cannot be verified, the first thousand of them, in the store's order.
    #[must_use]
    pub fn rows(&self) -> &[UnreadableHash] {
        &self.rows
    }

    pub(super) fn add(&mut self, row: &StoredHash, limits: &HashLimits) {
        self.listed += 1;
        match Stored::read(row.hash(), limits) {
            Ok(Some(_)) => {}
            Ok(None) => self.without_password += 1,
            Err(why) => {
                self.unreadable += 1;
                if self.rows.len() < NAMED {
                    self.rows.push(UnreadableHash { name: row.name().into(), why });
                }
            }
        }
    }
}

impl UnreadableHash {
    /// The name of the row, as the store gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong with it.
    #[must_use]
    pub fn why(&self) -> HashFault {
        self.why
    }
}

impl fmt::Display for HashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listed, without_password, unreadable, .. } = self;
        write!(
            f,
            "of {listed} stored password hashes {unreadable} cannot be verified, and {without_password} say that there is none"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_thousand_are_named_and_all_are_counted() {
        let mut report = HashReport::default();
        for number in 0..1500 {
            report.add(&StoredHash::new(number.to_string(), "null"), &HashLimits::default());
        }
        report.add(&StoredHash::new("locked", "!"), &HashLimits::default());
        assert_eq!((report.listed(), report.unreadable(), report.without_password()), (1501, 1500, 1));
        assert_eq!((report.rows().len(), report.rows()[999].name()), (1000, "999"));
        assert_eq!(
            report.to_string(),
            "of 1501 stored password hashes 1500 cannot be verified, and 1 say that there is none"
        );
    }
}
