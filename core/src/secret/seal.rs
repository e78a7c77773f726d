//! A value that nobody but this service can seal, and that ends when it says so: the text of a
//! [signed cookie](crate::credential::cookie::signed), whose documentation shows it byte for byte.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Secret, key_ring::KeyRing};
use crate::{
    clock::{LAST_SECOND, later},
    observe::why::{apart, worded},
};

/// How far ahead of ours the clock of the copy that issued a cookie may be.
const LEEWAY: Duration = Duration::from_secs(30);
const VERSION: &str = "1";
const MAC_PURPOSE: &str = "countersign cookie v1";

/// Seals and opens values of one name and purpose.
#[derive(Clone, Copy)]
pub(crate) struct Seal<'s> {
    pub(crate) name: &'s str,
    pub(crate) purpose: &'s str,
    pub(crate) keys: &'s KeyRing,
}

/// What a text with a good MAC holds.
pub(crate) struct Opened {
    pub(crate) value: Secret,
    pub(crate) issued: SystemTime,
    pub(crate) ends: SystemTime,
}

impl Seal<'_> {
    /// The text of this value, good until `ends`.
    pub(crate) fn seal(&self, value: &[u8], issued: SystemTime, ends: SystemTime) -> String {
        let (issued, ends) = (seconds_of(issued), seconds_of(ends));
        let (key, mac) = self.keys.sign(MAC_PURPOSE, &self.parts(&issued.to_be_bytes(), &ends.to_be_bytes(), value));
        let (value, mac) = (URL_SAFE_NO_PAD.encode(value), URL_SAFE_NO_PAD.encode(mac));
        format!("{VERSION}.{}.{issued}.{ends}.{value}.{mac}", key.as_str())
    }

    /// What the text holds; `None` if nobody here sealed it, or it is not good at this moment.
    pub(crate) fn open(&self, raw: &[u8], now: SystemTime) -> Option<Opened> {
        let mut parts = raw.split(|byte| *byte == b'.');
        if parts.next()? != VERSION.as_bytes() {
            return None;
        }
        let key = parts.next()?;
        let (issued, ends) = (read_number(parts.next()?)?, read_number(parts.next()?)?);
        let value = Secret::new(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?);
        let mac = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        if parts.next().is_some() {
            return None;
        }
        let (issued_bytes, ends_bytes) = (issued.to_be_bytes(), ends.to_be_bytes());
        if !self.keys.verify(key, MAC_PURPOSE, &self.parts(&issued_bytes, &ends_bytes, value.expose()), &mac) {
            tracing::debug!(target: "countersign", name = self.name, why = "its MAC is wrong, or of a key that is not in the ring", "a sealed value is refused");
            return None;
        }
        let at = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let (issued, ends) = (at(issued)?, at(ends)?);
        let why = if now >= ends {
            worded("it has ended", || format!("it ended {}", apart(ends, now)))
        } else if issued > later(now, LEEWAY) {
            worded("it was issued later than now", || format!("it was issued {}", apart(issued, now)))
        } else {
            return Some(Opened { value, issued, ends });
        };
        tracing::debug!(target: "countersign", name = self.name, why = &*why, "a sealed value is refused");
        None
    }

    fn parts<'a>(&'a self, issued: &'a [u8; 8], ends: &'a [u8; 8], value: &'a [u8]) -> [&'a [u8]; 5] {
        [self.name.as_bytes(), self.purpose.as_bytes(), issued, ends, value]
    }
}

/// As many seconds as can be read back.
fn seconds_of(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST_SECOND)
}

/// A number has one spelling.
fn read_number(digits: &[u8]) -> Option<u64> {
    let fits =
        matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 12 && digits.iter().all(u8::is_ascii_digit);
    if fits { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}
