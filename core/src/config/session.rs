//! How long sessions last, and what they are bound to: [`SessionOptions`].
#![cfg(feature = "mint")]

use std::time::Duration;

use serde::Deserialize;

use super::units;
use crate::mint::session::Sessions;

/// The rules of [`Sessions`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionOptions {
    /// After how long without use one ends: 30 minutes.
    #[serde(deserialize_with = "units::span")]
    pub idle: Duration,
    /// After how long one ends at the latest: 12 hours.
    #[serde(deserialize_with = "units::span")]
    pub longest: Duration,
    /// The same for who asks to be remembered; nobody may, if nothing is said.
    pub remembered: Option<RememberedOptions>,
    /// How many one subject has at most: 1,000.
    #[serde(deserialize_with = "units::one_or_more")]
    pub most: u32,
    /// Whether the agent must stay the one with which it began: no.
    pub bound_to_agent: bool,
    /// How many leading bits of the address must stay, of IPv4 and of IPv6; all may change, if nothing is said.
    pub bound_to_network: Option<(u8, u8)>,
}

/// How long the sessions last of who asked to be remembered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RememberedOptions {
    /// After how long without use one ends.
    #[serde(deserialize_with = "units::span")]
    pub idle: Duration,
    /// After how long one ends at the latest.
    #[serde(deserialize_with = "units::span")]
    pub longest: Duration,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            longest: Duration::from_secs(12 * 60 * 60),
            remembered: None,
            most: 1000,
            bound_to_agent: false,
            bound_to_network: None,
        }
    }
}

impl SessionOptions {
    /// These sessions, under these rules.
    #[must_use]
    pub fn rule<P: Send + Sync + 'static>(&self, sessions: Sessions<P>) -> Sessions<P> {
        let sessions =
            sessions.ending_after(self.idle, self.longest).at_most(usize::try_from(self.most).unwrap_or(usize::MAX));
        let sessions = match &self.remembered {
            Some(life) => sessions.remembering_for(life.idle, life.longest),
            None => sessions,
        };
        let sessions = if self.bound_to_agent { sessions.bound_to_agent() } else { sessions };
        match self.bound_to_network {
            Some((v4, v6)) => sessions.bound_to_network(v4, v6),
            None => sessions,
        }
    }
}
