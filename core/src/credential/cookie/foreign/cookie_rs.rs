//! What the crate `cookie` signs, and axum-extra, Rocket and actix-web with it: [`CookieRs`].

use std::time::SystemTime;

use hkdf::Hkdf;
use sha2::Sha256;

use super::{
    CookieFormat, OpenedCookie, UNSIGNED,
    mac::{MacHash, Written},
};
use crate::{credential::Raw, observe::why::OrSay, secret::Secret};

/// A signed cookie of the crate `cookie` (`SignedJar`): the HMAC-SHA256 of the value in base64, then the value.
///
/// Neither the name nor a time is bound: **what was signed for one cookie is good in every other of the same key**. Give each its own key,
/// or take the private form, which binds the name.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, CookieRs},
/// };
/// use std::time::SystemTime;
///
/// let master: Vec<u8> = (0..=31).collect();
/// let signed = CookieRs::derived_from(&Secret::new(master));
/// let value = b"3WtpL9kcmQ0tK4pJuDMO4udRmRT10fPeMFt40M6FkwY=value";
/// assert!(
///     signed.open("user", value.into(), SystemTime::now()).unwrap().value().matches(b"value")
/// );
/// assert!(
///     signed
///         .open(
///             "user",
///             b"3WtpL9kcmQ0tK4pJuDMO4udRmRT10fPeMFt40M6FkwY=other".into(),
///             SystemTime::now()
///         )
///         .is_none()
/// );
/// ```
///
/// # What it does not do
/// It ends nothing: a value is good for as long as the key is. One that must end holds its end, which the app judges.
#[derive(Debug, Clone)]
pub struct CookieRs(JarKeys);

/// One half each of the keys of a jar: that which signs, or that which encrypts.
#[derive(Debug, Clone)]
pub(super) struct JarKeys {
    pub(super) halves: Vec<Secret>,
    fault: Option<&'static str>,
}

/// Which half of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Half {
    Signing,
    #[cfg_attr(not(feature = "jwe"), expect(dead_code, reason = "only the private form encrypts"))]
    Encrypting,
}

/// How long a MAC is in base64.
const MAC: usize = 44;

impl CookieRs {
    /// The key that `Key::derive_from` makes of this master key, of 32 bytes or more.
    #[must_use]
    pub fn derived_from(master: &Secret) -> Self {
        Self(JarKeys::derived_from(master, Half::Signing))
    }

    /// The key that `Key::from` takes: 64 bytes, of which the first 32 sign.
    #[must_use]
    pub fn of_key(key: &Secret) -> Self {
        Self(JarKeys::of_key(key, Half::Signing))
    }

    /// Takes what these keys signed as well.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// The text of this value. It must be percent-encoded where it holds what a cookie cannot.
    #[must_use]
    pub fn seal(&self, value: &str) -> String {
        let mac = self.0.halves.first().map(|key| MacHash::Sha256.mac(key.expose(), &[value.as_bytes()]));
        format!("{}{value}", Written::Base64.write(&mac.unwrap_or_default()))
    }
}

impl JarKeys {
    /// Of the key that `Key::derive_from` makes of this master key.
    pub(super) fn derived_from(master: &Secret, half: Half) -> Self {
        match derived(master) {
            Some(key) => Self::of_key(&key, half),
            None => Self { halves: Vec::new(), fault: Some("a master key of cookies has less than 32 bytes") },
        }
    }

    /// Of 64 bytes: 32 that sign, then 32 that encrypt. More than these are not looked at.
    pub(super) fn of_key(key: &Secret, half: Half) -> Self {
        let halves = key.expose().split_first_chunk::<32>();
        let halves = halves.and_then(|(signing, rest)| Some((signing, rest.first_chunk::<32>()?)));
        let half = halves.map(|(signing, encrypting)| match half {
            Half::Signing => signing,
            Half::Encrypting => encrypting,
        });
        let fault = half.is_none().then_some("a key of cookies has less than 64 bytes");
        Self { halves: half.map(Secret::new).into_iter().collect(), fault }
    }

    pub(super) fn or(mut self, other: Self) -> Self {
        self.halves.extend(other.halves);
        self.fault = self.fault.or(other.fault);
        self
    }

    pub(super) fn check(&self) -> Vec<String> {
        self.fault.map(str::to_owned).into_iter().collect()
    }
}

