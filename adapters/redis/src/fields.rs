//! Records as Redis keeps them, a hash of fields: [`Fields`], and times as text.

use std::{
    collections::HashMap,
    net::IpAddr,
    str::FromStr,
    time::{Duration, SystemTime},
};

use countersign::Unavailable;

/// The fields of one record.
#[derive(Default)]
pub(crate) struct Fields(HashMap<String, Vec<u8>>);

/// What is read is not what was written: somebody else writes under our keys.
#[derive(Debug, thiserror::Error)]
#[error("a record in Redis cannot be read: its field {0:?} is missing or is something else")]
struct Unreadable(&'static str);

impl Fields {
    /// What `HGETALL` says; nothing where there is no record.
    pub(crate) fn of(read: HashMap<String, Vec<u8>>) -> Option<Self> {
        (!read.is_empty()).then_some(Self(read))
    }

    /// What a script says that returns what `HGETALL` gave it: names and values in turn.
    pub(crate) fn in_turn(read: Vec<Vec<u8>>) -> Option<Self> {
        let mut read = read.into_iter();
        let mut fields = HashMap::new();
        while let (Some(name), Some(value)) = (read.next(), read.next()) {
            fields.insert(String::from_utf8_lossy(&name).into_owned(), value);
        }
        Self::of(fields)
    }

    /// The bytes of a field that need not be there.
    pub(crate) fn bytes(&self, name: &'static str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The text of a field that need not be there.
    pub(crate) fn any_text(&self, name: &'static str) -> Result<Option<Box<str>>, Unavailable> {
        let text = self.bytes(name).map(std::str::from_utf8).transpose();
        text.map(|text| text.map(Into::into)).map_err(|_| unreadable(name))
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Box<str>, Unavailable> {
        self.any_text(name)?.ok_or_else(|| unreadable(name))
    }

    /// Whatever can be read from text.
    pub(crate) fn read<T: FromStr>(&self, name: &'static str) -> Result<T, Unavailable> {
        self.text(name)?.parse().map_err(|_| unreadable(name))
    }

    /// The same where the field need not be there.
    pub(crate) fn read_any<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, Unavailable> {
        self.any_text(name)?.map(|text| text.parse().map_err(|_| unreadable(name))).transpose()
    }

    pub(crate) fn time(&self, name: &'static str) -> Result<SystemTime, Unavailable> {
        self.read(name).map(from_nanoseconds)
    }

    pub(crate) fn any_time(&self, name: &'static str) -> Result<Option<SystemTime>, Unavailable> {
        Ok(self.read_any(name)?.map(from_nanoseconds))
    }

    pub(crate) fn span(&self, name: &'static str) -> Result<Duration, Unavailable> {
        self.read(name).map(Duration::from_nanos)
    }

    pub(crate) fn address(&self) -> Result<Option<IpAddr>, Unavailable> {
        self.read_any("address")
    }

    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, Unavailable> {
        self.read::<u8>(name).map(|flag| flag != 0)
    }
}

/// Why this field cannot be read.
pub(crate) fn unreadable(name: &'static str) -> Unavailable {
    Unavailable::because(Unreadable(name))
}

/// Names and values in turn, as `HSET` takes them.
#[derive(Default)]
pub(crate) struct Written(Vec<Vec<u8>>);

impl Written {
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.0.push(name.into());
        self.0.push(value.as_ref().into());
        self
    }

    pub(crate) fn with_any(self, name: &str, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn fields(self) -> Vec<Vec<u8>> {
        self.0
    }
}

/// Nanoseconds since 1970, as twenty digits: in the order of text they are in the order of time.
pub(crate) fn written(time: SystemTime) -> String {
    format!("{:020}", nanoseconds(time))
}

/// The same of a span.
pub(crate) fn written_span(span: Duration) -> String {
    format!("{:020}", u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

/// Nanoseconds since 1970; 584 years fit, and what is later is as late as can be.
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The latest moment that is written down.
pub(crate) fn latest() -> SystemTime {
    from_nanoseconds(u64::MAX)
}

fn from_nanoseconds(nanoseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

/// How long it is from one moment to another, in milliseconds, rounded up; at least one where there is any time left, else nought.
pub(crate) fn milliseconds(from: SystemTime, to: SystemTime) -> u64 {
    let left = to.duration_since(from).unwrap_or_default();
    u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).min(LONGEST)
}

/// As many milliseconds as Redis and Lua can add up exactly, a thousand years.
const LONGEST: u64 = 31_557_600_000_000;

/// Milliseconds since 1970: an end is rounded up and the present down, so that nothing is forgotten early.
pub(crate) fn moment(time: SystemTime, up: bool) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let whole = if up { since.div_ceil(1_000_000) } else { since / 1_000_000 };
    // As much as Lua can count exactly.
    u64::try_from(whole).unwrap_or(u64::MAX).min(1 << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_the_order_of_their_text() {
        let at = |nanoseconds| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        let times = [0, 1, 999_999_999, 1_000_000_000, 1_800_000_000_123_456_789, u64::MAX];
        for pair in times.windows(2) {
            assert!(written(at(pair[0])) < written(at(pair[1])), "{pair:?}");
        }
        for time in times {
            assert_eq!(from_nanoseconds(written(at(time)).parse().unwrap()), at(time));
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(written(before), "0".repeat(20));
    }

    #[test]
    fn what_is_left_is_rounded_up() {
        let at = |nanoseconds| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        for (from, to, left) in
            [(5, 5, 0), (6, 5, 0), (5, 6, 1), (0, 1_000_000, 1), (0, 1_000_001, 2), (0, u64::MAX, 18_446_744_073_710)]
        {
            assert_eq!(milliseconds(at(from), at(to)), left, "{from} {to}");
        }
    }

    #[test]
    fn a_record_that_is_not_ours_is_no_answer() {
        let fields =
            Fields::in_turn(vec![b"subject".to_vec(), b"\xff".to_vec(), b"ends".to_vec(), b"soon".to_vec()]).unwrap();
        assert!(fields.text("subject").is_err() && fields.time("ends").is_err() && fields.text("id").is_err());
        assert!(fields.any_text("id").unwrap().is_none());
        assert!(Fields::in_turn(Vec::new()).is_none());
    }
}
