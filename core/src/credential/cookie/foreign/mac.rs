//! MACs as others write them.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// The hash of an HMAC. SHA-1 is what the other side has; as an HMAC it still holds (RFC 6151 §2.3 says so of MD5 even).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacHash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl MacHash {
    /// The HMAC by this key over these parts, one behind the other.
    pub(crate) fn mac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, parts),
        }
    }

    /// The plain hash of these parts.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => hash::<Sha1>(parts),
            Self::Sha256 => hash::<Sha256>(parts),
            Self::Sha512 => hash::<Sha512>(parts),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // An HMAC takes keys of every length, so that there is no error; nothing would equal an empty MAC.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hash<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

/// How bytes are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written {
    /// Lower-case hex.
    Hex,
    /// base64url without padding.
    Url,
    /// base64 with padding.
    Base64,
    /// base64 without padding.
    Unpadded,
}

impl Written {
    pub(crate) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Url => URL_SAFE_NO_PAD.encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Unpadded => STANDARD_NO_PAD.encode(bytes),
        }
    }

    /// Whether this is how the bytes are written, and not another spelling of them; in constant time.
    pub(crate) fn equals(self, bytes: &[u8], sent: &[u8]) -> bool {
        !bytes.is_empty() && self.write(bytes).as_bytes().ct_eq(sent).into()
    }
}

/// What stands before and behind the last of these marks.
pub(crate) fn cut_last<'t>(text: &'t [u8], mark: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = text.windows(mark.len()).rposition(|window| window == mark)?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_to_write_a_mac() {
        let bytes = [0xfb, 0xff, 0x0a, 0x01];
        for (written, good, others) in [
            (Written::Hex, "fbff0a01", ["FBFF0A01", "fbff0a0", "fbff0a01 "]),
            (Written::Url, "-_8KAQ", ["+/8KAQ", "-_8KAQ==", "-_8KAR"]),
            (Written::Base64, "+/8KAQ==", ["-_8KAQ==", "+/8KAQ", "+/8KAR=="]),
            (Written::Unpadded, "+/8KAQ", ["-_8KAQ", "+/8KAQ==", "+/8KAR"]),
        ] {
            assert_eq!(written.write(&bytes), good);
            assert!(written.equals(&bytes, good.as_bytes()));
            for other in others {
                assert!(!written.equals(&bytes, other.as_bytes()), "{other}");
            }
            assert!(!written.equals(b"", b""), "nothing is no MAC");
        }
    }

    #[test]
    fn the_last_mark_divides() {
        type Row<'r> = (&'r str, &'r str, Option<(&'r str, &'r str)>);
        let rows: [Row<'_>; 5] = [
            ("a.b.c", ".", Some(("a.b", "c"))),
            ("a--b---c", "--", Some(("a--b-", "c"))),
            (".", ".", Some(("", ""))),
            ("abc", ".", None),
            ("", ".", None),
        ];
        for (text, mark, halves) in rows {
            let halves = halves.map(|(before, behind)| (before.as_bytes(), behind.as_bytes()));
            assert_eq!(cut_last(text.as_bytes(), mark.as_bytes()), halves, "{text}");
        }
    }
}
