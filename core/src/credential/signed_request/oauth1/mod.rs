//! OAuth 1.0 (RFC 5849): a signature over method, URL and parameters by the secrets of a consumer and, with one, of its token.
//!
//! - All `oauth_…` parameters stand in one place: in `Authorization`, the query, or a form. In two it is 400.
//! - By `HMAC-SHA1` and `HMAC-SHA256`, and with the feature `jwt` by `RSA-SHA1` and `RSA-SHA256`, as the key of the consumer is; never `PLAINTEXT`.
//! - The time may be 300 seconds off; consumer, token, time and nonce pass once.
//! - The parameters of a form are signed. Any other body needs `oauth_body_hash`, by SHA-1 or the hash of the method; a form must have none.
//! - The field's `realm` is covered by nothing and ignored; a parameter of that name in the query or a form is one like any other.
//!
//! Beside other kinds on one route, take it [without forms](OAuth1::without_forms). A signature that covers a form can only be judged once that is read: what can be judged before is, and a body longer than the bound is 413.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, Secret, Verified,
//!     adapter::Verdict,
//!     clock::SystemClock,
//!     credential::signed_request::oauth1::{OAuth1, OAuth1Signer},
//!     store::{MemoryReplay, MemorySecrets, StoredSecret},
//!     testing::PlainHead,
//!     verifier::{Secrets, SignedBy},
//! };
//! use std::sync::Arc;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = OAuth1::key(&Secret::new("kd94hf93k423kf44"), &Secret::new("pfkkdhi9sl3r4s00"));
//! let name = OAuth1::signer("dpf43f3p2l4k3l03", Some("nnch734d00sl2jdk"));
//! let known =
//!     MemorySecrets::new().with(&name, StoredSecret::new(key.clone(), Verified::new("emma")));
//! let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
//! let gate = Gate::in_realm("house")
//!     .accept(OAuth1::new(Arc::new(MemoryReplay::default())), verifier)
//!     .build()?;
//!
//! let signer = OAuth1Signer::new("dpf43f3p2l4k3l03", key).with_token("nnch734d00sl2jdk");
//! let signed = signer.authorization(
//!     "GET",
//!     "http://photos.example.net/photos?size=original",
//!     &SystemClock::shared(),
//! );
//! let asked = |target: &str| {
//!     PlainHead::get(target)
//!         .with("host", "photos.example.net")
//!         .with("authorization", &signed)
//!         .received_by(&gate)
//! };
//! assert!(matches!(asked("/photos?size=tiny").verdict_at(&gate).await, Verdict::Rejected(_)));
//! assert!(matches!(asked("/photos?size=original").verdict_at(&gate).await, Verdict::Admitted(_)));
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It hands out no tokens: §2's redirections are the app's. Tokens in a query or a form stand in logs; use the field.
//!
//! # Deployment
//! Scheme, host, port, path and query are signed. Behind a proxy they are what the client asked if the gate
//! [takes the proxy's word](crate::gate::GateBuilder::behind); one that ends TLS and does not say so breaks every request, and so does one that
//! rewrites the path. Copies of a service need one [`ReplayStore`].

mod base;
mod read;
mod signer;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

pub use self::{read::OAuth1Credential, signer::OAuth1Signer};
use super::{seconds, sha1, sha256, states_body, too_old_from};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{
        Confirm, Confirmation, Confirming, Covers, Extract, Occurrences, Raw, add_after_keyword, after_keyword,
    },
    principal::Binding,
    request::{Field, RequestView, field},
    response::Challenge,
    secret::Secret,
    store::{First, ReplayStore},
};

/// How far a client's clock may be from ours.
const LEEWAY: u64 = 300;

/// The scheme of OAuth 1.0. See the [module](self).
pub struct OAuth1 {
    replay: Arc<dyn ReplayStore>,
    clock: SharedClock,
    in_forms: bool,
}

/// What the verifier hands over.
struct Accepted {
    credential: OAuth1Credential,
    key: Secret,
}

impl OAuth1 {
    /// Whose requests pass once by this store.
    #[must_use]
    pub fn new(replay: Arc<dyn ReplayStore>) -> Self {
        Self { replay, clock: SystemClock::shared(), in_forms: true }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Takes no parameters out of forms. Without this every form that is sent to a route which takes this kind counts as a credential, because
    /// its body is not read yet: beside a cookie or another kind such a form would be two.
    #[must_use]
    pub fn without_forms(mut self) -> Self {
        self.in_forms = false;
        self
    }

    /// Under what a store of secrets is asked for a consumer that signs by HMAC, with or without a token. What it holds there is a
    /// [`key`](Self::key).
    #[must_use]
    pub fn signer(consumer: &str, token: Option<&str>) -> String {
        base::signer("hmac", consumer, token)
    }

    /// The key by the secrets of a consumer and of its token, each encoded (§3.4.2). Without a token that secret is empty.
    #[must_use]
    pub fn key(consumer: &Secret, token: &Secret) -> Secret {
        Secret::new(format!("{}&{}", base::encoded(consumer.expose()), base::encoded(token.expose())))
    }

    /// Under what a store is asked for a consumer that signs by RSA. What it holds there is the consumer's public key, SPKI in DER, of at
    /// least 2048 bits. That consumer can sign by nothing else.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn rsa_signer(consumer: &str, token: Option<&str>) -> String {
        base::signer("rsa", consumer, token)
    }
}

