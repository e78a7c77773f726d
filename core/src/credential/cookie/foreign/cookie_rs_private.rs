//! What the crate `cookie` encrypts, and axum-extra, Rocket and actix-web with it: [`CookieRsPrivate`].

use std::time::SystemTime;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    CookieFormat, OpenedCookie, UNSEALED,
    cookie_rs::{Half, JarKeys},
};
use crate::{credential::Raw, observe::why::OrSay, secret::Secret};

/// A private cookie of the crate `cookie` (`PrivateJar`): nonce, text and tag of AES-256-GCM in base64. The name is bound, no time is.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, CookieRsPrivate},
/// };
/// use std::time::SystemTime;
///
/// let private = CookieRsPrivate::derived_from(&Secret::new((0..=31).collect::<Vec<u8>>()));
/// let sealed = private.seal("user", "emma").unwrap();
/// assert!(
///     private
///         .open("user", sealed.as_bytes().into(), SystemTime::now())
///         .unwrap()
///         .value()
///         .matches(b"emma")
/// );
/// assert!(private.open("admin", sealed.as_bytes().into(), SystemTime::now()).is_none());
/// ```
///
/// # What it does not do
/// It ends nothing: a value is good for as long as the key is. One that must end holds its end, which the app judges.
#[derive(Debug, Clone)]
pub struct CookieRsPrivate(JarKeys);

impl CookieRsPrivate {
    /// The key that `Key::derive_from` makes of this master key, of 32 bytes or more.
    #[must_use]
    pub fn derived_from(master: &Secret) -> Self {
        Self(JarKeys::derived_from(master, Half::Encrypting))
    }

    /// The key that `Key::from` takes: 64 bytes, of which the second 32 encrypt.
    #[must_use]
    pub fn of_key(key: &Secret) -> Self {
        Self(JarKeys::of_key(key, Half::Encrypting))
    }

    /// Takes what these keys encrypted as well.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// The text of this value for the cookie of this name; `None` if the system gives no randomness.
    #[must_use]
    pub fn seal(&self, name: &str, value: &str) -> Option<String> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let mut text = value.as_bytes().to_vec();
        let key = aead_key(self.0.halves.first()?)?;
        let aad = Aad::from(name.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text).ok()?;
        Some(STANDARD.encode([&nonce[..], &text].concat()))
    }
}

fn aead_key(key: &Secret) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).ok()?))
}

impl CookieFormat for CookieRsPrivate {
    type Value = Secret;

    fn open(&self, name: &str, raw: Raw<'_>, _: SystemTime) -> Option<OpenedCookie<Secret>> {
        let bytes = STANDARD.decode(raw.whole()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let open = |key: &Secret| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut text = sealed.to_vec();
            let plain = aead_key(key)?.open_in_place(nonce, Aad::from(name.as_bytes()), &mut text).ok()?;
            Some(Secret::new(&*plain))
        };
        self.0.halves.iter().find_map(open).or_say(UNSEALED).map(OpenedCookie::of)
    }

    fn check(&self) -> Vec<String> {
        self.0.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::cookie::foreign::cookie_rs::tests::KEY;

    fn opens(format: &CookieRsPrivate, name: &str, text: &str) -> bool {
        format.open(name, text.as_bytes().into(), SystemTime::UNIX_EPOCH).is_some()
    }

    #[test]
    fn what_the_crate_encrypts_is_read_under_its_name() {
        let private = CookieRsPrivate::of_key(&Secret::new(KEY));
        for (name, text) in [
            ("encrypted_with_ring014", "lObeZJorGVyeSWUA8khTO/8UCzFVBY9g0MGU6/J3NN1R5x11dn2JIA=="),
            ("encrypted_with_ring016", "SU1ujceILyMBg3fReqRmA9HUtAIoSPZceOM/CUpObROHEujXIjonkA=="),
        ] {
            let opened = private.open(name, text.as_bytes().into(), SystemTime::UNIX_EPOCH).unwrap();
            assert!(opened.value().matches(b"Tamper-proof"));
            assert!(!opens(&private, "another", text));
            let other = CookieRsPrivate::of_key(&Secret::new([7; 64]));
            assert!(!opens(&other, name, text));
            assert!(opens(&other.or(private.clone()), name, text));
        }
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let private = CookieRsPrivate::of_key(&Secret::new(KEY));
        let good = private.seal("user", "emma").unwrap();
        assert!(opens(&private, "user", &good));
        let bytes = STANDARD.decode(&good).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(!opens(&private, "user", &STANDARD.encode(&changed)), "{at}");
            assert!(!opens(&private, "user", &STANDARD.encode(&bytes[..at])), "{at}");
        }
        let url = good.replace('+', "-").replace('/', "_");
        for text in [format!("{good}="), good.trim_end_matches('=').to_owned() + "A", format!(" {good}"), String::new()]
        {
            assert!(!opens(&private, "user", &text), "{text}");
        }
        assert!(url == good || !opens(&private, "user", &url));
        assert_eq!(CookieRsPrivate::of_key(&Secret::new([1; 63])).check().len(), 1);
        assert!(CookieRsPrivate::derived_from(&Secret::new([1; 31])).seal("user", "emma").is_none());
    }
}
