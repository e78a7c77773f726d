//! What counts as one address: [`Network`].

use std::net::IpAddr;

/// An IPv4 address, or the /64 of an IPv6 address: who has one address of a /64 has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Network {
    /// No address is known. All such callers count as one, so that nothing is uncounted.
    Unknown,
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Network {
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        // An IPv4-mapped IPv6 address is what a dual-stack socket calls an IPv4 peer.
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_counts_by_its_64_and_mapped_ipv4_as_itself() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::1", "0.0.0.1", false),
        ] {
            let network = |text: &str| Network::of(Some(text.parse().unwrap()));
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
        assert_ne!(Network::of(None), Network::of(Some("0.0.0.0".parse().unwrap())));
    }
}