/// Without each of these nothing is signed.
const NEEDED: [&str; 5] =
    ["oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_signature_method", "oauth_timestamp"];

/// Whether a field holds a parameter of this name.
fn names(raw: &[u8], name: &str) -> bool {
    raw.windows(name.len() + 1).any(|part| part.split_last() == Some((&b'=', name.as_bytes())))
}

fn is_form(content_type: &[u8]) -> bool {
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Whether the query holds such a parameter.
fn in_query(request: &RequestView<'_>, is_such: impl Fn(&[u8]) -> bool) -> bool {
    request.query().is_some_and(|query| base::form_pairs(query.as_bytes()).any(|(name, _)| is_such(&name)))
}

impl Confirm for OAuth1 {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let Some(Accepted { credential, key }) = binding.proof::<Accepted>() else {
            return Box::pin(async { Confirmation::not_shown() });
        };
        match credential.judge_body(key, request.body()) {
            read::Body::Fits => {}
            read::Body::HoldsAnother => return Box::pin(async { Confirmation::Ambiguous }),
            read::Body::Unfit => {
                return Box::pin(async {
                    Confirmation::not_shown_since("the body is not signed, or its signature does not match")
                });
            }
        }
        let (replay, scope) = (Arc::clone(&self.replay), format!("oauth1 {}", credential.signer));
        let nonce = format!("{}\n{}", credential.time, credential.nonce);
        let until = too_old_from(credential.time, LEEWAY);
        // A shared cache keeps what a field or a query let in to itself, and knows nothing of forms.
        let fields = if credential.is_in_form() { vec![("cache-control", "private".to_owned())] } else { Vec::new() };
        Box::pin(async move {
            match replay.first(&scope, nonce.as_bytes(), until).await {
                First::New => Confirmation::Shown(fields),
                other => other.confirmation(),
            }
        })
    }

    fn needs_body(&self, binding: &Binding, request: &RequestView<'_>) -> bool {
        binding
            .proof::<Accepted>()
            .is_some_and(|Accepted { credential, .. }| credential.needs_body(states_body(request)))
    }
}

impl Extract for OAuth1 {
    type Credential = OAuth1Credential;

    fn scheme(&self) -> &str {
        "oauth1"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        add_after_keyword("OAuth", request, occurrences);
        let of_query = request.query().and_then(|query| base::longest_of_ours(query.as_bytes()));
        if of_query.is_some() {
            occurrences.add(b"");
        }
        let of_body = request.body().and_then(base::longest_of_ours);
        if self.stands_in_body(request) && (of_body.is_some() || occurrences.count() == 0) {
            occurrences.add(b"");
            occurrences.measure(of_body.unwrap_or_default());
        }
        occurrences.measure(of_query.unwrap_or_default());
    }

    fn covers(&self) -> Vec<Covers> {
        let content_type = Covers::Field(field::CONTENT_TYPE.clone());
        vec![Covers::Method, Covers::Target, Covers::Authority, Covers::UriScheme, content_type, Covers::Body]
    }

    fn stands_in_body(&self, request: &RequestView<'_>) -> bool {
        // Where all that is needed stands elsewhere, the form is judged by it. Else what stands there is either in two places or not whole, which the
        // form tells.
        let mut fields = after_keyword("OAuth", request);
        let in_field = fields.any(|raw| NEEDED.iter().all(|name| names(raw, name)));
        let is_whole = in_field || NEEDED.iter().all(|needed| in_query(request, |name| name == needed.as_bytes()));
        self.in_forms && request.field(&field::CONTENT_TYPE, 0).is_some_and(is_form) && !is_whole
    }

    fn stands_in_query(&self, request: &RequestView<'_>) -> bool {
        in_query(request, base::is_ours)
    }

    fn read(&self, raw: Raw<'_>) -> Option<OAuth1Credential> {
        OAuth1Credential::read(raw, seconds(&self.clock))
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("OAuth")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

impl fmt::Debug for OAuth1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuth1(..)")
    }
}