/// The 64 bytes that `Key::derive_from` makes.
fn derived(master: &Secret) -> Option<Secret> {
    const INFO: &[u8] = b"COOKIE;SIGNED:HMAC-SHA256;PRIVATE:AEAD-AES-256-GCM";
    let mut both = [0; 64];
    Hkdf::<Sha256>::from_prk(master.expose()).ok()?.expand(INFO, &mut both).ok()?;
    Some(Secret::new(both))
}

impl CookieFormat for CookieRs {
    type Value = Secret;

    fn open(&self, _: &str, raw: Raw<'_>, _: SystemTime) -> Option<OpenedCookie<Secret>> {
        let (mac, value) = raw.whole().split_at_checked(MAC)?;
        let good = |key: &Secret| Written::Base64.equals(&MacHash::Sha256.mac(key.expose(), &[value]), mac);
        self.0.halves.iter().any(good).or_say(UNSIGNED)?;
        Some(OpenedCookie::of(Secret::new(value)))
    }

    fn check(&self) -> Vec<String> {
        self.0.check()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// That of the crate's own tests.
    pub(in super::super) const KEY: [u8; 64] = [
        89, 202, 200, 125, 230, 90, 197, 245, 166, 249, 34, 169, 135, 31, 20, 197, 94, 154, 254, 79, 60, 26, 8, 143,
        254, 24, 116, 138, 92, 225, 159, 60, 157, 41, 135, 129, 31, 226, 196, 16, 198, 168, 134, 4, 42, 1, 196, 24, 57,
        103, 241, 147, 201, 185, 233, 10, 180, 170, 187, 89, 252, 137, 110, 107,
    ];
    const SIGNED: &str = "3tdHXEQ2kf6fxC7dWzBGmpSLMtJenXLKrZ9cHkSsl1w=Tamper-proof";

    fn opens(format: &CookieRs, text: &[u8]) -> bool {
        format.open("any", text.into(), SystemTime::UNIX_EPOCH).is_some()
    }

    #[test]
    fn what_the_crate_signs_is_read_and_made() {
        let signed = CookieRs::of_key(&Secret::new(KEY));
        assert_eq!(signed.seal("Tamper-proof"), SIGNED);
        assert!(opens(&signed, SIGNED.as_bytes()));
        let master = Secret::new((0..=31).collect::<Vec<u8>>());
        let hex = Written::Hex.write(derived(&master).unwrap().expose().get(..32).unwrap());
        assert_eq!(hex, "a059573eb7f8f08aef6b476f707c2f17cbe9bb1194a48cbd569e46071765df12");
        let derived = CookieRs::derived_from(&master);
        assert_eq!(derived.seal("value"), "3WtpL9kcmQ0tK4pJuDMO4udRmRT10fPeMFt40M6FkwY=value");
        assert!(!opens(&derived, SIGNED.as_bytes()));
        assert!(opens(&derived.or(signed), SIGNED.as_bytes()));
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        // Among these, those whose cut at a fixed length panicked: not at a boundary of a character.
        let signed = CookieRs::of_key(&Secret::new(KEY));
        let accented = format!("{}\u{e4}", "a".repeat(43));
        for text in [
            "",
            "a",
            &SIGNED[..43],
            &SIGNED[..44],
            &SIGNED[..55],
            &format!("{SIGNED}x"),
            &SIGNED.to_lowercase(),
            &accented,
        ] {
            assert!(!opens(&signed, text.as_bytes()), "{text}");
        }
        assert!(opens(&signed, signed.seal("").as_bytes()));
        assert!(opens(&signed, signed.seal("J\u{e4}s\u{f8}n").as_bytes()));
    }

    #[test]
    fn a_short_key_is_a_fault() {
        for (format, faults) in [
            (CookieRs::of_key(&Secret::new([1; 64])), 0),
            (CookieRs::of_key(&Secret::new([1; 63])), 1),
            (CookieRs::derived_from(&Secret::new([1; 32])), 0),
            (CookieRs::derived_from(&Secret::new([1; 31])), 1),
        ] {
            assert_eq!(format.check().len(), faults);
            assert_eq!(opens(&format, format.seal("a").as_bytes()), faults == 0);
        }
    }
}
