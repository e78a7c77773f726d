//! A token by the key that it brings along: a proof of possession (RFC 9449, device-bound sessions). What it says is believed of that key alone.

use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    JwtAlgorithm, JwtKey,
    compact::{Token, present},
    members::Members,
    text::Text,
};

/// The members of a JWK that a public key does not have (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A token, cut and decoded, of which nothing is believed yet.
pub(crate) struct SelfSigned<'t> {
    token: Token<'t>,
    text: String,
    claims: usize,
    algorithm: JwtAlgorithm,
    jwk: Option<Members>,
}

/// What counts in its header.
#[derive(Deserialize)]
struct Header<'h> {
    #[serde(borrow)]
    typ: Text<'h>,
    #[serde(borrow)]
    alg: Text<'h>,
    #[serde(default, deserialize_with = "present")]
    jwk: Option<Members>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

impl<'t> SelfSigned<'t> {
    /// Reads a token of exactly this `typ`; `None` if it is malformed, too long, of another type, or by no algorithm that is known.
    pub(crate) fn read(token: &'t [u8], typ: &str) -> Option<Self> {
        let token = Token::cut(token)?;
        let (text, claims) = token.decode()?;
        // A struct can be written as a list for serde; a header cannot.
        let header = text.get(..claims).filter(|header| header.trim_ascii_start().starts_with('{'))?;
        let header: Header<'_> = serde_json::from_str(header).ok()?;
        if *header.typ.0 != *typ || header.crit.is_some() {
            return None;
        }
        let (algorithm, jwk) = (JwtAlgorithm::named(&header.alg.0)?, header.jwk);
        Some(Self { token, text, claims, algorithm, jwk })
    }

    /// Whether it brings a key along.
    pub(crate) fn brings_a_key(&self) -> bool {
        self.jwk.is_some()
    }

    /// The key that it brings along: public, of the algorithm that it names, and of one of these.
    pub(crate) fn key(&self, algorithms: &[JwtAlgorithm]) -> Option<JwtKey> {
        let Members(jwk) = self.jwk.as_ref()?;
        if !algorithms.contains(&self.algorithm) || PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
            return None;
        }
        let key = JwtKey::jwk(&serde_json::to_string(jwk).ok()?).ok()?;
        (key.algorithm() == self.algorithm && !key.is_secret()).then_some(key)
    }

    /// What it says, if this key signed it, by the algorithm that it names.
    pub(crate) fn claims<C: DeserializeOwned>(&self, key: &JwtKey) -> Option<C> {
        let signed = key.algorithm() == self.algorithm
            && self.token.with_signature(|signature| key.verifies(self.token.signed, signature));
        let claims = self.text.get(self.claims..).filter(|claims| claims.trim_ascii_start().starts_with('{'))?;
        if signed { serde_json::from_str(claims).ok() } else { None }
    }
}
