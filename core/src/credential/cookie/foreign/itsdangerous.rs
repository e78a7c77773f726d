//! What itsdangerous signs, and Flask with it: [`Itsdangerous`].

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    CookieFormat, Document, OpenedCookie, UNSIGNED, at, faults_of,
    mac::{MacHash, Written, cut_last},
    seconds,
};
use crate::{clock::later, credential::Raw, observe::why::OrSay, secret::Secret};

/// JSON that itsdangerous signs (`URLSafeTimedSerializer`, and `URLSafeSerializer` where it is [untimed](Self::untimed)), as Flask's
/// sessions are.
///
/// `value.time.signature`, each in base64url; a value that begins with `.` is compressed. The salt tells what a value is for: one of
/// another salt is refused. See the [module](super).
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, Itsdangerous},
/// };
/// use std::time::{Duration, SystemTime};
///
/// let flask = Itsdangerous::flask_session(Secret::new("secret-key"));
/// let value = b"eyJ1c2VyX2lkIjo3fQ.ZVPxAA.NK352KVXZYFQQsK3rk2HVbDNvjI";
/// let signed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let (week, year) = (Duration::from_secs(604_800), Duration::from_secs(31_557_600));
/// assert_eq!(
///     flask
///         .open("session", value.into(), signed + week)
///         .unwrap()
///         .value()
///         .member::<u64>("user_id"),
///     Some(7)
/// );
/// assert!(flask.open("session", value.into(), signed + year).is_none());
/// ```
///
/// # What it does not do
/// It does not read Flask's tags for dates, tuples and the like: they are members as Flask wrote them.
#[derive(Debug, Clone)]
pub struct Itsdangerous {
    secrets: Vec<Secret>,
    salt: Box<str>,
    derivation: KeyDerivation,
    hash: MacHash,
    longest: Option<Duration>,
}

/// How the key of a MAC comes of secret and salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyDerivation {
    /// `hash(salt + secret)`.
    Concat,
    /// `hash(salt + "signer" + secret)`, which itsdangerous does unless told otherwise.
    DjangoConcat,
    /// `HMAC(secret, salt)`, as Flask does.
    Hmac,
    /// The secret itself.
    None,
}

impl Itsdangerous {
    /// A session of Flask, signed at most 31 days ago.
    #[must_use]
    pub fn flask_session(secret: Secret) -> Self {
        let month = Duration::from_secs(31 * 24 * 60 * 60);
        Self::salted(secret, "cookie-session", month).derived_by(KeyDerivation::Hmac)
    }

    /// What a `URLSafeTimedSerializer` of this secret and salt signs, at most so long ago.
    #[must_use]
    pub fn salted(secret: Secret, salt: &str, longest: Duration) -> Self {
        Self {
            secrets: vec![secret],
            salt: salt.into(),
            derivation: KeyDerivation::DjangoConcat,
            hash: MacHash::Sha1,
            longest: Some(longest),
        }
    }

    /// Derives the key otherwise than itsdangerous does by itself.
    #[must_use]
    pub fn derived_by(mut self, derivation: KeyDerivation) -> Self {
        self.derivation = derivation;
        self
    }

    /// Signs with another hash than SHA-1.
    #[must_use]
    pub fn hashed_by(mut self, hash: MacHash) -> Self {
        self.hash = hash;
        self
    }

    /// Holds no time: what a `URLSafeSerializer` signs. It never ends.
    #[must_use]
    pub fn untimed(mut self) -> Self {
        self.longest = None;
        self
    }

    /// Takes what an older secret signed as well.
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The text of this value, signed now. What cannot be JSON is sealed as `null`.
    #[must_use]
    pub fn seal(&self, value: &impl Serialize, now: SystemTime) -> String {
        let json = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
        let mut text = URL_SAFE_NO_PAD.encode(json);
        if self.longest.is_some() {
            let bytes = seconds(now).to_be_bytes();
            let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            text = format!("{text}.{}", URL_SAFE_NO_PAD.encode(bytes.get(first..).unwrap_or_default()));
        }
        let mac = self.secrets.first().map(|secret| self.mac(secret, text.as_bytes())).unwrap_or_default();
        format!("{text}.{}", Written::Url.write(&mac))
    }

