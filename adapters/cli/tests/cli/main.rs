//! Runs the tool as people and programs do: arguments, standard input, files, what it prints, and its exit code.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod explaining;
mod help;
mod judging;
mod making;
mod passwords;
mod run;
