//! Spans and sizes as people write them: `"30m"`, `"64MiB"`.

use std::{fmt, marker::PhantomData, time::Duration};

use ipnet::IpNet;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

use crate::request::client;

/// A span: numbers with `ms`, `s`, `m`, `h` or `d`, such as `90s` or `1h30m`. A number alone is none, since nobody could tell what it counts.
pub(crate) fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Text::<Span>(PhantomData)).map(|span| span.0)
}

/// A span, or `never`.
pub(crate) fn span_or_never<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(Text::<SpanOrNever>(PhantomData)).map(|span| span.0)
}

/// A size in bytes: a number with `B`, `KiB`, `MiB` or `GiB`, or a number of bytes.
pub(crate) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(Text::<Size>(PhantomData)).map(|size| size.0)
}

/// A size that an address can count.
pub(crate) fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    usize::try_from(size(deserializer)?).map_err(|_| D::Error::custom("it is more than this machine can count"))
}

/// A size in whole KiB.
pub(crate) fn kib<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let bytes = size(deserializer)?;
    let whole = (bytes % 1024 == 0).then(|| u32::try_from(bytes / 1024).ok()).flatten();
    whole.ok_or_else(|| D::Error::custom("it must be whole KiB, such as 19MiB, and less than 4 TiB"))
}

/// A count of at least one.
pub(crate) fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("it must be one at least")),
        count => Ok(count),
    }
}

/// Networks, each judged by itself.
pub(crate) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Ok(Vec::<Network>::deserialize(deserializer)?.into_iter().map(|network| network.0).collect())
}

struct Network(IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        client::read_network(&text).map(Self).map_err(D::Error::custom)
    }
}

/// What is written as text, and perhaps as a number.
trait Unit: Sized {
    const WANTED: &'static str;

    fn read(text: &str) -> Option<Self>;

    fn of_number(number: u64) -> Option<Self> {
        let _ = number;
        None
    }
}

struct Span(Duration);
struct SpanOrNever(Option<Duration>);
struct Size(u64);

impl Unit for Span {
    const WANTED: &'static str = "a span with its unit, such as \"90s\", \"30m\" or \"1h30m\"";

    fn read(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut whole = Duration::ZERO;
        while let Some((number, behind)) = leading_number(rest) {
            let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, behind) = behind.split_at_checked(letters)?;
            let millis: u64 = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" | "min" => 60 * 1000,
                "h" => 60 * 60 * 1000,
                "d" => 24 * 60 * 60 * 1000,
                _ => return None,
            };
            whole = whole.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
            rest = behind.trim_start();
            if rest.is_empty() {
                return Some(Self(whole));
            }
        }
        None
    }
}

impl Unit for SpanOrNever {
    const WANTED: &'static str = "a span with its unit, such as \"90s\" or \"30m\", or \"never\"";

    fn read(text: &str) -> Option<Self> {
        match text.trim() {
            "never" => Some(Self(None)),
            text => Span::read(text).map(|span| Self(Some(span.0))),
        }
    }
}

impl Unit for Size {
    const WANTED: &'static str = "a size with its unit, such as \"512KiB\" or \"64MiB\"";

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = leading_number(text.trim())?;
        let factor = match unit.trim_start() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(factor).map(Self)
    }

    fn of_number(number: u64) -> Option<Self> {
        Some(Self(number))
    }
}

/// The digits in front, and what stands behind them.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, behind) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, behind.trim_start()))
}

struct Text<U>(PhantomData<U>);

impl<U: Unit> Visitor<'_> for Text<U> {
    type Value = U;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(U::WANTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<U, E> {
        U::read(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<U, E> {
        U::of_number(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<U, E> {
        let wrong = E::invalid_value(Unexpected::Signed(number), &self);
        u64::try_from(number).ok().and_then(U::of_number).ok_or(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_unit() {
        for (text, millis) in [
            ("0s", Some(0)),
            ("250ms", Some(250)),
            ("90s", Some(90_000)),
            ("30m", Some(1_800_000)),
            ("30 min", Some(1_800_000)),
            ("1h30m", Some(5_400_000)),
            ("12h 5s", Some(43_205_000)),
            ("30d", Some(2_592_000_000)),
            ("", None),
            ("30", None),
            ("m", None),
            ("-1s", None),
            ("1.5h", None),
            ("30M", None),
            ("1w", None),
            ("1h30", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(Span::read(text).map(|span| span.0), millis.map(Duration::from_millis), "{text:?}");
        }
        assert!(SpanOrNever::read("never").is_some_and(|span| span.0.is_none()));
        assert!(Span::read("never").is_none());
    }

    #[test]
    fn a_size_counts_in_powers_of_two() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("4096B", Some(4096)),
            ("1KiB", Some(1024)),
            ("64 MiB", Some(64 << 20)),
            ("2GiB", Some(2 << 30)),
            ("", None),
            ("64MB", None),
            ("64kib", None),
            ("-1MiB", None),
            ("1.5MiB", None),
            ("18446744073709551615GiB", None),
        ] {
            assert_eq!(Size::read(text).map(|size| size.0), bytes, "{text:?}");
        }
    }
}
