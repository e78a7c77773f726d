//! What a grant is bound to, shown by the request: at each one, cached or not.
//!
//! An address, an agent, a certificate and their like are judged in place. What takes more, such as a proof that is signed, is judged by the
//! [`Confirm`](crate::credential::Confirm) that a kind of credential brings along; a grant that is bound to it is refused where its kind confirms nothing.
//!
//! The result is remembered for the request: a second guard of the same gate does not spend a proof again that is good once.

use crate::{
    principal::Binding,
    request::{Occurrence, RequestView, field},
};

/// What can be said of a binding by a look at the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InPlace {
    Shown,
    NotShown,
    /// The kind of credential must confirm it.
    Further,
}

pub(super) fn in_place(binding: &Binding, request: &RequestView<'_>) -> InPlace {
    let when = |shown: bool| if shown { InPlace::Shown } else { InPlace::NotShown };
    match binding {
        Binding::Nothing => InPlace::Shown,
        Binding::AddressPrefix { network, bits } => {
            let prefix = ipnet::IpNet::new(network.to_canonical(), *bits);
            when(
                request
                    .address()
                    .is_some_and(|address| prefix.is_ok_and(|prefix| prefix.contains(&address.to_canonical()))),
            )
        }
        Binding::Agent(agent) => when(match (request.only(&field::USER_AGENT), agent) {
            (Occurrence::Once(sent), Some(agent)) => sent == agent.as_bytes(),
            (Occurrence::Absent, None) => true,
            _ => false,
        }),
        Binding::All(bindings) => {
            let mut all = InPlace::Shown;
            for binding in bindings {
                match in_place(binding, request) {
                    InPlace::NotShown => return InPlace::NotShown,
                    InPlace::Further => all = InPlace::Further,
                    InPlace::Shown => {}
                }
            }
            all
        }
        #[cfg(feature = "certificate")]
        Binding::Certificate(bound) => {
            let shown = request.certificate().map(crate::credential::certificate::thumbprint);
            when(shown.is_some_and(|shown| shown == *bound))
        }
        #[cfg(not(feature = "certificate"))]
        Binding::Certificate(_) => InPlace::Further,
        Binding::KeyThumbprint(_) | Binding::Proof(_) => InPlace::Further,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn bindings_are_judged_by_what_the_request_shows() {
        let agent = |agent: Option<&str>| Binding::Agent(agent.map(Box::from));
        let prefix = |bits| Binding::AddressPrefix { network: "192.0.2.1".parse().unwrap(), bits };
        let both = |bits, name| Binding::All(Box::new([prefix(bits), agent(name)]));
        let rows = [
            (Binding::Nothing, Some("a"), InPlace::Shown),
            (agent(Some("a")), Some("a"), InPlace::Shown),
            (agent(Some("a")), Some("b"), InPlace::NotShown),
            (agent(Some("a")), None, InPlace::NotShown),
            (agent(None), None, InPlace::Shown),
            (agent(None), Some(""), InPlace::NotShown),
            (prefix(24), None, InPlace::Shown),
            (prefix(32), None, InPlace::NotShown),
            (prefix(33), None, InPlace::NotShown),
            (both(24, Some("a")), Some("a"), InPlace::Shown),
            (both(32, Some("a")), Some("a"), InPlace::NotShown),
            (both(24, None), Some("a"), InPlace::NotShown),
            (Binding::All(Box::new([])), None, InPlace::Shown),
            (
                Binding::Certificate([0; 32]),
                None,
                if cfg!(feature = "certificate") { InPlace::NotShown } else { InPlace::Further },
            ),
            (Binding::All(Box::new([Binding::KeyThumbprint([0; 32]), agent(None)])), None, InPlace::Further),
            (Binding::All(Box::new([Binding::KeyThumbprint([0; 32]), agent(None)])), Some("a"), InPlace::NotShown),
        ];
        for (binding, sent, expected) in rows {
            let head = PlainHead::get("/").from("192.0.2.9".parse().unwrap());
            let head = sent.into_iter().fold(head, |head, agent| head.with("user-agent", agent));
            assert_eq!(in_place(&binding, &head.view()), expected, "{binding:?} {sent:?}");
        }
        let doubled = PlainHead::get("/").with("user-agent", "a").with("user-agent", "a");
        assert_eq!(in_place(&agent(Some("a")), &doubled.view()), InPlace::NotShown);
    }
}
