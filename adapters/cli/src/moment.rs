//! Moments and spans, as people write and read them.

use std::{
    fmt::Debug,
    time::{Duration, SystemTime},
};

use countersign::clock::Clock;
use jiff::Timestamp;

/// A clock that stands where somebody put it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoppedClock(pub(crate) SystemTime);

impl Clock for StoppedClock {
    fn wall(&self) -> SystemTime {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A span such as `90s`, `10m`, `12h` or `30d`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wanted = || format!("{text:?} is no span: write a number and s, m, h or d, such as 10m");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wanted)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(wanted()),
    };
    let number: u64 = number.parse().map_err(|_| wanted())?;
    number.checked_mul(factor).map(Duration::from_secs).ok_or_else(wanted)
}

/// A moment such as `2026-11-28T03:00:00Z`, or seconds since 1970.
pub(crate) fn moment(text: &str) -> Result<SystemTime, String> {
    let read = match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => text.parse().ok(),
    };
    read.and_then(on_the_clock)
        .ok_or_else(|| format!("{text:?} is no moment: write 2026-11-28T03:00:00Z, or seconds since 1970"))
}

/// So many seconds after 1970, fractions cut off; `None` where no calendar has it.
pub(crate) fn at_second(seconds: f64) -> Option<SystemTime> {
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond is cut to what no calendar has")]
    Timestamp::from_second(seconds.floor() as i64).ok().and_then(on_the_clock)
}

/// Nothing is before 1970.
fn on_the_clock(moment: Timestamp) -> Option<SystemTime> {
    let seconds = u64::try_from(moment.as_second()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// A moment beside now: `40 s ago (2026-11-28T02:59:20Z)`, `in 9 min (…)`.
pub(crate) fn told(then: SystemTime, now: SystemTime) -> String {
    let words = match (now.duration_since(then), then.duration_since(now)) {
        (Ok(past), _) => format!("{} ago", span_in_words(past)),
        (Err(_), Ok(ahead)) => format!("in {}", span_in_words(ahead)),
        (Err(_), Err(_)) => "now".to_owned(),
    };
    format!("{words} ({})", written(then))
}

/// An end beside now: `ended 40 s ago (…)`, `in 9 min (…)`. At its end a thing has ended.
pub(crate) fn end_told(end: SystemTime, now: SystemTime) -> String {
    if now >= end { format!("ended {}", told(end, now)) } else { told(end, now) }
}

fn written(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let known = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    known.map_or_else(|| "beyond all calendars".to_owned(), |known| known.to_string())
}

/// To two digits or so, which is what people want to know.
fn span_in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("12h", 43_200), ("30d", 2_592_000), ("0s", 0)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "m", "-1s", "1.5h", "10 m", "10M", "1w", "99999999999999999999s", "999999999999999999d"]
        {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_told_from_now() {
        let now = moment("2026-11-28T03:00:00Z").unwrap();
        for (then, words) in [
            ("2026-11-28T02:59:20Z", "ended 40 s ago (2026-11-28T02:59:20Z)"),
            ("2026-11-28T03:00:00Z", "ended 0 s ago (2026-11-28T03:00:00Z)"),
            ("2026-11-28T03:10:00Z", "in 10 min (2026-11-28T03:10:00Z)"),
            ("1795854000", "in 5 h (2026-11-28T08:20:00Z)"),
            ("2023-11-14T22:13:20Z", "ended 1109 days ago (2023-11-14T22:13:20Z)"),
        ] {
            let then = moment(then).unwrap();
            assert_eq!(end_told(then, now), words);
        }
    }
}
