//! Hands what was written to serde, and learns what is wrong with it and where.

use std::{collections::btree_map, fmt, slice};

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor, value::MapAccessDeserializer,
};

use super::{
    fault::{ConfigFault, ConfigFaults},
    place::{Place, Step},
    tree::{Node, Written},
};

/// Reads a value of the whole; else all that is wrong with it.
///
/// serde stops at the first thing that is wrong. So that thing is noted and taken out, and the rest is read again, until nothing is left that is
/// wrong. Of several names that one table lacks the first is told.
pub(super) fn read<T: DeserializeOwned>(whole: &Node, mut faults: Vec<ConfigFault>) -> Result<T, ConfigFaults> {
    let mut taken_out = Vec::new();
    loop {
        let Wrong { why, path, missing } = match T::deserialize(At(whole)) {
            Ok(value) if faults.is_empty() => return Ok(value),
            Ok(_) => return Err(ConfigFaults::of(faults)),
            Err(wrong) => wrong,
        };
        let is_consequence = missing.is_some_and(|name| {
            let step = Step::Name(name.to_owned());
            taken_out.iter().any(|taken: &Vec<Step>| taken.split_last() == Some((&step, path.as_slice())))
        });
        let node = whole.at(&path);
        if !is_consequence {
            let place = node.map_or(Place::Whole, |node| node.place.clone());
            faults.push(ConfigFault::new(place, &path, why));
        }
        match node {
            Some(node) if !path.is_empty() && !node.is_faulty.replace(true) => taken_out.push(path),
            // What is wrong with the whole cannot be taken out of it.
            _ => return Err(ConfigFaults::of(faults)),
        }
    }
}

/// What is wrong, and the way to it.
#[derive(Debug)]
struct Wrong {
    why: String,
    path: Vec<Step>,
    missing: Option<&'static str>,
}

impl Wrong {
    fn within(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Wrong {}

/// What was written is never quoted: it may be a secret in the wrong place.
impl Error for Wrong {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self { why: why.to_string(), path: Vec::new(), missing: None }
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let wanted = wanted.to_string();
        let is_number = |name: &str| matches!(name.strip_prefix(['u', 'i']), Some("8" | "16" | "32" | "64" | "size"));
        let wanted = if is_number(&wanted) { "a whole number" } else { &wanted };
        Self::custom(format_args!("it is {}, and must be {wanted}", kind_of(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::custom(format_args!("it must be {wanted}"))
    }

    fn invalid_length(length: usize, wanted: &dyn Expected) -> Self {
        Self::custom(format_args!("it has {length} entries, and must be {wanted}"))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::custom(format_args!("write one of {}", known.join(", ")))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        match known {
            [] => Self::custom("nobody reads it"),
            known => Self::custom(format_args!("nobody reads it; there are {}", known.join(", "))),
        }
    }

    fn missing_field(name: &'static str) -> Self {
        Self { missing: Some(name), ..Self::custom(format_args!("it lacks {name:?}")) }
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::custom(format_args!("{name:?} stands there twice"))
    }
}

fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Str(_) | Unexpected::Char(_) => "a text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}

/// A part, for serde.
#[derive(Clone, Copy)]
struct At<'n>(&'n Node);

impl At<'_> {
    /// The text of a variable, which has no other kind of value in it.
    fn in_variable(&self) -> Option<&str> {
        match (&self.0.place, &self.0.value) {
            (Place::Variable(_), Written::Text(text)) => Some(text.trim()),
            _ => None,
        }
    }
}

/// A whole number, and of a variable also one that is written as text.
macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match self.in_variable().map(str::parse::<i64>) {
                Some(Ok(number)) => visitor.visit_i64(number),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.0.value {
            Written::Text(text) => visitor.visit_str(text),
            Written::Integer(number) => visitor.visit_i64(*number),
            Written::Float(number) => visitor.visit_f64(*number),
            Written::Boolean(value) => visitor.visit_bool(*value),
            Written::List(entries) => visitor.visit_seq(Entries { entries: entries.iter(), next: 0 }),
            Written::Table(members) => visitor.visit_map(Members { members: members.iter(), value: None }),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.in_variable().map(str::parse::<bool>) {
            Some(Ok(value)) => visitor.visit_bool(value),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.in_variable().map(str::parse::<f64>) {
            Some(Ok(number)) => visitor.visit_f64(number),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_f64(visitor)
    }

    /// A variable may hold a list with commas in between.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Some(text) = self.in_variable() else { return self.deserialize_any(visitor) };
        if text.starts_with(['[', '{']) {
            return Err(Wrong::custom("it begins as a list of TOML does, and is none"));
        }
        let texts = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let entry = |text: &str| Node::new(self.0.place.clone(), Written::Text(text.to_owned()));
        let entries: Vec<_> = texts.map(entry).collect();
        // The entries are nowhere to be taken out: what is wrong with one is wrong with the variable.
        let read = visitor.visit_seq(Entries { entries: entries.iter(), next: 0 });
        read.map_err(|wrong| Wrong { path: Vec::new(), ..wrong })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match &self.0.value {
            Written::Text(text) => visitor.visit_enum(Variant(text)),
            Written::Table(members) => {
                visitor.visit_enum(MapAccessDeserializer::new(Members { members: members.iter(), value: None }))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple_struct map struct identifier ignored_any i128 u128
    }
}

struct Entries<'n> {
    entries: slice::Iter<'n, Node>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        for node in self.entries.by_ref() {
            let index = self.next;
            self.next += 1;
            if !node.is_faulty.get() {
                return seed.deserialize(At(node)).map(Some).map_err(|wrong| wrong.within(Step::Entry(index)));
            }
        }
        Ok(None)
    }
}

struct Members<'n> {
    members: btree_map::Iter<'n, String, Node>,
    value: Option<(&'n str, &'n Node)>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((name, node)) = self.members.by_ref().find(|(_, node)| !node.is_faulty.get()) else { return Ok(None) };
        self.value = Some((name, node));
        // What is wrong with a name is that nobody knows it.
        let key = seed.deserialize(name.as_str().into_deserializer());
        key.map(Some).map_err(|wrong: Wrong| wrong.within(Step::Name(name.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (name, node) = self.value.take().ok_or_else(|| Wrong::custom("it was read out of turn"))?;
        seed.deserialize(At(node)).map_err(|wrong| wrong.within(Step::Name(name.to_owned())))
    }
}

/// The name of a variant that holds nothing.
struct Variant<'t>(&'t str);

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        Ok((seed.deserialize(self.0.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Wrong> {
        Err(Wrong::custom("it holds more than a name: write a table"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Wrong> {
        Err(Wrong::custom("it holds more than a name: write a table"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Wrong> {
        Err(Wrong::custom("it holds more than a name: write a table"))
    }
}
