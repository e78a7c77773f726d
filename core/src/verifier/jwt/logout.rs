//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4): [`LogoutTokens`].
//!
//! - Signed by a key of the issuer, with `iss`, `aud` and `exp` as every token; `typ` is `logout+jwt`, `JWT` or absent.
//! - `iat` is five minutes old at most, and a minute ahead at most.
//! - `events` is an object with the member `http://schemas.openid.net/event/backchannel-logout`, whose value is an object. No ID token has it.
//! - `sub` or `sid` or both, no `nonce`: an ID token that was asked for with one is never a logout token.
//! - `jti` passes once. That is asked last. One whose sessions could not be ended passes again, because its issuer tries again: three times at
//!   most.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde::de::IgnoredAny;

use super::{JwtVerifier, Rules, TrustedIssuer, claims::Claims};
use crate::{
    clock::SharedClock,
    credential::TokenCredential,
    jose::{JwtSetupError, members::Members},
    principal::{Binding, Verified},
    store::{First, ReplayStore},
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const OLDEST: Duration = Duration::from_secs(300);
const AHEAD: Duration = Duration::from_secs(60);

/// Verifies logout tokens. What it names is whose sessions are over. See the [module](self).
pub struct LogoutTokens {
    rules: Rules,
    replay: Arc<dyn ReplayStore>,
}

/// Whose sessions are over: one of a subject, one, or all of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    issuer: Box<str>,
    subject: Option<Box<str>>,
    session: Option<Box<str>>,
}

impl Logout {
    /// Who says so.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether it ends the session of this id (`sid`) of this subject of that issuer: if it names the session, the subject, or both, and whatever it
    /// names is that session's.
    #[must_use]
    pub fn ends(&self, subject: &str, session: Option<&str>) -> bool {
        self.subject.as_deref().is_none_or(|named| named == subject)
            && self.session.as_deref().is_none_or(|named| Some(named) == session)
    }

    /// The subject, if it is named.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The session, if it is named.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

/// How often the sessions that a token names are tried to be ended.
const TRIES: u8 = 4;

/// A try to end what a token names.
#[derive(Debug)]
pub(crate) struct Ending {
    once: Once,
    number: u8,
}

impl Ending {
    pub(crate) fn logout(&self) -> &Logout {
        &self.once.logout
    }
}

/// What is left to ask of a token.
#[derive(Debug, Clone)]
struct Once {
    logout: Logout,
    id: Box<str>,
    until: SystemTime,
}

impl LogoutTokens {
    /// Those of this issuer, for its audience, each once.
    ///
    /// # Errors
    /// As [`principal_by`](super::JwtVerifierBuilder::principal_by), and when the issuer has no name.
    pub fn of(issuer: TrustedIssuer, replay: Arc<dyn ReplayStore>) -> Result<Self, JwtSetupError> {
        if issuer.name().is_none() {
            return Err(JwtSetupError::NoKey { issuer: String::new() });
        }
        let verifier = JwtVerifier::trusting(issuer).principal_by(|_, verified| verified.into())?;
        let rules = Rules { types: vec!["logout+jwt".into(), "jwt".into()], ..verifier.rules };
        Ok(Self { rules, replay })
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.rules.clock = clock;
        self
    }

    /// A try to end what this token names; `None` if it is no good, or its sessions were ended before, or are being ended now.
    pub(crate) async fn begin(&self, credential: &TokenCredential) -> Result<Option<Ending>, Unavailable> {
        let once = match self.judge(credential.token().expose()).await {
            Answer::Verified(verified) => verified.principal().clone(),
            Answer::Unavailable(source) => return Err(source),
            Answer::Refused | Answer::Unjudged => return Ok(None),
        };
        for number in 0..TRIES {
            if self.is_first(&once, number).await.passes()? {
                return Ok(Some(Ending { once, number }));
            }
        }
        Ok(None)
    }

    /// What the token named has ended: it passes no more.
    pub(crate) async fn done(&self, ending: Ending) {
        for number in ending.number + 1..TRIES {
            // It has ended, whatever the store says now.
            let _ = self.is_first(&ending.once, number).await;
        }
    }

    async fn is_first(&self, Once { logout, id, until }: &Once, number: u8) -> First {
        let mut key = id.as_bytes().to_vec();
        if number > 0 {
            // No id holds the first of these bytes, because it is text.
            key.extend([0xff, number]);
        }
        self.replay.first(&format!("logout {}", logout.issuer()), &key, *until).await
    }

    async fn judge(&self, token: &[u8]) -> Answer<Once> {
        let now = self.rules.clock.wall();
        let once = |claims: &Claims<'_>, verified: Verified<()>| match read(claims, &verified, now) {
            Some(once) => verified.map(|()| once).into(),
            None => Answer::refused("it is no logout token, or an old one"),
        };
        match self.rules.answer(token, &once).await {
            Answer::Verified(verified) if *verified.binding() != Binding::Nothing => Answer::Refused,
            answer => answer,
        }
    }
}

fn read(claims: &Claims<'_>, verified: &Verified<()>, now: SystemTime) -> Option<Once> {
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs());
    let (issued, seconds) = (since(claims.issued()?)?, since(now)?);
    if issued > seconds + AHEAD.as_secs() || seconds > issued.saturating_add(OLDEST.as_secs()) {
        return None;
    }
    let Members(events) = claims.get("events").ok()??;
    events.get(EVENT)?.as_object()?;
    if claims.get::<IgnoredAny>("nonce").ok()?.is_some() {
        return None;
    }
    let session = claims.get::<String>("sid").ok()?;
    if session.as_deref() == Some("") || (session.is_none() && claims.subject().is_none()) {
        return None;
    }
    let id = claims.id().filter(|id| !id.is_empty())?;
    // The first moment from which it is refused for its age.
    let old = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(issued.checked_add(OLDEST.as_secs() + 1)?))?;
    let until = verified.ends().map_or(old, |ends| ends.min(old));
    let logout = Logout {
        issuer: claims.issuer()?.into(),
        subject: claims.subject().map(Into::into),
        session: session.map(Into::into),
    };
    Some(Once { logout, id: id.into(), until })
}

#[async_trait]
impl Verify<TokenCredential> for LogoutTokens {
    type Principal = Logout;

    async fn verify(&self, credential: TokenCredential) -> Answer<Logout> {
        match self.judge(credential.token().expose()).await {
            Answer::Verified(verified) => {
                let once = verified.principal();
                self.is_first(once, 0).await.answer(Verified::new(once.logout.clone()))
            }
            Answer::Unavailable(source) => Answer::Unavailable(source),
            Answer::Refused | Answer::Unjudged => Answer::Refused,
        }
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.rules.clock)
    }
}

impl fmt::Debug for LogoutTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutTokens").field("rules", &self.rules).finish_non_exhaustive()
    }
}
