//! Requests signed as RFC 9421 has it, made: [`MessageSigner`].

use base64::{Engine, engine::general_purpose::STANDARD};
use sfv::{Dictionary, FieldType, ListEntry, Parser};

use super::{base::Base, digest, seconds, verifier::algorithm};
use crate::{JwtSigner, clock::SharedClock, credential::Covered, secret::random::random_bytes};

/// Signs requests as a client does: for tests, and for services that are clients themselves.
///
/// It covers `@method`, `@target-uri` and, with a body, `content-digest`, and writes `created`, `keyid`, `alg` and a random nonce.
#[derive(Debug)]
pub struct MessageSigner {
    id: String,
    signer: JwtSigner,
    more: String,
}

/// The fields of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedFields {
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
    /// `Content-Digest`, of a request with a body.
    pub content_digest: Option<String>,
}

impl MessageSigner {
    /// By this key under this name.
    #[must_use]
    pub fn new(id: &str, signer: JwtSigner) -> Self {
        Self { id: id.to_owned(), signer, more: String::new() }
    }

    /// With this `tag`.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.more = format!(";tag=\"{tag}\"");
        self
    }

    /// Signs a request without a body; `None` if the URL is none, or the key is for nothing that signatures have.
    #[must_use]
    pub fn sign(&self, method: &str, url: &str, clock: &SharedClock) -> Option<SignedFields> {
        self.signed(method, url, None, clock)
    }

    /// Signs a request with this body.
    #[must_use]
    pub fn sign_with_body(&self, method: &str, url: &str, body: &[u8], clock: &SharedClock) -> Option<SignedFields> {
        self.signed(method, url, Some(body), clock)
    }

    fn signed(&self, method: &str, url: &str, body: Option<&[u8]>, clock: &SharedClock) -> Option<SignedFields> {
        let content_digest = body.map(digest::written);
        let fields: Vec<_> = content_digest.iter().map(|digest| ("content-digest", digest.as_str())).collect();
        let more = if body.is_some() { " \"content-digest\"" } else { "" };
        let (id, now, nonce) = (&self.id, seconds(clock), STANDARD.encode(random_bytes::<16>()));
        let named = algorithm(self.signer.key().algorithm())?;
        let input = format!(
            "sig=(\"@method\" \"@target-uri\"{more});created={now};keyid=\"{id}\";alg=\"{named}\";nonce=\"{nonce}\"{}",
            self.more
        );
        let (input, signature) = signed_by(&self.signer, method, url, &fields, &input)?;
        Some(SignedFields { input, signature, content_digest })
    }
}

/// Both fields of a request with these fields, signed as this input says under the label `sig`.
pub(in super::super) fn signed_by(
    signer: &JwtSigner,
    method: &str,
    url: &str,
    fields: &[(&str, &str)],
    input: &str,
) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, target) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    let scheme = match scheme {
        "http" => "http",
        "https" => "https",
        _ => return None,
    };
    let covered = Covered::written(method, (scheme, authority, if target.is_empty() { "/" } else { target }), fields);
    let parsed: Dictionary = Parser::new(input).parse().ok()?;
    let ListEntry::InnerList(member) = parsed.get("sig")? else { return None };
    let signature = signer.sign_bytes(Base::of(member, &covered)?.text.as_bytes())?;
    Some((parsed.serialize()?, format!("sig=:{}:", STANDARD.encode(signature))))
}
