//! A name and a password that come in a body: verified as a guard verifies them, for whatever begins with a sign-in.

use std::sync::Arc;

use crate::{
    cache::{CredentialCache, Entry, Outcome},
    credential::BasicCredential,
    gate::verification::{Again, Presented, Verification},
    observe::audit::About,
    request::ClientInfo,
    response::{Reason, Rejection},
    unavailable::{RETRY_AFTER_OUTAGE, Unavailable},
    verifier::Verify,
};

/// How often a sign-in is begun again because what it found was revoked meanwhile.
pub(crate) const TRIES: usize = 3;

/// A verifier of passwords behind a form.
pub(crate) struct FormPasswords<V>(Arc<Verification<BasicCredential, Arc<V>>>);

impl<V> FormPasswords<V> {
    pub(crate) fn of<P>(passwords: Arc<V>) -> Self
    where
        P: Send + Sync + 'static,
        V: Verify<BasicCredential, Principal = P>,
    {
        Self(Verification::of("sign-in", passwords))
    }

    /// Who has this name and this password; else why not, without challenges. A form is remembered by nothing: each sign-in asks the verifier.
    pub(crate) async fn known<P>(
        &self,
        credential: &BasicCredential,
        from: &ClientInfo,
        cache: &CredentialCache,
    ) -> Result<Arc<Entry<P>>, Rejection>
    where
        P: Send + Sync + 'static,
        V: Verify<BasicCredential, Principal = P>,
    {
        // As in `Basic`: nobody is called so, and a store may fail on it, which would be no refusal.
        if credential.name().chars().any(char::is_control) {
            return Err(Rejection::new(Reason::BadCredential).saying("its name holds a control character"));
        }
        let again = credential.clone();
        let presented = Presented {
            credential: credential.clone(),
            again: Some(move || Box::new(move || Some(again.clone())) as Again<BasicCredential>),
            ends: None,
            fingerprint: None,
            address: from.address(),
        };
        match self.0.outcome(presented, cache).await {
            Outcome::Good { entry, .. } => Ok(entry),
            Outcome::Refused { .. } | Outcome::Unjudged | Outcome::InTheClear => {
                let why = "nobody has this name and this password, or the stored hash cannot be read";
                Err(Rejection::new(Reason::BadCredential).saying(why))
            }
            Outcome::Throttled(later) => {
                let mut rejection = Rejection::new(Reason::TooManyTries).saying(later.why());
                rejection.parts().retry_after = Some(later.duration());
                Err(rejection)
            }
            Outcome::Unavailable(source) => Err(no_answer(&source)),
        }
    }
}

/// The refusal of whoever cannot sign in because something has no answer.
pub(crate) fn no_answer(source: &Unavailable) -> Rejection {
    tracing::warn!(target: "countersign", "nobody can sign in at the moment: {source}");
    let mut rejection = Rejection::new(Reason::Unavailable).saying("something that signs in has no answer");
    rejection.parts().retry_after = Some(source.retry_after().unwrap_or(RETRY_AFTER_OUTAGE));
    rejection
}

/// The same, where a password was revoked each time that it was found good.
pub(crate) fn revoked_each_time() -> Rejection {
    no_answer(&Unavailable::because("revoked during a sign-in, again and again"))
}

/// A sign-in, as an audit is told of it.
pub(crate) fn about<'a>(from: &'a ClientInfo, subject: Option<&'a str>) -> About<'a> {
    from.about("sign-in", subject)
}
