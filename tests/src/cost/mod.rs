//! What a request costs, counted: for the benches of core and of each adapter.
//!
//! A bench is a program of its own (`harness = false`) that hands its cases to [`run`]:
//! - without arguments it prints each case's blocks of memory and its time, the median of some rounds;
//! - with the name of a case and a number it runs that case as often and prints nothing, so that `valgrind --tool=callgrind` counts its
//!   instructions, and those of nothing around it: `python3 .ci/cost.py` does that, and compares with what is on record.

pub mod beside;
pub mod gate;

use std::time::{Duration, Instant};

/// Something that costs.
pub struct Case {
    name: &'static str,
    run: Box<dyn FnMut()>,
}

const WARM_UP: usize = 200;
const ROUND: usize = 2_000;
const ROUNDS: usize = 15;

impl Case {
    /// A case of this name. One call of `run` is one request.
    #[must_use]
    pub fn new(name: &'static str, run: impl FnMut() + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Does what the arguments of the program ask for. `blocks` counts what is allocated while it runs.
///
/// # Panics
/// When there is no case of the name that is asked for.
#[expect(clippy::print_stdout, reason = "it prints a result")]
pub fn run(cases: Vec<Case>, blocks: fn(&mut dyn FnMut()) -> u64) {
    match asked_for() {
        Some((name, times)) => {
            let mut case = cases.into_iter().find(|case| case.name == name).expect("a case of this name");
            (0..WARM_UP).for_each(|_| (case.run)());
            counted(&mut case.run, times);
        }
        None => {
            for mut case in cases {
                (0..WARM_UP).for_each(|_| (case.run)());
                // What is tidied up now and then must not count for the one request that it fell on.
                let mut counts: Vec<_> = (0..101).map(|_| blocks(&mut case.run)).collect();
                counts.sort_unstable();
                println!("{:<24} {:>4} blocks {:>9.0} ns", case.name, counts[50], median(&mut case.run).as_nanos());
            }
        }
    }
}

/// The name of a case and how often it is to run, if the program was called with them.
fn asked_for() -> Option<(String, usize)> {
    // cargo hands `--bench` over.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    Some((arguments.next()?, arguments.next()?.parse().ok()?))
}

/// What callgrind counts the instructions of, by this name.
#[inline(never)]
fn counted(run: &mut dyn FnMut(), times: usize) {
    (0..times).for_each(|_| run());
}

fn median(run: &mut dyn FnMut()) -> Duration {
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            (0..ROUND).for_each(|_| run());
            begun.elapsed() / 2_000
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2]
}
