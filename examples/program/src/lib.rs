//! What the example services do alike as programs, and what has nothing to do with Countersign.
//!
//! - [`Flags`]: the command line;
//! - [`Start`]: the log, and the one line and the exit code of a program that does not start;
//! - [`Stopping`]: Ctrl-C and SIGTERM.

mod flags;
mod start;
mod stopping;

pub use self::{
    flags::Flags,
    start::{Fault, Start, print},
    stopping::{PATIENCE, Stopping},
};
