//! What counts as one address: [`Network`].

use std::net::IpAddr;

/// An IPv4 address, or the /64 of an IPv6 address: who has one address of a /64 has them all. Or the wider network around one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Network {
    /// No address is known. All such callers count as one, so that nothing is uncounted.
    Unknown,
    V4(u32, Width),
    V6(u64, Width),
}

/// How wide a network is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Width {
    /// An IPv4 address, an IPv6 /64.
    Narrow,
    /// An IPv4 /24, an IPv6 /56: what a customer has.
    Site,
    /// An IPv4 /16, an IPv6 /48.
    Region,
    /// An IPv4 /8, an IPv6 /32: what a provider has.
    Provider,
}

/// Those around an address, from the narrowest.
pub(super) const WIDER: [Width; 3] = [Width::Site, Width::Region, Width::Provider];

impl Network {
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        // An IPv4-mapped IPv6 address is what a dual-stack socket calls an IPv4 peer.
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address.to_bits(), Width::Narrow),
            Some(IpAddr::V6(address)) => Self::V6((address.to_bits() >> 64) as u64, Width::Narrow),
        }
    }

    /// The same bytes in every process.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let width = |width: Width| width as u8;
        match self {
            Self::Unknown => vec![0],
            Self::V4(bits, around) => [&[4, width(around)], bits.to_be_bytes().as_slice()].concat(),
            Self::V6(bits, around) => [&[6, width(around)], bits.to_be_bytes().as_slice()].concat(),
        }
    }

    /// The network of this width around this one.
    pub(super) fn around(self, width: Width) -> Self {
        let host_bits = match (self, width) {
            (Self::Unknown, _) | (_, Width::Narrow) => return self,
            (_, Width::Site) => 8,
            (_, Width::Region) => 16,
            (Self::V4(..), Width::Provider) => 24,
            (Self::V6(..), Width::Provider) => 32,
        };
        match self {
            Self::Unknown => Self::Unknown,
            Self::V4(bits, _) => Self::V4(bits >> host_bits << host_bits, width),
            Self::V6(bits, _) => Self::V6(bits >> host_bits << host_bits, width),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::of(Some(text.parse().unwrap()))
    }

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
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
        assert_ne!(Network::of(None), network("0.0.0.0"));
    }

    #[test]
    fn a_network_lies_in_wider_ones() {
        for (one, other, shared) in [
            ("192.0.2.1", "192.0.2.254", Some(Width::Site)),
            ("192.0.2.1", "192.0.3.1", Some(Width::Region)),
            ("192.0.2.1", "192.9.2.1", Some(Width::Provider)),
            ("192.0.2.1", "193.0.2.1", None),
            ("2001:db8:1:2::", "2001:db8:1:ff::", Some(Width::Site)),
            ("2001:db8:1:200::", "2001:db8:1:ffff::", Some(Width::Region)),
            ("2001:db8:1::", "2001:db8:2::", Some(Width::Provider)),
            ("2001:db8::", "2001:db9::", None),
            ("::", "0.0.0.0", None),
        ] {
            let in_common = |width: &Width| network(one).around(*width) == network(other).around(*width);
            assert_eq!(WIDER.iter().copied().find(in_common), shared, "{one} {other}");
        }
        assert!(WIDER.iter().all(|width| Network::Unknown.around(*width) == Network::Unknown));
        assert_ne!(network("192.0.2.0").around(Width::Site), network("192.0.2.0"));
    }
}
