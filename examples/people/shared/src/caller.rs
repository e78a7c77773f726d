//! Whom a grant names, and a caller as JSON.

use std::time::SystemTime;

use countersign::Grant;
use serde::Serialize;

/// Whom a grant names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    name: Box<str>,
}

impl User {
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.into() }
    }

    /// The name, as the user signs in by it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Serialize)]
pub(crate) struct Caller<'g> {
    name: &'g str,
    scheme: &'g str,
    roles: Vec<&'g str>,
    scopes: Vec<&'g str>,
    expires_at: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct WhoAmI<'g> {
    pub(crate) caller: Option<Caller<'g>>,
}

impl<'g> Caller<'g> {
    pub(crate) fn of(grant: &'g Grant<User>) -> Self {
        Self {
            name: grant.name(),
            scheme: grant.scheme(),
            roles: grant.roles().iter().map(|role| &**role).collect(),
            scopes: grant.scopes().iter().collect(),
            expires_at: grant.named_end().map(rfc3339),
        }
    }
}

/// In UTC, to the second.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let stamp = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    stamp.unwrap_or(jiff::Timestamp::MAX).to_string()
}
