//! What a grant is bound to, shown by the request.

use crate::{
    principal::Binding,
    request::{Occurrence, RequestView, field},
};

/// Whether the request shows what the grant is bound to. What nothing here can confirm is not confirmed.
pub(super) fn confirms(binding: &Binding, request: &RequestView<'_>) -> bool {
    match binding {
        Binding::Nothing => true,
        Binding::AddressPrefix { network, bits } => {
            let prefix = ipnet::IpNet::new(network.to_canonical(), *bits);
            request.address().is_some_and(|peer| prefix.is_ok_and(|prefix| prefix.contains(&peer.to_canonical())))
        }
        Binding::Agent(agent) => request.only(&field::USER_AGENT) == Occurrence::Once(agent.as_bytes()),
        Binding::KeyThumbprint(_) | Binding::Certificate(_) => false,
    }
}
