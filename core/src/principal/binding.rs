//! What a request must show beside a credential: [`Binding`].

use std::{any::Any, fmt, net::IpAddr, sync::Arc};

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
    /// What the verifier hands to the [`Confirm`](crate::credential::Confirm) of the kind, such as what a signature says of the body.
    Proof(Proof),
    /// All of these.
    All(Box<[Self]>),
}

/// Something that a verifier found out and a kind's [`Confirm`](crate::credential::Confirm) needs: of whatever type the two agree on. Two are
/// equal if they are the same.
#[derive(Clone)]
pub struct Proof(Arc<dyn Any + Send + Sync>);

impl Proof {
    /// Holds this.
    pub fn of<T: Any + Send + Sync>(known: T) -> Self {
        Self(Arc::new(known))
    }

    /// What is held, if it is of this type.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl PartialEq for Proof {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Proof {}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

impl Binding {
    /// Both of them.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, only) | (only, Self::Nothing) => only,
            (one, other) if one == other => one,
            (one, other) => Self::All(Box::new([one, other])),
        }
    }

    /// What a verifier handed over by [`Binding::Proof`], here or among [all](Self::All), if there is one of this type.
    #[must_use]
    pub fn proof<T: Any>(&self) -> Option<&T> {
        match self {
            Self::Proof(proof) => proof.get(),
            Self::All(bindings) => bindings.iter().find_map(Self::proof),
            _ => None,
        }
    }
}
