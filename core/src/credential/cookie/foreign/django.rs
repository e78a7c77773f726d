//! What Django signs: [`DjangoSession`] and [`DjangoCookie`].

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    CookieFormat, Document, OpenedCookie, UNSIGNED, at, faults_of,
    itsdangerous::document,
    mac::{MacHash, Written, cut_last},
    seconds,
};
use crate::{clock::later, credential::Raw, observe::why::OrSay, secret::Secret};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const FORTNIGHT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A session that Django keeps in its cookie (`django.contrib.sessions.backends.signed_cookies`), or another document that
/// `django.core.signing.dumps` signed.
///
/// `value:time:signature`; a value that begins with `.` is compressed. JSON alone is read: a session of Django's `PickleSerializer` is refused.
/// See the [module](super).
///
/// # Example
/// ```
/// use std::time::{Duration, SystemTime};
/// use countersign::{Secret, credential::cookie::foreign::{CookieFormat, DjangoSession}};
///
/// let django = DjangoSession::signed_by(Secret::new("secret-key"));
/// let value = b"eyJ1c2VyX2lkIjo3fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4";
/// let signed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// assert_eq!(django.open("sessionid", value.into(), signed).unwrap().value().member::<u64>("user_id"), Some(7));
/// assert!(django.open("sessionid", b"eyJ1c2VyX2lkIjo4fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4".into(), signed).is_none());
/// ```
#[derive(Debug, Clone)]
pub struct DjangoSession(Signer);

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
#[derive(Debug, Clone)]
pub struct DjangoCookie(Signer);

#[derive(Debug, Clone)]
struct Signer {
    secrets: Vec<Secret>,
    salt: Box<str>,
    longest: Duration,
}

impl DjangoSession {
    /// Sessions of this `SECRET_KEY`, signed at most 14 days ago.
    #[must_use]
    pub fn signed_by(secret: Secret) -> Self {
        Self::salted(secret, "django.contrib.sessions.backends.signed_cookies", FORTNIGHT)
    }

    /// Documents that `signing.dumps` signed with this `SECRET_KEY` and salt, at most so long ago.
    #[must_use]
    pub fn salted(secret: Secret, salt: &str, longest: Duration) -> Self {
        Self(Signer { secrets: vec![secret], salt: salt.into(), longest })
    }

    /// Takes what an older key signed as well (`SECRET_KEY_FALLBACKS`).
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.0.secrets.push(secret);
        self
    }

    /// Takes what was signed at most so long ago (`SESSION_COOKIE_AGE`).
    #[must_use]
    pub fn at_most(mut self, longest: Duration) -> Self {
        self.0.longest = longest;
        self
    }

    /// The text of this value, signed now. What cannot be JSON is sealed as `null`.
    #[must_use]
    pub fn seal(&self, value: &impl Serialize, now: SystemTime) -> String {
        let json = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
        self.0.seal(b"", &self.0.salt, URL_SAFE_NO_PAD.encode(json).as_bytes(), now)
    }
}

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

/// What Django puts in front of the secret for cookies.
const PREFIX: &[u8] = b"django.http.cookies";

impl Signer {
    fn mac(secret: &Secret, prefix: &[u8], salt: &str, signed: &[u8]) -> Vec<u8> {
        let key = MacHash::Sha256.hash(&[salt.as_bytes(), b"signer", prefix, secret.expose()]);
        MacHash::Sha256.mac(&key, &[signed])
    }

    fn seal(&self, prefix: &[u8], salt: &str, value: &[u8], now: SystemTime) -> String {
        let text = format!("{}:{}", String::from_utf8_lossy(value), base62(seconds(now)));
        let mac = self.secrets.first().map(|secret| Self::mac(secret, prefix, salt, text.as_bytes()));
        format!("{text}:{}", Written::Url.write(&mac.unwrap_or_default()))
    }

    fn open<'t>(&self, prefix: &[u8], salt: &str, text: &'t [u8], now: SystemTime) -> Option<OpenedCookie<&'t [u8]>> {
        let (signed, mac) = cut_last(text, b":")?;
        let good = |secret: &Secret| Written::Url.equals(&Self::mac(secret, prefix, salt, signed), mac);
        self.secrets.iter().any(good).or_say(UNSIGNED)?;
        let (value, time) = cut_last(signed, b":")?;
        let issued = at(number(time)?)?;
        // Django compares fractions: exactly as long ago is good, and no longer.
        let ends = later(later(issued, self.longest), Duration::from_nanos(1));
        OpenedCookie::of(value).issued_at(issued).ending_at(ends).holding_at(now)
    }
}

