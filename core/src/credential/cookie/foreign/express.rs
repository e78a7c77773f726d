//! What cookie-signature signs, and express-session with it: [`Express`].

use std::time::SystemTime;

use super::{
    CookieFormat, OpenedCookie, UNSIGNED, faults_of,
    mac::{MacHash, Written, cut_last},
};
use crate::{credential::Raw, observe::why::OrSay, secret::Secret};

/// A signed cookie of Express, such as the identifier of an express-session: `s:value.signature`, the HMAC-SHA256 in base64 without padding.
///
/// Neither the name nor a time is bound: the store of sessions says whose it is, and until when.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, Express},
/// };
/// use std::time::SystemTime;
///
/// let express = Express::signed_by(Secret::new("keyboard cat"));
/// let value = b"s:s3ss10n-id-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc";
/// let opened = express.open("connect.sid", value.into(), SystemTime::now()).unwrap();
/// assert!(opened.value().matches(b"s3ss10n-id-0001"));
/// assert!(
///     express
///         .open("connect.sid", b"s:s3ss10n-id-0001.forged".into(), SystemTime::now())
///         .is_none()
/// );
/// ```
///
/// # What it does not do
/// It does not read a store of express-session: ask it in the verifier.
#[derive(Debug, Clone)]
pub struct Express {
    secrets: Vec<Secret>,
}

impl Express {
    /// Cookies of this secret.
    #[must_use]
    pub fn signed_by(secret: Secret) -> Self {
        Self { secrets: vec![secret] }
    }

    /// Takes what an older secret signed as well.
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The text of this value. It must be percent-encoded before it is set, as Express does.
    #[must_use]
    pub fn seal(&self, value: &str) -> String {
        let mac = self.secrets.first().map(|secret| MacHash::Sha256.mac(secret.expose(), &[value.as_bytes()]));
        format!("s:{value}.{}", Written::Unpadded.write(&mac.unwrap_or_default()))
    }
}

impl CookieFormat for Express {
    type Value = Secret;

    fn open(&self, _: &str, raw: Raw<'_>, _: SystemTime) -> Option<OpenedCookie<Secret>> {
        let (value, mac) = cut_last(raw.whole().strip_prefix(b"s:")?, b".")?;
        let good = |secret: &Secret| Written::Unpadded.equals(&MacHash::Sha256.mac(secret.expose(), &[value]), mac);
        self.secrets.iter().any(good).or_say(UNSIGNED)?;
        Some(OpenedCookie::of(Secret::new(value)))
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opens(format: &Express, text: &str) -> bool {
        format.open("", text.as_bytes().into(), SystemTime::UNIX_EPOCH).is_some()
    }

    #[test]
    fn what_cookie_signature_signs_is_read_and_made() {
        for (secret, value, signed) in [
            (&b"tobiiscool"[..], "hello", "s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI"),
            (&[0xa0, 0xab, 0xbc, 0x0c], "hello", "s:hello.hIvljrKw5oOZtHHSq5u+MlL27cgnPKX77y7F+x5r1to"),
            (b"keyboard cat", "s3ss10n-id-0001", "s:s3ss10n-id-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc"),
        ] {
            let express = Express::signed_by(Secret::new(secret));
            assert_eq!(express.seal(value), signed);
            assert!(opens(&express, signed));
            assert!(!opens(&Express::signed_by(Secret::new("another")), signed));
            assert!(opens(&Express::signed_by(Secret::new("another")).or_older(Secret::new(secret)), signed));
        }
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        let express = Express::signed_by(Secret::new("tobiiscool"));
        for text in [
            "hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI=",
            "s:hello.DGDUkGlIkCzPz-C0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QJ",
            "s:hell.oDGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s:s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s:hello.",
            "s:",
            "",
        ] {
            assert!(!opens(&express, text), "{text}");
        }
        let dotted = express.seal("a.b");
        assert!(express.open("", dotted.as_bytes().into(), SystemTime::UNIX_EPOCH).unwrap().value().matches(b"a.b"));
    }
}
