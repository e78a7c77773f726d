//! Requests signed as AWS has it, made: [`SigV4Signer`].

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    ALGORITHM, UNSIGNED,
    canonical::{Canonical, Scope, path, query},
};
use crate::{
    credential::signed_request::{encoded, hex, sha256},
    secret::Secret,
};

/// Signs requests as a client does: for tests, and for services that are clients themselves.
#[derive(Clone)]
pub struct SigV4Signer {
    id: String,
    key: Secret,
    region: String,
    service: String,
}

impl SigV4Signer {
    /// By this key, for this region and service.
    #[must_use]
    pub fn new(id: &str, key: Secret, region: &str, service: &str) -> Self {
        Self { id: id.to_owned(), key, region: region.to_owned(), service: service.to_owned() }
    }

    /// The values of `Authorization` and `x-amz-date` for a request to this host, which then sends `host` and `x-amz-date` and no other `x-amz-*`.
    #[must_use]
    pub fn authorization(
        &self,
        method: &str,
        target: &str,
        host: &str,
        body: &[u8],
        time: SystemTime,
    ) -> (String, String) {
        let scope = self.scope(time);
        let fields = vec![("host".to_owned(), host.to_owned()), ("x-amz-date".to_owned(), scope.time.clone())];
        let (of_path, of_query) = halves(target);
        let request = Canonical { method: method.to_owned(), path: path(of_path), query: query(of_query, ""), fields };
        let signature = request.signature(&hex(&sha256(body)), &scope, &self.key);
        let (id, text, names) = (&self.id, scope.text(), request.signed_names());
        let value = format!("{ALGORITHM} Credential={id}/{text}, SignedHeaders={names}, Signature={signature}");
        (value, scope.time)
    }

    /// The target of a link that is good for so many seconds. With GET and HEAD it covers no body; with others it covers an empty one.
    #[must_use]
    pub fn presigned(&self, method: &str, target: &str, host: &str, life: u32, time: SystemTime) -> String {
        let scope = self.scope(time);
        let credential = encoded(format!("{}/{}", self.id, scope.text()).as_bytes());
        let glue = if target.contains('?') { '&' } else { '?' };
        let target = format!(
            "{target}{glue}X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={}&X-Amz-Expires={life}&X-Amz-SignedHeaders=host",
            scope.time
        );
        let (of_path, of_query) = halves(&target);
        let fields = vec![("host".to_owned(), host.to_owned())];
        let request = Canonical { method: method.to_owned(), path: path(of_path), query: query(of_query, ""), fields };
        let nothing = hex(&sha256(b""));
        let body_hash = if matches!(method, "GET" | "HEAD") { UNSIGNED } else { &nothing };
        let signature = request.signature(body_hash, &scope, &self.key);
        format!("{target}&X-Amz-Signature={signature}")
    }

    fn scope(&self, time: SystemTime) -> Scope {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or_default()).unwrap_or_default();
        let (region, service) = (self.region.clone(), self.service.clone());
        Scope { time: time.strftime("%Y%m%dT%H%M%SZ").to_string(), region, service }
    }
}

fn halves(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

impl fmt::Debug for SigV4Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigV4Signer(..)")
    }
}
