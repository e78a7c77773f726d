//! The elements of `Forwarded` (RFC 7239 §4), read from the right.
//!
//! A proxy appends behind what a client wrote. So what is appended must read the same whatever stands in front of it: a line is
//! divided from its end, where a quote is always a closing one, and never from its beginning, where a quote that a client left open
//! would reach into what a proxy appended.

use super::{
    RequestHead,
    field::{self, is_token_byte, trim_blanks},
};

/// What one proxy says. A parameter that is unknown here counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Element<'h> {
    pub(super) node: Option<&'h [u8]>,
    pub(super) proto: Option<&'h [u8]>,
    pub(super) host: Option<&'h [u8]>,
}

/// The elements of all `Forwarded` fields, the last first; `None` for one that is malformed.
pub(super) fn from_the_right(head: &dyn RequestHead) -> impl Iterator<Item = Option<Element<'_>>> {
    let lines: Vec<_> = head.fields(&field::FORWARDED).collect();
    lines.into_iter().rev().flat_map(texts).filter(|text| !text.is_empty()).map(Element::read)
}

/// The texts of a line's elements, the last first.
fn texts(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        let text = match last_comma(line) {
            Some(at) => {
                let (left, right) = line.split_at(at);
                rest = Some(left);
                right.strip_prefix(b",").unwrap_or(right)
            }
            None => line,
        };
        Some(trim_blanks(text))
    })
}

/// The last comma that stands in no quotes, as seen from the end.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !quoted => return Some(at),
            b'"' if !quoted => quoted = true,
            b'"' if !is_escaped(line, at) => quoted = false,
            _ => {}
        }
    }
    None
}

/// Whether what stands here has a backslash before it that is not itself behind one.
fn is_escaped(line: &[u8], at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

impl<'h> Element<'h> {
    /// Reads `name=value` pairs between semicolons. One of ours that comes twice, a quote that is not closed, and anything else make
    /// the whole malformed.
    fn read(text: &'h [u8]) -> Option<Self> {
        let mut element = Self::default();
        let mut rest = text;
        loop {
            rest = match trim_blanks(rest) {
                [] => return Some(element),
                [b';', more @ ..] => more,
                pair => element.take_pair(pair)?,
            };
        }
    }

    /// Takes the first pair, and gives what is left: nothing, or a semicolon and more.
    fn take_pair(&mut self, text: &'h [u8]) -> Option<&'h [u8]> {
        let (name, text) = text.split_at_checked(text.iter().position(|byte| *byte == b'=')?)?;
        let (value, rest) = value(text.strip_prefix(b"=")?)?;
        if name.is_empty() || !name.iter().copied().all(is_token_byte) {
            return None;
        }
        let place = match name.to_ascii_lowercase().as_slice() {
            b"for" => &mut self.node,
            b"proto" => &mut self.proto,
            b"host" => &mut self.host,
            _ => return Some(rest),
        };
        place.replace(value).is_none().then_some(rest)
    }
}

/// A value and what stands behind it. A backslash inside quotes is left as it is: it is nothing that an address or a host needs.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let (value, rest) = text.split_at(text.iter().position(|byte| *byte == b';').unwrap_or(text.len()));
        return (!value.contains(&b'"')).then_some((trim_blanks(value), rest));
    };
    let mut escaped = false;
    let end = quoted.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    let (value, rest) = quoted.split_at_checked(end)?;
    let rest = trim_blanks(rest.strip_prefix(b"\"")?);
    matches!(rest, [] | [b';', ..]).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    /// The elements as `for|proto|host`, the last first; `!` for one that is malformed.
    fn read(lines: &[&str]) -> String {
        let head = lines.iter().fold(PlainHead::get("/"), |head, line| head.with("forwarded", line));
        let text = |bytes: Option<&[u8]>| bytes.map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).into());
        let shown = |element: Option<Element<'_>>| match element {
            Some(Element { node, proto, host }) => format!("{}|{}|{}", text(node), text(proto), text(host)),
            None => "!".to_owned(),
        };
        from_the_right(&head).map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_comes_first() {
        for (lines, expected) in [
            (&["for=a"][..], "a||"),
            (&["for=a;proto=b;host=c"], "a|b|c"),
            (&[" FOR = a"], "!"),
            (&["For=a ; Proto=\"b\" ;host=c;by=d;other=\"x;y,z\""], "a|b|c"),
            (&["for=a, for=b", "for=c"], "c|| b|| a||"),
            (&["", " , for=a,, "], "a||"),
            (&[";;for=a;"], "a||"),
            (&["host=c"], "||c"),
            (&["for=\"a,b\", for=c"], "c|| a,b||"),
            (&["for=\"a\\\",b\", for=c"], "c|| a\\\",b||"),
            (&["x=\"\\\\\", for=c"], "c|| ||"),
        ] {
            assert_eq!(read(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_is_left_open_reaches_no_further() {
        for (lines, first) in [
            (&["for=a;x=\", for=c;proto=http"][..], "c|http|"),
            (&["for=\"a, for=c"], "c||"),
            (&["for=a;x=\"\\\", for=c"], "c||"),
            (&["for=a;x=\"\\, for=c"], "c||"),
            (&["for=a;x=\"", "for=c"], "c||"),
            (&["for=a;x=\", for=\"c:1\";proto=\"https\""], "c:1|https|"),
            (&["for=a;x=\"\", for=\"c\\\",d\""], "c\\\",d||"),
            (&["for=a, for=c;host=\"x"], "!"),
            (&["for=a;host=\"evil, for=c;host=x"], "c||x"),
        ] {
            assert_eq!(read(lines).split(' ').next(), Some(first), "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        for line in [
            "for",
            "for=a;proto",
            "=a",
            "fo r=a",
            "for=a;for=a",
            "proto=http;proto=\"https\"",
            "proto=http;proto=\"https",
            "host=\"a",
            "host=a\"",
            "host=\"a\"b",
            "x=\"\\\"",
        ] {
            assert_eq!(read(&[line]), "!", "{line}");
        }
    }
}
