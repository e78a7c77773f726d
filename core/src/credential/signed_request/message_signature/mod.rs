//! HTTP message signatures (RFC 9421): the client says which components of the request it signs, and by which key.
//!
//! - Covered must be `@method`, and `@target-uri` or `@authority`, `@path` and, if there is one, `@query`; and with a body `content-digest`.
//! - `keyid` and `created` are needed. `created` may be 300 seconds off, `expires` not past; `alg`, if it is given, is the key's; `tag`, if it is given, is
//!   ours; `nonce` passes once, and is needed where something may be changed.
//! - A component that comes twice, is unknown, or has a parameter that is not understood is refused, as is one that is not there.
//! - Signatures by keys that are unknown are not looked at; two by keys that are known are 400, because nobody may choose whose request it is.
//! - `Content-Digest` (RFC 9530): `sha-256` and `sha-512` count, one at least, and each that is there must fit. The body is hashed as it came.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, JwtSigner, Secret, Verified,
//!     adapter::Verdict,
//!     clock::SystemClock,
//!     credential::signed_request::message_signature::{
//!         MessageKeys, MessageSignature, MessageSigner,
//!     },
//!     store::MemoryReplay,
//!     testing::PlainHead,
//! };
//! use std::sync::Arc;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let signer = JwtSigner::fresh()?.with_id("key of emma");
//! let keys = MessageKeys::new().with("key of emma", signer.key(), Verified::new("emma"))?;
//! let gate = Gate::in_realm("house")
//!     .accept(MessageSignature::new("house", Arc::new(MemoryReplay::default())), keys)
//!     .build()?;
//!
//! let signed = MessageSigner::new("key of emma", signer).sign(
//!     "GET",
//!     "http://house.example/a?b",
//!     &SystemClock::shared(),
//! );
//! let signed = signed.ok_or("it can be signed")?;
//! let sent = |target: &str| {
//!     let head = PlainHead::get(target).with("host", "house.example");
//!     head.with("signature-input", &signed.input)
//!         .with("signature", &signed.signature)
//!         .received_by(&gate)
//! };
//! assert!(matches!(sent("/a?b").verdict_at(&gate).await, Verdict::Admitted(_)));
//! assert!(matches!(sent("/a?c").verdict_at(&gate).await, Verdict::Rejected(_)));
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It knows nothing of signed responses, and no components of requests behind responses (`;req`) or of trailers (`;tr`).
//!
//! # Deployment
//! Behind a proxy `@authority` and `@target-uri` are what the client asked, if the gate [takes the proxy's word](crate::gate::GateBuilder::behind).

pub(super) mod base;
mod digest;
pub(super) mod read;
pub(super) mod signer;
#[cfg(test)]
mod tests;
pub(super) mod verifier;

use std::{fmt, sync::Arc};

pub use self::{
    read::MessageCredential,
    signer::{MessageSigner, SignedFields},
    verifier::{MessageKeys, NoMessageKey},
};
use self::{
    read::{Candidate, in_several_lines},
    verifier::Accepted,
};
use super::{hex, seconds, states_body, too_old_from};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{Confirm, Confirmation, Confirming, Covers, Extract, Occurrences, Raw},
    observe::why::{OrSay, off_by, quoted},
    principal::Binding,
    request::{Field, RequestView, field},
    response::Challenge,
    secret::random::random_bytes,
    store::ReplayStore,
};

/// How far a client's clock may be from ours.
const LEEWAY: u64 = 300;

/// `Signature-Input` and `Signature`. See the [module](self).
pub struct MessageSignature {
    tag: Box<str>,
    replay: Arc<dyn ReplayStore>,
    clock: SharedClock,
}

