//! Where an LDAP server is, and whether it may be asked there.

use std::net::IpAddr;

/// An address, and how the way there is secured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) security: Security,
}

/// How passwords are kept from whoever is on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// From the first byte.
    Tls,
    /// From the second request.
    StartTls,
    /// Nobody is on the way.
    Loopback,
}

impl Address {
    /// Reads `ldaps://host[:port]` or `ldap://host[:port]`.
    pub(super) fn read(text: &str, in_the_clear: bool) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it begins neither with ldaps:// nor with ldap://")?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(plain) {
            return Err("it has more than a host and a port");
        }
        let security = match scheme {
            "ldaps" if in_the_clear => return Err("it is asked over TLS, and not in the clear"),
            "ldaps" => Security::Tls,
            "ldap" if !in_the_clear => Security::StartTls,
            "ldap" if is_loopback(authority) => Security::Loopback,
            "ldap" => return Err("in the clear only this very machine may be asked"),
            _ => return Err("it begins neither with ldaps:// nor with ldap://"),
        };
        Ok(Self { url: format!("{scheme}://{authority}"), security })
    }
}

/// Whether it names this machine by number: a name could lead elsewhere.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_over_tls_or_on_this_machine() {
        for (text, in_the_clear, security) in [
            ("ldaps://ldap.example", false, Some(Security::Tls)),
            ("ldaps://ldap.example:636/", false, Some(Security::Tls)),
            ("ldap://ldap.example", false, Some(Security::StartTls)),
            ("ldap://127.0.0.1:389", false, Some(Security::StartTls)),
            ("ldap://127.0.0.1:389", true, Some(Security::Loopback)),
            ("ldap://[::1]:389", true, Some(Security::Loopback)),
            ("ldaps://127.0.0.1", true, None),
            ("ldap://localhost", true, None),
            ("ldap://127.0.0.1.example", true, None),
            ("ldap://10.0.0.1", true, None),
            ("http://ldap.example", false, None),
            ("ldapi:///var/run", false, None),
            ("ldap.example", false, None),
            ("ldaps://", false, None),
            ("ldaps://user@ldap.example", false, None),
            ("ldaps://ldap.example/dc=a", false, None),
        ] {
            assert_eq!(Address::read(text, in_the_clear).ok().map(|address| address.security), security, "{text}");
        }
    }
}
