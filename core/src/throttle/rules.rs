//! The rules, and the places that a try takes in what they count.

use std::time::Duration;

use super::{
    RetryAfter, Throttle, Try,
    account::Account,
    attempt::Rule,
    names::{Judged, NamePlaces},
    network::{Network, Width},
    table::Standing,
};

/// Where a try is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// The name, if it has one.
    pub(super) name: Option<(u128, NamePlaces)>,
    pub(super) address: AddressPlace,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum AddressPlace {
    Own,
    Around(Width),
    /// There is no room, not even for the widest network around it.
    Nowhere,
}

/// What a try that is let through does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Its password will be verified: it takes its place.
    Counts,
    /// Its password is known to be right.
    IsRight,
}

impl Throttle {
    /// Applies the rules, and in the same step does what a try does that they let through.
    pub(super) fn judge(&self, account: Account, network: Network, then: Then) -> Result<Places, RetryAfter> {
        let mut names = account.0.map(|account| (account, self.0.names_of(account).lock()));
        let mut addresses = self.0.addresses_of(network).lock();
        // Read under the locks, so that a later look has a later time.
        let mut now = self.now();
        let (mut wider, place, address) = if addresses.has_room(network, now) {
            (None, AddressPlace::Own, addresses.standing(network, now))
        } else {
            let mut wider = self.0.wider.lock();
            now = self.now();
            let (width, standing) = wider.judge(network, now);
            (Some(wider), width.map_or(AddressPlace::Nowhere, AddressPlace::Around), standing)
        };
        let judged = names.as_mut().map(|(account, names)| names.judge(*account, network, now));
        let Judged { pair, name, takes_turn } = judged.unwrap_or(Judged::OF_NO_NAME);
        pass([pair, name, address], now)?;

        let mut places = Places { name: None, address: place };
        if then == Then::Counts {
            match (place, &mut wider) {
                (AddressPlace::Around(width), Some(wider)) => wider.take(network, width),
                (AddressPlace::Own, _) => addresses.take(network),
                (AddressPlace::Around(_) | AddressPlace::Nowhere, _) => {}
            }
        }
        if let Some((account, names)) = &mut names {
            match then {
                Then::Counts => places.name = Some((*account, names.take(*account, network, now))),
                Then::IsRight => names.remember(*account, network, now),
            }
            if takes_turn {
                names.take_turn(*account, now);
            }
        }
        Ok(places)
    }

    pub(super) fn leave(&self, left: &Try) {
        let (network, Places { name, address }) = (left.network, left.places);
        let mut names = name.map(|(account, places)| (account, places, self.0.names_of(account).lock()));
        let mut addresses = self.0.addresses_of(network).lock();
        let mut wider = matches!(address, AddressPlace::Around(_)).then(|| self.0.wider.lock());
        let now = self.now();
        if let Some((account, places, names)) = &mut names {
            names.give_back(*account, network, *places, left.wrong, now);
        }
        match (address, &mut wider) {
            (AddressPlace::Own, _) => addresses.give_back(network, left.wrong, now),
            (AddressPlace::Around(width), Some(wider)) => wider.give_back(network, width, left.wrong, now),
            (AddressPlace::Around(_) | AddressPlace::Nowhere, _) => {}
        }
        drop((names, addresses, wider));
        if let Some((account, _)) = name {
            self.0.names_of(account).freed.notify_waiters();
        }
        self.0.addresses_of(network).freed.notify_waiters();
        if matches!(address, AddressPlace::Around(_)) {
            self.0.wider.freed.notify_waiters();
        }
    }

    /// Remembers that the name of this try signed in from where it came.
    pub(super) fn remember(&self, right: &Try) {
        if let Some((account, _)) = right.places.name {
            self.0.names_of(account).lock().remember(account, right.network, self.now());
        }
    }
}

/// Whether nothing stands in the way, of the pair, the name and the address; else when it is worth another look.
fn pass(standings: [Standing; 3], now: u64) -> Result<(), RetryAfter> {
    let rules = [Rule::Pair, Rule::Name, Rule::Address];
    let by_rule = || standings.iter().zip(rules);
    // A turn that is due is no obstacle.
    let waits = by_rule().filter_map(|(standing, rule)| match standing {
        Standing::Spent(until) => Some((until.saturating_sub(now), rule)).filter(|(wait, _)| *wait > 0),
        Standing::Undecided | Standing::Free => None,
    });
    if let Some((wait, rule)) = waits.max_by_key(|(wait, _)| *wait) {
        return Err(RetryAfter { after: Duration::from_nanos(wait), undecided: false, rule });
    }
    if let Some((_, rule)) = by_rule().find(|(standing, _)| **standing == Standing::Undecided) {
        return Err(RetryAfter { after: Duration::from_secs(1), undecided: true, rule });
    }
    Ok(())
}
