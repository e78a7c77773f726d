//! What is counted of names, and of names and addresses together: [`Names`].

use super::{
    count::Exact,
    network::Network,
    network_memory::NetworkMemory,
    sketch::Sketch,
    table::{Standing, Table},
};

/// What is counted of some of the names.
#[derive(Debug)]
pub(super) struct Names {
    pairs: Table<(u128, Network), Exact>,
    names: Table<u128, Exact>,
    /// Names for which there is no row.
    sketch: Sketch,
    known: NetworkMemory,
    rules: NameRules,
}

/// The limits that concern names, of one part of them.
#[derive(Debug, Clone)]
pub(super) struct NameRules {
    pub(super) rows: usize,
    pub(super) per_pair: u32,
    pub(super) per_name: u32,
    pub(super) window: u64,
    pub(super) trickle: u64,
    pub(super) known_names: usize,
    pub(super) known_for: u64,
}

/// Where a try of a name is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamePlaces {
    /// Whether the pair has a row; else the rules for the name and the address hold alone.
    pair: bool,
    /// Whether the name has a row; else it is counted in the sketch.
    name: bool,
}

/// What stands in the way of a try, by the pair and by the name.
pub(super) struct Judged {
    pub(super) pair: Standing,
    pub(super) name: Standing,
    /// Whether the name is over its budget, so that a try that is let through takes a turn.
    pub(super) takes_turn: bool,
}

impl Judged {
    pub(super) const OF_NO_NAME: Self = Self { pair: Standing::Free, name: Standing::Free, takes_turn: false };
}

impl Names {
    pub(super) fn new(rules: NameRules) -> Self {
        Self {
            pairs: Table::new(rules.rows, rules.per_pair, rules.window),
            names: Table::new(rules.rows, rules.per_name, rules.window),
            sketch: Sketch::new(rules.rows.saturating_mul(2)),
            known: NetworkMemory::new(rules.known_names, rules.known_for),
            rules,
        }
    }

    pub(super) fn judge(&mut self, account: u128, network: Network, now: u64) -> Judged {
        let pair = self.pairs.standing((account, network), now);
        if self.known.holds(account, network, now) {
            return Judged { pair, name: Standing::Free, takes_turn: false };
        }
        // A name can have been counted in its cell a while ago and have a row by now: all of it counts.
        let window = self.rules.window;
        let (row, cell) = (self.names.row(account), self.sketch.cell(account));
        let turn = row.as_ref().and_then(|row| row.turn()).max(cell.as_ref().and_then(|cell| cell.turn()));
        let (wrong, running) = row.map_or((0, 0), |row| row.counts(now, window));
        let (shared, shared_running) = cell.map_or((0, 0), |cell| cell.counts(now, window));
        let (wrong, running) = (wrong.saturating_add(shared), running.saturating_add(shared_running));
        let budget = usize::try_from(self.rules.per_name).unwrap_or(usize::MAX).max(1);
        if wrong >= budget {
            let next = turn.map_or(now, |turn| turn.saturating_add(self.rules.trickle).max(now));
            Judged { pair, name: Standing::Spent(next), takes_turn: true }
        } else if wrong.saturating_add(running) >= budget {
            Judged { pair, name: Standing::Undecided, takes_turn: false }
        } else {
            Judged { pair, name: Standing::Free, takes_turn: false }
        }
    }

    /// Begins a try, where there is room for it.
    pub(super) fn take(&mut self, account: u128, network: Network, now: u64) -> NamePlaces {
        let pair = self.pairs.has_room((account, network), now);
        let name = self.names.has_room(account, now);
        if pair {
            self.pairs.take((account, network));
        }
        if name {
            self.names.take(account);
        } else {
            self.sketch.take(account);
        }
        NamePlaces { pair, name }
    }

    /// Notes that a try was let through for a name that is over its budget.
    pub(super) fn take_turn(&mut self, account: u128, now: u64) {
        if let Some(row) = self.names.row(account) {
            row.take_turn(now);
        } else if let Some(cell) = self.sketch.cell(account) {
            cell.take_turn(now);
        }
    }

    /// Ends a try that was begun.
    pub(super) fn give_back(&mut self, account: u128, network: Network, places: NamePlaces, wrong: bool, now: u64) {
        if places.pair {
            self.pairs.give_back((account, network), wrong, now);
        }
        if places.name {
            self.names.give_back(account, wrong, now);
        } else if let Some(cell) = self.sketch.cell(account) {
            cell.give_back(wrong, now, self.rules.window, usize::MAX);
        }
    }

    /// Whether this name signed in from there lately.
    pub(super) fn knows(&self, account: u128, network: Network, now: u64) -> bool {
        self.known.holds(account, network, now)
    }

    pub(super) fn remember(&mut self, account: u128, network: Network, now: u64) {
        self.known.remember(account, network, now);
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len() + self.names.len()
    }

    /// By which cell of the sketch this name is counted where it has no row.
    #[cfg(test)]
    pub(super) fn cell_of(&self, account: u128) -> usize {
        self.sketch.place(account)
    }
}
