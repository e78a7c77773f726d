//! What keygrip signs, and cookie-session with it: [`CookieSession`].

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    CookieFormat, Document, OpenedCookie, UNSIGNED, each_beginning, faults_of,
    mac::{MacHash, Written},
};
use crate::{
    credential::{Occurrences, Raw},
    observe::why::OrSay,
    request::RequestView,
    secret::Secret,
};

/// A session of cookie-session, the middleware of Express: JSON in base64, and beside it a cookie `<name>.sig` with the HMAC-SHA1 of
/// `name=value` in base64url, as keygrip makes it.
///
/// The name is bound, no time is: a copy is good until the key changes. Without its signature the cookie is refused.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::{
///         Raw,
///         cookie::foreign::{CookieFormat, CookieSession},
///     },
/// };
/// use std::time::SystemTime;
///
/// let session = CookieSession::signed_by(Secret::new("key2")).or_older(Secret::new("key1"));
/// let (value, signature) = session.seal("session", &serde_json::json!({ "user": "emma" }));
/// let opened = session
///     .open(
///         "session",
///         Raw::of_parts(&[value.as_bytes(), signature.as_bytes()]),
///         SystemTime::now(),
///     )
///     .unwrap();
/// assert_eq!(opened.value().member::<String>("user").as_deref(), Some("emma"));
/// assert!(
///     session.open("session", Raw::of_parts(&[value.as_bytes()]), SystemTime::now()).is_none()
/// );
/// ```
///
/// # What it does not do
/// It renews nothing: the browser's `maxAge` is all the end that there is, and no server sees it. It does not read keygrip's signatures by other hashes than SHA-1.
#[derive(Debug, Clone)]
pub struct CookieSession {
    keys: Vec<Secret>,
}

impl CookieSession {
    /// Sessions of this key.
    #[must_use]
    pub fn signed_by(key: Secret) -> Self {
        Self { keys: vec![key] }
    }

    /// Takes what an older key signed as well.
    #[must_use]
    pub fn or_older(mut self, key: Secret) -> Self {
        self.keys.push(key);
        self
    }

    /// The text of this session for the cookie of this name, and that of the cookie with its signature. What cannot be JSON is sealed
    /// as `null`.
    #[must_use]
    pub fn seal(&self, name: &str, value: &impl Serialize) -> (String, String) {
        let text = STANDARD.encode(serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec()));
        let mac = self.keys.first().map(|key| mac(key, name, text.as_bytes())).unwrap_or_default();
        (text, Written::Url.write(&mac))
    }
}

fn mac(key: &Secret, name: &str, value: &[u8]) -> Vec<u8> {
    MacHash::Sha1.mac(key.expose(), &[name.as_bytes(), b"=", value])
}

impl CookieFormat for CookieSession {
    type Value = Document;

    fn open(&self, name: &str, raw: Raw<'_>, _: SystemTime) -> Option<OpenedCookie<Document>> {
        let value = raw.part(0)?;
        let signature = raw.part(1).or_say("its signature is missing, which is a cookie of its own, <name>.sig")?;
        let good = |key: &Secret| Written::Url.equals(&mac(key, name, value), signature);
        self.keys.iter().any(good).or_say(UNSIGNED)?;
        Document::read(&STANDARD.decode(value).ok()?).map(OpenedCookie::of)
    }

    fn locate<'h>(&'h self, name: &'h str, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        each_beginning(name, request, |rest, value| match rest {
            b"" => occurrences.add_part(0, value),
            b".sig" => occurrences.add_part(1, value),
            _ => {}
        });
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> CookieSession {
        CookieSession::signed_by(Secret::new("key2")).or_older(Secret::new("key1"))
    }

    fn opens(name: &str, parts: &[&[u8]]) -> bool {
        session().open(name, Raw::of_parts(parts), SystemTime::UNIX_EPOCH).is_some()
    }

    #[test]
    fn the_signature_is_that_of_keygrip() {
        assert_eq!(Written::Url.write(&mac(&Secret::new("key2"), "session", b"abc")), "V7HGbJpcakHuKimIDz3FYfec418");
    }

    #[test]
    fn it_takes_both_cookies_and_binds_the_name() {
        let (value, signature) = session().seal("session", &serde_json::json!({ "user": "emma" }));
        let older = CookieSession::signed_by(Secret::new("key1")).seal("session", &serde_json::json!({}));
        let (value, signature) = (value.as_bytes(), signature.as_bytes());
        let padded = [signature, b"="].concat();
        assert!(opens("session", &[value, signature]));
        assert!(opens("session", &[older.0.as_bytes(), older.1.as_bytes()]));
        for (name, parts) in [
            ("session2", &[value, signature][..]),
            ("session", &[value]),
            ("session", &[value, b""]),
            ("session", &[b"", signature]),
            ("session", &[value, &padded]),
            ("session", &[older.0.as_bytes(), signature]),
            ("session", &[signature, value]),
        ] {
            assert!(!opens(name, parts), "{name} {parts:?}");
        }
        // Signed, and no JSON: another cookie of the same keys.
        let other = Written::Url.write(&mac(&Secret::new("key2"), "session", b"abc"));
        assert!(!opens("session", &[b"abc", other.as_bytes()]));
    }
}
