//! What `signing.dumps` signs, a session or another document: [`DjangoSession`].

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    super::{CookieFormat, Document, OpenedCookie, faults_of, itsdangerous::document},
    FORTNIGHT, Signer,
};
use crate::{credential::Raw, secret::Secret};

/// A session that Django keeps in its cookie (`django.contrib.sessions.backends.signed_cookies`), or another document that
/// `django.core.signing.dumps` signed.
///
/// `value:time:signature`; a value that begins with `.` is compressed. JSON alone is read: a session of Django's `PickleSerializer` is refused.
/// See the [module](super::super).
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, DjangoSession},
/// };
/// use std::time::{Duration, SystemTime};
///
/// let django = DjangoSession::signed_by(Secret::new("secret-key"));
/// let value = b"eyJ1c2VyX2lkIjo3fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4";
/// let signed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// assert_eq!(
///     django.open("sessionid", value.into(), signed).unwrap().value().member::<u64>("user_id"),
///     Some(7)
/// );
/// assert!(
///     django
///         .open(
///             "sessionid",
///             b"eyJ1c2VyX2lkIjo4fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4".into(),
///             signed
///         )
///         .is_none()
/// );
/// ```
///
/// # What it does not do
/// It does not compare the hash of the password that Django keeps in a session of its own users (`_auth_user_hash`): whoever changed their password is
/// signed in here until the session ends, unless the app compares it. Sessions in Django's database or cache are a random key in the cookie, and not read.
#[derive(Debug, Clone)]
pub struct DjangoSession(Signer);

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

impl CookieFormat for DjangoSession {
    type Value = Document;

    fn open(&self, _: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Document>> {
        self.0.open(b"", &self.0.salt, raw.whole(), now)?.map(document)
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.0.secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::at, *};

    const NOW: u64 = 1_700_000_000;

    fn secret() -> Secret {
        Secret::new("secret-key")
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
