//! Counts of addresses for which there is no room elsewhere: [`Wider`].

use super::{
    count::Tally,
    network::{Network, WIDER, Width},
    table::{Standing, Table},
};

/// Wrong tries by the networks around addresses, in a table for each width, with ten times the budget of the one before.
#[derive(Debug)]
pub(super) struct Wider {
    tables: [(Width, Table<Network, Tally>); WIDER.len()],
}

impl Wider {
    pub(super) fn new(rows: usize, per_address: u32, window: u64) -> Self {
        let mut budget = per_address;
        let tables = WIDER.map(|width| {
            budget = budget.saturating_mul(10);
            (width, Table::new(rows, budget, window))
        });
        Self { tables }
    }

    /// The narrowest network around this one that has a row or room for one, and what stands in its way. Where not even the widest has room,
    /// no rule speaks of the address.
    pub(super) fn judge(&mut self, network: Network, now: u64) -> (Option<Width>, Standing) {
        for (width, table) in &mut self.tables {
            let around = network.around(*width);
            if table.has_room(around, now) {
                return (Some(*width), table.standing(around, now));
            }
        }
        (None, Standing::Free)
    }

    pub(super) fn take(&mut self, network: Network, width: Width) {
        self.table(width, |table| table.take(network.around(width)));
    }

    pub(super) fn give_back(&mut self, network: Network, width: Width, wrong: bool, now: u64) {
        self.table(width, |table| table.give_back(network.around(width), wrong, now));
    }

    pub(super) fn len(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.len()).sum()
    }

    fn table(&mut self, width: Width, act: impl FnOnce(&mut Table<Network, Tally>)) {
        if let Some((_, table)) = self.tables.iter_mut().find(|(of, _)| *of == width) {
            act(table);
        }
    }
}