    fn mac(&self, secret: &Secret, signed: &[u8]) -> Vec<u8> {
        let (secret, salt) = (secret.expose(), self.salt.as_bytes());
        let key = match self.derivation {
            KeyDerivation::Concat => self.hash.hash(&[salt, secret]),
            KeyDerivation::DjangoConcat => self.hash.hash(&[salt, b"signer", secret]),
            KeyDerivation::Hmac => self.hash.mac(secret, &[salt]),
            KeyDerivation::None => secret.to_vec(),
        };
        self.hash.mac(&key, &[signed])
    }

    /// What was signed, if it was.
    fn unsigned<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let (signed, mac) = cut_last(text, b".")?;
        self.secrets.iter().any(|secret| Written::Url.equals(&self.mac(secret, signed), mac)).or_say(UNSIGNED)?;
        Some(signed)
    }
}

impl CookieFormat for Itsdangerous {
    type Value = Document;

    fn open(&self, _: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Document>> {
        let signed = self.unsigned(raw.whole())?;
        let Some(longest) = self.longest else { return document(signed).map(OpenedCookie::of) };
        let (payload, time) = cut_last(signed, b".")?;
        let issued = at(number(&URL_SAFE_NO_PAD.decode(time).ok()?)?)?;
        // Whole seconds, as itsdangerous counts: exactly as long ago is good.
        let ends = later(later(issued, longest), Duration::from_secs(1));
        OpenedCookie::of(document(payload)?).issued_at(issued).ending_at(ends).holding_at(now)
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.secrets)
    }
}

/// A document in base64url, compressed behind a dot.
pub(super) fn document(payload: &[u8]) -> Option<Document> {
    match payload.strip_prefix(b".") {
        Some(compressed) => Document::inflate(&URL_SAFE_NO_PAD.decode(compressed).ok()?),
        None => Document::read(&URL_SAFE_NO_PAD.decode(payload).ok()?),
    }
}

