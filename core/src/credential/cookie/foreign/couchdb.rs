//! What CouchDB signs: [`CouchDb`].

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use super::{CookieFormat, OpenedCookie, at, mac::MacHash, seconds};
use crate::{clock::later, credential::Raw, secret::Secret};

/// CouchDB's session (`AuthSession`): base64url of `user:TIME:MAC`, where the MAC is by the server's secret and the user's own salt.
///
/// Whose salt it is stands in the cookie, so that reading it decides nothing yet: a verifier looks the salt up, such as
/// [`Secrets`](crate::verifier::Secrets), and asks the session [whether it is signed by it](CouchDbSession::is_by). HMAC-SHA256 is made,
/// and SHA-1 is read as well; the length of the MAC tells which. The MAC is raw bytes and may hold a colon.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, CouchDb},
/// };
/// use std::time::{Duration, SystemTime};
///
/// let (secret, salt) = (
///     Secret::new("92de07df7e7a3fe14808cef90a7cc0d9"),
///     Secret::new("3b8d0b0b0b2f4a7cbe8e2a4f4d7b1c2e"),
/// );
/// let couch = CouchDb::lasting(Duration::from_secs(600));
/// let now = SystemTime::now();
/// let sealed = couch.seal("root", &secret, &salt, now);
/// let opened = couch.open("AuthSession", sealed.as_bytes().into(), now).unwrap();
/// assert_eq!(opened.value().user(), "root");
/// assert!(opened.value().is_by(&secret, &salt));
/// assert!(!opened.value().is_by(&secret, &Secret::new("another salt")));
/// ```
///
/// # What it does not do
/// **It does not end a session before its time**: CouchDB remembers none, and a copy of the cookie outlives a sign-out. A new salt, which
/// CouchDB makes with each new password, ends them all.
#[derive(Debug, Clone)]
pub struct CouchDb {
    life: Duration,
}

/// What a session says, until it is shown who signed it.
pub struct CouchDbSession {
    user: Box<str>,
    signed: Box<[u8]>,
    mac: Secret,
}

impl CouchDb {
    /// Sessions that are good for so long (`timeout`, which is 600 seconds unless it was set).
    #[must_use]
    pub fn lasting(life: Duration) -> Self {
        Self { life }
    }

    /// For how long a session is good.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.life
    }

    /// The text of a session of this user, signed now with the server's secret and the user's salt.
    #[must_use]
    pub fn seal(&self, user: &str, secret: &Secret, salt: &Secret, now: SystemTime) -> String {
        let signed = format!("{user}:{:X}", seconds(now));
        let mac = mac(MacHash::Sha256, secret, salt, signed.as_bytes());
        URL_SAFE_NO_PAD.encode([signed.as_bytes(), b":", &mac].concat())
    }
}

fn mac(hash: MacHash, secret: &Secret, salt: &Secret, signed: &[u8]) -> Vec<u8> {
    hash.mac(&[secret.expose(), salt.expose()].concat(), &[signed])
}

impl CouchDbSession {
    /// Whom it names.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether it was signed with this secret and this salt; in constant time.
    #[must_use]
    pub fn is_by(&self, secret: &Secret, salt: &Secret) -> bool {
        let hash = if self.mac.expose().len() == 20 { MacHash::Sha1 } else { MacHash::Sha256 };
        mac(hash, secret, salt, &self.signed).ct_eq(self.mac.expose()).into()
    }
}

impl fmt::Debug for CouchDbSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CouchDbSession(..)")
    }
}

impl CookieFormat for CouchDb {
    type Value = CouchDbSession;

