//! The header of a sealed token (RFC 7516 §4), before anything of it is believed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::super::text::Text;

/// What counts in a header. All the rest is passed over, `p2c` among it: what it would cost is never done.
#[derive(Deserialize)]
pub(super) struct Header<'h> {
    #[serde(borrow)]
    pub(super) alg: Text<'h>,
    #[serde(borrow)]
    pub(super) enc: Text<'h>,
    #[serde(borrow, default, deserialize_with = "present")]
    kid: Option<Text<'h>>,
    #[serde(borrow, default, deserialize_with = "present")]
    cty: Option<Text<'h>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) epk: Option<Point<'h>>,
    #[serde(borrow, default, deserialize_with = "present")]
    apu: Option<Text<'h>>,
    #[serde(borrow, default, deserialize_with = "present")]
    apv: Option<Text<'h>>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    zip: Option<IgnoredAny>,
}

/// The sender's public key of one token.
#[derive(Deserialize)]
pub(super) struct Point<'h> {
    #[serde(borrow)]
    kty: Text<'h>,
    #[serde(borrow)]
    crv: Text<'h>,
    #[serde(borrow)]
    x: Text<'h>,
    #[serde(borrow)]
    y: Text<'h>,
}

/// What is there must be of its type: `null` is not absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'h> Header<'h> {
    /// Reads a header; `None` if it is malformed, compresses, or asks for extensions.
    pub(super) fn read(json: &'h str) -> Option<Self> {
        // A struct can be written as a list for serde; a header cannot.
        if !json.trim_ascii_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(json).ok().filter(|header: &Self| header.crit.is_none() && header.zip.is_none())
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_ref().map(|kid| &*kid.0)
    }

    pub(super) fn is_nested(&self) -> bool {
        let bare = |cty: &str| {
            let rest = cty.split_at_checked(12).filter(|(prefix, _)| prefix.eq_ignore_ascii_case("application/"));
            rest.map_or(cty, |(_, rest)| rest).eq_ignore_ascii_case("JWT")
        };
        self.cty.as_ref().is_some_and(|cty| bare(&cty.0))
    }

    /// What sender and receiver say about themselves (RFC 7518 §4.6.1.2); nothing if they say nothing.
    pub(super) fn parties(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let decoded = |party: &Option<Text<'_>>| match party {
            Some(party) => URL_SAFE_NO_PAD.decode(&*party.0).ok(),
            None => Some(Vec::new()),
        };
        Some((decoded(&self.apu)?, decoded(&self.apv)?))
    }
}

impl Point<'_> {
    /// The uncompressed point, if it is one of P-256 by its form.
    pub(super) fn p256(&self) -> Option<Vec<u8>> {
        let coordinate = |text: &Text<'_>| URL_SAFE_NO_PAD.decode(&*text.0).ok().filter(|bytes| bytes.len() == 32);
        let (x, y) = (coordinate(&self.x)?, coordinate(&self.y)?);
        (&*self.kty.0 == "EC" && &*self.crv.0 == "P-256").then(|| [&[4][..], &x, &y].concat())
    }
}
