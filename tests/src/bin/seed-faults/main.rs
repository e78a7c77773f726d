//! Puts known faults into a copy of the workspace, one at a time, and shows which case catches which.
//!
//! ```text
//! cargo run -p countersign-conformance --bin seed-faults -- axum [WORDS]
//! ```
//! reads `tests/faults/axum.txt`, and with WORDS only the faults whose name contains them. The suite of
//! `countersign-axum` must pass as it is, and must fail with each fault. A fault that no case catches, that does not apply, or
//! that does not compile ends the program with 1 and is named.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod list;
mod run;
mod scratch;

use std::{env, path::Path, process::ExitCode};

use self::{list::Fault, run::Outcome, scratch::Scratch};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match seed() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn seed() -> Result<bool, Failure> {
    let mut arguments = env::args().skip(1);
    let adapter = arguments.next().ok_or("which adapter? such as: seed-faults axum")?;
    let words = arguments.next().unwrap_or_default();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace is not above this crate")?;
    let list = list::read(&workspace.join("tests/faults").join(format!("{adapter}.txt")))?;
    let suite = list.suite.unwrap_or(adapter);
    let scratch = Scratch::of(workspace)?;

    let program = list.program.as_deref().unwrap_or(run::CASES);
    match run::suite(&scratch, &suite, program)? {
        Outcome::Passed => println!("without a fault: passed"),
        other => return Err(format!("the suite must pass without a fault: {other}").into()),
    }
    let mut all_caught = true;
    for fault in list.faults.iter().filter(|fault| fault.name.contains(&words)) {
        let outcome = with(fault, &scratch, &suite, program)?;
        all_caught &= matches!(outcome, Outcome::Caught(_));
        println!("{}: {outcome}", fault.name);
    }
    Ok(all_caught)
}

fn with(fault: &Fault, scratch: &Scratch, suite: &str, program: &str) -> Result<Outcome, Failure> {
    let seeded = fault.changes.iter().try_for_each(|change| scratch.change(change));
    let outcome = match seeded {
        Ok(()) => run::suite(scratch, suite, fault.program.as_deref().unwrap_or(program)),
        Err(why) => Ok(Outcome::DoesNotApply(why.to_string())),
    };
    fault.changes.iter().try_for_each(|change| scratch.restore(&change.file))?;
    outcome
}
