//! Times as documents show them.

use std::time::{Duration, SystemTime};

pub(crate) fn to_the_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// In UTC, to the second (RFC 3339). Times that the calendar does not reach are its end.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(to_the_second(time)).unwrap_or(jiff::Timestamp::MAX).to_string()
}
