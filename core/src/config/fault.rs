//! What is wrong with a configuration: [`ConfigFaults`].

use std::fmt;

use super::place::{Place, Step};

/// All that is wrong with a configuration. It prints a line for each, with its place. What was written is not quoted, since it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigFaults(Vec<ConfigFault>);

/// One thing that is wrong, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    place: Place,
    path: String,
    why: String,
}

impl ConfigFaults {
    /// In the order of their places.
    pub(super) fn of(mut faults: Vec<ConfigFault>) -> Self {
        faults.sort_by(|one, other| (&one.place, &one.path).cmp(&(&other.place, &other.path)));
        faults.dedup();
        Self(faults)
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigFault> {
        self.0.iter()
    }
}

impl ConfigFault {
    pub(super) fn new(place: Place, path: &[Step], why: impl Into<String>) -> Self {
        Self { place, path: path_of(path), why: why.into() }
    }

    /// Where it stands: a file and its line, or a variable.
    #[must_use]
    pub fn place(&self) -> String {
        self.place.to_string()
    }

    /// What it is about, such as `cache.bytes` or `issuers[0].audience`; empty where the whole cannot be read.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what to write instead.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

fn path_of(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Name(name) if path.is_empty() => path.push_str(name),
            Step::Name(name) => path.extend([".", name]),
            Step::Entry(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => write!(f, "{}: {}", self.place, self.why),
            false => write!(f, "{}: {}: {}", self.place, self.path, self.why),
        }
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFault {}
impl std::error::Error for ConfigFaults {}

crate::sentence::prints_its_sentence!(ConfigFaults);
