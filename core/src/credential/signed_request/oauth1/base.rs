//! The signature base string (§3.4.1), and the methods that sign it.

use std::borrow::Cow;

pub(super) use super::super::encoded;
use super::super::{hmac_sha1, hmac_sha256, same};
use crate::{request::query, secret::Secret};

/// A method of signing (§3.4). `PLAINTEXT`, which sends the secrets themselves, is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    HmacSha1,
    HmacSha256,
    #[cfg(feature = "jwt")]
    RsaSha1,
    #[cfg(feature = "jwt")]
    RsaSha256,
}

impl Method {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"HMAC-SHA1" => Some(Self::HmacSha1),
            b"HMAC-SHA256" => Some(Self::HmacSha256),
            #[cfg(feature = "jwt")]
            b"RSA-SHA1" => Some(Self::RsaSha1),
            #[cfg(feature = "jwt")]
            b"RSA-SHA256" => Some(Self::RsaSha256),
            _ => None,
        }
    }

    /// As a request names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            #[cfg(feature = "jwt")]
            Self::RsaSha1 => "RSA-SHA1",
            #[cfg(feature = "jwt")]
            Self::RsaSha256 => "RSA-SHA256",
        }
    }

    /// What keys it goes by, for the name under which a store is asked.
    pub(super) fn family(self) -> &'static str {
        match self {
            Self::HmacSha1 | Self::HmacSha256 => "hmac",
            #[cfg(feature = "jwt")]
            Self::RsaSha1 | Self::RsaSha256 => "rsa",
        }
    }

    pub(super) fn is_by_sha256(self) -> bool {
        match self {
            Self::HmacSha1 => false,
            Self::HmacSha256 => true,
            #[cfg(feature = "jwt")]
            Self::RsaSha1 => false,
            #[cfg(feature = "jwt")]
            Self::RsaSha256 => true,
        }
    }

    /// The signature by an HMAC key.
    pub(super) fn mac(self, key: &Secret, text: &str) -> Vec<u8> {
        let mac = if self.is_by_sha256() { hmac_sha256 } else { hmac_sha1 };
        mac(key.expose(), text.as_bytes())
    }

    pub(super) fn verifies(self, key: &Secret, text: &str, signature: &[u8]) -> bool {
        match self {
            Self::HmacSha1 | Self::HmacSha256 => same(&self.mac(key, text), signature),
            #[cfg(feature = "jwt")]
            Self::RsaSha1 => {
                rsa(&aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, key, text, signature)
            }
            #[cfg(feature = "jwt")]
            Self::RsaSha256 => rsa(&aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256, key, text, signature),
        }
    }
}

#[cfg(feature = "jwt")]
fn rsa(by: &'static aws_lc_rs::signature::RsaParameters, key: &Secret, text: &str, signature: &[u8]) -> bool {
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(by, key.expose());
    key.verify(text.as_bytes(), signature).is_ok()
}

/// Under what a store is asked. Encoded, so that no consumer can be another with its token.
pub(super) fn signer(family: &str, consumer: &str, token: Option<&str>) -> String {
    format!("{family} {}&{}", encoded(consumer.as_bytes()), encoded(token.unwrap_or_default().as_bytes()))
}

/// Whether this is a parameter of the protocol.
pub(super) fn is_ours(name: &[u8]) -> bool {
    name.starts_with(b"oauth_")
}

/// Names and values of a query or a form, decoded.
pub(super) fn form_pairs(text: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(equals).unwrap_or_default();
        (query::decoded(name), query::decoded(value.strip_prefix(b"=").unwrap_or_default()))
    })
}

/// How long the longest value, as sent, of the protocol's parameters in a query or a form is; `None` if there are none.
pub(super) fn longest_of_ours(text: &[u8]) -> Option<usize> {
    let ours = text.split(|byte| *byte == b'&').filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(equals)?;
        is_ours(&query::decoded(name)).then(|| value.len().saturating_sub(1))
    });
    ours.max()
}

/// The base string of a request.
pub(super) fn text<'p>(method: &str, uri: &str, parameters: impl Iterator<Item = &'p (Vec<u8>, Vec<u8>)>) -> String {
    // Encoded first, and then sorted: the other order is another one.
    let mut pairs: Vec<(String, String)> = parameters.map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort();
    let joined = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let method: Cow<'_, str> = method.to_ascii_uppercase().into();
    format!("{}&{}&{}", encoded(method.as_bytes()), encoded(uri.as_bytes()), encoded(joined.as_bytes()))
}
