//! What Rails signs: [`Rails`].

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use pbkdf2::pbkdf2_hmac;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha1::Sha1;
use sha2::Sha256;

use super::{
    CookieFormat, Document, OpenedCookie, UNSIGNED, faults_of,
    mac::{MacHash, Written, cut_last},
};
use crate::{credential::Raw, observe::why::OrSay, secret::Secret};

/// How often the hash runs that makes a key of `secret_key_base`, as Rails has it.
const ROUNDS: u32 = 1000;

/// A signed cookie of Rails (`cookies.signed`), of version 5.2 or later with JSON.
///
/// `base64--hex`, the HMAC-SHA1 of the base64. Inside is an envelope with the value, its end, and its purpose, `cookie.` and the name:
/// a value of another cookie is refused, and so is one without an envelope, which could be any cookie's. Both forms of the envelope
/// are read. **A value that Ruby's Marshal wrote is refused unread**, because reading it runs code.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, Rails},
/// };
/// use std::time::{Duration, SystemTime};
///
/// let rails = Rails::by_key_base(&Secret::new("0123456789abcdef0123456789abcdef"));
/// let value = b"eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5UQT0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19--505a9695659ad00babd818057af43df737822b90";
/// let now = SystemTime::now();
/// assert_eq!(rails.open("user_id", value.into(), now).unwrap().value().parse::<u64>(), Some(50));
/// assert!(rails.open("admin_id", value.into(), now).is_none(), "it was signed for another name");
/// ```
///
/// # What it does not do
/// It does not read encrypted cookies, nor Rails' session cookie, which is one.
#[derive(Debug, Clone)]
pub struct Rails {
    keys: Vec<Secret>,
    purpose: Option<Box<str>>,
}

#[derive(Serialize, Deserialize)]
struct Enveloped {
    #[serde(rename = "_rails")]
    rails: Envelope,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    /// JSON in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// JSON as it is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    data: Option<Value>,
    #[serde(default)]
    exp: Option<String>,
    pur: String,
}

/// `null` is a value too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Rails {
    /// Cookies of this `secret_key_base`, whose key is derived by SHA-1 (until Rails 6.1) or SHA-256 (since 7.0): both are taken, and the
    /// newer is made.
    #[must_use]
    pub fn by_key_base(base: &Secret) -> Self {
        let (mut newer, mut older) = ([0; 64], [0; 64]);
        pbkdf2_hmac::<Sha256>(base.expose(), b"signed cookie", ROUNDS, &mut newer);
        pbkdf2_hmac::<Sha1>(base.expose(), b"signed cookie", ROUNDS, &mut older);
        Self { keys: vec![Secret::new(newer), Secret::new(older)], purpose: None }
    }

    /// Values that a `MessageVerifier` of this secret signed for this purpose, whatever the cookie's name.
    #[must_use]
    pub fn verifier(secret: Secret, purpose: &str) -> Self {
        Self { keys: vec![secret], purpose: Some(purpose.into()) }
    }

    /// The same, making what Rails until 6.1 makes.
    #[must_use]
    pub fn making_older(mut self) -> Self {
        self.keys.reverse();
        self
    }

    /// Takes what others of these keys signed as well.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }

    /// The text of this value for the cookie of this name. What cannot be JSON is sealed as `null`. It must be percent-encoded before it is
    /// set, as Rails does.
    #[must_use]
    pub fn seal(&self, name: &str, value: &impl Serialize, ends: Option<SystemTime>) -> String {
        let json = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
        let exp = ends.and_then(|ends| Timestamp::try_from(ends).ok()).map(|ends| format!("{ends:.3}"));
        let envelope =
            Envelope { message: Some(STANDARD.encode(json)), data: None, exp, pur: self.purpose_of(name).into_owned() };
        let text = STANDARD.encode(serde_json::to_vec(&Enveloped { rails: envelope }).unwrap_or_default());
        let mac = self.keys.first().map(|key| MacHash::Sha1.mac(key.expose(), &[text.as_bytes()]));
        format!("{text}--{}", Written::Hex.write(&mac.unwrap_or_default()))
    }

    fn purpose_of(&self, name: &str) -> std::borrow::Cow<'_, str> {
        match &self.purpose {
            Some(purpose) => purpose.as_ref().into(),
            None => format!("cookie.{name}").into(),
        }
    }
}

