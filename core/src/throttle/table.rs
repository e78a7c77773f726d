//! One rule's counts: [`Table`].

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use super::count::Count;

/// What is counted of one key: wrong tries, and how many still run.
#[derive(Debug, Clone, Default)]
pub(super) struct Row<W> {
    wrong: W,
    running: u32,
    /// When a try was last let through although the budget was spent.
    turn: Option<u64>,
    /// Where a table holds the end of its newest wrong try.
    due: Option<u64>,
}

/// What stands in the way of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Free,
    /// As many tries as the budget has left still run: it depends on them.
    Undecided,
    /// The budget is spent until then.
    Spent(u64),
}

impl<W: Count> Row<W> {
    /// How many wrong tries count now, and how many run.
    pub(super) fn counts(&mut self, now: u64, window: u64) -> (usize, usize) {
        self.wrong.forget(now, window);
        (self.wrong.wrong(), usize::try_from(self.running).unwrap_or(usize::MAX))
    }

    pub(super) fn turn(&self) -> Option<u64> {
        self.turn
    }

    pub(super) fn take_turn(&mut self, now: u64) {
        self.turn = Some(now);
    }

    pub(super) fn take(&mut self) {
        self.running = self.running.saturating_add(1);
    }

    pub(super) fn give_back(&mut self, wrong: bool, now: u64, window: u64, budget: usize) {
        self.running = self.running.saturating_sub(1);
        self.wrong.forget(now, window);
        if wrong {
            self.wrong.add(now, window, budget);
        }
    }

    fn is_empty(&self) -> bool {
        self.wrong.wrong() == 0 && self.running == 0
    }
}

/// The counts of one rule, for at most so many keys.
///
/// A row goes when nothing is left to count in it, and never makes way before: a count that newcomers can wash away is none. Who finds no
/// room is counted elsewhere, and judged there. No step looks at more than a few rows, however many there are.
#[derive(Debug)]
pub(super) struct Table<K, W> {
    rows: HashMap<K, Row<W>>,
    /// When the newest wrong try of each row ends that has any.
    due: BTreeSet<(u64, K)>,
    most: usize,
    budget: usize,
    window: u64,
}

/// How many rows that have ended are dropped at once: more than come, so that they go.
const DROPPED_AT_ONCE: usize = 4;

impl<K: Copy + Ord + Hash, W: Count> Table<K, W> {
    pub(super) fn new(most: usize, budget: u32, window: u64) -> Self {
        let budget = usize::try_from(budget).unwrap_or(usize::MAX).max(1);
        Self { rows: HashMap::new(), due: BTreeSet::new(), most: most.max(1), budget, window }
    }

    pub(super) fn row(&mut self, key: K) -> Option<&mut Row<W>> {
        self.rows.get_mut(&key)
    }

    /// What stands in the way of another try.
    pub(super) fn standing(&mut self, key: K, now: u64) -> Standing {
        let Some(row) = self.rows.get_mut(&key) else { return Standing::Free };
        let (wrong, running) = row.counts(now, self.window);
        if wrong >= self.budget {
            Standing::Spent(row.wrong.first_end(self.window))
        } else if wrong.saturating_add(running) >= self.budget {
            Standing::Undecided
        } else {
            Standing::Free
        }
    }

    /// Whether there is a row for this key, or room for one.
    pub(super) fn has_room(&mut self, key: K, now: u64) -> bool {
        for _ in 0..DROPPED_AT_ONCE {
            let Some((end, ended)) = self.due.first().copied().filter(|(end, _)| *end <= now) else { break };
            self.due.remove(&(end, ended));
            if let Some(row) = self.rows.get_mut(&ended) {
                row.due = None;
                row.wrong.forget(now, self.window);
                if row.is_empty() {
                    self.rows.remove(&ended);
                }
            }
        }
        self.rows.len() < self.most || self.rows.contains_key(&key)
    }

    /// Begins a try.
    pub(super) fn take(&mut self, key: K) {
        self.rows.entry(key).or_default().take();
    }

