//! How long sessions last, how many there are, and what they are bound to.

use std::time::Duration;

use crate::{principal::Binding, store::SessionRecord};

/// A longer one could not be written into a cookie.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) usual: Life,
    pub(super) remembered: Option<Life>,
    pub(super) most: usize,
    pub(super) by_agent: bool,
    /// How many leading bits of an address count, of IPv4 and of IPv6.
    pub(super) by_network: Option<(u8, u8)>,
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) idle: Duration,
    pub(super) longest: Duration,
}

impl Life {
    pub(super) fn of(idle: Duration, longest: Duration) -> Self {
        Self { idle: idle.min(LONGEST), longest: longest.min(LONGEST) }
    }
}

impl Default for Rules {
    fn default() -> Self {
        let usual = Life::of(Duration::from_secs(30 * 60), Duration::from_secs(12 * 60 * 60));
        Self { usual, remembered: None, most: 1000, by_agent: false, by_network: None }
    }
}

impl Rules {
    /// How long a session lasts whose owner asked to be remembered, or did not.
    pub(super) fn life(&self, remembered: bool) -> Life {
        self.remembered.filter(|_| remembered).unwrap_or(self.usual)
    }

    /// Whether a session that ends after so long without use is that of somebody who asked to be remembered. One that is renewed says
    /// nothing else of it.
    pub(super) fn remembers(&self, idle: Duration) -> bool {
        self.remembered.is_some_and(|remembered| remembered.idle == idle && remembered != self.usual)
    }

    /// What a request must show beside the cookie.
    pub(super) fn binding_of(&self, record: &SessionRecord) -> Binding {
        let agent = self.by_agent.then(|| Binding::Agent(record.agent.clone()));
        let network = self.by_network.map(|(v4, v6)| match record.address.map(|address| address.to_canonical()) {
            Some(network) => Binding::AddressPrefix { network, bits: if network.is_ipv4() { v4 } else { v6 } },
            // No address has so many bits, so that none is in it.
            None => Binding::AddressPrefix { network: [0; 4].into(), bits: u8::MAX },
        });
        match (agent, network) {
            (None, None) => Binding::Nothing,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) => Binding::All(Box::new([one, other])),
        }
    }
}
