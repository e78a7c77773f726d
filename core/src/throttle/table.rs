//! One rule's counts: [`Table`].

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// Wrong tries of one key within a window: the newest ones, as many as the budget, and how many tries still run.
#[derive(Debug, Default)]
struct Row {
    wrong: VecDeque<u64>,
    running: u32,
    /// When a try was last let through although the budget was spent.
    turn: Option<u64>,
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

/// The counts of one rule, for at most so many keys.
///
/// A new key makes the row with the fewest wrong tries go, and of these the oldest; never one that is spent, or has a try
/// running. To be rid of a count of `n`, an attacker must therefore bring every other row to `n` first.
#[derive(Debug)]
pub(super) struct Table<K> {
    rows: HashMap<K, Row>,
    most: usize,
    budget: usize,
    window: u64,
    /// When a try was last let through for a key that had no room.
    crowded: Option<u64>,
}

impl<K: Copy + Eq + Hash> Table<K> {
    pub(super) fn new(most: usize, budget: u32, window: u64) -> Self {
        let budget = usize::try_from(budget).unwrap_or(usize::MAX).max(1);
        Self { rows: HashMap::new(), most: most.max(1), budget, window, crowded: None }
    }

    /// What stands in the way of another try.
    pub(super) fn standing(&mut self, key: K, now: u64) -> Standing {
        let Some(row) = self.rows.get_mut(&key) else { return Standing::Free };
        row.forget(now, self.window);
        let running = usize::try_from(row.running).unwrap_or(usize::MAX);
        match row.wrong.front() {
            Some(oldest) if row.wrong.len() >= self.budget => Standing::Spent(oldest.saturating_add(self.window)),
            _ if row.wrong.len().saturating_add(running) >= self.budget => Standing::Undecided,
            _ => Standing::Free,
        }
    }

    /// When the next try may be let through although the budget is spent; now, if that is not later.
    pub(super) fn next_turn(&self, key: K, interval: u64, now: u64) -> u64 {
        let turn = self.rows.get(&key).and_then(|row| row.turn);
        turn.map_or(now, |turn| turn.saturating_add(interval).max(now))
    }

    pub(super) fn take_turn(&mut self, key: K, now: u64) {
        if let Some(row) = self.rows.get_mut(&key) {
            row.turn = Some(now);
        }
    }

    /// Whether there is a row for this key, or room for one: made, if need be.
    pub(super) fn has_room(&mut self, key: K, now: u64) -> bool {
        if self.rows.len() < self.most || self.rows.contains_key(&key) {
            return true;
        }
        let window = self.window;
        self.rows.retain(|_, row| {
            row.forget(now, window);
            !row.is_empty()
        });
        if self.rows.len() < self.most {
            return true;
        }
        let budget = self.budget;
        let goes = self.rows.iter().filter(|(_, row)| row.running == 0 && row.wrong.len() < budget);
        let goes = goes.min_by_key(|(_, row)| (row.wrong.len(), row.wrong.back().copied())).map(|(key, _)| *key);
        goes.is_some_and(|goes| self.rows.remove(&goes).is_some())
    }

    /// When the next try may be let through for a key that has no room.
    pub(super) fn next_crowded(&self, interval: u64, now: u64) -> u64 {
        self.crowded.map_or(now, |turn| turn.saturating_add(interval).max(now))
    }

    pub(super) fn take_crowded(&mut self, now: u64) {
        self.crowded = Some(now);
    }

    /// Begins a try.
    pub(super) fn take(&mut self, key: K) {
        let row = self.rows.entry(key).or_default();
        row.running = row.running.saturating_add(1);
    }

    /// Ends a try that was begun.
    pub(super) fn give_back(&mut self, key: K, wrong: bool, now: u64) {
        let Some(row) = self.rows.get_mut(&key) else { return };
        row.running = row.running.saturating_sub(1);
        row.forget(now, self.window);
        if wrong {
            if row.wrong.len() >= self.budget {
                row.wrong.pop_front();
            }
            row.wrong.push_back(now);
        }
        if row.is_empty() {
            self.rows.remove(&key);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Row {
    fn forget(&mut self, now: u64, window: u64) {
        while self.wrong.front().is_some_and(|at| now.saturating_sub(*at) >= window) {
            self.wrong.pop_front();
        }
    }

    fn is_empty(&self) -> bool {
        self.wrong.is_empty() && self.running == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(table: &mut Table<u32>, key: u32, times: usize, now: u64) {
        for _ in 0..times {
            assert!(table.has_room(key, now));
            table.take(key);
            table.give_back(key, true, now);
        }
    }

    #[test]
    fn a_wrong_try_counts_until_the_window_is_over() {
        let mut table = Table::new(4, 2, 60);
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
        let mut table = Table::new(4, 2, 60);
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
        let mut table = Table::new(4, 2, 60);
        table.take(1);
        table.give_back(1, false, 0);
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_spent_row_outlasts_any_number_of_new_keys() {
        // L5: a guesser cannot wash a lock away by guessing at other names.
        let mut table = Table::new(16, 5, 60);
        wrong(&mut table, 0, 5, 0);
        for key in 1..10_000 {
            wrong(&mut table, key, 1, 1);
            assert!(table.len() <= 16);
            assert_eq!(table.standing(0, 1), Standing::Spent(60));
        }
    }

    #[test]
    fn a_count_is_washed_away_only_by_as_many_on_every_row() {
        let mut table = Table::new(16, 5, 60);
        wrong(&mut table, 0, 4, 0);
        for key in 1..1_000 {
            wrong(&mut table, key, 3, 1);
        }
        wrong(&mut table, 0, 1, 2);
        assert_eq!(table.standing(0, 2), Standing::Spent(60));
    }

    #[test]
    fn a_table_of_spent_rows_has_no_room_until_one_ends() {
        let mut table = Table::new(4, 1, 60);
        for key in 0..4 {
            wrong(&mut table, key, 1, u64::from(key));
        }
        assert!(!table.has_room(9, 59) && table.has_room(3, 59));
        assert!(table.has_room(9, 60));
    }

    #[test]
    fn a_running_try_keeps_its_row() {
        let mut table = Table::new(1, 5, 60);
        table.take(1);
        assert!(!table.has_room(2, 1_000));
        table.give_back(1, true, 1_000);
        assert!(table.has_room(2, 1_000), "one wrong try makes way");
    }
}