/// A number in as few bytes as it takes, and in eight at most.
fn number(bytes: &[u8]) -> Option<u64> {
    let mut padded = [0; 8];
    padded.get_mut(8_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    (bytes.first() != Some(&0)).then(|| u64::from_be_bytes(padded))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const MONTH: u64 = 31 * 24 * 60 * 60;
    const FLASK: &str = "eyJ1c2VyX2lkIjo3fQ.ZVPxAA.NK352KVXZYFQQsK3rk2HVbDNvjI";

    fn secret() -> Secret {
        Secret::new("secret-key")
    }

    fn is_good(format: &Itsdangerous, text: &str, now: u64) -> bool {
        format.open("session", text.as_bytes().into(), at(now).unwrap()).is_some()
    }

    fn serializer(salt: &str) -> Itsdangerous {
        Itsdangerous::salted(secret(), salt, Duration::from_secs(60))
    }

    #[test]
    fn what_itsdangerous_signs_is_read_and_made() {
        let object = serde_json::json!({ "id": 5, "name": "itsdangerous" });
        let rows = [
            (
                serializer("itsdangerous").untimed(),
                &object,
                "eyJpZCI6NSwibmFtZSI6Iml0c2Rhbmdlcm91cyJ9.dXsPurNnbsOsQDHMMaHDcM78D0s",
            ),
            (serializer("activate").untimed(), &42.into(), "NDI.MHQqszw6Wc81wOBQszCrEE_RlzY"),
            (
                serializer("auth"),
                &object,
                "eyJpZCI6NSwibmFtZSI6Iml0c2Rhbmdlcm91cyJ9.ZVPxAA.OOuvmGvB74uciA6TIjAG7txXoEc",
            ),
            (Itsdangerous::flask_session(secret()), &serde_json::json!({ "user_id": 7 }), FLASK),
        ];
        for (format, value, text) in rows {
            assert_eq!(format.seal(value, at(NOW).unwrap()), text);
            let opened = format.open("", text.as_bytes().into(), at(NOW).unwrap()).expect(text);
            assert_eq!(&opened.value().parse::<serde_json::Value>().unwrap(), value);
        }
        let compressed = ".eJyrVspWslJKHCZAqRYAlOZN7g.lG2PFUJdNKqN2rZnZ7CH91P2Jy8";
        let opened = serializer("itsdangerous").untimed().open("", compressed.as_bytes().into(), at(NOW).unwrap());
        assert_eq!(opened.unwrap().value().member::<String>("k"), Some("a".repeat(200)));
    }

    #[test]
    fn what_is_signed_may_last_for_ever() {
        let format = Itsdangerous::salted(secret(), "auth", Duration::MAX);
        let sealed = format.seal(&7, at(NOW).unwrap());
        assert!(is_good(&format, &sealed, NOW) && is_good(&format, &sealed, NOW * 2));
    }

    #[test]
    fn the_signers_below_are_those_of_itsdangerous() {
        let text = |signed: &str| Some(signed.to_owned());
        let rows = [
            (serializer("itsdangerous.Signer"), "my string.wh6tMHxLgJqB6oY1uT73iMlyrOA", text("my string")),
            (
                serializer("auth").derived_by(KeyDerivation::Hmac).hashed_by(MacHash::Sha256),
                "my string.tlD7rUs4LlACNr5hVB8EOjGuipDuff2ODSLrfu0RNFU",
                text("my string"),
            ),
            (
                serializer("itsdangerous.Signer"),
                "my string.ZVPxAA.jr6oPKNI4x66_7OoEQCvO5o789s",
                text("my string.ZVPxAA"),
            ),
            (serializer("itsdangerous"), "my string.wh6tMHxLgJqB6oY1uT73iMlyrOA", None),
        ];
        for (format, signed, expected) in rows {
            let unsigned =
                format.unsigned(signed.as_bytes()).map(|signed| String::from_utf8_lossy(signed).into_owned());
            assert_eq!(unsigned, expected, "{signed}");
        }
    }

    #[test]
    fn a_value_is_good_for_its_time_its_salt_and_its_secret() {
        let flask = Itsdangerous::flask_session(secret());
        for (now, good) in [
            (NOW, true),
            (NOW + MONTH, true),
            (NOW + MONTH + 1, false),
            (NOW - 60, true),
            (NOW - 61, false),
            (0, false),
        ] {
            assert_eq!(is_good(&flask, FLASK, now), good, "{now}");
        }
        assert!(!is_good(&serializer("cookie-session"), FLASK, NOW), "another derivation");
        assert!(!is_good(&serializer("auth").derived_by(KeyDerivation::Hmac), FLASK, NOW), "another salt");
        let other = Itsdangerous::flask_session(Secret::new("other"));
        assert!(!is_good(&other, FLASK, NOW));
        assert!(is_good(&other.or_older(secret()), FLASK, NOW));
        assert!(!is_good(&flask.clone().untimed(), FLASK, NOW), "a time is no part of a value");
        assert_eq!(Itsdangerous::flask_session(Secret::new("")).check().len(), 1);
    }

    #[test]
    fn a_time_is_a_number_in_as_few_bytes_as_it_takes() {
        let flask = Itsdangerous::flask_session(secret());
        let signed = |time: &[u8]| {
            let text = format!("eyJ1c2VyX2lkIjo3fQ.{}", URL_SAFE_NO_PAD.encode(time));
            format!("{text}.{}", Written::Url.write(&flask.mac(&secret(), text.as_bytes())))
        };
        let five = (1_u64 << 32) + 5;
        let rows: [(&[u8], u64, bool); 8] = [
            (&1_700_000_000_u32.to_be_bytes(), NOW, true),
            (&[1, 0, 0, 0, 5], NOW, false),
            (&[1, 0, 0, 0, 5], five, true),
            (&[0, 0x65, 0x53, 0xf1, 0], NOW, false),
            (&[0xff; 8], NOW, false),
            (&[0xff; 9], NOW, false),
            (&[], NOW, false),
            (&[], 0, true),
        ];
        for (time, now, good) in rows {
            assert_eq!(is_good(&flask, &signed(time), now), good, "{time:?}");
        }
    }

    #[test]
    fn nothing_but_the_very_text_is_read() {
        let flask = Itsdangerous::flask_session(secret());
        let upper = FLASK.to_uppercase();
        for text in [
            "",
            ".",
            "..",
            "...",
            &FLASK[1..],
            &format!("{FLASK}="),
            &format!(".{FLASK}"),
            &upper,
            &FLASK[..FLASK.len() - 1],
        ] {
            assert!(!is_good(&flask, text, NOW), "{text}");
        }
        for position in 0..FLASK.len() {
            for byte in [b'A', b'.', 0xff, 0] {
                let mut text = FLASK.as_bytes().to_vec();
                if text[position] != byte {
                    text[position] = byte;
                    assert!(flask.open("", text.as_slice().into(), at(NOW).unwrap()).is_none(), "{position} {byte}");
                }
            }
        }
    }
}
