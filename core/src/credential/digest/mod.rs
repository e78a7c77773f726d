//! Name and password without sending the password: the `Digest` scheme (RFC 7616).
//!
//! The server hands out a nonce, and the client answers with a hash over it, the password, the method, the target and, with `auth-int`, the
//! body. Read strictly:
//!
//! - `realm`, `nonce`, `opaque`, `algorithm` (in any case) and `qop` must be what was handed out. A client without `qop` (RFC 2069) is refused.
//! - `uri` must be the target of the request, byte for byte, else 400.
//! - Each pair of nonce and count passes once: [`CountStore`].
//! - Past the nonce's life an otherwise right answer is told `stale=true`, so that clients try again without asking for the password. Nobody else is
//!   told so.
//! - With `auth-int` the body is read and hashed as it came. Before that, only the head can be judged: that the name is known, the nonce ours.
//! - Whoever is let in gets `Authentication-Info`, which proves that the server knows the password too.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, KeyRing, Secret, Verified,
//!     adapter::Verdict,
//!     credential::{
//!         Nonces,
//!         digest::{Digest, DigestAlgorithm, DigestClient},
//!     },
//!     store::{MemoryCounts, MemorySecrets, StoredSecret},
//!     testing::PlainHead,
//!     verifier::{Secrets, SignedBy},
//! };
//! use std::sync::Arc;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let nonces = Nonces::of("digest", KeyRing::random());
//! let nonce = nonces.hand_out();
//! let kind = Digest::in_realm("house", nonces, Arc::new(MemoryCounts::default()))
//!     .by([DigestAlgorithm::Sha256, DigestAlgorithm::Md5]);
//! let opaque = kind.opaque().to_owned();
//! let emma = StoredSecret::new(Secret::new("Circle of Life"), Verified::new("emma"));
//! let gate = Gate::in_realm("house")
//!     .accept(kind, SignedBy::secrets(Secrets::in_store(MemorySecrets::new().with("emma", emma))))
//!     .build()?;
//!
//! let answer = DigestClient::named("emma").answer("house", &nonce).with_opaque(&opaque);
//! let asked = |password: &str, count| {
//!     let answer =
//!         answer.clone().counted(count).authorization("GET", "/a", &Secret::new(password));
//!     PlainHead::get("/a").with("authorization", answer).received_by(&gate)
//! };
//! assert!(matches!(asked("Circle of Life", 1).verdict_at(&gate).await, Verdict::Admitted(_)));
//! assert!(
//!     matches!(asked("Circle of Life", 1).verdict_at(&gate).await, Verdict::Rejected(_)),
//!     "a copy"
//! );
//! assert!(
//!     matches!(asked("circle of life", 2).verdict_at(&gate).await, Verdict::Rejected(_)),
//!     "wrong"
//! );
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not keep the password secret from who can read the store, which must hold it, or its [hash](Digest::holding_hashes), for this
//! realm. It does not hide what is sent. Basic over TLS with hashed passwords protects both better; this is for clients that know nothing else.
//!
//! # Deployment
//! A proxy that rewrites the path, or decodes and encodes it anew, breaks every answer. Copies need the same keys of nonces and one store of counts.
//! Browsers send Digest by themselves once they know the password, so that the [cross-site rule](crate::request::origin) applies.

mod algorithm;
mod answer;
mod confirm;
mod read;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use self::confirm::Accepted;
pub use self::{
    algorithm::DigestAlgorithm,
    answer::{DigestAnswer, DigestClient},
    read::DigestCredential,
};
use super::{Confirm, Covers, Extract, Nonces, Occurrences, Raw, Sender, after_keyword};
use crate::{
    clock::SharedClock,
    request::{Field, RequestView, field},
    response::Challenge,
    store::CountStore,
};

/// The `Digest` scheme. See the [module](self).
pub struct Digest {
    realm: Box<str>,
    algorithms: Vec<DigestAlgorithm>,
    user_hash: bool,
    holds_hashes: bool,
    nonces: Nonces,
    opaque: Box<str>,
    counts: Arc<dyn CountStore>,
}

