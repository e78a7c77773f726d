//! Requests that are signed: who sends one proves a key without sending it, and the signature is good for this request alone.
//!
//! - [`hawk`]: an HMAC over method, target, host, time and, for requests with a body, the body; and links good until their end, bewits.
//! - [`sigv4`]: AWS Signature Version 4, in a field or presigned.
//! - [`oauth1`]: OAuth 1.0 (RFC 5849).
//! - [`wsse`]: the UsernameToken profile of WS-Security, in fields.
//! - `message_signature` and `web_bot_auth`, with the feature `message-signatures`: RFC 9421.
//!
//! Each is judged in the same order: what can be read of the head, the key, the signature, the time, the body, and last that it comes once. So
//! whoever has no key costs no memory, and nobody's body is read whose head is no good.
//!
//! # Deployment
//! What is signed must arrive as it was sent: a proxy that rewrites the path, decodes and encodes it anew, sorts a query, or puts another host in
//! place breaks the signature. Copies need one [replay store](crate::store::ReplayStore) and clocks that agree.

pub mod hawk;
#[cfg(feature = "message-signatures")]
pub mod message_signature;
pub mod oauth1;
pub mod sigv4;
#[cfg(feature = "message-signatures")]
pub mod web_bot_auth;
pub mod wsse;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Covered;
use crate::{
    clock::SharedClock,
    request::{Field, RequestView},
};

pub(super) fn hmac_sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha1>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

pub(super) fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// Everything but unreserved characters is encoded (RFC 3986 §2.3).
pub(super) fn encoded(text: &[u8]) -> String {
    text.iter().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(*byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

/// Whether both are the same, in a time that depends on their lengths alone.
pub(super) fn same(made: &[u8], sent: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    made.ct_eq(sent).into()
}

pub(super) fn sha1(bytes: &[u8]) -> Vec<u8> {
    Sha1::digest(bytes).to_vec()
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Unix seconds by this clock.
pub(super) fn seconds(clock: &SharedClock) -> u64 {
    clock.wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The moment from which what was signed at this second is too old, since `leeway` seconds count as a whole.
pub(super) fn too_old_from(signed: u64, leeway: u64) -> SystemTime {
    let seconds = signed.saturating_add(leeway).saturating_add(1);
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}

/// Digits, and no more than a time takes.
pub(super) fn number(digits: &str) -> Option<u64> {
    let fits = (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { digits.parse().ok() } else { None }
}

/// Why nothing that covers the host can be right, for the log.
pub(super) const NO_HOST: &str = "the request names no host that can be signed";

/// Host in lower case, and port: of `Host`, or by the scheme where it names none.
pub(super) fn host_and_port(covered: &Covered) -> Option<(String, u16)> {
    let sent = std::str::from_utf8(covered.authority()?).ok()?;
    let (host, port) = match sent.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
            (host, port.parse().ok().filter(|_| digits)?)
        }
        _ => (sent, if covered.uri_scheme()? == "https" { 443 } else { 80 }),
    };
    let fits = !host.is_empty() && host.bytes().all(|byte| matches!(byte, b'!'..=b'~') && !b"/?#@\\".contains(&byte));
    fits.then(|| (host.to_ascii_lowercase(), port))
}

/// The value of a field that stands once, as text.
pub(super) fn once<'c>(covered: &'c Covered, field: &Field) -> Option<&'c str> {
    let mut values = covered.field(field)?;
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    std::str::from_utf8(value).ok()
}

/// Whether a field was sent at all.
pub(super) fn is_sent(covered: &Covered, field: &Field) -> bool {
    covered.field(field).is_some_and(|values| values.len() > 0)
}

/// Whether the head says that there is a body. Over HTTP/2 it need not.
pub(super) fn states_body(request: &RequestView<'_>) -> bool {
    let length = request.field(&crate::request::field::CONTENT_LENGTH, 0);
    request.field(&crate::request::field::TRANSFER_ENCODING, 0).is_some() || length.is_some_and(|length| length != b"0")
}
