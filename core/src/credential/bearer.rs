//! A token behind a keyword in `Authorization`: `Bearer` (RFC 6750), or any other that an API has settled on.
//!
//! The token is a `b64token` (§2.1): letters, digits and `-._~+/`, with `=` at the end alone. Anything else, also nothing,
//! is malformed and never reaches a verifier. Where an app already has tokens of another shape, such as `17|Kx…` or `id:secret`,
//! [`Bearer::of_any_shape`] reads whatever is printable ASCII without blanks.
//!
//! # Example
//! ```
//! use countersign::{Bearer, Extract};
//!
//! assert!(Bearer.read(b"mF_9.B5f-4.1JqM".into()).is_some());
//! assert!(Bearer.read(b"two tokens".into()).is_none());
//! assert_eq!(Bearer::with_keyword("Token").scheme(), "token");
//! ```

use std::fmt;

use super::{Extract, Occurrences, Raw, add_after_keyword};
use crate::{
    request::{
        Field, RequestView,
        field::{self, is_token_byte},
    },
    response::Challenge,
    secret::Secret,
};

/// The `Bearer` scheme. See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "used as a value; other keywords have a type of their own")]
pub struct Bearer;

impl Bearer {
    /// The same kind of credential behind another keyword, as in `Authorization: Token …`. The scheme's name is the
    /// keyword in lower case.
    #[must_use]
    pub fn with_keyword(keyword: &str) -> BearerLike {
        BearerLike { keyword: keyword.into(), scheme: keyword.to_ascii_lowercase().into(), any_shape: false }
    }

    /// `Bearer` for tokens of a shape that an app already has, `:` and `|` included: printable ASCII without blanks. Verifiers of signed
    /// tokens and of our own opaque ones refuse what is none of theirs all the same.
    #[must_use]
    pub fn of_any_shape() -> BearerLike {
        Self::with_keyword("Bearer").of_any_shape()
    }
}

/// A token behind a keyword of the API's own: see [`Bearer::with_keyword`].
#[derive(Debug, Clone)]
pub struct BearerLike {
    keyword: Box<str>,
    scheme: Box<str>,
    any_shape: bool,
}

impl BearerLike {
    /// For tokens that are printable ASCII without blanks, and not `b64token`s alone.
    #[must_use]
    pub fn of_any_shape(mut self) -> Self {
        self.any_shape = true;
        self
    }
}

/// A token, well formed and unverified.
#[derive(Clone)]
pub struct TokenCredential(Secret);

impl TokenCredential {
    /// The token, if it is well formed.
    #[must_use]
    pub fn read(raw: &[u8]) -> Option<Self> {
        is_b64token(raw).then(|| Self(Secret::new(raw)))
    }

    /// The token, if it is printable ASCII without blanks: one that an app already has.
    #[must_use]
    pub fn read_of_any_shape(raw: &[u8]) -> Option<Self> {
        let fits = !raw.is_empty() && raw.iter().all(u8::is_ascii_graphic);
        fits.then(|| Self(Secret::new(raw)))
    }

    pub(super) fn read_as(any_shape: bool, raw: &[u8]) -> Option<Self> {
        if any_shape { Self::read_of_any_shape(raw) } else { Self::read(raw) }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for TokenCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCredential(..)")
    }
}

fn is_b64token(raw: &[u8]) -> bool {
    let padding = raw.iter().rev().take_while(|byte| **byte == b'=').count();
    let (body, _) = raw.split_at(raw.len() - padding);
    // Every byte is looked at, whatever came before: so many are looked at in one step.
    !body.is_empty() && body.iter().fold(true, |all, byte| all & is_b64token_byte(*byte))
}

/// Without a branch. From `-` on come `.`, `/` and the digits.
fn is_b64token_byte(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_digit_or_close = byte.wrapping_sub(b'-') <= b'9' - b'-';
    is_letter | is_digit_or_close | (byte == b'_') | (byte == b'~') | (byte == b'+')
}

impl Extract for Bearer {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "bearer"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        add_after_keyword("Bearer", request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read(raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::of("Bearer")]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

impl Extract for BearerLike {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        &self.scheme
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        add_after_keyword(&self.keyword, request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read_as(self.any_shape, raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new(&*self.keyword)]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn check(&self) -> Vec<String> {
        let fits = !self.keyword.is_empty() && self.keyword.bytes().all(is_token_byte);
        if fits {
            Vec::new()
        } else {
            vec![format!("{:?} cannot be an authentication scheme: it must be a token", self.keyword)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_b64token() {
        // H3
        for (raw, fits) in [
            (&b"abc"[..], true),
            (b"a-._~+/Z9==", true),
            (b"", false),
            (b"=", false),
            (b"a=b", false),
            (b"a b c", false),
            (b"a\tb", false),
            (b"a,b", false),
            (b"\"abc\"", false),
            (b"ab\xff", false),
        ] {
            assert_eq!(TokenCredential::read(raw).is_some(), fits, "{raw:?}");
        }
    }

    #[test]
    fn the_bytes_of_a_b64token_are_those_of_rfc_6750() {
        for byte in 0..=u8::MAX {
            let listed = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_b64token_byte(byte), listed, "{byte:#x}");
        }
    }

    #[test]
    fn one_of_any_shape_is_printable_and_has_no_blank() {
        let kind = Bearer::of_any_shape();
        for (raw, fits) in [
            (&b"17|Kx3vBq"[..], true),
            (b"id:s3cret", true),
            (b"a,b\"c=d", true),
            (b"", false),
            (b"a b", false),
            (b"a\tb", false),
            (b"a\x7fb", false),
            (b"\xc3\xa4", false),
        ] {
            assert_eq!(kind.read(raw.into()).is_some(), fits, "{raw:?}");
        }
        assert!(Bearer::with_keyword("Bearer").read(b"17|Kx3vBq".into()).is_none());
    }
}