impl Digest {
    /// In the realm of the gate, with these nonces, each count of which passes once by this store. By SHA-256, unless it is
    /// [said otherwise](Self::by).
    #[must_use]
    pub fn in_realm(realm: &str, nonces: Nonces, counts: Arc<dyn CountStore>) -> Self {
        let opaque = blake3::derive_key("countersign digest opaque v1", realm.as_bytes());
        let opaque = opaque.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self {
            realm: realm.into(),
            algorithms: vec![DigestAlgorithm::Sha256],
            user_hash: false,
            holds_hashes: false,
            nonces,
            opaque: opaque.into(),
            counts,
        }
    }

    /// By these algorithms, a challenge for each, the strongest first.
    #[must_use]
    pub fn by(mut self, algorithms: impl IntoIterator<Item = DigestAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Lets clients send a hash of the name in its place (§3.4.4). The store of secrets must find it under what [`hashed_name`](Self::hashed_name)
    /// says, and there hold name and password with a colon between them, since the name is hashed with the password; or the hash of
    /// both, if it [holds hashes](Self::holding_hashes).
    #[must_use]
    pub fn with_user_hash(mut self) -> Self {
        self.user_hash = true;
        self
    }

    /// What the store of secrets holds is the hash of name, realm and password, in hex, rather than the password: who reads it can enter
    /// this realm and no other. It fits one hash, so that [`by`](Self::by) must name algorithms of one.
    #[must_use]
    pub fn holding_hashes(mut self) -> Self {
        self.holds_hashes = true;
        self
    }

    /// Under what a store of secrets is asked for a name that came hashed. No name that comes as it is can hold a colon.
    #[must_use]
    pub fn hashed_name(algorithm: DigestAlgorithm, realm: &str, name: &str) -> String {
        read::hashed(algorithm, &algorithm.hash(&[name.as_bytes(), realm.as_bytes()]))
    }

    /// What a store [that holds hashes](Self::holding_hashes) holds for this name and password.
    #[must_use]
    pub fn hash(algorithm: DigestAlgorithm, realm: &str, name: &str, password: &crate::Secret) -> crate::Secret {
        crate::Secret::new(algorithm.hash(&[name.as_bytes(), realm.as_bytes(), password.expose()]))
    }

    /// What clients send back unchanged.
    #[must_use]
    pub fn opaque(&self) -> &str {
        &self.opaque
    }

    fn challenge(&self, algorithm: DigestAlgorithm) -> Challenge {
        let challenge = Challenge::new("Digest")
            .with("qop", "auth, auth-int")
            .with_token("algorithm", algorithm.name())
            .with("nonce", self.nonces.hand_out())
            .with("opaque", &*self.opaque)
            .with_token("charset", "UTF-8");
        if self.user_hash { challenge.with_token("userhash", "true") } else { challenge }
    }
}

impl Extract for Digest {
    type Credential = DigestCredential;

    fn scheme(&self) -> &str {
        "digest"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        for raw in after_keyword("Digest", request) {
            occurrences.add(raw);
            if read::names_another_target(raw, &request.target()) {
                occurrences.contradict();
            }
        }
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target, Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<DigestCredential> {
        DigestCredential::read(self, raw)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(self.nonces.clock())
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        self.algorithms.iter().map(|algorithm| self.challenge(*algorithm)).collect()
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn sender(&self) -> Sender {
        Sender::Browser
    }

    fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.algorithms.is_empty() {
            faults.push("Digest without an algorithm: name one by .by(…)".to_owned());
        }
        let first = self.algorithms.first().map(|algorithm| algorithm.hash(&[]));
        if self.holds_hashes && self.algorithms.iter().any(|algorithm| Some(algorithm.hash(&[])) != first) {
            faults.push(
                "Digest by several hashes, of which a store that holds one hash can fit one: name one by .by(…)"
                    .to_owned(),
            );
        }
        faults
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest")
            .field("realm", &self.realm)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}
