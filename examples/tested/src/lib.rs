//! One small app in each framework, whose tests are somebody without signing in: see the how-to, "Testing a handler".

pub mod actix_app;
pub mod axum_app;
pub mod rocket_app;

use std::{error::Error, sync::Arc, time::Duration};

use countersign::{
    Bearer, CredentialCache, Gate, KeyRing, SignedCookie, Unavailable, Verified, async_trait,
    gate::policy::{role, signed_in_within},
    mint::session::Sessions,
    store::{Directory, MemorySessions},
    verifier::TokenTable,
};

/// Who may be asking.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// By which they sign in.
    pub name: String,
}

impl User {
    /// The user of this name.
    #[must_use]
    pub fn called(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

/// Knows everybody, as a table of users would know some.
struct Everybody;

#[async_trait]
impl Directory<User> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<User>>, Unavailable> {
        Ok(Some(Verified::new(User::called(subject)).with_subject(subject)))
    }
}

/// The gates of the app, as it runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Gates {
    /// Sessions, and tokens.
    pub all: Gate<User>,
    /// Admins, by a session alone.
    pub admins: Gate<User>,
    /// Whoever signed in within five minutes, by a session alone.
    pub just_signed_in: Gate<User>,
    /// What a callback begins for whom another service has verified.
    pub sessions: Sessions<User>,
}

impl Gates {
    /// As the app is put together.
    ///
    /// # Errors
    /// When a gate could not work.
    pub fn build() -> Result<Self, Box<dyn Error>> {
        let cache = CredentialCache::default();
        let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody))
            .by(SignedCookie::named("session", KeyRing::random()))
            .revoking(&cache);
        let all = Gate::in_realm("tested")
            .accept(Bearer, TokenTable::new())
            .accept(sessions.cookie(), sessions.clone())
            .cached(cache)
            .build()?;
        let by_session = all.only(["cookie"])?;
        let just_signed_in = by_session.require(signed_in_within(Duration::from_secs(300)));
        Ok(Self { admins: by_session.require(role("admin")), just_signed_in, all, sessions })
    }
}
