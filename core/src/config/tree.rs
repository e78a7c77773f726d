//! What was written, in all sources together, and where each of it stands.

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    fault::ConfigFault,
    place::{Place, Step},
};

/// One thing that was written.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Written,
    /// Whether it is passed over, because what is wrong with it was noted.
    pub(super) is_faulty: Cell<bool>,
}

#[derive(Debug)]
pub(super) enum Written {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Node {
    pub(super) fn new(place: Place, value: Written) -> Self {
        Self { place, value, is_faulty: Cell::new(false) }
    }

    /// What a TOML text says, with all that is wrong with the text.
    pub(super) fn of_toml(source: &str, text: &str) -> (Self, Vec<ConfigFault>) {
        let reader = Reader { source: source.into(), text };
        let (table, errors) = DeTable::parse_recoverable(text);
        let faults = errors.iter().map(|error| {
            let place = error.span().map_or(Place::Whole, |span| reader.place(span.start));
            ConfigFault::new(place, &[], error.message())
        });
        let faults = faults.collect();
        (Self::new(Place::Whole, reader.table(table.get_ref())), faults)
    }

    /// What a variable holds: a list or a table as TOML writes it in one line, else its text as it is.
    pub(super) fn of_variable(name: &str, text: &str) -> Self {
        let place = Place::Variable(name.into());
        let parsed = text.trim_start().starts_with(['[', '{']).then(|| DeValue::parse(text).ok()).flatten();
        match parsed {
            Some(value) => variable_at(&place, value.get_ref()),
            None => Self::new(place, Written::Text(text.to_owned())),
        }
    }

    /// Puts another one over this: tables are joined, and of everything else the other counts.
    pub(super) fn overlay(&mut self, over: Self) {
        match (&mut self.value, over.value) {
            (Written::Table(below), Written::Table(above)) => {
                for (name, node) in above {
                    match below.get_mut(&name) {
                        Some(known) => known.overlay(node),
                        None => {
                            below.insert(name, node);
                        }
                    }
                }
            }
            (_, value) => *self = Self::new(over.place, value),
        }
    }

    /// The same within tables of these names.
    pub(super) fn within(self, names: &[&str]) -> Self {
        names.iter().rev().fold(self, |node, name| {
            let place = node.place.clone();
            Self::new(place, Written::Table(BTreeMap::from([((*name).to_owned(), node)])))
        })
    }

    /// The part at the end of these steps, as far as there is one.
    pub(super) fn at(&self, steps: &[Step]) -> Option<&Self> {
        steps.iter().try_fold(self, |node, step| match (&node.value, step) {
            (Written::Table(members), Step::Name(name)) => members.get(name),
            (Written::List(entries), Step::Entry(index)) => entries.get(*index),
            _ => None,
        })
    }
}

/// Reads a file, and counts its lines.
struct Reader<'t> {
    source: Arc<str>,
    text: &'t str,
}

impl Reader<'_> {
    fn place(&self, byte: usize) -> Place {
        let before = self.text.as_bytes().iter().take(byte);
        Place::Line { source: Arc::clone(&self.source), line: 1 + before.filter(|byte| **byte == b'\n').count() }
    }

    fn table(&self, table: &DeTable<'_>) -> Written {
        let members = table.iter().map(|(name, value)| {
            (name.get_ref().to_string(), Node::new(self.place(name.span().start), self.value(value.get_ref())))
        });
        Written::Table(members.collect())
    }

    fn list(&self, list: &DeArray<'_>) -> Written {
        let entry =
            |value: &Spanned<DeValue<'_>>| Node::new(self.place(value.span().start), self.value(value.get_ref()));
        Written::List(list.iter().map(entry).collect())
    }

    fn value(&self, value: &DeValue<'_>) -> Written {
        match value {
            DeValue::Array(list) => self.list(list),
            DeValue::Table(table) => self.table(table),
            plain => plain_value(plain),
        }
    }
}

/// What stands in a variable stands there as a whole.
fn variable_at(place: &Place, value: &DeValue<'_>) -> Node {
    let written = match value {
        DeValue::Array(list) => Written::List(list.iter().map(|entry| variable_at(place, entry.get_ref())).collect()),
        DeValue::Table(table) => {
            let member = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                (name.to_string(), variable_at(place, value.get_ref()))
            };
            Written::Table(table.iter().map(member).collect())
        }
        plain => plain_value(plain),
    };
    Node::new(place.clone(), written)
}

/// What is no list and no table. Numbers that no type here holds, and dates, stay text: who asks for a number is told that they are none.
fn plain_value(value: &DeValue<'_>) -> Written {
    match value {
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Written::Integer(number),
            Err(_) => Written::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Written::Float(number),
            Err(_) => Written::Text(number.as_str().to_owned()),
        },
        DeValue::Boolean(value) => Written::Boolean(*value),
        DeValue::Datetime(moment) => Written::Text(moment.to_string()),
        value => Written::Text(value.as_str().unwrap_or_default().to_owned()),
    }
}
