//! What enters a signature of AWS Signature Version 4: the canonical request, the text to sign, the key.

use super::super::{encoded, hex, hmac_sha256, sha256};
use crate::{request::query::percent_decoded, secret::Secret};

/// Parts of a request in their canonical form.
#[derive(Clone)]
pub(super) struct Canonical {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// `name:value` of each signed field, in order of the names.
    pub(super) fields: Vec<(String, String)>,
}

/// When and where a signature is good.
#[derive(Clone)]
pub(super) struct Scope {
    /// As in `20150830T123600Z`.
    pub(super) time: String,
    pub(super) region: String,
    pub(super) service: String,
}

impl Scope {
    pub(super) fn date(&self) -> &str {
        self.time.get(..8).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date(), self.region, self.service)
    }

    fn key(&self, secret: &Secret) -> Vec<u8> {
        let first = zeroize::Zeroizing::new([b"AWS4", secret.expose()].concat());
        let parts = [self.date(), &self.region, &self.service, "aws4_request"];
        parts.iter().fold(first.to_vec(), |key, part| hmac_sha256(&key, part.as_bytes()))
    }
}

impl Canonical {
    pub(super) fn signed_names(&self) -> String {
        self.fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";")
    }

    pub(super) fn text(&self, body_hash: &str) -> String {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let Self { method, path, query, .. } = self;
        format!("{method}\n{path}\n{query}\n{fields}\n{}\n{body_hash}", self.signed_names())
    }

    /// The signature in hex.
    pub(super) fn signature(&self, body_hash: &str, scope: &Scope, secret: &Secret) -> String {
        let request = hex(&sha256(self.text(body_hash).as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{}\n{request}", scope.time, scope.text());
        hex(&hmac_sha256(&scope.key(secret), text.as_bytes()))
    }
}

/// The path without dot segments and empty ones, and encoded once more: for services other than S3.
pub(super) fn path(sent: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in sent.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let last = if sent.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{last}", segments.iter().map(|segment| encoded(segment.as_bytes())).collect::<Vec<_>>().join("/"))
}

/// Each pair decoded and encoded in one way, sorted, but for those of this name. A plus is a plus.
pub(super) fn query(sent: Option<&str>, without: &str) -> String {
    let mut pairs: Vec<(String, String)> = pairs(sent)
        .map(|(name, value)| (encoded(&percent_decoded(name)), encoded(&percent_decoded(value))))
        .filter(|(name, _)| name != without)
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Names and values of a query, as sent.
pub(super) fn pairs(sent: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let parts = sent.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty());
    parts.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A field's values: each without blanks around it and with single ones inside, commas between.
pub(super) fn value<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<String> {
    let one = |value: &'v [u8]| {
        let text = std::str::from_utf8(value).ok()?;
        Some(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
    };
    Some(values.map(one).collect::<Option<Vec<_>>>()?.join(","))
}
