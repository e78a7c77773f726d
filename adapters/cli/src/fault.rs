//! Why a command did nothing: [`Fault`], a sentence that says what to do instead.

use std::{fmt, io::Write, path::Path, process::ExitCode};

use crate::printable::printable;

/// What cannot be read, done or understood. Holds no secret.
#[derive(Debug)]
pub(crate) struct Fault(String);

impl Fault {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// Something about this file.
    pub(crate) fn of_file(path: &Path, why: impl fmt::Display) -> Self {
        Self(format!("{}: {why}", path.display()))
    }

    /// Says it on standard error, or as a JSON object on standard output, where whoever reads JSON looks for it.
    pub(crate) fn print(&self, json: bool) -> ExitCode {
        // Where nobody listens any more there is nobody to tell.
        let _ = if json {
            writeln!(std::io::stdout(), "{}", serde_json::json!({ "error": self.0 }))
        } else {
            writeln!(std::io::stderr(), "countersign: {}", printable(&self.0))
        };
        ExitCode::from(2)
    }
}

impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
