//! Records by their digest, and by whose they are: [`ByOwner`].

use std::collections::{HashMap, HashSet};

use crate::secret::TokenDigest;

/// What belongs to somebody.
pub(super) trait Owned {
    fn owner(&self) -> &str;
}

/// Records by their digest. What is asked or taken of an owner costs as much as that owner has, however many others there are: all of
/// it happens under one lock, for which everybody waits.
#[derive(Debug)]
pub(super) struct ByOwner<R> {
    records: HashMap<TokenDigest, R>,
    /// At every moment this speaks of the same records, and of no owner who has none.
    owned: HashMap<Box<str>, HashSet<TokenDigest>>,
}

impl<R: Owned> ByOwner<R> {
    pub(super) fn insert(&mut self, digest: TokenDigest, record: R) {
        self.remove(&digest);
        match self.owned.get_mut(record.owner()) {
            Some(owned) => _ = owned.insert(digest),
            None => _ = self.owned.insert(record.owner().into(), HashSet::from([digest])),
        }
        self.records.insert(digest, record);
    }

    pub(super) fn get(&self, digest: &TokenDigest) -> Option<&R> {
        self.records.get(digest)
    }

    /// To note something of a record. Its owner stays.
    pub(super) fn get_mut(&mut self, digest: &TokenDigest) -> Option<&mut R> {
        self.records.get_mut(digest)
    }

    pub(super) fn remove(&mut self, digest: &TokenDigest) -> Option<R> {
        let record = self.records.remove(digest)?;
        if let Some(owned) = self.owned.get_mut(record.owner()) {
            owned.remove(digest);
            if owned.is_empty() {
                self.owned.remove(record.owner());
            }
        }
        Some(record)
    }

    /// Removes all that this owner has.
    pub(super) fn remove_all_of(&mut self, owner: &str) -> Vec<(TokenDigest, R)> {
        let owned = self.owned.remove(owner).unwrap_or_default();
        owned.into_iter().filter_map(|digest| Some((digest, self.records.remove(&digest)?))).collect()
    }

    /// All that this owner has, in no order.
    pub(super) fn of<'s>(&'s self, owner: &str) -> impl Iterator<Item = (&'s TokenDigest, &'s R)> + use<'s, R> {
        self.owned.get(owner).into_iter().flatten().filter_map(|digest| self.records.get_key_value(digest))
    }

    /// How much this owner has.
    pub(super) fn count_of(&self, owner: &str) -> usize {
        self.owned.get(owner).map_or(0, HashSet::len)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }
}

impl<R> Default for ByOwner<R> {
    fn default() -> Self {
        Self { records: HashMap::new(), owned: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Thing(&'static str, u8);

    impl Owned for Thing {
        fn owner(&self) -> &str {
            self.0
        }
    }

    const OWNERS: [&str; 3] = ["emily", "emma", ""];

    fn digest(number: u8) -> TokenDigest {
        TokenDigest::of(&[number])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_index_is_the_records(steps in prop::collection::vec((0..4u8, 0..9u8, 0..3usize, any::<u8>()), 0..200)) {
            let (mut kept, mut model) = (ByOwner::default(), HashMap::new());
            for (step, number, owner, value) in steps {
                let owner = OWNERS[owner];
                match step {
                    0 | 1 => {
                        kept.insert(digest(number), Thing(owner, value));
                        model.insert(digest(number), Thing(owner, value));
                    }
                    2 => prop_assert_eq!(kept.remove(&digest(number)), model.remove(&digest(number))),
                    _ => {
                        let gone: HashMap<_, _> = kept.remove_all_of(owner).into_iter().collect();
                        let expected: HashMap<_, _> = model.extract_if(|_, thing| thing.0 == owner).collect();
                        prop_assert_eq!(gone, expected);
                    }
                }
                prop_assert_eq!(&kept.records, &model);
                for owner in OWNERS {
                    let of: HashMap<_, _> = kept.of(owner).collect();
                    let expected: HashMap<_, _> = model.iter().filter(|(_, thing)| thing.0 == owner).collect();
                    prop_assert_eq!(kept.count_of(owner), expected.len());
                    prop_assert_eq!(of, expected);
                    prop_assert_eq!(kept.owned.contains_key(owner), kept.count_of(owner) > 0);
                }
            }
        }
    }
}
