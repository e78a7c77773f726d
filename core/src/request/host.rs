//! Whether a request names the host it asks for as it must: once, in a form that a host can have (RFC 9112 §3.2).
//!
//! A proxy in front may take the first of two fields, and the app the second. So a request with two is answered 400, though they are
//! alike, and so is one that nobody can read. No field at all is left to the framework: HTTP/1.0 has none, HTTP/2 has `:authority`.

use super::{Occurrence, RequestView, field};

/// Whether a request names its host twice, or in a form that is none.
pub(crate) fn is_misnamed(request: &RequestView<'_>) -> bool {
    match request.only(&field::HOST) {
        Occurrence::Absent => false,
        Occurrence::Once(host) => !is_host(host),
        Occurrence::Repeated => true,
    }
}

/// Whether this is `uri-host [ ":" port ]` (RFC 3986 §3.2.2), which may be empty.
fn is_host(text: &[u8]) -> bool {
    // What most hosts are: letters, digits, dots and hyphens.
    if text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
        return true;
    }
    let Some(bracketed) = text.strip_prefix(b"[") else {
        let mut parts = text.splitn(2, |byte| *byte == b':');
        let (name, port) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        return is_name(name) && is_port(port);
    };
    let mut parts = bracketed.splitn(2, |byte| *byte == b']');
    let (address, port) = (parts.next().unwrap_or_default(), parts.next());
    is_address(address) && port.is_some_and(|port| port.is_empty() || port.strip_prefix(b":").is_some_and(is_port))
}

fn is_port(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// Unreserved characters, what divides parts of a name, and whole escapes.
fn is_name(text: &[u8]) -> bool {
    let mut escapes = text.split(|byte| *byte == b'%');
    let is_escape =
        |part: &[u8]| part.first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let is_plain = |part: &[u8]| part.iter().copied().all(is_plain);
    is_plain(escapes.next().unwrap_or_default()) && escapes.all(|part| is_escape(part) && is_plain(part))
}

/// Whether a byte is unreserved or divides parts of a name.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=')
}

/// An address of IPv6, perhaps with the zone that some clients send along.
fn is_address(text: &[u8]) -> bool {
    let address = text.split(|byte| *byte == b'%').next().and_then(|address| std::str::from_utf8(address).ok());
    address.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()) && is_zone(text)
}

fn is_zone(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b":.%-_~".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    fn misnamed(hosts: &[&str]) -> bool {
        let head = hosts.iter().fold(PlainHead::get("/"), |head, host| head.with("host", host));
        is_misnamed(&head.view())
    }

    #[test]
    fn a_host_is_named_once_or_not_at_all() {
        for (hosts, expected) in [
            (&[][..], false),
            (&["a.example"], false),
            (&["a.example", "a.example"], true),
            (&["a.example", "b.example"], true),
            (&["", ""], true),
        ] {
            assert_eq!(misnamed(hosts), expected, "{hosts:?}");
        }
    }

    #[test]
    fn a_host_has_the_form_of_one() {
        for host in [
            "",
            "a.example",
            "A.EXAMPLE:80",
            "a.example:",
            ":80",
            "127.0.0.1:3000",
            "[::1]",
            "[::1]:3000",
            "[::1]:",
            "[fe80::1%25eth0]:1",
            "under_score",
            "xn--bcher-kva.example",
            "b%C3%BCcher",
            "a,b",
            "a~b!$&'()*+;=",
        ] {
            assert!(!misnamed(&[host]), "{host:?}");
        }
        for host in [
            "a b",
            "a/b",
            "http://a.example",
            "user@a.example",
            "a.example:b",
            "a.example:80:80",
            "a:-1",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:x",
            "[]",
            "[a]",
            "[::1 ]",
            "bücher.example",
            "a%",
            "a%4",
            "a%zz",
            "a\\b",
            "a\"b",
            "a?b",
            "a#b",
            "\u{0}",
            "a\t",
        ] {
            assert!(misnamed(&[host]), "{host:?}");
        }
    }
}
