//! Credentials as they are sent.

use std::time::{Duration, SystemTime};

use crate::service::{cookie_named, now};

/// A good value of the cookie `session`.
pub(crate) fn session() -> String {
    session_signed_as("session")
}

/// The same content, signed as the value of a cookie of this name.
pub(crate) fn session_signed_as(name: &str) -> String {
    sealed(name, now() + Duration::from_secs(3600))
}

/// A value of the cookie `session` that has just ended.
pub(crate) fn ended_session() -> String {
    sealed("session", now())
}

fn sealed(name: &str, ends: SystemTime) -> String {
    cookie_named(name).seal(b"emily-session", ends)
}

/// The value of `Authorization` for a name and a password.
pub(crate) fn basic(name: &str, password: &str) -> String {
    basic_of(format!("{name}:{password}").as_bytes())
}

/// The same around any bytes.
pub(crate) fn basic_of(bytes: &[u8]) -> String {
    format!("Basic {}", base64(bytes))
}

/// RFC 4648 §4. Written here, so that no library shared with the code under test decides what is right.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0_usize, |word, at| word << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let sextet = word >> (18 - 6 * at) & 63;
            text.push(if at <= group.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

/// RFC 4648 §5, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
