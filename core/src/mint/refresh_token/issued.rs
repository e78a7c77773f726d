//! What is handed out: [`IssuedTokens`].

use std::{fmt, time::Duration};

use crate::{
    mint::access_token::{IssuedToken, endpoint::answer},
    principal::Scopes,
    response::Reply,
    secret::MintedToken,
};

/// An access token and a refresh token that were just handed out. [`reply`](Self::reply) hands them to the client.
#[must_use]
pub struct IssuedTokens {
    pub(super) access: IssuedToken,
    pub(super) refresh: MintedToken,
    pub(super) subject: Box<str>,
    pub(super) scopes: Scopes,
    pub(super) family: Box<str>,
}

impl IssuedTokens {
    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.access.text
    }

    /// The refresh token, shown this once.
    #[must_use]
    pub fn refresh_token(&self) -> &str {
        self.refresh.reveal()
    }

    /// How long the access token is good.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.access.life
    }

    /// Whose they are.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What they may be used for at this moment.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The answer of RFC 6749 §5.1, not to be stored.
    pub fn reply(&self) -> Reply {
        answer(&self.access, Some(self.refresh.reveal()), &self.scopes)
    }
}

impl fmt::Debug for IssuedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTokens").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}
