//! Sealed tokens as credentials: [`SealedJwt`].
//!
//! - **A token that was sealed to a public key counts only for what is signed inside it**: it must hold a token (`cty` is `JWT`) that the
//!   verifier of signed tokens finds good, since anybody can seal to a public key.
//! - A token that was sealed with a shared key may hold claims instead, where that is [said](SealedJwt::with_claims_by_shared_keys). `sub` and `exp`
//!   must be there, and `nbf` counts. If it holds a token all the same, that is judged as any other: a shared key takes nothing off it.
//!
//! # Example
//! ```
//! use countersign::jose::{
//!     JwtAlgorithm, JwtKey, JwtSigner,
//!     jwe::{JweKey, JweKeys},
//! };
//! use countersign::verifier::{
//!     SealedJwt,
//!     jwt::{JwtVerifier, TrustedIssuer},
//! };
//! use countersign::{Answer, Secret, Verify, credential::TokenCredential};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::new("0123456789abcdef0123456789abcdef");
//! let signer = JwtSigner::secret(JwtAlgorithm::Hs256, &secret)?;
//! let trusted = TrustedIssuer::named("https://issuer.example")
//!     .key(JwtKey::secret(JwtAlgorithm::Hs256, &secret)?)
//!     .any_audience();
//! let signed = JwtVerifier::trusting(trusted)
//!     .principal_by(|_, verified| verified.map(|()| "a caller").into())?;
//!
//! let token = signer.sign(&serde_json::json!({ "iss": "https://issuer.example", "sub": "emma", "exp": 4_102_444_800_u64 }))?;
//! let ours = JweKey::fresh_p256()?;
//! let sealed = |content: &str, nested| {
//!     TokenCredential::read(ours.seal(content.as_bytes(), nested).unwrap().as_bytes()).unwrap()
//! };
//! let (good, claims) =
//!     (sealed(&token, true), sealed(r#"{"sub":"emma","exp":4102444800}"#, false));
//! let verifier = SealedJwt::opened_by(JweKeys::of(ours), signed);
//! assert!(matches!(verifier.verify(good).await, Answer::Verified(_)));
//! assert!(
//!     matches!(verifier.verify(claims).await, Answer::Refused),
//!     "anybody could have sealed that"
//! );
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It seals nothing: [`JweKey::seal`](crate::jose::jwe::JweKey::seal) does, and [`JwtSigner`](crate::jose::JwtSigner) signs what goes inside.
//!
//! # Deployment
//! Sealed tokens are long, the more so with RSA or certificates inside: what a gate [takes](crate::gate::GateBuilder::credentials_up_to) and what a
//! proxy hands on of a header must be as long. Private keys are worked with on threads of their own, and an answer is remembered for a minute, so
//! that a token is opened once. Copies need the same keys: one that makes its own at start opens nothing that was sealed for another. A clock
//! that is wrong takes what has ended, as with every token.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Answer, Kept, Terms, Verify, WorkPermit, jwt::JwtVerifier, queue::QueueLimits};
use crate::{clock::SharedClock, credential::TokenCredential, jose::jwe::JweKeys, unavailable::Unavailable};

/// How long a cache may reuse an answer that took a private key to find.
const REUSABLE: Duration = Duration::from_secs(60);

/// Verifies sealed tokens. See the [module](self).
pub struct SealedJwt<P>(Arc<Inner<P>>, Terms);

struct Inner<P> {
    keys: JweKeys,
    signed: JwtVerifier<P>,
    claims_by_shared_keys: bool,
}

