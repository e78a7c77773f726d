//! What a browser signs: a JWT of the type `dbsc+jwt`, without times.

use serde::Deserialize;

use crate::{
    jose::{JwtAlgorithm, JwtKey, compact::present, self_signed::SelfSigned},
    request::{Field, Occurrence, RequestView},
};

const TYPE: &str = "dbsc+jwt";
const ALGORITHMS: [JwtAlgorithm; 2] = [JwtAlgorithm::Es256, JwtAlgorithm::Rs256];

/// What a proof says.
#[derive(Deserialize)]
pub(super) struct Claims {
    /// The challenge that it answers.
    pub(super) jti: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) authorization: Option<String>,
}

/// A new key, and what it signed.
pub(super) fn of_new_key(text: &str) -> Option<(JwtKey, Claims)> {
    let proof = SelfSigned::read(text.as_bytes(), TYPE)?;
    let key = proof.key(&ALGORITHMS)?;
    let claims = proof.claims(&key)?;
    Some((key, claims))
}

/// What the session's own key signed: a proof that brings one along is not by that key, whatever it says.
pub(super) fn of_known_key(text: &str, key: &JwtKey) -> Option<Claims> {
    let proof = SelfSigned::read(text.as_bytes(), TYPE)?;
    if proof.brings_a_key() { None } else { proof.claims(key) }
}

/// A field that stands there once, with a string of structured fields (RFC 9651) in it, as the draft has it, or with a bare text, as Chromium sends it.
/// `Err` if it stands there twice, or holds neither.
pub(super) fn text_of(request: &RequestView<'_>, field: &Field) -> Result<Option<String>, ()> {
    let sent = match request.only(field) {
        Occurrence::Absent => return Ok(None),
        Occurrence::Once(sent) => std::str::from_utf8(sent).map_err(drop)?,
        Occurrence::Repeated => return Err(()),
    };
    let bare = match sent.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').ok_or(())?,
        None => sent,
    };
    // Neither a token nor an id of ours has anything that would have to be escaped.
    let is_plain = bare.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if is_plain { Ok(Some(bare.to_owned())) } else { Err(()) }
}
