//! How passwords are verified: [`PasswordOptions`].
#![cfg(feature = "password")]

use std::{num::NonZeroUsize, time::Duration};

use serde::Deserialize;

use super::units;
use crate::{
    store::PasswordStore,
    verifier::{HashLimits, PasswordCost, Passwords},
};

/// How [`Passwords`] are verified.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordOptions {
    /// What a new hash costs: `default`, `fast`, `rfc9106`, or `{ memory = "64MiB", passes = 3, lanes = 4 }`.
    pub cost: PasswordCost,
    /// What a stored hash may cost.
    pub limits: HashLimits,
    /// How many hashes are computed at once: as many as there are cores, if nothing is said.
    pub threads: Option<NonZeroUsize>,
    /// How many may wait for a thread: 256.
    pub queue: usize,
    /// The longest password, in bytes: 1 KiB.
    #[serde(deserialize_with = "units::length")]
    pub longest_password: usize,
    /// How long a cache may reuse an answer, or `never`: a minute.
    #[serde(deserialize_with = "units::span_or_never")]
    pub reusable_for: Option<Duration>,
}

impl Default for PasswordOptions {
    fn default() -> Self {
        Self {
            cost: PasswordCost::default(),
            limits: HashLimits::default(),
            threads: None,
            queue: 256,
            longest_password: 1024,
            reusable_for: Some(Duration::from_secs(60)),
        }
    }
}

impl PasswordOptions {
    /// Passwords that are looked up in this store, set up so.
    #[must_use]
    pub fn in_store<S: PasswordStore>(&self, store: S) -> Passwords<S> {
        let passwords = Passwords::in_store(store)
            .cost(self.cost)
            .limits(self.limits)
            .queue(self.queue)
            .longest_password(self.longest_password)
            .reusable_for(self.reusable_for);
        self.threads.into_iter().fold(passwords, Passwords::threads)
    }
}

/// As a cost is written: by its name, or by its three numbers.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Default,
    Fast,
    Rfc9106,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    #[serde(deserialize_with = "units::kib")]
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl<'de> Deserialize<'de> for PasswordCost {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrNumbers)
    }
}

struct NameOrNumbers;

impl<'de> serde::de::Visitor<'de> for NameOrNumbers {
    type Value = PasswordCost;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(r#""default", "fast", "rfc9106", or { memory = "64MiB", passes = 3, lanes = 4 }"#)
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<PasswordCost, E> {
        Ok(match Named::deserialize(serde::de::value::StrDeserializer::new(name))? {
            Named::Default => PasswordCost::default(),
            Named::Fast => PasswordCost::fast(),
            Named::Rfc9106 => PasswordCost::rfc9106(),
        })
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, members: A) -> Result<PasswordCost, A::Error> {
        let Numbers { memory, passes, lanes } =
            Numbers::deserialize(serde::de::value::MapAccessDeserializer::new(members))?;
        let why = "it takes 8 KiB a lane to 256 MiB of memory, 1 to 10 passes, and 1 to 16 lanes";
        PasswordCost::new(memory, passes, lanes).ok_or_else(|| serde::de::Error::custom(why))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        config::{Config, Settings},
        verifier::PasswordCost,
    };

    #[test]
    fn a_cost_is_a_name_or_three_numbers() {
        let read = |text: &str| {
            let text = format!("[passwords]\ncost = {text}");
            Config::new().toml("a.toml", &text).read::<Settings>().map(|settings| settings.passwords.cost)
        };
        for (text, cost) in [
            ("\"default\"", Some(PasswordCost::default())),
            ("\"fast\"", Some(PasswordCost::fast())),
            ("\"rfc9106\"", Some(PasswordCost::rfc9106())),
            ("{ memory = \"64MiB\", passes = 3, lanes = 4 }", Some(PasswordCost::rfc9106())),
            ("\"slow\"", None),
            ("7", None),
            ("{ memory = \"64MiB\", passes = 3 }", None),
            ("{ memory = \"64MiB\", passes = 0, lanes = 1 }", None),
            ("{ memory = 1000, passes = 3, lanes = 1 }", None),
        ] {
            assert_eq!(read(text).ok(), cost, "{text}");
        }
    }
}
