//! What a verifier says: [`Answer`].

use std::{error::Error, time::Duration};

use crate::{principal::Verified, store::First, unavailable::Unavailable};

/// A verifier's answer to one credential.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "yes, no, and no answer, told or untold, are all there is")]
pub enum Answer<P> {
    /// The credential is good.
    Verified(Verified<P>),
    /// It is not. Deliberately without a reason: unknown and wrong must read alike.
    Refused,
    /// It was not held against anything, because what is stored for it cannot be read: nobody's fault who sends it, and an outage for
    /// one. The client is answered as for [`Refused`](Self::Refused), or it could tell that something is stored; but no throttle
    /// counts it and no cache keeps it. Whoever answers so sees to it that it costs what a refusal costs, and that an operator hears
    /// of it.
    Unjudged,
    /// It could not be found out.
    Unavailable(Unavailable),
}

impl<P> From<Verified<P>> for Answer<P> {
    fn from(verified: Verified<P>) -> Self {
        Self::Verified(verified)
    }
}

impl<P> Answer<P> {
    /// Refused, and why, for the log at DEBUG. The client learns nothing of it. Say it in words of the app's own: nothing of the credential,
    /// and of what a stranger sent nothing that could break a line.
    pub fn refused(why: &str) -> Self {
        tracing::debug!(target: "countersign", why, "a credential was refused");
        Self::Refused
    }

    /// The answer of a look-up: found, not there, or failed.
    pub fn of_lookup<E: Into<Box<dyn Error + Send + Sync>>>(found: Result<Option<Verified<P>>, E>) -> Self {
        match found {
            Ok(Some(verified)) => Self::Verified(verified),
            Ok(None) => Self::refused("the look-up finds nothing"),
            Err(error) => Self::Unavailable(Unavailable::because(error)),
        }
    }

    /// The same answer, which a cache may reuse for so long, if it is good: see [`Verified::kept_for`].
    pub fn kept_for(self, life: Option<Duration>) -> Self {
        match (self, life) {
            (Self::Verified(verified), Some(life)) => Self::Verified(verified.kept_for(life)),
            (answer, _) => answer,
        }
    }

    /// The same answer about another view of the principal.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Answer<Q> {
        match self {
            Self::Verified(verified) => Answer::Verified(verified.map(change)),
            Self::Refused => Answer::Refused,
            Self::Unjudged => Answer::Unjudged,
            Self::Unavailable(source) => Answer::Unavailable(source),
        }
    }
}

impl First {
    /// As an answer to a credential that is good once, and was found good for `verified`: refused if it was seen, and no answer where
    /// there is none. The last thing to ask, and once: see [`ReplayStore`](crate::store::ReplayStore).
    ///
    /// A verifier that answers so lets no answer be [kept](crate::Verify::terms), else its cache would let the second one in.
    ///
    /// ```
    /// # use std::time::SystemTime;
    /// # use countersign::{Answer, Verified, store::ReplayStore};
    /// # async fn verify(replay: &dyn ReplayStore, nonce: &[u8], until: SystemTime) -> Answer<&'static str> {
    /// // the signature is right, the time too, and all that it must cover is covered
    /// replay
    ///     .first("/hawk dh37fgj492je", nonce, until)
    ///     .await
    ///     .answer(Verified::new("emma").with_subject("emma"))
    /// # }
    /// ```
    pub fn answer<P>(self, verified: Verified<P>) -> Answer<P> {
        match self.passes() {
            Ok(true) => Answer::Verified(verified),
            Ok(false) => Answer::refused("it was used before, and is good once"),
            Err(source) => Answer::Unavailable(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_is_new_is_verified() {
        let retry_after = Duration::from_secs(7);
        for (first, expected) in [
            (First::New, "emma"),
            (First::Seen, "refused"),
            (First::Full { retry_after }, "later"),
            (First::Unavailable(Unavailable::busy(retry_after)), "later"),
        ] {
            let text = format!("{first:?}");
            let said = match first.answer(Verified::new("emma")) {
                Answer::Verified(verified) => *verified.principal(),
                Answer::Refused => "refused",
                Answer::Unavailable(source) if source.retry_after() == Some(retry_after) => "later",
                Answer::Unjudged | Answer::Unavailable(_) => "something else",
            };
            assert_eq!(said, expected, "{text}");
        }
    }
}
