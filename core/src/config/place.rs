//! Where something was written: [`Place`].

use std::{fmt, sync::Arc};

/// Where something stands: in the line of a file, or in a variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Line {
        source: Arc<str>,
        line: usize,
    },
    Variable(Arc<str>),
    /// Nowhere: it is the whole.
    Whole,
}

/// One step from the whole to a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    Entry(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The file as a whole, which cannot be read.
            Self::Line { source, line: 0 } => f.write_str(source),
            Self::Line { source, line } => write!(f, "{source}:{line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Whole => f.write_str("configuration"),
        }
    }
}
