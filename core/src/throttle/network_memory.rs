//! From where a name signed in lately: [`NetworkMemory`].

use std::collections::HashMap;

use super::network::Network;

/// How many networks are remembered for a name. One account, signed in from everywhere, cannot crowd others out.
const NETWORKS: usize = 8;

type Networks = Vec<(Network, u64)>;

/// Networks by account, in two generations: when the young one is full, it becomes the old one and what was not used since is
/// gone. That is LRU to within a factor of two, at the cost of a look-up.
#[derive(Debug)]
pub(super) struct NetworkMemory {
    young: HashMap<u128, Networks>,
    old: HashMap<u128, Networks>,
    generation: usize,
    life: u64,
}

impl NetworkMemory {
    pub(super) fn new(accounts: usize, life: u64) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: (accounts / 2).max(1), life }
    }

    pub(super) fn holds(&self, account: u128, network: Network, now: u64) -> bool {
        let networks = self.young.get(&account).or_else(|| self.old.get(&account));
        networks.is_some_and(|networks| {
            networks.iter().any(|(known, at)| *known == network && now.saturating_sub(*at) < self.life)
        })
    }

    pub(super) fn remember(&mut self, account: u128, network: Network, now: u64) {
        if self.young.len() >= self.generation && !self.young.contains_key(&account) {
            self.old = std::mem::take(&mut self.young);
        }
        let Self { young, old, .. } = self;
        let networks = young.entry(account).or_insert_with(|| old.remove(&account).unwrap_or_default());
        if let Some((_, at)) = networks.last_mut().filter(|(last, _)| *last == network) {
            *at = now;
            return;
        }
        networks.retain(|(known, _)| *known != network);
        if networks.len() >= NETWORKS {
            networks.remove(0);
        }
        networks.push((network, now));
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::network::Width, *};

    fn network(number: u32) -> Network {
        Network::V4(number, Width::Narrow)
    }

    #[test]
    fn an_account_is_known_where_it_signed_in_within_its_life() {
        let mut known = NetworkMemory::new(8, 100);
        known.remember(1, network(1), 0);
        for (account, from, now, expected) in
            [(1, 1, 0, true), (1, 1, 99, true), (1, 1, 100, false), (1, 2, 0, false), (2, 1, 0, false)]
        {
            assert_eq!(known.holds(account, network(from), now), expected, "{account} from {from} at {now}");
        }
    }

    #[test]
    fn one_account_cannot_crowd_others_out() {
        let mut known = NetworkMemory::new(8, u64::MAX);
        known.remember(1, network(0), 0);
        for from in 0..1000 {
            known.remember(2, network(from), 1);
        }
        assert!(known.holds(1, network(0), 2));
        assert_eq!(known.young.get(&2).map(Vec::len), Some(NETWORKS));
        assert!(known.holds(2, network(999), 2) && !known.holds(2, network(0), 2));
    }

    #[test]
    fn many_accounts_stay_within_the_bound_and_the_used_ones_stay() {
        let mut known = NetworkMemory::new(100, u64::MAX);
        for account in 0..10_000_u128 {
            known.remember(account, network(1), 0);
            known.remember(7, network(7), 0);
            assert!(known.len() <= 100);
        }
        assert!(known.holds(7, network(7), 0));
    }
}