    /// Ends a try that was begun.
    pub(super) fn give_back(&mut self, key: K, wrong: bool, now: u64) {
        let Some(row) = self.rows.get_mut(&key) else { return };
        row.give_back(wrong, now, self.window, self.budget);
        let due = (row.wrong.wrong() > 0).then(|| row.wrong.last_end(self.window));
        if due != row.due {
            row.due.map(|end| self.due.remove(&(end, key)));
            due.map(|end| self.due.insert((end, key)));
            row.due = due;
        }
        if row.is_empty() {
            self.rows.remove(&key);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::count::Exact, *};

    fn table(most: usize, budget: u32) -> Table<u32, Exact> {
        Table::new(most, budget, 60)
    }

    /// Wrong tries, as far as there is room for them.
    fn wrong(table: &mut Table<u32, Exact>, key: u32, times: usize, now: u64) {
        for _ in 0..times {
            if table.has_room(key, now) {
                table.take(key);
                table.give_back(key, true, now);
            }
            assert_eq!(
                table.due.iter().map(|(_, key)| *key).collect::<BTreeSet<_>>(),
                table.rows.keys().copied().collect()
            );
        }
    }

    #[test]
    fn a_wrong_try_counts_until_the_window_is_over() {
        let mut table = table(4, 2);
        wrong(&mut table, 1, 1, 0);
        wrong(&mut table, 1, 1, 30);
        for (now, expected) in
            [(30, Standing::Spent(60)), (59, Standing::Spent(60)), (60, Standing::Free), (90, Standing::Free)]
        {
            assert_eq!(table.standing(1, now), expected, "{now}");
        }
    }

    #[test]
    fn running_tries_count_until_they_are_decided() {
        let mut table = table(4, 2);
        table.take(1);
        table.take(1);
        assert_eq!(table.standing(1, 0), Standing::Undecided);
        table.give_back(1, false, 0);
        assert_eq!(table.standing(1, 0), Standing::Free);
        table.give_back(1, true, 0);
        assert_eq!(table.standing(1, 0), Standing::Free);
        wrong(&mut table, 1, 1, 5);
        assert_eq!(table.standing(1, 5), Standing::Spent(60));
    }

    #[test]
    fn what_holds_nothing_takes_no_room() {
        let mut table = table(4, 2);
        table.take(1);
        table.give_back(1, false, 0);
        assert_eq!((table.len(), table.due.len()), (0, 0));
        for key in 0..4 {
            wrong(&mut table, key, 2, 0);
        }
        assert!(table.has_room(9, 60));
        assert_eq!((table.len(), table.due.len()), (0, 0));
    }

    #[test]
    fn no_row_makes_way_for_any_number_of_new_keys() {
        // L5: a guesser cannot wash a lock or a count away by guessing at other names.
        let mut table = table(16, 5);
        wrong(&mut table, 0, 5, 0);
        wrong(&mut table, 1, 4, 0);
        for key in 2..10_000 {
            wrong(&mut table, key, 5, 1);
            assert!(table.len() <= 16);
        }
        wrong(&mut table, 1, 1, 2);
        assert_eq!((table.standing(0, 2), table.standing(1, 2)), (Standing::Spent(60), Standing::Spent(60)));
    }

    #[test]
    fn a_full_table_has_no_room_until_a_row_ends() {
        let mut table = table(4, 1);
        for key in 0..4 {
            wrong(&mut table, key, 1, u64::from(key));
        }
        assert!(!table.has_room(9, 59) && table.has_room(3, 59));
        assert!(table.has_room(9, 60));
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn a_running_try_keeps_its_row() {
        let mut table = table(1, 5);
        table.take(1);
        assert!(!table.has_room(2, 1_000));
        table.give_back(1, true, 1_000);
        table.take(1);
        assert!(!table.has_room(2, 1_060), "what was wrong has ended, and a try runs");
        table.give_back(1, false, 1_060);
        assert!(table.has_room(2, 1_060));
    }
}
