//! What `set_signed_cookie` signs, for a cookie's name: [`DjangoCookie`].

use std::time::{Duration, SystemTime};

use super::{
    super::{CookieFormat, OpenedCookie, faults_of, mac::cut_last},
    FORTNIGHT, Signer,
};
use crate::{credential::Raw, secret::Secret};

/// What Django puts in front of the secret for cookies.
const PREFIX: &[u8] = b"django.http.cookies";

/// A cookie that Django's `set_signed_cookie` made, in the format that binds name and salt without ambiguity (Django's `v2`). The older
/// format, in which a name could run into a salt, is refused.
///
/// # Example
/// ```
/// use std::time::{Duration, SystemTime};
/// use countersign::{Secret, credential::cookie::foreign::{CookieFormat, DjangoCookie}};
///
/// let django = DjangoCookie::signed_by(Secret::new("secret-key"));
/// let value = b"abc:1r31eq:58hFIqtqxl2jkJz8cs7DyE852uA6DGzO0irns-CmjSU";
/// let signed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// assert!(django.open("sid", value.into(), signed).unwrap().value().matches(b"abc"));
/// assert!(django.open("other", value.into(), signed).is_none(), "it was signed for another name");
/// ```
///
/// # What it does not do
/// It reads a text and knows no user: what the text says is the app's to look up.
#[derive(Debug, Clone)]
pub struct DjangoCookie(Signer);

impl DjangoCookie {
    /// Cookies of this `SECRET_KEY`, set without a salt, and at most 14 days ago.
    #[must_use]
    pub fn signed_by(secret: Secret) -> Self {
        Self(Signer { secrets: vec![secret], salt: "".into(), longest: FORTNIGHT })
    }

    /// Cookies that were set with this salt.
    #[must_use]
    pub fn salted(mut self, salt: &str) -> Self {
        self.0.salt = salt.into();
        self
    }

    /// Takes what an older key signed as well (`SECRET_KEY_FALLBACKS`).
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.0.secrets.push(secret);
        self
    }

    /// Takes what was signed at most so long ago (the `max_age` of `get_signed_cookie`).
    #[must_use]
    pub fn at_most(mut self, longest: Duration) -> Self {
        self.0.longest = longest;
        self
    }

    /// The text of this value for the cookie of this name, signed now. What a cookie cannot hold must be encoded before it is set.
    #[must_use]
    pub fn seal(&self, name: &str, value: &str, now: SystemTime) -> String {
        self.0.seal(PREFIX, &self.salt_of(name), value.as_bytes(), now)
    }

    fn salt_of(&self, name: &str) -> String {
        let salt = &self.0.salt;
        // Django counts characters.
        format!("django.http.cookies.v2:{}:{salt}{name}", salt.chars().count())
    }
}

impl CookieFormat for DjangoCookie {
    type Value = Secret;

    fn open(&self, name: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Secret>> {
        let salt = self.salt_of(name);
        let open = |text: &[u8]| self.0.open(PREFIX, &salt, text, now)?.map(|value| Some(Secret::new(value)));
        let text = raw.whole();
        // Python writes what a cookie cannot hold in octal, between quotes that are gone by now: in the value alone, since time and signature
        // hold nothing of the kind, and have one spelling.
        let unquoted = |as_text| {
            let (signed, mac) = cut_last(text, b":")?;
            let (value, time) = cut_last(signed, b":").filter(|(value, _)| value.contains(&b'\\'))?;
            open(&[&unquoted(value, as_text)?[..], b":", time, b":", mac].concat())
        };
        open(text).or_else(|| unquoted(true)).or_else(|| unquoted(false))
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.0.secrets)
    }
}

/// What Python's `http.cookies` quoted: `\"`, `\\`, and three octal digits for any other character up to U+00FF; for servers that encode first,
/// for any other byte.
pub(super) fn unquoted(text: &[u8], digits_are_characters: bool) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        match behind {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..] => {
                let number = (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0');
                match digits_are_characters {
                    true => plain.extend_from_slice(char::from(number).encode_utf8(&mut [0; 2]).as_bytes()),
                    false => plain.push(number),
                }
                rest = behind;
            }
            [escaped @ (b'"' | b'\\'), behind @ ..] => {
                plain.push(*escaped);
                rest = behind;
            }
            // Python quotes nothing so.
            _ => return None,
        }
    }
    Some(plain)
}
