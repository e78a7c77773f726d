//! A program's start: [`Start`].

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use tracing::level_filters::LevelFilter;

/// How a program that does not start ends.
const CANNOT_START: u8 = 2;

/// Why a program does not start, in one line.
#[derive(Debug)]
pub struct Fault(String);

impl<E: Display> From<E> for Fault {
    fn from(why: E) -> Self {
        Self(why.to_string())
    }
}

impl Fault {
    /// The line.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.0
    }
}

/// The start of the program of this name.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    program: &'static str,
}

impl Start {
    /// Of the program of this name.
    #[must_use]
    pub fn of(program: &'static str) -> Self {
        Self { program }
    }

    /// Writes the log to the standard error, from INFO on.
    ///
    /// # Errors
    /// When something else writes it.
    pub fn log(self) -> Result<(), Fault> {
        let log = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
        // Not `init`: where a build has the feature for it, that takes in what frameworks write with the crate `log`, URIs among it.
        let begun = tracing::subscriber::set_global_default(log.with_max_level(LevelFilter::INFO).finish());
        begun.map_err(|_| Fault::from("something else writes the log"))
    }

    /// Says in one line on the standard error why the program does not start, and with which code it ends.
    #[must_use]
    pub fn failed(self, why: &str) -> ExitCode {
        // There is nowhere else to say it.
        let line = why.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(io::stderr(), "{}: {line}", self.program);
        ExitCode::from(CANNOT_START)
    }
}

/// Writes this to the standard output. A reader that has gone away stops nothing.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
