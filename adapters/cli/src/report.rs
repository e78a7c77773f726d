//! What a command says: [`Report`], as lines for people or as one JSON object for programs.

use std::{io::Write, process::ExitCode};

use serde_json::{Map, Value};

use crate::printable::printable;

/// The answer of a command.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What was asked for, if it is one text: it stands alone on standard output, so that it can be piped on.
    product: Option<(&'static str, String)>,
    rows: Vec<(&'static str, Value)>,
    refused: bool,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A report on one text. What is said beside it goes to standard error.
    pub(crate) fn of_product(name: &'static str, text: impl Into<String>) -> Self {
        Self { product: Some((name, text.into())), ..Self::default() }
    }

    /// A report on something of this kind.
    pub(crate) fn of_kind(kind: impl Into<String>) -> Self {
        Self::new().with("kind", kind.into())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.rows.push((name, value.into()));
        self
    }

    /// As [`with`](Self::with), if there is something to say.
    pub(crate) fn with_any(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Puts a row in front of the others.
    pub(crate) fn led_by(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.rows.insert(0, (name, value.into()));
        self
    }

    /// Says no: exit code 1.
    pub(crate) fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    pub(crate) fn print(&self, json: bool) -> ExitCode {
        let written =
            if json { writeln!(std::io::stdout(), "{}", Value::Object(self.to_json())) } else { self.print_lines() };
        match written {
            Ok(()) if self.refused => ExitCode::from(1),
            Ok(()) => ExitCode::SUCCESS,
            // A pipe that nobody reads any more is no fault of whoever reads the exit code.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(u8::from(self.refused)),
            Err(_) => ExitCode::from(2),
        }
    }

    fn print_lines(&self) -> std::io::Result<()> {
        let lines: String = self.rows.iter().map(|(name, value)| line(&name.replace('_', " "), value, "")).collect();
        match &self.product {
            None => write!(std::io::stdout(), "{lines}"),
            Some((_, text)) => {
                writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n'))?;
                write!(std::io::stderr(), "{lines}")
            }
        }
    }

    fn to_json(&self) -> Map<String, Value> {
        let product = self.product.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str())));
        product.chain(self.rows.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).collect()
    }
}

/// One row, on one line or on several that are set in.
fn line(name: &str, value: &Value, indent: &str) -> String {
    let deeper = format!("{indent}  ");
    match value {
        Value::Object(members) => {
            let members: String = members.iter().map(|(name, value)| line(&printable(name), value, &deeper)).collect();
            format!("{indent}{name}:\n{members}")
        }
        Value::Array(entries) if entries.iter().any(|entry| entry.is_object() || entry.is_array()) => {
            let entries: String =
                (1..).zip(entries).map(|(number, entry)| line(&format!("{name} {number}"), entry, indent)).collect();
            entries
        }
        Value::Array(entries) => {
            let entries: Vec<_> = entries.iter().map(scalar).collect();
            format!("{indent}{name}: {}\n", if entries.is_empty() { "none".to_owned() } else { entries.join(", ") })
        }
        value => format!("{indent}{name}: {}\n", scalar(value)),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_lines_for_people() {
        for (value, shown) in [
            (json!("emily"), "a: emily\n"),
            (json!(true), "a: yes\n"),
            (json!(7), "a: 7\n"),
            (json!([]), "a: none\n"),
            (json!(["b", "c"]), "a: b, c\n"),
            (json!({ "b": { "c": "d\n" } }), "a:\n  b:\n    c: d\\n\n"),
            (json!([{ "b": 1 }, { "b": 2 }]), "a 1:\n  b: 1\na 2:\n  b: 2\n"),
        ] {
            assert_eq!(line("a", &value, ""), shown);
        }
    }
}
