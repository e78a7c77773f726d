//! Why something was refused: for the log at DEBUG, in words that name claims, fields and what the app configured, and of a request
//! nothing but what was escaped and cut short. The client never learns it.

use std::borrow::Cow;

/// The longest text of a stranger that is quoted, in bytes.
const LONGEST_QUOTE: usize = 64;

/// A sentence that is made only where somebody reads it; else the short one.
pub(crate) fn worded(short: &'static str, long: impl FnOnce() -> String) -> Cow<'static, str> {
    if is_read() { long().into() } else { short.into() }
}

/// Says why a credential was not read, or not confirmed: in a line of its own, before the refusal's.
pub(crate) fn say(why: &str) {
    tracing::debug!(target: "countersign", why, "a credential was refused");
}

#[cfg(any(feature = "digest", feature = "foreign-cookies", feature = "signed-requests"))]
/// Something that is there or not, and says so in the log where it is not.
pub(crate) trait OrSay: Sized {
    /// What is there, to go on with.
    type There;

    /// Says why this is refused, if it is.
    fn or_say(self, why: &'static str) -> Option<Self::There> {
        self.or_say_so(|| why.to_owned())
    }

    /// The same, in words that are made only where somebody reads them.
    fn or_say_so(self, why: impl FnOnce() -> String) -> Option<Self::There>;
}

#[cfg(any(feature = "digest", feature = "foreign-cookies", feature = "signed-requests"))]
impl<T> OrSay for Option<T> {
    type There = T;

    fn or_say_so(self, why: impl FnOnce() -> String) -> Self {
        if self.is_none() && is_read() {
            say(&why());
        }
        self
    }
}

#[cfg(any(feature = "digest", feature = "foreign-cookies", feature = "signed-requests"))]
impl OrSay for bool {
    type There = ();

    fn or_say_so(self, why: impl FnOnce() -> String) -> Option<()> {
        self.then_some(()).or_say_so(why)
    }
}

/// How far a client's clock is off, in whole seconds.
pub(crate) fn off_by(said: u64, now: u64) -> String {
    match said.checked_sub(now) {
        None | Some(0) => format!("its time is {} s behind ours", now.saturating_sub(said)),
        Some(ahead) => format!("its time is {ahead} s ahead of ours"),
    }
}

/// Whether anybody reads why things are refused.
pub(crate) fn is_read() -> bool {
    tracing::enabled!(target: "countersign", tracing::Level::DEBUG) || is_only_logged()
}

/// Whether it is read through the crate `log`, to which `tracing` writes where nobody subscribes: without the spans.
pub(crate) fn is_only_logged() -> bool {
    log::log_enabled!(target: "countersign", log::Level::Debug) && !tracing::dispatcher::has_been_set()
}

/// Bytes of a stranger as they may stand in a log: in quotes, escaped, and not for long.
pub(crate) fn quoted(sent: &[u8]) -> String {
    quoted_up_to(sent, LONGEST_QUOTE)
}

/// The same, cut elsewhere.
pub(crate) fn quoted_up_to(sent: &[u8], longest: usize) -> String {
    let (shown, rest) = sent.split_at(sent.len().min(longest));
    let more = if rest.is_empty() { "" } else { "…" };
    format!("\"{}{more}\"", shown.escape_ascii())
}

/// How long ago something was, or how far ahead it is, to the second.
pub(crate) fn apart(then: std::time::SystemTime, now: std::time::SystemTime) -> String {
    match (now.duration_since(then), then.duration_since(now)) {
        (Ok(ago), _) => format!("{} s ago", ago.as_secs()),
        (Err(_), Ok(ahead)) => format!("in {} s", ahead.as_secs()),
        (Err(_), Err(_)) => "now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn what_a_stranger_sent_is_escaped_and_cut() {
        for (sent, shown) in [
            (&b"https://a.example"[..], r#""https://a.example""#),
            (b"a\r\nINFO admitted", r#""a\r\nINFO admitted""#),
            (b"\x1b[31m\xc3\xa4\"", r#""\x1b[31m\xc3\xa4\"""#),
            (b"", r#""""#),
        ] {
            assert_eq!(quoted(sent), shown);
        }
        assert_eq!(quoted(&[b'x'; 65]).len(), LONGEST_QUOTE + "\"…\"".len());
    }

    #[test]
    fn moments_are_told_from_now() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        for (seconds, words) in [(60, "40 s ago"), (100, "0 s ago"), (130, "in 30 s")] {
            assert_eq!(apart(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), now), words);
        }
    }
}
