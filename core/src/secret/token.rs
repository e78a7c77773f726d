//! Opaque tokens and API keys: random text that means nothing by itself and is stored as a digest only.
//!
//! A token is `<prefix><43 characters><6 characters>`: a prefix that tells people and scanners whose it is, 32 random bytes in
//! base64url, and a checksum, by which a mistyped or made-up token is refused without asking the store. The store holds
//! SHA-256-sized BLAKE3 digests: what leaks from it opens nothing, and looking one up tells nothing by its timing.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
#[cfg(feature = "jwt")]
use zeroize::Zeroizing;

use super::{Secret, random::random_bytes};

/// What the tokens of one kind begin with, such as `ppl_`: 1 to 16 letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPrefix(Box<str>);

/// Text that tokens cannot begin with.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be a token's prefix; write 1 to 16 letters, digits, '_' and '-', such as ppl_")]
pub struct BadTokenPrefix(String);

crate::sentence::prints_its_sentence!(BadTokenPrefix);

/// What a store knows of a token: BLAKE3 over its text, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDigest([u8; 32]);

/// A token that was just made.
pub struct MintedToken {
    text: Secret,
    digest: TokenDigest,
    visible: Box<str>,
}

const RANDOM_BYTES: usize = 32;
const RANDOM_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
const VISIBLE_CHARS: usize = 4;

impl TokenPrefix {
    /// One of our own, which is known to fit.
    pub(crate) fn literal(text: &'static str) -> Self {
        Self(text.into())
    }

    /// Makes a token of 256 random bits.
    #[must_use]
    pub fn mint(&self) -> MintedToken {
        self.mint_of(&random_bytes())
    }

    /// Makes a token of these bits, of which nobody may know enough to guess the rest.
    pub(crate) fn mint_of(&self, bytes: &[u8; RANDOM_BYTES]) -> MintedToken {
        let mut text = format!("{}{}", self.0, URL_SAFE_NO_PAD.encode(bytes));
        let visible = text.chars().take(self.0.len() + VISIBLE_CHARS).collect();
        text.push_str(&checksum(text.as_bytes()));
        MintedToken { digest: TokenDigest::of(text.as_bytes()), visible, text: Secret::new(text) }
    }

    /// The bits of a token of this kind; `None` if it cannot be one.
    #[cfg(feature = "jwt")]
    pub(crate) fn bits(&self, token: &[u8]) -> Option<Zeroizing<[u8; RANDOM_BYTES]>> {
        self.digest(token)?;
        let text = token.get(self.0.len()..token.len().checked_sub(CHECK_CHARS)?)?;
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        decoded.as_slice().try_into().ok().map(Zeroizing::new)
    }

    /// The digest of a token of this kind; `None` if it cannot be one.
    #[must_use]
    pub fn digest(&self, token: &[u8]) -> Option<TokenDigest> {
        let (body, check) = token.split_at_checked(token.len().checked_sub(CHECK_CHARS)?)?;
        let fits = body.strip_prefix(self.0.as_bytes())?.len() == RANDOM_CHARS && checksum(body).as_bytes() == check;
        fits.then(|| TokenDigest::of(token))
    }
}

impl FromStr for TokenPrefix {
    type Err = BadTokenPrefix;

    fn from_str(text: &str) -> Result<Self, BadTokenPrefix> {
        let fits = (1..=16).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if fits { Ok(Self(text.into())) } else { Err(BadTokenPrefix(text.to_owned())) }
    }
}

impl TokenDigest {
    /// The digest of this text.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(blake3::derive_key("countersign opaque token v1", token))
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of this hex, as [`to_hex`](Self::to_hex) wrote it; `None` if it is none.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// The bytes in lower-case hex, for stores that hold text.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl MintedToken {
    /// The token itself, to be handed to its owner this once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(self.text.expose()).unwrap_or_default()
    }

    /// What to store of it.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        self.digest
    }

    /// The prefix and the first four characters, by which its owner may recognise it in a list.
    #[must_use]
    pub fn visible(&self) -> &str {
        &self.visible
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedToken").field("visible", &self.visible).finish_non_exhaustive()
    }
}

/// Against typing errors only: it protects nothing.
fn checksum(body: &[u8]) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(blake3::hash(body).as_bytes());
    text.truncate(CHECK_CHARS);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::TokenCredential;

    #[test]
    fn a_minted_token_is_of_its_kind_and_no_other() {
        let prefix: TokenPrefix = "ppl_".parse().unwrap();
        let minted = prefix.mint();
        let token = minted.reveal();
        assert_eq!(token.len(), 4 + RANDOM_CHARS + CHECK_CHARS);
        assert_eq!(prefix.digest(token.as_bytes()), Some(minted.digest()));
        assert!(TokenCredential::read(token.as_bytes()).is_some(), "a b64token");
        assert_eq!("cat_".parse::<TokenPrefix>().unwrap().digest(token.as_bytes()), None);
        assert_ne!(prefix.mint().reveal(), token);
        assert!(!format!("{minted:?}").contains(token));
        for position in 0..token.len() {
            let mut typo = token.as_bytes().to_vec();
            typo[position] = if typo[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(prefix.digest(&typo), None, "{position}");
        }
        for cut in 0..token.len() {
            assert_eq!(prefix.digest(&token.as_bytes()[..cut]), None, "{cut}");
        }
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn a_token_of_bits_holds_these_bits() {
        let prefix: TokenPrefix = "ppl_".parse().unwrap();
        for bits in [[0; 32], [255; 32], random_bytes()] {
            let minted = prefix.mint_of(&bits);
            assert_eq!(prefix.bits(minted.reveal().as_bytes()).map(|read| *read), Some(bits));
            assert_eq!(prefix.digest(minted.reveal().as_bytes()), Some(minted.digest()));
        }
        for other in [&b""[..], b"ppl_", b"ppl_abc", b"\xff"] {
            assert!(prefix.bits(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_digest_is_read_as_it_was_written() {
        let digest = TokenDigest::of(b"token");
        assert_eq!(TokenDigest::from_hex(&digest.to_hex()), Some(digest));
        let hex = digest.to_hex();
        for other in ["", "00", &hex[1..], &hex.to_uppercase(), &format!("{hex}0"), &hex.replace(&hex[..1], "g")] {
            assert_eq!(TokenDigest::from_hex(other), None, "{other}");
        }
    }

    #[test]
    fn a_prefix_is_short_and_plain() {
        for (text, fits) in
            [("ppl_", true), ("a", true), ("", false), ("a b", false), ("ppl.", false), ("abcdefghijklmnopq", false)]
        {
            assert_eq!(text.parse::<TokenPrefix>().is_ok(), fits, "{text:?}");
        }
        assert_eq!(
            "ppl.".parse::<TokenPrefix>().unwrap_err().to_string(),
            r#""ppl." cannot be a token's prefix; write 1 to 16 letters, digits, '_' and '-', such as ppl_"#
        );
    }
}