    fn open(&self, _: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<CouchDbSession>> {
        let bytes = URL_SAFE_NO_PAD.decode(raw.whole()).ok()?;
        // At the first two colons: those behind belong to the MAC.
        let mut parts = bytes.splitn(3, |byte| *byte == b':');
        let (user, time, mac) = (parts.next()?, parts.next()?, parts.next()?);
        let user_text = std::str::from_utf8(user).ok().filter(|user| !user.is_empty())?;
        let issued = at(hex(time)?)?;
        if !matches!(mac.len(), 20 | 32) {
            return None;
        }
        let session = CouchDbSession {
            user: user_text.into(),
            signed: bytes.get(..user.len() + 1 + time.len())?.into(),
            mac: Secret::new(mac),
        };
        OpenedCookie::of(session).issued_at(issued).ending_at(later(issued, self.life)).holding_at(now)
    }

    fn check(&self) -> Vec<String> {
        let never = self.life.is_zero();
        never.then(|| "sessions of CouchDB that last no time are never good".to_owned()).into_iter().collect()
    }
}

/// A number in upper-case hex, without leading zeros.
fn hex(text: &[u8]) -> Option<u64> {
    let canonical = text.first()? != &b'0' && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let text = std::str::from_utf8(text).ok().filter(|_| canonical)?;
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: u64 = 0x50BB_FF02;
    const SHA1: &str = "cm9vdDo1MEJCRkYwMjpF0LgUnZ1vOUsL_ogxXxaYfRuL_Q";
    const SHA256: &str = "cm9vdDo1MEJCRkYwMjoqg2qiwhAGL5AXmXIugqbWGhkAyTttyuWzTKpF5QGfPw";

    fn secret() -> Secret {
        Secret::new("92de07df7e7a3fe14808cef90a7cc0d9")
    }

    fn salt() -> Secret {
        Secret::new("3b8d0b0b0b2f4a7cbe8e2a4f4d7b1c2e")
    }

    fn couch() -> CouchDb {
        CouchDb::lasting(Duration::from_secs(600))
    }

    /// Whether this is a session of root at this time.
    fn admits(text: &[u8], now: u64) -> bool {
        let opened = couch().open("", text.into(), at(now).unwrap());
        opened.is_some_and(|opened| opened.value().user() == "root" && opened.value().is_by(&secret(), &salt()))
    }

    #[test]
    fn what_couchdb_signs_is_read_and_made() {
        assert!(admits(SHA1.as_bytes(), TIME) && admits(SHA256.as_bytes(), TIME));
        assert_eq!(couch().seal("root", &secret(), &salt(), at(TIME).unwrap()), SHA256);
        let opened = couch().open("", SHA256.as_bytes().into(), at(TIME).unwrap()).unwrap();
        assert!(!opened.value().is_by(&secret(), &Secret::new("")));
        assert!(!opened.value().is_by(&Secret::new("other"), &salt()));
        assert_eq!((opened.issued(), opened.ends()), (at(TIME), at(TIME + 600)));
    }

    #[test]
    fn it_is_good_for_its_time_and_never_far_ahead() {
        for (now, good) in
            [(TIME, true), (TIME + 599, true), (TIME + 600, false), (TIME - 60, true), (TIME - 61, false), (0, false)]
        {
            assert_eq!(admits(SHA256.as_bytes(), now), good, "{now}");
        }
    }

    #[test]
    fn it_may_last_for_ever() {
        let couch = CouchDb::lasting(Duration::MAX);
        assert!(couch.open("", SHA256.as_bytes().into(), at(TIME * 2).unwrap()).is_some());
    }

    #[test]
    fn a_mac_may_hold_colons() {
        let with_colon = (0..).find_map(|after| {
            let signed = format!("root:{:X}", TIME + after);
            let mac = mac(MacHash::Sha256, &secret(), &salt(), signed.as_bytes());
            mac.contains(&b':').then_some(TIME + after)
        });
        let time = with_colon.unwrap();
        assert!(admits(couch().seal("root", &secret(), &salt(), at(time).unwrap()).as_bytes(), time));
    }

    #[test]
    fn nothing_but_the_very_text_is_read() {
        let sealed = |signed: &str, hash: MacHash| {
            let mac = mac(hash, &secret(), &salt(), signed.as_bytes());
            URL_SAFE_NO_PAD.encode([signed.as_bytes(), b":", &mac].concat())
        };
        assert!(admits(sealed("root:50BBFF02", MacHash::Sha256).as_bytes(), TIME));
        for signed in
            ["root:50bbff02", "root:050BBFF02", "root:+50BBFF02", "root:", ":50BBFF02", "root", "root:50BBFF02:1"]
        {
            assert!(!admits(sealed(signed, MacHash::Sha256).as_bytes(), TIME), "{signed}");
        }
        assert!(!admits(sealed("root:50BBFF02", MacHash::Sha512).as_bytes(), TIME), "a MAC of another length");
        for text in
            [format!("{SHA256}="), SHA256.replace('-', "+"), String::new(), SHA256[..SHA256.len() - 1].to_owned()]
        {
            assert!(text == SHA256 || !admits(text.as_bytes(), TIME), "{text}");
        }
        let bytes = URL_SAFE_NO_PAD.decode(SHA256).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(!admits(URL_SAFE_NO_PAD.encode(&changed).as_bytes(), TIME), "{at}");
        }
    }
}
