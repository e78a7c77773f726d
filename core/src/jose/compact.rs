//! The three parts of a signed token (RFC 7515 §7.1), before anything of them is believed.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{JwtAlgorithm, text::Text};

/// The longest token that is made, in bytes: as long as a gate takes unless it is told otherwise.
pub(crate) const LONGEST: usize = 8192;
/// The longest token that is looked at: the most that a gate may be [told](crate::gate::GateBuilder::credentials_up_to) to hand on.
const LONGEST_LOOKED_AT: usize = 64 * 1024;
/// The longest signature: RSA with 8192 bits. The room that decoding asks for is rounded up.
const LONGEST_SIGNATURE: usize = 1024 + 2;

/// A token, cut in three and not decoded.
pub(crate) struct Token<'t> {
    pub(crate) signed: &'t [u8],
    header: &'t [u8],
    claims: &'t [u8],
    signature: &'t [u8],
}

/// What counts in a header. `jku`, `jwk`, `x5u`, `x5c` and all the rest are passed over.
#[derive(Deserialize)]
struct Header<'h> {
    #[serde(borrow)]
    alg: Text<'h>,
    #[serde(borrow, default, deserialize_with = "present")]
    typ: Option<Text<'h>>,
    #[serde(borrow, default, deserialize_with = "present")]
    kid: Option<Text<'h>>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

/// What a header says that is of any use here.
pub(crate) struct Named<'h> {
    pub(crate) algorithm: JwtAlgorithm,
    pub(crate) typ: Option<Cow<'h, str>>,
    pub(crate) kid: Option<Cow<'h, str>>,
}

/// What is there must be of its type: `null` is not absent.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'t> Token<'t> {
    /// Cuts a token; `None` if it is too long or has not three parts.
    pub(crate) fn cut(token: &'t [u8]) -> Option<Self> {
        if token.len() > LONGEST_LOOKED_AT {
            return None;
        }
        let mut dots = memchr::memchr_iter(b'.', token);
        let (first, second) = (dots.next()?, dots.next()?);
        if dots.next().is_some() {
            return None;
        }
        let (header, claims) = (token.get(..first)?, token.get(first + 1..second)?);
        Some(Self { signed: token.get(..second)?, header, claims, signature: token.get(second + 1..)? })
    }

    /// Decodes header and claims into one buffer: the text, and where in it the claims begin.
    pub(crate) fn decode(&self) -> Option<(String, usize)> {
        let mut buffer = Vec::with_capacity(self.signed.len());
        URL_SAFE_NO_PAD.decode_vec(self.header, &mut buffer).ok()?;
        let claims = buffer.len();
        URL_SAFE_NO_PAD.decode_vec(self.claims, &mut buffer).ok()?;
        // Each half must be UTF-8 for itself.
        let text = String::from_utf8(buffer).ok()?;
        text.is_char_boundary(claims).then_some((text, claims))
    }

    /// Hands the decoded signature on, if it can be one.
    pub(crate) fn with_signature(&self, check: impl FnOnce(&[u8]) -> bool) -> bool {
        let mut buffer = [0; LONGEST_SIGNATURE];
        let length = URL_SAFE_NO_PAD.decode_slice(self.signature, &mut buffer);
        length.ok().and_then(|length| buffer.get(..length)).is_some_and(check)
    }
}

impl<'h> Named<'h> {
    /// Reads a header; `None` if it is malformed, names no algorithm that is known, or asks for extensions (`crit`), of which
    /// none is understood here (RFC 7515 §4.1.11).
    pub(crate) fn read(json: &'h str) -> Option<Self> {
        // A struct can be written as a list for serde; a header cannot.
        if !json.trim_ascii_start().starts_with('{') {
            return None;
        }
        let header: Header<'h> = serde_json::from_str(json).ok()?;
        if header.crit.is_some() {
            return None;
        }
        Some(Self {
            algorithm: JwtAlgorithm::named(&header.alg.0)?,
            typ: header.typ.map(|typ| typ.0),
            kid: header.kid.map(|kid| kid.0),
        })
    }
}
