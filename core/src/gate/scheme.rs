//! A kind of credential and its verifier, seen without their types.

use std::{
    any::Any,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    realm::Realm,
    verification::{Again, Presented, Progress, Verification},
};
use crate::{
    cache::{CredentialCache, Outcome},
    credential::{Confirm, Covered, Covers, Extract, Occurrences, On, Rank, Raw, Sender, Voiding},
    request::{Field, RequestView, field},
    response::Challenge,
    secret::{
        Secret,
        fingerprint::{Fingerprint, VerifierNumber},
    },
    throttle::Throttle,
    unavailable::Unavailable,
    verifier::{Company, Issued, Verify, queue::sender},
};

/// What a gate knows of a scheme.
pub(super) trait Scheme<P>: Send + Sync {
    fn name(&self) -> &str;
    fn shared_name(&self) -> Arc<str>;
    /// Drawn when the verifier was handed over, and never again in this process.
    fn number(&self) -> VerifierNumber;
    fn on(&self) -> On;
    fn rank(&self) -> Rank;
    fn sender(&self) -> Sender;
    fn fields(&self) -> Vec<Field>;
    fn parameter(&self) -> Option<&str>;
    fn subprotocol(&self) -> Option<&str>;
    /// Whether caches know by themselves that answers to it are not for everybody.
    fn only_in_authorization(&self) -> bool;
    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>);
    /// The throttle that tries pass, cached or not.
    fn throttle(&self) -> Option<&Throttle>;
    /// Whose tokens its verifier says that it takes.
    fn issuers(&self) -> &[Issued];
    /// Whether it is worth a look into the cache.
    fn is_kept(&self) -> bool;
    /// What its credentials cover of the request. If it is anything, an answer is for its request alone.
    fn covers(&self) -> &[Covers];
    /// Whether the credential stands in the body.
    fn stands_in_body(&self, request: &RequestView<'_>) -> bool;
    /// Whether the credential stands in the query, and stays there.
    fn stands_in_query(&self, request: &RequestView<'_>) -> bool;
    /// Reads a credential of which nothing is known, and has it verified; without a fingerprint for this request alone.
    fn verify(
        &self,
        raw: Raw<'_>,
        fingerprint: Option<Fingerprint>,
        request: &RequestView<'_>,
        cache: &CredentialCache,
    ) -> Progress<P>;
    /// What confirms grants that are bound to more than a look can show.
    fn confirm(&self) -> Option<&dyn Confirm>;
    fn needs_secure_channel(&self) -> bool;
    fn bears_the_clear(&self, raw: Raw<'_>) -> bool;
    /// Has a credential voided that came in the clear, and refuses it.
    fn seen_in_the_clear(&self, raw: Raw<'_>, request: &RequestView<'_>, realm: &Arc<Realm>) -> Progress<P>;
    fn challenges(&self, request: &RequestView<'_>) -> Vec<Challenge>;
    /// Whether it asks everybody alike.
    fn asks_alike(&self) -> bool;
    /// Fields that say how to ask, beside the challenges.
    fn challenge_fields(&self, request: &RequestView<'_>) -> Vec<(&'static str, String)>;
    /// Has a credential verified that was not read from a request. `again` makes it, as often as it is needed, as the kind's own type.
    fn verify_again(
        &self,
        again: Box<dyn Fn() -> Box<dyn Any + Send> + Send + Sync>,
        address: Option<IpAddr>,
        cache: &CredentialCache,
    ) -> Progress<P>;
    fn clear(&self, request: &RequestView<'_>) -> Option<String>;
    /// What is wrong with the kind, and with its verifier beside it and this cache.
    fn check(&self, cache: Option<&CredentialCache>) -> Vec<String>;
    fn verifications(&self) -> u64;
    /// How many verifications run or wait for their turn.
    fn queued(&self) -> usize;
}

/// What follows from a secret that was seen in the clear, once it is void.
pub(super) async fn voided<P>(voiding: Voiding, realm: Arc<Realm>, address: Option<IpAddr>) -> Outcome<P> {
    match realm.tasks().run(sender(address), voiding).await.flatten() {
        Ok(()) => Outcome::InTheClear,
        Err(source) => Outcome::Unavailable(source),
    }
}

/// A copy of a raw credential, to be read again when its request is not at hand any more.
struct Kept(Vec<Secret>);

impl Kept {
    fn of(raw: Raw<'_>) -> Self {
        Self(raw.parts().map(Secret::new).collect())
    }

    fn read_by<E: Extract>(&self, extract: &E) -> Option<E::Credential> {
        let parts: Vec<&[u8]> = self.0.iter().map(Secret::expose).collect();
        extract.read(Raw::of_parts(&parts))
    }
}

pub(super) struct Accepted<E: Extract, V> {
    name: Arc<str>,
    number: VerifierNumber,
    only_in_authorization: bool,
    covers: Box<[Covers]>,
    extract: Arc<E>,
    verification: Arc<Verification<E::Credential, V>>,
}

impl<E: Extract, V: Verify<E::Credential>> Accepted<E, V> {
    pub(super) fn new(extract: E, verifier: V) -> Self {
        Self {
            name: extract.scheme().into(),
            number: VerifierNumber::draw(),
            only_in_authorization: extract.parameter().is_none() && extract.fields() == [field::AUTHORIZATION.clone()],
            covers: extract.covers().into(),
            verification: Verification::of(extract.scheme(), verifier),
            extract: Arc::new(extract),
        }
    }
}

impl<E, V, P> Scheme<P> for Accepted<E, V>
where
    E: Extract,
    V: Verify<E::Credential, Principal = P>,
    P: Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn number(&self) -> VerifierNumber {
        self.number
    }

    fn on(&self) -> On {
        self.extract.on()
    }

    fn rank(&self) -> Rank {
        self.extract.rank()
    }

    fn sender(&self) -> Sender {
        self.extract.sender()
    }

    fn fields(&self) -> Vec<Field> {
        self.extract.fields()
    }

    fn parameter(&self) -> Option<&str> {
        self.extract.parameter()
    }

    fn subprotocol(&self) -> Option<&str> {
        self.extract.subprotocol()
    }

    fn only_in_authorization(&self) -> bool {
        self.only_in_authorization
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        self.extract.locate(request, occurrences);
    }

    fn covers(&self) -> &[Covers] {
        &self.covers
    }

    fn stands_in_body(&self, request: &RequestView<'_>) -> bool {
        self.covers.contains(&Covers::Body) && self.extract.stands_in_body(request)
    }

    fn stands_in_query(&self, request: &RequestView<'_>) -> bool {
        self.extract.stands_in_query(request)
    }

    fn throttle(&self) -> Option<&Throttle> {
        self.verification.throttle()
    }

    fn issuers(&self) -> &[Issued] {
        self.verification.issuers()
    }

    fn is_kept(&self) -> bool {
        self.verification.is_kept()
    }

    fn verify(
        &self,
        raw: Raw<'_>,
        fingerprint: Option<Fingerprint>,
        request: &RequestView<'_>,
        cache: &CredentialCache,
    ) -> Progress<P> {
        let verify = || {
            let covered = Covered::of(request, &self.covers);
            let Some(credential) = self.extract.read(raw.covering(&covered)) else {
                let why = "it is malformed, or made by no key that is known";
                tracing::debug!(target: "countersign", scheme = &*self.name, why, "a credential was not read");
                return Progress::Done(Outcome::Refused { account: None });
            };
            let ends = self.extract.ends(&credential);
            // Copied for a verifier that waits alone.
            let copied = || {
                let (extract, raw) = (Arc::clone(&self.extract), Kept::of(raw));
                Box::new(move || raw.read_by(&*extract)) as Again<E::Credential>
            };
            let again = self.covers.is_empty().then_some(copied);
            let (fingerprint, address) = (fingerprint.filter(|_| again.is_some()), request.address());
            self.verification.begin(Presented { credential, again, ends, fingerprint, address }, cache)
        };
        catch_unwind(AssertUnwindSafe(verify)).unwrap_or_else(|_| {
            Progress::Done(Outcome::Unavailable(Unavailable::because("reading a credential panicked")))
        })
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        self.extract.confirm()
    }

    fn needs_secure_channel(&self) -> bool {
        self.extract.needs_secure_channel()
    }

    fn bears_the_clear(&self, raw: Raw<'_>) -> bool {
        self.extract.bears_the_clear(raw)
    }

    fn seen_in_the_clear(&self, raw: Raw<'_>, request: &RequestView<'_>, realm: &Arc<Realm>) -> Progress<P> {
        let voiding = || {
            let covered = Covered::of(request, &self.covers);
            let credential = self.extract.read(raw.covering(&covered))?;
            self.extract.seen_in_the_clear(credential)
        };
        match catch_unwind(AssertUnwindSafe(voiding)) {
            Ok(None) => Progress::Done(Outcome::InTheClear),
            Ok(Some(voiding)) => Progress::Waits(Box::pin(voided(voiding, Arc::clone(realm), request.address()))),
            Err(_) => Progress::Done(Outcome::Unavailable(Unavailable::because("reading a credential panicked"))),
        }
    }

    fn verify_again(
        &self,
        again: Box<dyn Fn() -> Box<dyn Any + Send> + Send + Sync>,
        address: Option<IpAddr>,
        cache: &CredentialCache,
    ) -> Progress<P> {
        let again = move || again().downcast::<E::Credential>().ok().map(|credential| *credential);
        let verify = || {
            let Some(credential) = again() else {
                let other = "the gate's kind of this name reads credentials of another type";
                return Progress::Done(Outcome::Unavailable(Unavailable::because(other)));
            };
            let ends = self.extract.ends(&credential);
            let again = self.covers.is_empty().then_some(|| Box::new(again) as Again<E::Credential>);
            self.verification.begin(Presented { credential, again, ends, fingerprint: None, address }, cache)
        };
        catch_unwind(AssertUnwindSafe(verify)).unwrap_or_else(|_| {
            Progress::Done(Outcome::Unavailable(Unavailable::because("reading a credential panicked")))
        })
    }

    fn challenges(&self, request: &RequestView<'_>) -> Vec<Challenge> {
        self.extract.challenges(request)
    }

    fn asks_alike(&self) -> bool {
        self.extract.asks_alike()
    }

    fn challenge_fields(&self, request: &RequestView<'_>) -> Vec<(&'static str, String)> {
        self.extract.challenge_fields(request)
    }

    fn clear(&self, request: &RequestView<'_>) -> Option<String> {
        self.extract.clear(request)
    }

    fn check(&self, cache: Option<&CredentialCache>) -> Vec<String> {
        let mut faults = self.extract.check();
        let parts = [Some(&*self.extract as &dyn Any), cache.map(|cache| cache as &dyn Any)];
        let reads = |raw: &[u8]| {
            let read = || self.extract.read(Raw::of_parts(&[raw]));
            Some(Box::new(catch_unwind(AssertUnwindSafe(read)).ok()??) as Box<dyn Any>)
        };
        faults.extend(self.verification.check(&Company::of(parts.into_iter().flatten(), &reads)));
        faults
    }

    fn verifications(&self) -> u64 {
        self.verification.calls()
    }

    fn queued(&self) -> usize {
        self.verification.queued()
    }
}
