//! Sealed values of this library: signed cookies, and the links that have their form.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::judge::Judge;
use crate::{fault::Fault, key_ring, moment, report::Report};

/// The parts of a sealed value that are no secret.
struct Sealed<'t> {
    key: &'t str,
    issued: SystemTime,
    ends: SystemTime,
    bytes: usize,
}

/// `None` if it is none.
pub(super) fn explain(text: &str, judge: &Judge) -> Option<Result<Report, Fault>> {
    is_sealed(text).then(|| explain_named(None, text, judge))
}

/// Whether a text has the form of a sealed value.
pub(super) fn is_sealed(text: &str) -> bool {
    read(text).is_some()
}

/// The sealed value of a cookie of this name.
pub(super) fn explain_named(name: Option<&str>, text: &str, judge: &Judge) -> Result<Report, Fault> {
    let sealed = read(text).ok_or_else(|| Fault::new("this is no sealed cookie"))?;
    let now = judge.now();
    let report = Report::of_kind("a value that a key ring sealed: a signed cookie, or a link")
        .with("key_id", sealed.key)
        .with("issued", moment::told(sealed.issued, now))
        .with("end", moment::end_told(sealed.ends, now))
        .with("value", format!("{} bytes, not shown", sealed.bytes));
    let known: Option<Vec<String>> = judge.ring().map(key_ring::ids);
    let report = report.with_any("key_is_in_the_ring", known.map(|ids| ids.iter().any(|id| id == sealed.key)));
    judge.judge_cookie(report, name, text)
}

/// Six parts, of which the last is a MAC of 32 bytes.
fn read(text: &str) -> Option<Sealed<'_>> {
    let parts: Vec<_> = text.split('.').collect();
    let ["1", key, issued, ends, value, mac] = parts.as_slice() else { return None };
    let at = |seconds: &str| {
        let seconds = seconds.parse().ok().filter(|_| seconds.len() <= 12)?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    };
    let (issued, ends) = (at(issued)?, at(ends)?);
    let bytes = URL_SAFE_NO_PAD.decode(value).ok()?.len();
    let fits = key.len() == 8 && URL_SAFE_NO_PAD.decode(mac).is_ok_and(|mac| mac.len() == 32);
    fits.then_some(Sealed { key, issued, ends, bytes })
}
