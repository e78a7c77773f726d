//! What a token is bound to: the claim `cnf` (RFC 7800).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use crate::{jose::text::Text, principal::Binding};

/// What stands in `cnf`: `x5t#S256` (RFC 8705 §3.1), `jkt` (RFC 9449 §6.1), or both. Anything else binds the token to something that is not
/// understood here, and nothing at all binds it to nothing: neither can be read.
pub(super) struct Confirmation(pub(super) Binding);

impl<'de> Deserialize<'de> for Confirmation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Confirmation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with x5t#S256, jkt, or both")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Confirmation, A::Error> {
                let (mut certificate, mut key) = (None, None);
                while let Some(Text(name)) = map.next_key()? {
                    let bound = match &*name {
                        "x5t#S256" => &mut certificate,
                        "jkt" => &mut key,
                        _ => return Err(A::Error::custom("an unknown confirmation")),
                    };
                    let Text(thumbprint) = map.next_value()?;
                    let thumbprint = read_thumbprint(&thumbprint).ok_or_else(|| A::Error::custom("no thumbprint"))?;
                    if bound.replace(thumbprint).is_some() {
                        return Err(A::Error::custom("a confirmation stands there twice"));
                    }
                }
                let certificate = certificate.map_or(Binding::Nothing, Binding::Certificate);
                match certificate.and(key.map_or(Binding::Nothing, Binding::KeyThumbprint)) {
                    Binding::Nothing => Err(A::Error::custom("a confirmation of nothing")),
                    binding => Ok(Confirmation(binding)),
                }
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

/// A SHA-256 thumbprint in base64url without padding.
pub(crate) fn read_thumbprint(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_not_read() {
        let thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        let bytes = read_thumbprint(thumbprint).unwrap();
        let both = Binding::All(Box::new([Binding::Certificate(bytes), Binding::KeyThumbprint(bytes)]));
        let rows = [
            (r#"{"jkt":"T"}"#, Some(Binding::KeyThumbprint(bytes))),
            (r#"{"x5t#S256":"T"}"#, Some(Binding::Certificate(bytes))),
            (r#"{"jkt":"T","x5t#S256":"T"}"#, Some(both)),
            (r#"{"jkt":"T","jkt":"T"}"#, None),
            (r#"{"jkt":"T="}"#, None),
            (r#"{"jkt":""}"#, None),
            (r#"{"jkt":null}"#, None),
            (r#"{"jkt":["T"]}"#, None),
            (r#"{"x5t":"T"}"#, None),
            (r#"{"jkt":"T","kid":"k"}"#, None),
            (r#"{}"#, None),
            (r#"[]"#, None),
            (r#"["T","T"]"#, None),
            (r#"null"#, None),
            (r#""T""#, None),
        ];
        for (json, expected) in rows {
            let read: Option<Confirmation> = serde_json::from_str(&json.replace('T', thumbprint)).ok();
            assert_eq!(read.map(|read| read.0), expected, "{json}");
        }
    }
}