impl<P: Send + Sync + 'static> SealedJwt<P> {
    /// Tokens that these keys open, and in which this verifier finds a good one.
    #[must_use]
    pub fn opened_by(keys: JweKeys, signed: JwtVerifier<P>) -> Self {
        // Private keys are worked with on threads of their own.
        let limits = QueueLimits::at_once(std::thread::available_parallelism().map_or(1, usize::from));
        let kept = if keys.are_slow() { Kept::Always } else { Kept::Never };
        Self(Arc::new(Inner { keys, signed, claims_by_shared_keys: false }), Terms::new().kept(kept).queued(limits))
    }

    /// Takes claims without a signature where they were sealed with a key that we share with who sealed them. The verifier of signed tokens makes
    /// the principal of them, and judges their times; issuer and audience are not asked for.
    #[must_use]
    pub fn with_claims_by_shared_keys(self) -> Self {
        let Self(inner, terms) = self;
        match Arc::try_unwrap(inner) {
            Ok(inner) => Self(Arc::new(Inner { claims_by_shared_keys: true, ..inner }), terms),
            // Nobody else holds it while it is being set up.
            Err(inner) => Self(inner, terms),
        }
    }
}

impl<P: Send + Sync + 'static> Inner<P> {
    fn answer(&self, token: &[u8]) -> Answer<P> {
        let Some(opened) = self.keys.open(token) else { return Answer::refused("none of the keys opens it") };
        let content = opened.content().expose();
        let answer = if opened.is_nested() {
            TokenCredential::read(content).and_then(|token| self.signed.verify_now(&token))
        } else if self.claims_by_shared_keys && opened.is_by_a_shared_key() {
            std::str::from_utf8(content).ok().and_then(|claims| self.signed.judge_claims(claims))
        } else {
            None
        };
        answer.unwrap_or(Answer::Refused)
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for SealedJwt<P> {
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        (!self.0.keys.are_slow()).then(|| self.0.answer(credential.token().expose()))
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        let (inner, permit) = (Arc::clone(&self.0), WorkPermit::current());
        let working = tokio::task::spawn_blocking(move || {
            let _held = permit;
            inner.answer(credential.token().expose())
        });
        match working.await {
            Ok(answer) => answer.kept_for(Some(REUSABLE)),
            Err(error) => Answer::Unavailable(Unavailable::because(error)),
        }
    }

    fn terms(&self) -> Terms {
        self.1.clone()
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.0.signed.clock()
    }
}