impl MessageSignature {
    /// For signatures with this `tag`, or none, whose nonces pass once by this store.
    #[must_use]
    pub fn new(tag: &str, replay: Arc<dyn ReplayStore>) -> Self {
        Self { tag: tag.into(), replay, clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether all but the signature and the body is in order.
    fn admits(&self, candidate: &Candidate, method: &str, target: &str) -> bool {
        let covers = |name: &str| candidate.base.covers(&format!("\"{name}\""));
        let whole_path = covers("@authority") && covers("@path") && (covers("@query") || !target.contains('?'));
        let now = seconds(&self.clock);
        let in_order = || {
            covers("@method").or_say("it does not cover @method")?;
            (covers("@target-uri") || whole_path)
                .or_say("it covers neither @target-uri nor @authority, @path and @query")?;
            let created = candidate.created.or_say("its created is missing")?;
            (created.abs_diff(now) <= LEEWAY).or_say_so(|| off_by(created, now))?;
            let expires = candidate.expires;
            expires
                .is_none_or(|end| end >= now)
                .or_say_so(|| format!("its expires was {} s ago", now.saturating_sub(expires.unwrap_or(now))))?;
            let tag = candidate.tag.as_deref();
            tag.is_none_or(|tag| tag == &*self.tag).or_say_so(|| {
                format!("its tag is {}, and ours is {:?}", quoted(tag.unwrap_or("").as_bytes()), self.tag)
            })?;
            (candidate.nonce.is_some() || changes_nothing(method))
                .or_say("its nonce is missing, and something may be changed")
        };
        in_order().is_some()
    }
}

fn changes_nothing(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

impl Confirm for MessageSignature {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let candidate = match binding.proof::<Accepted>() {
            Some(Accepted::Several) => return Box::pin(async { Confirmation::Ambiguous }),
            Some(Accepted::One(candidate)) if digest::fits(candidate, request) => candidate,
            _ => {
                return Box::pin(async {
                    Confirmation::not_shown_since("the body is not covered by content-digest, or another")
                });
            }
        };
        let Some((nonce, created)) = candidate.nonce.clone().zip(candidate.created) else {
            return Box::pin(async { Confirmation::shown() });
        };
        let (replay, scope) = (Arc::clone(&self.replay), format!("message-signature {}", candidate.key));
        let until = too_old_from(created, LEEWAY);
        Box::pin(async move { replay.first(&scope, nonce.as_bytes(), until).await.confirmation() })
    }

    // A body that is not signed is refused unread, where the head says that there is one.
    fn needs_body(&self, binding: &Binding, request: &RequestView<'_>) -> bool {
        match binding.proof::<Accepted>() {
            Some(Accepted::One(candidate)) => digest::is_covered(candidate) || !states_body(request),
            _ => false,
        }
    }
}

impl Extract for MessageSignature {
    type Credential = MessageCredential;

    fn scheme(&self) -> &str {
        "message-signature"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        in_several_lines(request, occurrences);
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target, Covers::Authority, Covers::UriScheme, Covers::Fields, Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<MessageCredential> {
        let (method, target) = (raw.covered().method()?.to_owned(), raw.covered().target()?.to_owned());
        MessageCredential::read(raw.covered(), |candidate| self.admits(candidate, &method, &target))
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Signature")]
    }

    fn challenge_fields(&self, request: &RequestView<'_>) -> Vec<(&'static str, String)> {
        let digest = if states_body(request) { " \"content-digest\"" } else { "" };
        // Which nonce it is does not matter, so that a signer may as well take this one (§5.1).
        let nonce = match changes_nothing(request.method()) {
            true => String::new(),
            false => format!(";nonce=\"{}\"", hex(&random_bytes::<16>())),
        };
        let tag = &self.tag;
        let asked = format!("sig=(\"@method\" \"@target-uri\"{digest});created{nonce};tag=\"{tag}\"");
        vec![("accept-signature", asked)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::SIGNATURE_INPUT.clone(), field::SIGNATURE.clone()]
    }

    fn check(&self) -> Vec<String> {
        let fits = !self.tag.is_empty()
            && self.tag.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        if fits {
            Vec::new()
        } else {
            vec![format!("the tag {:?} of signatures, which must be printable ASCII", self.tag)]
        }
    }
}

impl fmt::Debug for MessageSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageSignature").field("tag", &self.tag).finish_non_exhaustive()
    }
}
