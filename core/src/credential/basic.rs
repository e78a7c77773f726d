//! Name and password: the `Basic` scheme (RFC 7617).
//!
//! Read strictly: canonical base64 with its padding, UTF-8, a colon, no control characters (§2). The first colon divides; what
//! follows may hold more. An empty name and an empty password are well formed; whether they are good the verifier says.
//!
//! # Example
//! ```
//! use countersign::{Basic, Extract};
//!
//! let credential = Basic.read(b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into()).unwrap();
//! assert_eq!(credential.name(), "Aladdin");
//! assert!(credential.password().matches(b"open sesame"));
//! assert!(Basic.read(b"QWxhZGRpbg==".into()).is_none(), "no colon");
//! ```
//!
//! # Deployment
//! The password travels with each request: only over TLS. A browser that was told it once repeats it to every page's form, so that the
//! [cross-site rule](crate::request::origin) applies.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{Extract, Occurrences, Raw, Sender, add_after_keyword};
use crate::{
    request::{Field, RequestView, field},
    response::Challenge,
    secret::Secret,
};

/// The `Basic` scheme. See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set: RFC 7617 leaves no choice but the realm")]
pub struct Basic;

/// A name and a password.
#[derive(Clone)]
pub struct BasicCredential {
    name: Box<str>,
    password: Secret,
}

impl BasicCredential {
    /// As a sign-in form yields them.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>, password: impl Into<Secret>) -> Self {
        Self { name: name.into(), password: password.into() }
    }

    /// The name, as sent: case and spelling are the application's to judge.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The password, UTF-8.
    #[must_use]
    pub fn password(&self) -> &Secret {
        &self.password
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for BasicCredential {
    /// Leaves the name out too: people type passwords into the wrong field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicCredential(..)")
    }
}

impl Extract for Basic {
    type Credential = BasicCredential;

    fn scheme(&self) -> &str {
        "basic"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        add_after_keyword("Basic", request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<BasicCredential> {
        let raw = raw.whole();
        if raw.len() > ROOM {
            let decoded = Zeroizing::new(STANDARD.decode(raw).ok()?);
            return divided(&decoded);
        }
        let mut room = Zeroizing::new([0; ROOM]);
        let length = STANDARD.decode_slice(raw, &mut *room).ok()?;
        divided(room.get(..length)?)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::of("Basic").with_fixed("charset", "UTF-8")]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn sender(&self) -> Sender {
        Sender::Browser
    }
}

/// As much as most names and passwords take, so that decoding them allocates nothing.
const ROOM: usize = 128;

fn divided(decoded: &[u8]) -> Option<BasicCredential> {
    let text = std::str::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    let has_control = if text.is_ascii() {
        // To its end, which several bytes at once allow.
        text.bytes().fold(false, |found, byte| found | byte.is_ascii_control())
    } else {
        text.chars().any(char::is_control)
    };
    (!has_control).then(|| BasicCredential::new(name, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_divides() {
        // H4, and the vectors of RFC 7617.
        for (raw, name, password) in [
            ("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
            ("dGVzdDoxMjPCow==", "test", "123£"),
            ("YTpiOmM=", "a", "b:c"),
            ("Og==", "", ""),
            ("YTo=", "a", ""),
            ("OmI=", "", "b"),
        ] {
            let credential = Basic.read(raw.as_bytes().into()).unwrap_or_else(|| panic!("{raw} is well formed"));
            assert_eq!(credential.name(), name);
            assert!(credential.password().matches(password.as_bytes()), "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        for (raw, why) in [
            (&b""[..], "empty"),
            (b"QWxhZGRpbg==", "no colon"),
            (b"YTpiOmM", "padding missing"),
            (b"YTpiOmM==", "padding doubled"),
            (b"YTpiOmN=", "bits behind the end"),
            (b"YTpi OmM=", "a blank inside"),
            (b"YTpiOmM=,", "a comma behind"),
            (b"dGVzdDoxMjOj", "ISO-8859-1"),
            (b"YToAYg==", "NUL"),
            (b"YTpiCg==", "a line feed"),
            (b"YTrCgA==", "a C1 control character"),
            (b"\xff\xfe", "no ASCII"),
        ] {
            assert!(Basic.read(raw.into()).is_none(), "{why}");
        }
    }

    #[test]
    fn however_long_it_is_it_is_read_alike() {
        for length in (0..200).chain([1_000, 5_000]) {
            let (name, password) = ("n".repeat(length / 3), "p".repeat(length - length / 3));
            let raw = STANDARD.encode(format!("{name}:{password}"));
            let credential = Basic.read(raw.as_bytes().into()).unwrap();
            assert_eq!(credential.name(), name, "{length}");
            assert!(credential.password().matches(password.as_bytes()), "{length}");
        }
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let credential = BasicCredential::new("emily", "s3cret");
        assert_eq!(format!("{credential:?}"), "BasicCredential(..)");
    }
}
