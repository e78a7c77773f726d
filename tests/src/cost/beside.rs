//! What a request costs with a gate, and with what somebody would write by hand, in one run.

use std::time::Instant;

use super::{Case, WARM_UP};

const ROUND: u32 = 500;
const ROUNDS: usize = 41;

/// One way to know the caller: with a gate, by hand, and on a route that asks for nobody.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the three columns of a table")]
pub struct Row {
    /// What is known by.
    pub name: &'static str,
    /// The same request at a route that asks for nobody.
    pub bare: Case,
    /// With a gate.
    pub gate: Case,
    /// As a careful user writes it.
    pub by_hand: Case,
}

/// Prints for each row the nanoseconds and blocks of memory that either adds to the bare route, and how many times as long the gate takes as what
/// is written by hand. The three take turns, since a machine's speed changes in a minute; each figure is the median of its rounds.
///
/// With the name of a row and a number as arguments it runs the row's gate as often and prints nothing, for a profiler.
///
/// # Panics
/// When there is no row of the name that is asked for.
#[expect(clippy::print_stdout, reason = "it prints a result")]
pub fn compare(rows: Vec<Row>, blocks: fn(&mut dyn FnMut()) -> u64) {
    if let Some((name, times)) = super::asked_for() {
        let mut row = rows.into_iter().find(|row| row.name == name).expect("a row of this name");
        (0..WARM_UP).for_each(|_| (row.gate.run)());
        return super::counted(&mut row.gate.run, times);
    }
    println!("{:<34} {:>18} {:>18} {:>6}", "added to a route", "by a gate", "by hand", "ratio");
    for Row { name, bare, gate, by_hand } in rows {
        let mut cases = [bare, gate, by_hand];
        cases.iter_mut().for_each(|case| (0..WARM_UP).for_each(|_| (case.run)()));
        let counts = cases.each_mut().map(|case| {
            let mut counts: Vec<_> = (0..101).map(|_| blocks(&mut case.run)).collect();
            counts.sort_unstable();
            counts[50]
        });
        let mut rounds: [Vec<f64>; 3] = Default::default();
        for _ in 0..ROUNDS {
            for (case, times) in cases.iter_mut().zip(&mut rounds) {
                let begun = Instant::now();
                (0..ROUND).for_each(|_| (case.run)());
                times.push(begun.elapsed().as_nanos() as f64 / f64::from(ROUND));
            }
        }
        let [bare, gate, by_hand] = rounds.map(|mut times| {
            times.sort_unstable_by(f64::total_cmp);
            times[ROUNDS / 2]
        });
        let added = |count: u64| count as i64 - counts[0] as i64;
        let (gate, by_hand) = (gate - bare, by_hand - bare);
        let ratio = gate / by_hand;
        println!(
            "{name:<34} {gate:>9.0} ns {:>4} {by_hand:>10.0} ns {:>4} {ratio:>6.2}",
            added(counts[1]),
            added(counts[2])
        );
    }
}