impl<V> OpenedCookie<V> {
    fn map<W>(self, change: impl FnOnce(V) -> Option<W>) -> Option<OpenedCookie<W>> {
        Some(OpenedCookie { value: change(self.value)?, issued: self.issued, ends: self.ends })
    }
}

impl CookieFormat for DjangoSession {
    type Value = Document;

    fn open(&self, _: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Document>> {
        self.0.open(b"", &self.0.salt, raw.whole(), now)?.map(document)
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.0.secrets)
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

fn base62(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(number % 62).ok().and_then(|digit| DIGITS.get(digit));
        digits.extend(digit.copied().map(char::from));
        number /= 62;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// A number without leading zeros and sign.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || (text.len() > 1 && text.starts_with(b"0")) {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        number.checked_mul(62)?.checked_add(u64::try_from(digit).ok()?)
    })
}

/// What Python's `http.cookies` quoted: `\"`, `\\`, and three octal digits for any other character up to U+00FF; for servers that encode first,
/// for any other byte.
fn unquoted(text: &[u8], digits_are_characters: bool) -> Option<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const DAYS: u64 = 24 * 60 * 60;
    const SESSION: &str = "eyJ1c2VyX2lkIjo3fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4";
    const COOKIE: &str = "abc:1r31eq:58hFIqtqxl2jkJz8cs7DyE852uA6DGzO0irns-CmjSU";

    fn secret() -> Secret {
        Secret::new("secret-key")
    }

    fn read(name: &str, text: &str, now: u64) -> Option<String> {
        let opened = DjangoCookie::signed_by(secret()).open(name, text.as_bytes().into(), at(now).unwrap())?;
        Some(String::from_utf8_lossy(opened.value().expose()).into_owned())
    }

    #[test]
    fn what_django_signs_is_read_and_made() {
        let session = DjangoSession::signed_by(secret());
        let now = at(NOW).unwrap();
        assert_eq!(session.seal(&serde_json::json!({ "user_id": 7 }), now), SESSION);
        assert_eq!(session.open("", SESSION.as_bytes().into(), now).unwrap().value().member::<u64>("user_id"), Some(7));
        let dumped = "eyJpZCI6NX0:1r31eq:OfGPb-VY6yZ7902mDQpKXv3-OWtmIteXjqm7U9zKDVM";
        let dumps = DjangoSession::salted(secret(), "auth", Duration::from_secs(1));
        assert_eq!(dumps.seal(&serde_json::json!({ "id": 5 }), now), dumped);
        assert_eq!(dumps.open("", dumped.as_bytes().into(), now).unwrap().value().member::<u64>("id"), Some(5));
        assert!(session.open("", dumped.as_bytes().into(), now).is_none(), "another salt");
        assert_eq!(DjangoCookie::signed_by(secret()).seal("sid", "abc", now), COOKIE);
        assert_eq!(read("sid", COOKIE, NOW).as_deref(), Some("abc"));
    }

    #[test]
    fn the_signers_below_are_those_of_django() {
        let signed = "my string:1r31eq:njfm0O6n1sDQSwPn1CwtNrZqEvxt5nupYFD4a-NtWdY";
        let signer =
            Signer { secrets: vec![secret()], salt: "django.core.signing.TimestampSigner".into(), longest: FORTNIGHT };
        assert_eq!(signer.seal(b"", &signer.salt, b"my string", at(NOW).unwrap()), signed);
        let mac = Signer::mac(&secret(), b"", "django.core.signing.Signer", b"my string");
        assert_eq!(Written::Url.write(&mac), "ntxIHxhQ3gfUT0gyFEGXwbu81QwJCLdlJ5cPhe8iyP0");
    }

    #[test]
    fn a_cookie_may_last_for_ever() {
        for longest in [Duration::MAX, Duration::from_secs(31_700 * 365 * DAYS)] {
            let cookie = DjangoCookie::signed_by(secret()).at_most(longest);
            assert!(cookie.open("sid", COOKIE.as_bytes().into(), at(NOW + 1).unwrap()).is_some(), "{longest:?}");
            let session = DjangoSession::signed_by(secret()).at_most(longest);
            assert!(session.open("", SESSION.as_bytes().into(), at(NOW + 1).unwrap()).is_some(), "{longest:?}");
        }
    }

    #[test]
    fn a_cookie_is_good_for_its_name_its_salt_and_its_time() {
        let legacy = "abc:1r31eq:IENdxvMD1EBLvkPYvmwc5VaODRlZqZ1FMAYr8o0ZBio";
        for (name, text, now, good) in [
            ("sid", COOKIE, NOW, true),
            ("sid", COOKIE, NOW + 14 * DAYS, true),
            ("sid", COOKIE, NOW + 14 * DAYS + 1, false),
            ("sid", COOKIE, NOW - 60, true),
            ("sid", COOKIE, NOW - 61, false),
            ("si", COOKIE, NOW, false),
            ("sidd", COOKIE, NOW, false),
            ("sid", legacy, NOW, false),
            ("sid", SESSION, NOW, false),
        ] {
            assert_eq!(read(name, text, now).is_some(), good, "{name} {text} {now}");
        }
        // CVE-2026-6873: a name and a salt that run into each other.
        let salted = DjangoCookie::signed_by(secret()).salted("s");
        let sealed = salted.seal("id", "abc", at(NOW).unwrap());
        assert!(salted.open("id", sealed.as_bytes().into(), at(NOW).unwrap()).is_some());
        assert_eq!(read("sid", &sealed, NOW), None);
        let other = DjangoCookie::signed_by(Secret::new("new"));
        assert!(other.open("sid", COOKIE.as_bytes().into(), at(NOW).unwrap()).is_none());
        assert!(other.or_older(secret()).open("sid", COOKIE.as_bytes().into(), at(NOW).unwrap()).is_some());
    }

    #[test]
    fn a_value_may_hold_colons_and_be_quoted_as_python_does() {
        let sealed = |value: &str| DjangoCookie::signed_by(secret()).seal("sid", value, at(NOW).unwrap());
        assert_eq!(read("sid", &sealed("a:b"), NOW).as_deref(), Some("a:b"));
        assert_eq!(read("sid", &sealed(""), NOW).as_deref(), Some(""));
        let name = "J\u{e4}s\u{f8}n Doe";
        for [a, o] in [["\\344", "\\370"], ["\\303\\244", "\\303\\270"]] {
            let quoted = sealed(name).replace('\u{e4}', a).replace('\u{f8}', o);
            assert_eq!(read("sid", &quoted, NOW).as_deref(), Some(name), "{quoted}");
        }
        for (text, plain) in [
            ("a\\\"b", Some("a\"b")),
            ("\\134", Some("\\")),
            ("\\\\", Some("\\")),
            ("ab", Some("ab")),
            ("\\", None),
            ("\\8", None),
            ("\\a", None),
            ("\\477", None),
        ] {
            assert_eq!(unquoted(text.as_bytes(), true).as_deref(), plain.map(str::as_bytes), "{text}");
        }
        // Time and signature have one spelling.
        let plain = sealed("emma");
        assert!(read("sid", &plain, NOW).is_some());
        for at in 0..plain.len() {
            let (before, behind) = plain.split_at(at);
            assert_eq!(read("sid", &format!("{before}\\{behind}"), NOW), None, "{at}");
            if let Some(rest) = behind.get(1..) {
                let octal = format!("{before}\\{:03o}{rest}", behind.as_bytes()[0]);
                let in_the_value = at < "emma".len();
                assert_eq!(read("sid", &octal, NOW).is_some(), in_the_value, "{octal}");
            }
        }
    }

    #[test]
    fn a_time_is_a_number_without_leading_zeros() {
        for (text, expected) in [
            ("1r31eq", Some(NOW)),
            ("0", Some(0)),
            ("z", Some(61)),
            ("01", None),
            ("", None),
            ("-1", None),
            ("zzzzzzzzzzzz", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
        assert_eq!((base62(0).as_str(), base62(NOW).as_str(), base62(u64::MAX).len()), ("0", "1r31eq", 11));
    }

    #[test]
    fn a_compressed_value_is_read_and_a_pickled_one_is_not() {
        let session = DjangoSession::signed_by(secret());
        let signed = |payload: &str| session.0.seal(b"", &session.0.salt, payload.as_bytes(), at(NOW).unwrap());
        let opens = |text: String| session.open("", text.as_bytes().into(), at(NOW).unwrap()).is_some();
        assert!(opens(signed(".eJyrVspWslJKHCZAqRYAlOZN7g")));
        assert!(!opens(signed("gASVEAAAAAAAAAB9lIwHdXNlcl9pZJRLB3Mu")));
        assert!(!opens(signed("eyJ1c2VyX2lkIjo3fQ==")));
    }
}
