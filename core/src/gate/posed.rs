//! Credentials that a test was given at this gate: see [`credential`](crate::testing::credential).

use std::sync::{LazyLock, Mutex, PoisonError};

use super::{Gate, UnknownScheme, grant::Grant};
use crate::{
    cache::{Outcome, Terms},
    principal::Verified,
    request::{Field, Occurrence, RequestView, Wants},
    secret::random::random_bytes,
    verifier::Answer,
};

/// The field by which such a credential comes.
pub(crate) const FIELD: &str = "countersign-test";

static READ: LazyLock<Option<Field>> = LazyLock::new(|| FIELD.parse().ok());

/// Those of one gate, each by a random text that nobody else knows.
pub(super) struct Posed<P>(Mutex<Vec<Pose<P>>>);

struct Pose<P> {
    text: String,
    /// The place of its scheme.
    place: usize,
    outcome: Outcome<P>,
}

impl<P> Default for Posed<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// The text by which a request is let in as whom this names, wherever this scheme is taken.
    pub(crate) fn pose(&self, scheme: &str, verified: Verified<P>) -> Result<String, UnknownScheme> {
        let (place, outcome) = (self.place_of(scheme)?, self.found_good(verified));
        let text: String = random_bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
        let pose = Pose { text: text.clone(), place, outcome };
        self.shared.posed.0.lock().unwrap_or_else(PoisonError::into_inner).push(pose);
        Ok(text)
    }

    /// A grant of this gate for whom this names.
    pub(crate) fn grant_for_test(
        &self,
        scheme: &str,
        verified: Verified<P>,
    ) -> Result<Option<Grant<P>>, UnknownScheme> {
        let place = self.place_of(scheme)?;
        let Outcome::Good { entry, stale } = self.found_good(verified) else { return Ok(None) };
        Ok(Some(Grant {
            known: entry,
            stale,
            scheme: self.shared.realm.scheme_name(place),
            realm: std::sync::Arc::clone(&self.shared.realm),
            wants: Wants { html: false, script: false },
            secure: false,
            refuses: std::sync::Arc::clone(&self.demands) as _,
            docket: None,
        }))
    }

    /// What this request shows of a test, if its scheme is taken here.
    pub(super) fn posed(&self, takes: &[usize], request: &RequestView<'_>) -> Option<(usize, Outcome<P>)> {
        let sent = match request.only(READ.as_ref()?) {
            Occurrence::Once(sent) => sent,
            Occurrence::Absent | Occurrence::Repeated => return None,
        };
        let posed = self.shared.posed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pose = posed.iter().find(|pose| pose.text.as_bytes() == sent)?;
        let counts = takes.contains(&pose.place) && self.admitted.is_none_or(|admitted| admitted == pose.place);
        // What was revoked since is refused, as its verifier would refuse it.
        counts.then(|| match self.was_revoked(&pose.outcome) {
            true => (pose.place, Outcome::Refused { account: None }),
            false => (pose.place, pose.outcome.clone()),
        })
    }

    fn place_of(&self, scheme: &str) -> Result<usize, UnknownScheme> {
        (0..self.shared.schemes.len())
            .find(|place| self.shared.named(*place, scheme))
            .ok_or_else(|| self.unknown(scheme))
    }

    /// As a verifier's answer is, that came now.
    fn found_good(&self, verified: Verified<P>) -> Outcome<P> {
        let mut answer = Some(Answer::from(verified));
        let terms = Terms { life: None, account: None };
        let decided = self.shared.realm.cache().decide_now(None, terms, || answer.take());
        decided.unwrap_or(Outcome::Refused { account: None })
    }
}