impl CookieFormat for Rails {
    type Value = Document;

    fn open(&self, name: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Document>> {
        let (text, mac) = cut_last(raw.whole(), b"--")?;
        let good = |key: &Secret| Written::Hex.equals(&MacHash::Sha1.mac(key.expose(), &[text]), mac);
        self.keys.iter().any(good).or_say(UNSIGNED)?;
        let json = STANDARD.decode(text).ok()?;
        let Enveloped { rails } = serde_json::from_slice(&json).ok()?;
        (rails.pur == self.purpose_of(name)).or_say("it was signed for another purpose")?;
        let document = match (rails.message, rails.data) {
            (Some(message), None) => Document::read(&STANDARD.decode(message).ok()?)?,
            (None, Some(data)) => Document::of(data),
            _ => return None,
        };
        let opened = OpenedCookie::of(document);
        match rails.exp {
            Some(end) => opened.ending_at(SystemTime::try_from(end.parse::<Timestamp>().ok()?).ok()?).holding_at(now),
            None => Some(opened),
        }
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.keys)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::credential::cookie::foreign::at;

    const BODY: &str = "eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5UQT0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19";
    const DATA: &str = "eyJfcmFpbHMiOnsiZGF0YSI6NTAsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19";

    fn rails() -> Rails {
        Rails::by_key_base(&Secret::new("0123456789abcdef0123456789abcdef"))
    }

    fn opens(format: &Rails, name: &str, text: &str, now: u64) -> Option<u64> {
        format.open(name, text.as_bytes().into(), at(now).unwrap())?.value().parse()
    }

    /// Signed with the newer key, whatever it is.
    fn signed(text: &str) -> String {
        let mac = MacHash::Sha1.mac(rails().keys[0].expose(), &[text.as_bytes()]);
        format!("{text}--{}", Written::Hex.write(&mac))
    }

    #[test]
    fn what_rails_signs_is_read_and_made() {
        let (older, newer) = (
            format!("{BODY}--505a9695659ad00babd818057af43df737822b90"),
            format!("{BODY}--f9f61728f2a8cd31036560b10096252d6b2f4d35"),
        );
        for text in [
            &older,
            &newer,
            &format!("{DATA}--3d883f69d0f3c1849608de2d34f8394c1456673a"),
            &format!("{DATA}--d03fe7058edef098fd59a52d451bb13cbdeda47c"),
        ] {
            assert_eq!(opens(&rails(), "user_id", text, 0), Some(50), "{text}");
        }
        assert_eq!(rails().seal("user_id", &50, None), newer);
        assert_eq!(rails().making_older().seal("user_id", &50, None), older);
        let verifier = Rails::verifier(Secret::new("secret"), "test");
        let text = b"eyJfcmFpbHMiOnsibWVzc2FnZSI6IklteGxaMkZqZVNJPSIsImV4cCI6IjMwMDAtMDEtMDFUMDA6MDA6MDAuMDAwWiIsInB1ciI6InRlc3QifX0=--81b11c317dba91cedd86ab79b7d7e68de8d290b3";
        let opened = verifier.open("any", text.into(), at(0).unwrap()).unwrap();
        assert_eq!(opened.value().parse::<String>().as_deref(), Some("legacy"));
        let end = SystemTime::try_from("3000-01-01T00:00:00Z".parse::<Timestamp>().unwrap()).unwrap();
        assert_eq!(opened.ends(), Some(end));
        assert_eq!(verifier.seal("any", &"legacy", Some(end)).as_bytes(), text);
    }

    #[test]
    fn a_value_is_good_for_its_purpose_its_time_and_its_key() {
        let ending = rails().seal("user_id", &50, at(1_700_000_000));
        for (name, text, now, good) in [
            ("user_id", &ending, 1_699_999_999, true),
            ("user_id", &ending, 1_700_000_000, false),
            ("user_id", &ending, 1_700_000_001, false),
            ("user_i", &ending, 0, false),
            ("admin_id", &ending, 0, false),
        ] {
            assert_eq!(opens(&rails(), name, text, now).is_some(), good, "{name} {now}");
        }
        let other = Rails::by_key_base(&Secret::new("another"));
        assert_eq!(opens(&other, "user_id", &ending, 0), None);
        assert_eq!(opens(&other.or(rails()), "user_id", &ending, 0), Some(50));
    }

    #[test]
    fn objects_and_values_without_a_purpose_are_refused() {
        // Ruby's own test of Marshal, and its key.
        let mut key = [0; 64];
        pbkdf2_hmac::<Sha1>(b"b3c631c314c0bbca50c1b2843150fe33", b"signed cookie", 2, &mut key);
        let marshal = "BAhJIiE1LTItU3RhYmxlIENob2NvIENoaXAgQ29va2llBjoGRVQ=--50bbdbf8d64f5a3ec3e54878f54d4f55b6cb3aff";
        let (text, mac) = cut_last(marshal.as_bytes(), b"--").unwrap();
        assert!(Written::Hex.equals(&MacHash::Sha1.mac(&key, &[text]), mac), "it is what Rails signed");
        let its = Rails { keys: vec![Secret::new(key)], purpose: None };
        assert!(its.open("user_id", marshal.as_bytes().into(), at(0).unwrap()).is_none());

        let enveloped = |json: &str| signed(&STANDARD.encode(json));
        assert_eq!(
            opens(&rails(), "user_id", &enveloped(r#"{"_rails":{"data":50,"pur":"cookie.user_id"}}"#), 0),
            Some(50)
        );
        for json in [
            "50",
            r#"{"data":50,"pur":"cookie.user_id"}"#,
            r#"{"_rails":{"data":50}}"#,
            r#"{"_rails":{"data":50,"pur":null}}"#,
            r#"{"_rails":{"pur":"cookie.user_id"}}"#,
            r#"{"_rails":{"data":50,"message":"NTA=","pur":"cookie.user_id"}}"#,
            r#"{"_rails":{"data":50,"exp":"soon","pur":"cookie.user_id"}}"#,
            r#"{"_rails":{"data":50,"exp":5,"pur":"cookie.user_id"}}"#,
            // Marshal inside the envelope.
            r#"{"_rails":{"message":"BAhpNw==","pur":"cookie.user_id"}}"#,
        ] {
            assert_eq!(opens(&rails(), "user_id", &enveloped(json), 0), None, "{json}");
        }
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        let good = format!("{BODY}--f9f61728f2a8cd31036560b10096252d6b2f4d35");
        assert_eq!(opens(&rails(), "user_id", &good, 0), Some(50));
        for text in [
            format!("{BODY}--F9F61728F2A8CD31036560B10096252D6B2F4D35"),
            format!("{BODY}-f9f61728f2a8cd31036560b10096252d6b2f4d35"),
            format!("{BODY}=--f9f61728f2a8cd31036560b10096252d6b2f4d35"),
            format!("{BODY}--"),
            "--".to_owned(),
            String::new(),
            good[..good.len() - 1].to_owned(),
        ] {
            assert_eq!(opens(&rails(), "user_id", &text, 0), None, "{text}");
        }
        let fraction = rails().seal("user_id", &50, Some(at(5).unwrap() + Duration::from_millis(250)));
        assert!(rails().open("user_id", fraction.as_bytes().into(), at(5).unwrap()).is_some());
    }
}
