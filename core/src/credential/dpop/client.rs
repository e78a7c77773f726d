//! Proofs as clients make them: [`DpopKey`].

use std::{fmt, sync::Arc, time::SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::proof::hash_of;
use crate::{
    clock::SharedClock,
    jose::{JwtAlgorithm, JwtSigner, signer::Keys},
    principal::Binding,
    secret::random::random_bytes,
    verifier::jwt::confirmation::read_thumbprint,
};

/// A client's key, by which it proves that it holds the tokens that are bound to it: for services that call others, and for tests.
///
/// # Example
/// ```
/// use countersign::{
///     Gate, JwtSigner, Verified,
///     adapter::Verdict,
///     clock::SystemClock,
///     credential::{Dpop, DpopKey, KeyBound},
///     store::MemoryReplay,
///     testing::PlainHead,
///     verifier::TokenTable,
/// };
/// use std::sync::Arc;
///
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = DpopKey::of(&JwtSigner::fresh()?).ok_or("proofs are made by a key pair")?;
/// let tokens = TokenTable::new()
///     .with("a-long-random-token", Verified::new("emma").bound_to(key.binding()));
/// let gate = Gate::in_realm("api")
///     .accept(Dpop::remembered_in(Arc::new(MemoryReplay::default())), KeyBound(tokens))
///     .build()?;
/// for (url, admits) in [("https://api.example/a?b", true), ("https://api.example/b", false)] {
///     let proof = key.proof("GET", url, "a-long-random-token", None, &SystemClock::shared());
///     let head =
///         PlainHead::get("/a?b").over_tls().with("host", "api.example").with("dpop", proof);
///     let head = head.with("authorization", "DPoP a-long-random-token").received_by(&gate);
///     assert_eq!(matches!(head.verdict_at(&gate).await, Verdict::Admitted(_)), admits);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct DpopKey {
    keys: Arc<Keys>,
    header: Value,
    thumbprint: [u8; 32],
}

impl DpopKey {
    /// The newest key of this signer; `None` if proofs are made by no such key: it must be Ed25519 or P-256.
    #[must_use]
    pub fn of(signer: &JwtSigner) -> Option<Self> {
        let key = signer.key();
        let algorithm = match key.algorithm() {
            JwtAlgorithm::EdDsa => "EdDSA",
            JwtAlgorithm::Es256 => "ES256",
            _ => return None,
        };
        // The numbers of the key alone: a name or a use of it are for whoever publishes it.
        let jwk = serde_json::to_value(key.to_jwk()?.algorithm).ok()?;
        let thumbprint = read_thumbprint(&key.thumbprint()?)?;
        let header = json!({ "typ": "dpop+jwt", "alg": algorithm, "jwk": jwk });
        Some(Self { keys: signer.now(), header, thumbprint })
    }

    /// What the tokens of this key are bound to.
    #[must_use]
    pub fn binding(&self) -> Binding {
        Binding::KeyThumbprint(self.thumbprint)
    }

    /// The value of the field `DPoP` for one request with this token, and with the server's nonce if it asked for one. Query and fragment of the
    /// URL do not enter it.
    #[must_use]
    pub fn proof(&self, method: &str, url: &str, token: &str, nonce: Option<&str>, clock: &SharedClock) -> String {
        let now = clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(random_bytes::<16>()),
            "htm": method,
            "htu": url.split(['?', '#']).next().unwrap_or_default(),
            "iat": now.as_secs(),
            "ath": hash_of(token.as_bytes()),
        });
        if let (Some(claims), Some(nonce)) = (claims.as_object_mut(), nonce) {
            claims.insert("nonce".to_owned(), nonce.into());
        }
        let text = [&self.header, &claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = self.keys.sign_bytes(text.as_bytes()).unwrap_or_default();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey").field("header", &self.header).finish_non_exhaustive()
    }
}
