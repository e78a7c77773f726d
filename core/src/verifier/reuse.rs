//! For how long a verifier lets its answers be reused, and how it has wrong tries counted: what verifiers of several kinds are set up by.

use std::time::Duration;

use super::{Answer, Kept};
#[cfg(any(feature = "password", feature = "remote", feature = "ldap"))]
use super::{Terms, queue::Queue};
#[cfg(any(feature = "password", feature = "remote", feature = "ldap"))]
use crate::throttle::{Account, Throttle};

/// How long a cache may reuse an answer, if at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reuse(pub(super) Option<Duration>);

impl Reuse {
    /// Unless an app says otherwise.
    pub(super) const A_MINUTE: Self = Self(Some(Duration::from_secs(60)));

    pub(super) fn kept(self) -> Kept {
        if self.0.is_some() { Kept::Always } else { Kept::Never }
    }

    pub(super) fn limit<P>(self, answer: Answer<P>) -> Answer<P> {
        answer.kept_for(self.0)
    }
}

/// How a verifier that asks somebody else about a name and a password is set up, whoever that is.
#[cfg(any(feature = "password", feature = "remote", feature = "ldap"))]
#[derive(Debug, Clone)]
pub(super) struct Tries {
    /// Who counts wrong ones, if anybody does.
    pub(super) throttle: Option<Throttle>,
    pub(super) reuse: Reuse,
}

#[cfg(any(feature = "password", feature = "remote", feature = "ldap"))]
impl Tries {
    pub(super) fn terms(&self, queue: &std::sync::Arc<Queue>) -> Terms {
        Terms {
            kept: self.reuse.kept(),
            queue: std::sync::Arc::clone(queue),
            throttle: self.throttle.clone(),
            issuers: Vec::new(),
        }
    }

    /// Under which name a try counts: under none where nobody is asked, since that can be sent by the thousand, and must not use up the tries
    /// of a name.
    pub(super) fn account(&self, name: &str, is_asked: bool) -> Option<Account> {
        let throttle = self.throttle.as_ref()?;
        Some(if is_asked { throttle.account(name) } else { Account::of_no_name() })
    }
}

#[cfg(any(feature = "password", feature = "remote", feature = "ldap"))]
impl Default for Tries {
    fn default() -> Self {
        Self { throttle: Some(Throttle::default()), reuse: Reuse::A_MINUTE }
    }
}
