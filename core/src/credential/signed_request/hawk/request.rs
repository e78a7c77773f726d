//! What a client signs, made: [`HawkRequest`].

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Artifacts, STANDARD, bewit, payload_hash, seconds};
use crate::{
    clock::SharedClock,
    secret::{Secret, random::random_bytes},
};
use base64::Engine;

/// Signs a request as a client of Hawk does, or makes a link: for tests, and for services that are clients themselves.
#[derive(Clone)]
#[must_use]
pub struct HawkRequest {
    signed: Artifacts,
}

impl HawkRequest {
    /// A request to this host and port: `GET /`, unless it is [asking](Self::asking) for something else.
    pub fn to(host: &str, port: u16) -> Self {
        let nonce = random_bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            signed: Artifacts {
                method: "GET".to_owned(),
                resource: "/".to_owned(),
                host: host.to_ascii_lowercase(),
                port,
                nonce,
                ..Artifacts::default()
            },
        }
    }

    /// By this method, for this target: path and query as they are sent.
    pub fn asking(mut self, method: &str, target: &str) -> Self {
        self.signed.method = method.to_owned();
        self.signed.resource = target.to_owned();
        self
    }

    /// With this body of this type. Without it the request can have none.
    pub fn with_body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.signed.hash = payload_hash(content_type.as_bytes(), body);
        self
    }

    /// With data of the app, which is signed.
    pub fn with_ext(mut self, ext: &str) -> Self {
        self.signed.ext = ext.to_owned();
        self
    }

    /// With this nonce; without it a random one.
    pub fn with_nonce(mut self, nonce: &str) -> Self {
        self.signed.nonce = nonce.to_owned();
        self
    }

    /// For this app, on behalf of another, or of none.
    pub fn with_app(mut self, app: &str, delegated_by: &str) -> Self {
        self.signed.app = Some((app.to_owned(), delegated_by.to_owned()));
        self
    }

    /// The value of `Authorization`, signed now.
    #[must_use]
    pub fn authorization(&self, id: &str, key: &Secret, clock: &SharedClock) -> String {
        let signed = Artifacts { time: seconds(clock).to_string(), ..self.signed.clone() };
        let mac = STANDARD.encode(signed.mac("header", key));
        let Artifacts { time, nonce, hash, ext, app, .. } = signed;
        let optional = |name: &str, value: &str| match value {
            "" => String::new(),
            value => format!(", {name}=\"{value}\""),
        };
        let (app, delegated_by) = app.unwrap_or_default();
        let more = [("hash", &hash), ("ext", &ext), ("app", &app), ("dlg", &delegated_by)];
        let more: String = more.iter().map(|(name, value)| optional(name, value)).collect();
        format!("Hawk id=\"{id}\", ts=\"{time}\", nonce=\"{nonce}\"{more}, mac=\"{mac}\"")
    }

    /// The value of `bewit` for a link to this target that ends then.
    #[must_use]
    pub fn bewit(&self, id: &str, key: &Secret, ends: SystemTime) -> String {
        let time = ends.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).to_string();
        let (method, nonce, hash) = ("GET".to_owned(), String::new(), String::new());
        bewit::made(&Artifacts { time, method, nonce, hash, app: None, ..self.signed.clone() }, id, key)
    }
}

impl std::fmt::Debug for HawkRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HawkRequest(..)")
    }
}
