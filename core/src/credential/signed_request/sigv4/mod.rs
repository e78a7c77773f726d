//! AWS Signature Version 4, in `Authorization` or presigned in the query: as services other than S3 have it.
//!
//! - Signed must be `host`, the date that is used, and each `x-amz-*` field that is sent. The list of signed names is in order, without doubles, and
//!   names nothing that was not sent.
//! - In a field a date may be 900 seconds off. Presigned, it is good from its date until `X-Amz-Expires`, at most a week. The date of the scope is
//!   that of the request.
//! - The path is normalised and encoded once more, the query is decoded, encoded in one way and sorted. A plus is a plus, not a blank.
//! - The hash of the body is the body's own, declared in `x-amz-content-sha256` or not. `UNSIGNED-PAYLOAD` is refused, but for presigned GET and
//!   HEAD, which then have no body.
//! - One signature passes once, but with GET and HEAD as often as it is good.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, Secret, Verified,
//!     adapter::Verdict,
//!     credential::signed_request::sigv4::{SigV4, SigV4Signer},
//!     store::{MemoryReplay, MemorySecrets, StoredSecret},
//!     testing::PlainHead,
//!     verifier::{Secrets, SignedBy},
//! };
//! use std::{sync::Arc, time::SystemTime};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
//! let known = MemorySecrets::new()
//!     .with("AKIDEXAMPLE", StoredSecret::new(key.clone(), Verified::new("emily")));
//! let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
//! let kind = SigV4::of("us-east-1", "service", Arc::new(MemoryReplay::default()));
//! let gate = Gate::in_realm("house").accept(kind, verifier).build()?;
//!
//! let signer = SigV4Signer::new("AKIDEXAMPLE", key, "us-east-1", "service");
//! let link = signer.presigned("GET", "/a?b=1", "house.example", 60, SystemTime::now());
//! let asked =
//!     |target: &str| PlainHead::get(target).with("host", "house.example").received_by(&gate);
//! assert!(matches!(asked(&link).verdict_at(&gate).await, Verdict::Admitted(_)));
//! assert!(matches!(
//!     asked(&link.replace("b=1", "b=2")).verdict_at(&gate).await,
//!     Verdict::Rejected(_)
//! ));
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It knows no session tokens and no chunked signatures: what comes with them is refused, or covered like any other field.
//!
//! # Deployment
//! A presigned link is good for whoever has it, and stands in logs and in what a browser tells the next site.
//! A proxy must leave path, query, `Host` and every field that is signed as they are; where it changes `Host`, the gate has to
//! [take its word](crate::gate::GateBuilder::behind).

mod canonical;
mod read;
mod signer;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::SystemTime};

pub use self::{read::SigV4Credential, signer::SigV4Signer};
use super::{hex, sha256, states_body};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{Confirm, Confirmation, Confirming, Covers, Extract, Occurrences, Raw, add_after_keyword},
    principal::Binding,
    request::{Field, RequestView, field, query},
    response::Challenge,
    secret::Secret,
    store::ReplayStore,
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const SIGNATURE: &str = "X-Amz-Signature";

/// How far a client's clock may be from ours, where the signature stands in a field.
const LEEWAY: u64 = 900;

/// `AWS4-HMAC-SHA256`, for one region and service. See the [module](self).
pub struct SigV4 {
    region: Box<str>,
    service: Box<str>,
    replay: Arc<dyn ReplayStore>,
    clock: SharedClock,
}

/// What the verifier hands over.
struct Accepted {
    credential: SigV4Credential,
    key: Secret,
}

impl SigV4 {
    /// For this region and service, whose signatures pass once by this store.
    #[must_use]
    pub fn of(region: &str, service: &str, replay: Arc<dyn ReplayStore>) -> Self {
        Self { region: region.into(), service: service.into(), replay, clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}

/// The signatures in the query, as sent.
fn presigned<'h>(request: &RequestView<'h>) -> impl Iterator<Item = &'h str> {
    let is_one = |(name, _): &(&str, &str)| query::percent_decoded(name) == SIGNATURE.as_bytes();
    canonical::pairs(request.query()).filter(is_one).map(|(_, raw)| raw)
}

impl Confirm for SigV4 {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let fits = |accepted: &&Accepted| {
            let Accepted { credential, key } = accepted;
            request.body().is_some_and(|body| credential.fits(key, body, &hex(&sha256(body))))
        };
        let Some(Accepted { credential, .. }) = binding.proof::<Accepted>().filter(fits) else {
            return Box::pin(async {
                Confirmation::not_shown_since("its hash of the body, or its signature, does not match")
            });
        };
        if matches!(credential.method(), "GET" | "HEAD") {
            return Box::pin(async { Confirmation::shown() });
        }
        let (replay, scope) = (Arc::clone(&self.replay), format!("sigv4 {}", credential.id));
        let (signature, until): (_, SystemTime) = (credential.signature.clone(), credential.ends);
        Box::pin(async move { replay.first(&scope, signature.as_bytes(), until).await.confirmation() })
    }

    fn needs_body(&self, binding: &Binding, request: &RequestView<'_>) -> bool {
        let of_nothing = |accepted: &Accepted| accepted.credential.is_of_no_body();
        binding.proof::<Accepted>().is_some_and(|accepted| !(of_nothing(accepted) && states_body(request)))
    }
}

impl Extract for SigV4 {
    type Credential = SigV4Credential;

    fn scheme(&self) -> &str {
        "sigv4"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        add_after_keyword(ALGORITHM, request, occurrences);
        presigned(request).for_each(|raw| occurrences.add(raw.as_bytes()));
    }

    fn stands_in_query(&self, request: &RequestView<'_>) -> bool {
        presigned(request).next().is_some()
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target, Covers::Authority, Covers::Fields, Covers::FieldNames, Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<SigV4Credential> {
        SigV4Credential::read(self, raw)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new(ALGORITHM)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn check(&self) -> Vec<String> {
        let fits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'/');
        let parts = [("region", &self.region), ("service", &self.service)];
        let wrong = parts.iter().filter(|(_, text)| !fits(text));
        wrong
            .map(|(part, text)| format!("the {part} {text:?} of SigV4, which must be printable ASCII without a slash"))
            .collect()
    }
}

impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigV4").field("region", &self.region).field("service", &self.service).finish_non_exhaustive()
    }
}
