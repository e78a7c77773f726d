//! A kind of credential and its verifier, seen without their types.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use crate::{
    challenge::Challenge,
    credential::{Extract, Nature, Sightings},
    request::{Field, RequestHead, field},
    verify::{Answer, Unavailable, Verify},
};

/// What a gate knows of a scheme.
pub(super) trait Scheme<P>: Send + Sync {
    fn name(&self) -> &str;
    fn shared_name(&self) -> Arc<str>;
    /// Drawn when the verifier was handed over, and never again in this process.
    fn number(&self) -> u64;
    fn nature(&self) -> Nature;
    fn fields(&self) -> Vec<Field>;
    fn parameter(&self) -> Option<&str>;
    /// Whether caches know by themselves that answers to it are not for everybody.
    fn only_in_authorization(&self) -> bool;
    fn locate<'h>(&'h self, head: &'h dyn RequestHead, sightings: &mut Sightings<'h>);
    fn begin(&self, raw: &[u8]) -> Begun<P>;
    fn challenge(&self, head: &dyn RequestHead) -> Option<Challenge>;
    fn clear(&self, head: &dyn RequestHead) -> Option<String>;
    fn faults(&self) -> Vec<String>;
    fn verifications(&self) -> u64;
}

/// How far a verification got on the spot.
pub(super) enum Begun<P> {
    Malformed,
    Now(Answer<P>),
    Later(Pin<Box<dyn Future<Output = Answer<P>> + Send>>),
}

pub(super) struct Accepted<E, V> {
    name: Arc<str>,
    number: u64,
    only_in_authorization: bool,
    extract: E,
    verifier: Arc<V>,
    verifications: AtomicU64,
}

impl<E: Extract, V> Accepted<E, V> {
    pub(super) fn new(extract: E, verifier: V) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            name: extract.scheme().into(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            only_in_authorization: extract.fields() == [field::AUTHORIZATION.clone()],
            extract,
            verifier: Arc::new(verifier),
            verifications: AtomicU64::new(0),
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

    fn number(&self) -> u64 {
        self.number
    }

    fn nature(&self) -> Nature {
        self.extract.nature()
    }

    fn fields(&self) -> Vec<Field> {
        self.extract.fields()
    }

    fn parameter(&self) -> Option<&str> {
        self.extract.parameter()
    }

    fn only_in_authorization(&self) -> bool {
        self.only_in_authorization
    }

    fn locate<'h>(&'h self, head: &'h dyn RequestHead, sightings: &mut Sightings<'h>) {
        self.extract.locate(head, sightings);
    }

    fn begin(&self, raw: &[u8]) -> Begun<P> {
        let begun = catch_unwind(AssertUnwindSafe(|| {
            let Some(credential) = self.extract.read(raw) else { return Begun::Malformed };
            let ends = self.extract.ends(&credential);
            self.verifications.fetch_add(1, Ordering::Relaxed);
            if let Some(answer) = self.verifier.verify_now(&credential) {
                return Begun::Now(until(ends, answer));
            }
            let verifier = Arc::clone(&self.verifier);
            Begun::Later(Box::pin(async move { until(ends, verifier.verify(credential).await) }))
        }));
        match begun {
            Ok(Begun::Later(verification)) => Begun::Later(Box::pin(unless_it_panics(verification))),
            Ok(begun) => begun,
            Err(_) => Begun::Now(panicked()),
        }
    }

    fn challenge(&self, head: &dyn RequestHead) -> Option<Challenge> {
        self.extract.challenge(head)
    }

    fn clear(&self, head: &dyn RequestHead) -> Option<String> {
        self.extract.clear(head)
    }

    fn faults(&self) -> Vec<String> {
        self.extract.faults()
    }

    fn verifications(&self) -> u64 {
        self.verifications.load(Ordering::Relaxed)
    }
}

/// No answer outlives the credential that it is about.
fn until<P>(ends: Option<std::time::SystemTime>, answer: Answer<P>) -> Answer<P> {
    match (answer, ends) {
        (Answer::Verified(verified), Some(end)) => Answer::Verified(verified.not_after(end)),
        (answer, _) => answer,
    }
}

async fn unless_it_panics<P>(mut verification: Pin<Box<dyn Future<Output = Answer<P>> + Send>>) -> Answer<P> {
    std::future::poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| verification.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(panicked()),
    })
    .await
}

/// What a panic said may hold a credential, so it is not passed on; the panic hook has reported it already.
fn panicked<P>() -> Answer<P> {
    Answer::Unavailable(Unavailable::because("the verifier panicked"))
}
