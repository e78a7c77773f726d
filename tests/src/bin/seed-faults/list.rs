//! A list of faults, as it is written down.
//!
//! ```text
//! suite: axum
//! == the second challenge is lost
//! @@ adapters/axum/src/write.rs
//! -        headers.append(name, value);
//! +        headers.insert(name, value);
//! ```
//! The lines behind `-` stand in the file exactly once, one below the other; those behind `+` take their place. A fault may
//! change several places. `suite`, where it is not the adapter of the file's name, says whose cases have to fail; `in: server` below a fault's name,
//! that tests of the file `server` have to, and no case, and above all faults, that those of this file have to where a fault says no other. Lines that begin with `#`, and empty ones, are for readers.

use std::{fs, path::Path};

use crate::Failure;

/// The faults of an adapter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) suite: Option<String>,
    /// The file of tests that has to catch them, where it is not that of the cases.
    pub(crate) program: Option<String>,
    pub(crate) faults: Vec<Fault>,
}

/// One fault.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) name: String,
    /// The file of tests that has to catch it, where it is not that of the cases.
    pub(crate) program: Option<String>,
    pub(crate) changes: Vec<Change>,
}

/// One place of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) file: String,
    pub(crate) find: String,
    pub(crate) replace: String,
}

/// The faults in this file.
pub(crate) fn read(path: &Path) -> Result<List, Failure> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|why| format!("{}: {why}", path.display()).into())
}

fn parse(text: &str) -> Result<List, String> {
    let List { mut suite, program: mut by_all, mut faults } = List::default();
    for (number, line) in text.lines().enumerate() {
        let misplaced = || format!("line {}: {line:?} stands before what it belongs to", number + 1);
        if let Some(name) = line.strip_prefix("suite: ") {
            suite = Some(name.to_owned());
        } else if let Some(name) = line.strip_prefix("== ") {
            faults.push(Fault { name: name.to_owned(), ..Fault::default() });
        } else if let Some(program) = line.strip_prefix("in: ") {
            *faults.last_mut().map_or(&mut by_all, |fault| &mut fault.program) = Some(program.to_owned());
        } else if let Some(file) = line.strip_prefix("@@ ") {
            let fault = faults.last_mut().ok_or_else(misplaced)?;
            fault.changes.push(Change { file: file.to_owned(), ..Change::default() });
        } else if line.starts_with(['-', '+']) {
            let change = faults.last_mut().and_then(|fault| fault.changes.last_mut()).ok_or_else(misplaced)?;
            let (text, line) = match line.strip_prefix('-') {
                Some(found) => (&mut change.find, found),
                None => (&mut change.replace, line.strip_prefix('+').unwrap_or(line)),
            };
            text.push_str(line);
            text.push('\n');
        } else if !line.is_empty() && !line.starts_with('#') {
            return Err(format!("line {}: {line:?} is none of ==, in, @@, -, + and #", number + 1));
        }
    }
    match faults.iter().find(|fault| fault.changes.iter().all(|change| change.find.is_empty())) {
        Some(empty) => Err(format!("{:?} changes nothing", empty.name)),
        None => Ok(List { suite, program: by_all, faults }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_name_and_places() {
        let text =
            "# for readers\nsuite: b\n== a fault\nin: server\n@@ a.rs\n-  one\n-  two\n+  three\n\n@@ b.rs\n-x\n";
        let changes = vec![
            Change { file: "a.rs".into(), find: "  one\n  two\n".into(), replace: "  three\n".into() },
            Change { file: "b.rs".into(), find: "x\n".into(), replace: String::new() },
        ];
        let faults = vec![Fault { name: "a fault".into(), program: Some("server".into()), changes }];
        assert_eq!(parse(text), Ok(List { suite: Some("b".into()), program: None, faults }));
        let by_all = parse(&format!("in: stores\n{text}")).map(|list| list.program);
        assert_eq!(by_all, Ok(Some("stores".into())));
        for wrong in ["-x\n", "@@ a.rs\n", "== a\n", "== a\n@@ b\n+x\n", "x\n"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
