//! What a client answers to a challenge of Digest, made: [`DigestClient`].

use super::DigestAlgorithm;
use crate::secret::{Secret, random::random_bytes};

/// A client of Digest: for tests, and for services that are clients themselves.
#[derive(Debug, Clone)]
#[must_use]
pub struct DigestClient {
    name: String,
}

/// The `Authorization` by which a [client](DigestClient) answers a challenge.
///
/// It writes `qop=auth`, or `qop=auth-int` where it is given a body.
#[derive(Debug, Clone)]
#[must_use]
pub struct DigestAnswer {
    name: String,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: DigestAlgorithm,
    count: u32,
    cnonce: String,
}

impl DigestClient {
    /// A client that signs in by this name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Its answer to a challenge of this realm with this nonce: by SHA-256, for the first time.
    pub fn answer(&self, realm: &str, nonce: &str) -> DigestAnswer {
        let cnonce = random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        DigestAnswer {
            name: self.name.clone(),
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            opaque: None,
            algorithm: DigestAlgorithm::Sha256,
            count: 1,
            cnonce,
        }
    }
}

impl DigestAnswer {
    /// To a challenge with this `opaque`.
    pub fn with_opaque(mut self, opaque: &str) -> Self {
        self.opaque = Some(opaque.to_owned());
        self
    }

    /// By this algorithm.
    pub fn by(mut self, algorithm: DigestAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// For the so-manieth time that the nonce is used.
    pub fn counted(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// With this nonce of the client.
    pub fn with_cnonce(mut self, cnonce: &str) -> Self {
        self.cnonce = cnonce.to_owned();
        self
    }

    /// The field's value for a request of this method and target.
    #[must_use]
    pub fn authorization(&self, method: &str, target: &str, password: &Secret) -> String {
        self.made("auth", method, target, None, password)
    }

    /// The field's value for a request with this body, which it covers.
    #[must_use]
    pub fn authorization_of_body(&self, method: &str, target: &str, body: &[u8], password: &Secret) -> String {
        self.made("auth-int", method, target, Some(body), password)
    }

    fn made(&self, qop: &str, method: &str, target: &str, body: Option<&[u8]>, password: &Secret) -> String {
        let hash = |parts: &[&str]| {
            let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
            self.algorithm.hash(&parts)
        };
        let Self { name, realm, nonce, cnonce, .. } = self;
        let mut key = self.algorithm.hash(&[name.as_bytes(), realm.as_bytes(), password.expose()]);
        if self.algorithm.is_session() {
            key = hash(&[&key, nonce, cnonce]);
        }
        let request = match body {
            Some(body) => hash(&[method, target, &self.algorithm.hash(&[body])]),
            None => hash(&[method, target]),
        };
        let count = format!("{:08x}", self.count);
        let response = hash(&[&key, nonce, &count, cnonce, qop, &request]);
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let opaque = self.opaque.as_ref().map(|opaque| format!(", opaque={}", quoted(opaque))).unwrap_or_default();
        format!(
            "Digest username={}, realm={}, nonce={}, uri={}, algorithm={}, qop={qop}, nc={count}, cnonce={}, response=\"{response}\"{opaque}",
            quoted(name),
            quoted(realm),
            quoted(nonce),
            quoted(target),
            self.algorithm.name(),
            quoted(cnonce),
        )
    }
}