impl<P> fmt::Debug for SealedJwt<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedJwt").field("keys", &self.0.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{
        jose::{
            JwtAlgorithm, JwtKey, JwtSigner,
            jwe::{JweEncryption, JweKey},
        },
        secret::Secret,
        testing::ManualClock,
        verifier::jwt::TrustedIssuer,
    };

    const ISSUER: &str = "https://issuer.example";
    const NOW: u64 = 1_700_000_000;

    fn secret() -> Secret {
        Secret::new("0123456789abcdef0123456789abcdef")
    }

    fn shared() -> JweKey {
        JweKey::direct(JweEncryption::A256Gcm, &secret()).unwrap()
    }

    fn signed() -> JwtVerifier<String> {
        let key = JwtKey::secret(JwtAlgorithm::Hs256, &secret()).unwrap();
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)));
        JwtVerifier::trusting(TrustedIssuer::named(ISSUER).key(key).audience("gallery"))
            .timed_by(clock)
            .principal_by(|claims, verified| match claims.subject() {
                Some(subject) => verified.map(|()| subject.to_owned()).into(),
                None => Answer::Refused,
            })
            .unwrap()
    }

    fn token(claims: &serde_json::Value) -> String {
        JwtSigner::secret(JwtAlgorithm::Hs256, &secret()).unwrap().sign(claims).unwrap()
    }

    async fn admits(verifier: &SealedJwt<String>, token: &str) -> bool {
        let credential = TokenCredential::read(token.as_bytes()).unwrap();
        matches!(verifier.verify(credential).await, Answer::Verified(verified) if verified.principal() == "emma")
    }

    #[tokio::test]
    async fn only_what_is_signed_inside_counts_where_anybody_can_seal() {
        let good = serde_json::json!({ "iss": ISSUER, "aud": "gallery", "sub": "emma", "exp": NOW + 60 });
        let late = serde_json::json!({ "iss": ISSUER, "aud": "gallery", "sub": "emma", "exp": NOW - 31 });
        let other = serde_json::json!({ "iss": ISSUER, "aud": "other", "sub": "emma", "exp": NOW + 60 });
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJlbW1hIn0.";
        for fresh in [JweKey::fresh_p256, JweKey::fresh_rsa] {
            let key = fresh().unwrap();
            let sealed = |content: &str, nested| key.seal(content.as_bytes(), nested).unwrap();
            let rows = [
                (sealed(&token(&good), true), true),
                (sealed(&token(&good), false), false),
                (sealed(&token(&late), true), false),
                (sealed(&token(&other), true), false),
                (sealed(&good.to_string(), false), false),
                (sealed(&good.to_string(), true), false),
                (sealed(unsigned, true), false),
                (sealed("", true), false),
                (token(&good), false),
            ];
            let verifier = SealedJwt::opened_by(JweKeys::of(key).and(shared()), signed()).with_claims_by_shared_keys();
            for (place, (token, expected)) in rows.into_iter().enumerate() {
                assert_eq!(admits(&verifier, &token).await, expected, "{place}");
            }
        }
    }

    #[tokio::test]
    async fn a_token_inside_is_judged_by_its_signature_whoever_shares_the_key() {
        let sealed = |content: &str| shared().seal(content.as_bytes(), true).unwrap();
        let good = serde_json::json!({ "iss": ISSUER, "aud": "gallery", "sub": "emma", "exp": NOW + 60 });
        let elsewhere = serde_json::json!({ "iss": ISSUER, "aud": "other", "sub": "emma", "exp": NOW + 60 });
        let other = Secret::new("fedcba9876543210fedcba9876543210");
        let stranger = JwtSigner::secret(JwtAlgorithm::Hs256, &other).unwrap().sign(&good).unwrap();
        for verifier in [
            SealedJwt::opened_by(JweKeys::of(shared()), signed()),
            SealedJwt::opened_by(JweKeys::of(shared()), signed()).with_claims_by_shared_keys(),
        ] {
            assert!(admits(&verifier, &sealed(&token(&good))).await);
            for content in
                [&*token(&elsewhere), &*stranger, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJlbW1hIn0.", &*good.to_string()]
            {
                assert!(!admits(&verifier, &sealed(content)).await, "{content}");
            }
        }
    }

    #[tokio::test]
    async fn claims_count_by_a_shared_key_where_that_is_said() {
        let sealed = |claims: serde_json::Value| shared().seal(claims.to_string().as_bytes(), false).unwrap();
        let good = sealed(serde_json::json!({ "sub": "emma", "exp": NOW + 60 }));
        let silent = SealedJwt::opened_by(JweKeys::of(shared()), signed());
        assert!(!admits(&silent, &good).await);
        let verifier = silent.with_claims_by_shared_keys();
        for (claims, expected) in [
            (serde_json::json!({ "sub": "emma", "exp": NOW + 60 }), true),
            (serde_json::json!({ "sub": "emma", "exp": NOW - 29 }), true),
            (serde_json::json!({ "sub": "emma", "exp": NOW - 30 }), false),
            (serde_json::json!({ "sub": "emma", "exp": "4102444800" }), false),
            (serde_json::json!({ "sub": "emma" }), false),
            (serde_json::json!({ "exp": NOW + 60 }), false),
            (serde_json::json!({ "sub": 7, "exp": NOW + 60 }), false),
            (serde_json::json!({ "sub": "emma", "exp": NOW + 60, "nbf": NOW + 31 }), false),
            (serde_json::json!(["emma"]), false),
        ] {
            assert_eq!(admits(&verifier, &sealed(claims.clone())).await, expected, "{claims}");
        }
        let credential = TokenCredential::read(good.as_bytes()).unwrap();
        let Some(Answer::Verified(verified)) = verifier.verify_now(&credential) else { panic!("on the spot") };
        assert_eq!(verified.subject(), Some("emma"));
        assert_eq!(verified.ends(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + 90)));
    }
}
