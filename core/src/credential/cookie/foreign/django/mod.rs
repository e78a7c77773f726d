//! What Django signs: [`DjangoSession`] and [`DjangoCookie`], and the signer of both.

mod cookie;
mod session;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

pub use self::{cookie::DjangoCookie, session::DjangoSession};
use super::{
    OpenedCookie, UNSIGNED, at,
    mac::{MacHash, Written, cut_last},
    seconds,
};
use crate::{clock::later, observe::why::OrSay, secret::Secret};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const FORTNIGHT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Signs what stands before a time, and the time, with a key that a salt derives of the secret.
#[derive(Debug, Clone)]
struct Signer {
    secrets: Vec<Secret>,
    salt: Box<str>,
    longest: Duration,
}

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
