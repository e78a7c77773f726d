//! Counts of names for which there is no room elsewhere: [`Sketch`].

use super::{count::Tally, table::Row};

/// So many cells, in each of which all names count that fall into it. No name goes uncounted, and none is counted too low; one that shares
/// a cell with others may be counted too high.
///
/// Names are keyed hashes, so that nobody can choose whose cell to share. Nothing is allocated before the first name is counted here.
#[derive(Debug)]
pub(super) struct Sketch {
    cells: Vec<Row<Tally>>,
    most: usize,
}

impl Sketch {
    pub(super) fn new(cells: usize) -> Self {
        Self { cells: Vec::new(), most: cells.max(1) }
    }

    /// The cell of this name, if any was ever needed.
    pub(super) fn cell(&mut self, account: u128) -> Option<&mut Row<Tally>> {
        let place = self.place(account);
        self.cells.get_mut(place)
    }

    pub(super) fn take(&mut self, account: u128) {
        if self.cells.is_empty() {
            self.cells.resize(self.most, Row::default());
        }
        if let Some(cell) = self.cell(account) {
            cell.take();
        }
    }

    /// Where in the sketch this name is counted. The lower half of the hash chooses the part of the throttle.
    pub(super) fn place(&self, account: u128) -> usize {
        (account >> 64) as usize % self.most
    }
}
