//! What a request must show beside a credential: [`Binding`].

use std::net::IpAddr;

/// What a request must show beside the credential itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Binding {
    /// Nothing: a bearer credential.
    #[default]
    Nothing,
    /// Possession of the key with this thumbprint (RFC 7638, SHA-256).
    KeyThumbprint([u8; 32]),
    /// The client certificate with this SHA-256 thumbprint (RFC 8705).
    Certificate([u8; 32]),
    /// A sender from this network.
    AddressPrefix {
        /// Any address of the network.
        network: IpAddr,
        /// How many leading bits count.
        bits: u8,
    },
    /// The same `User-Agent`, byte for byte; `None` is a request without one.
    Agent(Option<Box<str>>),
    /// All of these.
    All(Box<[Self]>),
}
