//! The parameters behind a scheme's name, such as `username="Mufasa", nc=00000001` (RFC 9110 §11.2): [`Parameters`].
//!
//! Read strictly: names are tokens, in any case; values are tokens or quoted strings, in which a backslash keeps the next character; commas part
//! them, and nothing but blanks stands around. A name that comes twice is malformed, because nobody may choose between the two.
//!
//! # Example
//! ```
//! use countersign::credential::parameters::Parameters;
//!
//! let parameters = Parameters::read(br#"Username="a, \"b\"", nc=00000001"#).unwrap();
//! assert_eq!(parameters.text("username"), Some(r#"a, "b""#));
//! assert_eq!(parameters.text("nc"), Some("00000001"));
//! assert!(Parameters::read(br#"nc=1, NC=1"#).is_none(), "twice");
//! ```

use std::fmt;

use crate::{
    request::field::{is_token_byte, trim_blanks},
    secret::Secret,
};

#[cfg(any(feature = "digest", feature = "signed-requests"))]
/// Why a list is refused, for the log.
pub(crate) const MALFORMED: &str = "its parameters are malformed, or one comes twice";

/// How many parameters a credential has at most; the schemes here know a dozen.
const MOST: usize = 64;

/// Names and values, each name once. See the [module](self).
pub struct Parameters(Vec<(String, Secret)>);

impl Parameters {
    /// Reads a list of at least one parameter; `None` if it is malformed.
    #[must_use]
    pub fn read(list: &[u8]) -> Option<Self> {
        Self::named(list, str::to_ascii_lowercase)
    }

    /// The same, with names as they are written: for schemes in which case counts.
    #[must_use]
    pub fn read_in_case(list: &[u8]) -> Option<Self> {
        Self::named(list, str::to_owned)
    }

    fn named(list: &[u8], called: impl Fn(&str) -> String) -> Option<Self> {
        let mut rest = trim_blanks(list);
        let mut read: Vec<(String, Secret)> = Vec::new();
        loop {
            let (name, behind) = rest.split_at_checked(rest.iter().take_while(|byte| is_token_byte(**byte)).count())?;
            let name = called(std::str::from_utf8(name).ok()?);
            let behind = trim_blanks(trim_blanks(behind).strip_prefix(b"=")?);
            let (value, behind) = value(behind)?;
            if name.is_empty() || read.len() == MOST || read.iter().any(|(known, _)| *known == name) {
                return None;
            }
            read.push((name, Secret::new(value)));
            rest = match trim_blanks(behind) {
                [] => return Some(Self(read)),
                [b',', rest @ ..] => trim_blanks(rest),
                _ => return None,
            };
        }
    }

    /// The value under this name, in lower case unless it was read in case, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.expose())
    }

    /// The same, if it is UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Names and values, as they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }

    /// Whether all names are among these.
    #[must_use]
    pub fn are_all_of(&self, names: &[&str]) -> bool {
        self.0.iter().all(|(name, _)| names.contains(&name.as_str()))
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parameters(..)")
    }
}

/// A token or a quoted string, and what stands behind it.
fn value(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(mut quoted) = text.strip_prefix(b"\"") else {
        let (token, rest) = text.split_at_checked(text.iter().take_while(|byte| is_token_byte(**byte)).count())?;
        return (!token.is_empty()).then(|| (token.to_vec(), rest));
    };
    let mut value = Vec::new();
    loop {
        let (byte, rest) = match quoted {
            [b'"', rest @ ..] => return Some((value, rest)),
            [b'\\', byte, rest @ ..] => (byte, rest),
            [b'\\'] | [] => return None,
            [byte, rest @ ..] => (byte, rest),
        };
        let printable = matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        if !printable {
            return None;
        }
        value.push(*byte);
        quoted = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_read_as_they_are_written() {
        type Row<'r> = (&'r [u8], &'r [(&'r str, &'r [u8])]);
        let rows: [Row<'_>; 7] = [
            (b"a=1", &[("a", b"1")]),
            (b" A = \"1\" ,\tb=\"\" ", &[("a", b"1"), ("b", b"")]),
            (b"a=\"b, c=\\\"d\\\"\",e=f", &[("a", b"b, c=\"d\""), ("e", b"f")]),
            (b"a=\"\\\\\\a\"", &[("a", b"\\a")]),
            (b"a=\"\xc3\xa4\xff\"", &[("a", b"\xc3\xa4\xff")]),
            (b"username*=UTF-8''J%C3%A4", &[("username*", b"UTF-8''J%C3%A4")]),
            (b"a=\"\t\"", &[("a", b"\t")]),
        ];
        for (text, expected) in rows {
            let read = Parameters::read(text).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(text)));
            assert_eq!(read.iter().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_is_no_list_of_parameters_is_malformed() {
        for text in [
            &b""[..],
            b" ",
            b"a",
            b"a=",
            b"=1",
            b"a=1,",
            b",a=1",
            b"a=1,,b=2",
            b"a=1 b=2",
            b"a=1; b=2",
            b"a=\"1",
            b"a=\"1\\",
            b"a=\"1\"2",
            b"a=1, a=1",
            b"a=1, A=2",
            b"a=\xc3\xa4",
            b"a b=1",
            b"a=\"\x00\"",
            b"a=\"\x7f\"",
            b"a=/b",
        ] {
            assert!(Parameters::read(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
        let many = |count: usize| (0..count).map(|nth| format!("a{nth}=1")).collect::<Vec<_>>().join(",");
        assert!(Parameters::read(many(MOST).as_bytes()).is_some());
        assert!(Parameters::read(many(MOST + 1).as_bytes()).is_none());
    }
}
