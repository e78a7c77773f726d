//! An app that verifies a credential by itself: [`Gate::verify`].

use std::{any::Any, sync::Arc};

use super::{
    Gate,
    admission::{Admission, TRIES, Verdict},
    case::{Case, Finished},
    grant::Grant,
    realm::Realm,
    scheme::voided,
    verification::Progress,
};
use crate::{
    cache::Outcome,
    credential::Extract,
    request::{ClientInfo, RequestHead, RequestView, Wants},
    response::{Reason, Rejection},
};

impl<P: Send + Sync + 'static> Gate<P> {
    /// Goes on if no other site's page made this request: for a handler of the app's own that hands out something which browsers send by
    /// themselves, such as a sign-in by another service's word, or a sign-up. A [`ClientInfo`] is head enough. See
    /// [`origin`](crate::request::origin).
    ///
    /// ```
    /// # use countersign::{Gate, request::ClientInfo, response::Rejection};
    /// async fn sign_up(gate: &Gate<String>, from: &ClientInfo) -> Result<(), Rejection> {
    ///     gate.from_own_site(from)?;
    ///     // … then make the user, and begin a session
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// The refusal, 403.
    pub fn from_own_site(&self, head: &dyn RequestHead) -> Result<(), Rejection> {
        let request = RequestView::new(head, None, self.shared.realm.proxies());
        match self.shared.realm.origins().another_site_made(&request) {
            true => Err(self.shared.realm.refuse_page_of(&request)),
            false => Ok(()),
        }
    }

    /// The refusal of a credential that such a handler has found wrong: 401, with the challenges of this gate.
    pub fn not_good(&self, head: &dyn RequestHead) -> Rejection {
        let request = RequestView::new(head, None, self.shared.realm.proxies());
        let takes = self.demands.takes.as_slice();
        self.refusing(takes, &request).unknown_caller(takes.first().copied(), None)
    }

    /// Verifies a credential of one of the gate's kinds that an app has by means of its own, such as a form: by the verifier of that kind,
    /// under the same throttle, queue and deadline as a guard has it verified, and judged by the same policies. Nothing of it is kept.
    ///
    /// # Errors
    /// The refusal, as a guard gives it: 401, 429, 503, or 403 of a policy or where a secret came in the clear; 500 if the gate does not
    /// take that kind, or a policy names a path parameter, of which there are none here.
    ///
    /// # Example
    /// ```
    /// use countersign::{
    ///     Basic, Gate, Grant, credential::BasicCredential, request::ClientInfo, response::Rejection,
    /// };
    ///
    /// async fn sign_in(
    ///     gate: &Gate<String>,
    ///     name: String,
    ///     password: String,
    ///     from: &ClientInfo,
    /// ) -> Result<Grant<String>, Rejection> {
    ///     gate.verify(&Basic, BasicCredential::new(name, password.as_str()), from).await
    /// }
    /// ```
    pub async fn verify<E>(&self, kind: &E, credential: E::Credential, from: &ClientInfo) -> Result<Grant<P>, Rejection>
    where
        E: Extract,
        E::Credential: Clone + Sync,
    {
        let wants: Wants = from.wants();
        let taken = self.demands.takes.iter().copied().find(|place| self.shared.named(*place, kind.scheme()));
        let Some((place, scheme)) = taken.and_then(|place| Some((place, self.shared.schemes.get(place)?))) else {
            let sentence = format!(
                "this gate does not take the scheme {:?}, of which a credential is to be verified",
                kind.scheme()
            );
            return Err(self.shared.realm.fault(&sentence, wants));
        };
        // What covers a request is begun again never: see `covers`.
        let tries = if scheme.covers().is_empty() { TRIES } else { 0 };
        let in_the_clear = kind.needs_secure_channel() && !from.is_secure();
        for _ in 0..=tries {
            let credential = credential.clone();
            let progress = if in_the_clear {
                seen_in_the_clear(kind, credential, &self.shared.realm, from)
            } else {
                let again = Box::new(move || Box::new(credential.clone()) as Box<dyn Any + Send>);
                scheme.verify_again(again, from.address(), self.shared.realm.cache())
            };
            let outcome = match progress {
                Progress::Done(outcome) => outcome,
                Progress::Waits(waiting) => waiting.await,
            };
            if self.was_revoked(&outcome) {
                continue;
            }
            let case = Case::with_outcome(self.shared.number, place, outcome);
            let mut admission = self.conclude(Finished::of(case), from, None);
            loop {
                match admission {
                    Admission::Decided(Verdict::Admitted(grant)) => return Ok(grant),
                    Admission::Decided(Verdict::Rejected(rejection)) => return Err(rejection),
                    Admission::Decided(Verdict::Anonymous) => return Err(self.shared.realm.fault_of_nobody()),
                    Admission::Pending(pending) => admission = self.conclude(pending.await, from, None),
                    Admission::Body(_) => return Err(self.cannot_read(from, None)),
                }
            }
        }
        Err(self.shared.realm.refuse(Reason::Unavailable, wants))
    }
}

/// As a guard does with a secret that must not travel in the clear.
fn seen_in_the_clear<E: Extract, P: Send + 'static>(
    kind: &E,
    credential: E::Credential,
    realm: &Arc<Realm>,
    from: &ClientInfo,
) -> Progress<P> {
    match kind.seen_in_the_clear(credential) {
        None => Progress::Done(Outcome::InTheClear),
        Some(voiding) => Progress::Waits(Box::pin(voided(voiding, Arc::clone(realm), from.address()))),
    }
}
