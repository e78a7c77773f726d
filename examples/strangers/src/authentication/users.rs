//! Who may sign in. `examples/own-users` has a table in their place.

use countersign::{Scopes, Unavailable, Verified, async_trait, store::Directory, verifier::PasswordTable};

/// Name, password, and what their tokens may be for.
const USERS: [(&str, &str, [&str; 2]); 2] = [
    ("emily", "a word of emily", ["reports:read", "images:read"]),
    ("emma", "a word of emma", ["images:read", "images:read"]),
];

/// The users, by name.
pub(crate) struct Users;

pub(crate) fn passwords() -> PasswordTable<String> {
    USERS.iter().fold(PasswordTable::new(), |table, (name, password, _)| {
        table.with(name, password, Verified::new((*name).to_owned()).with_subject(*name))
    })
}

#[async_trait]
impl Directory<String> for Users {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        let Some((name, _, scopes)) = USERS.iter().find(|(name, ..)| *name == subject) else { return Ok(None) };
        let scopes = Scopes::of(*scopes).map_err(Unavailable::because)?;
        Ok(Some(Verified::new((*name).to_owned()).with_subject(*name).with_scopes(scopes)))
    }
}
