//! Tables of credentials that are known at start-up: machine accounts, development, tests.
//!
//! Nothing is compared with `==`: a table holds keyed hashes, and the hash of what was sent is looked up or compared in constant
//! time. An unknown name costs what a wrong password costs.
//!
//! # Example
//! ```
//! use countersign::{
//!     Basic, Bearer, Gate, Verified,
//!     verifier::{PasswordTable, TokenTable},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::in_realm("machines")
//!     .accept(
//!         Bearer,
//!         TokenTable::new().with(
//!             "a-long-random-token",
//!             Verified::new("backup").with_scopes("reports:read".parse()?),
//!         ),
//!     )
//!     .accept(
//!         Basic,
//!         PasswordTable::new().with("printer", "a long password", Verified::new("printer")),
//!     )
//!     .build()?;
//! # let _ = gate; Ok(()) }
//! ```
//!
//! # What it does not do
//! Passwords of people belong in a store, as Argon2id hashes.

use std::{collections::HashMap, fmt};

use async_trait::async_trait;
use subtle::ConstantTimeEq;

use super::{Answer, Verify};
use crate::{
    credential::{BasicCredential, TokenCredential},
    principal::Verified,
    secret::random::random_bytes,
};

type Digest = [u8; 32];

/// Tokens and whom they name. See the [module](self).
pub struct TokenTable<P> {
    key: Digest,
    rows: HashMap<Digest, Verified<P>>,
}

/// Names, passwords and whom they name. See the [module](self).
pub struct PasswordTable<P> {
    key: Digest,
    rows: HashMap<Box<str>, (Digest, Verified<P>)>,
}

impl<P: Clone> TokenTable<P> {
    /// An empty table: it refuses everything.
    #[must_use]
    pub fn new() -> Self {
        Self { key: random_bytes(), rows: HashMap::new() }
    }

    /// Adds a token. One that is there already is replaced.
    #[must_use]
    pub fn with(mut self, token: &str, verified: Verified<P>) -> Self {
        self.rows.insert(digest(&self.key, token.as_bytes()), verified);
        self
    }

    fn answer(&self, credential: &TokenCredential) -> Answer<P> {
        match self.rows.get(&digest(&self.key, credential.token().expose())) {
            Some(verified) => verified.clone().into(),
            None => Answer::refused("the table has no such token"),
        }
    }
}

impl<P: Clone> PasswordTable<P> {
    /// An empty table: it refuses everything.
    #[must_use]
    pub fn new() -> Self {
        Self { key: random_bytes(), rows: HashMap::new() }
    }

    /// Adds a name. One that is there already is replaced.
    #[must_use]
    pub fn with(mut self, name: &str, password: &str, verified: Verified<P>) -> Self {
        self.rows.insert(name.into(), (digest(&self.key, password.as_bytes()), verified));
        self
    }

    fn answer(&self, credential: &BasicCredential) -> Answer<P> {
        let sent = digest(&self.key, credential.password().expose());
        let row = self.rows.get(credential.name());
        // No digest is all zeros, so that an unknown name is compared like a known one and never equals.
        let stored = row.map_or([0; 32], |(stored, _)| *stored);
        let equal: bool = stored.ct_eq(&sent).into();
        match row.filter(|_| equal) {
            Some((_, verified)) => verified.clone().into(),
            None => Answer::refused("the table has no such name, or another password"),
        }
    }
}

#[async_trait]
impl<P: Clone + Send + Sync + 'static> Verify<TokenCredential> for TokenTable<P> {
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        Some(self.answer(credential))
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        self.answer(&credential)
    }
}

#[async_trait]
impl<P: Clone + Send + Sync + 'static> Verify<BasicCredential> for PasswordTable<P> {
    type Principal = P;

    fn verify_now(&self, credential: &BasicCredential) -> Option<Answer<P>> {
        Some(self.answer(credential))
    }

    async fn verify(&self, credential: BasicCredential) -> Answer<P> {
        self.answer(&credential)
    }
}

impl<P: Clone> Default for TokenTable<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Clone> Default for PasswordTable<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for TokenTable<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenTable").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for PasswordTable<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordTable").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

fn digest(key: &Digest, bytes: &[u8]) -> Digest {
    *blake3::keyed_hash(key, bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<C: Send + 'static>(
        verifier: &impl Verify<C, Principal = &'static str>,
        credential: &C,
    ) -> Option<&'static str> {
        match verifier.verify_now(credential) {
            Some(Answer::Verified(verified)) => Some(*verified.principal()),
            _ => None,
        }
    }

    #[test]
    fn a_token_names_its_row_alone() {
        let table = TokenTable::new().with("abc", Verified::new("a")).with("abd", Verified::new("b"));
        for (token, expected) in [("abc", Some("a")), ("abd", Some("b")), ("ab", None), ("abcd", None), ("ABC", None)] {
            assert_eq!(names(&table, &TokenCredential::read(token.as_bytes()).unwrap()), expected, "{token}");
        }
    }

    #[test]
    fn a_password_opens_its_own_name_alone() {
        let table = PasswordTable::new().with("a", "one", Verified::new("a")).with("b", "", Verified::new("b"));
        for (name, password, expected) in [
            ("a", "one", Some("a")),
            ("a", "", None),
            ("a", "two", None),
            ("b", "", Some("b")),
            ("b", "one", None),
            ("c", "one", None),
            ("", "", None),
            ("A", "one", None),
        ] {
            assert_eq!(names(&table, &BasicCredential::new(name, password)), expected, "{name}:{password}");
        }
    }
}
