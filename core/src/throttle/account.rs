//! Under which name tries are counted: [`Account`].

use std::fmt;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// Under which name tries are counted: a hash of it, keyed by the throttle that made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account(pub(super) Option<u128>);

impl Account {
    /// Of tries that no name is to be charged with, because they could not have won it: such as those with a password that is too long to be
    /// looked at. They count for their address alone.
    #[must_use]
    pub fn of_no_name() -> Self {
        Self(None)
    }

    /// Of a name, however it is spelled.
    pub(super) fn of(name: &str, key: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        if name.is_ascii() {
            let mut buffer = [0; 64];
            for part in name.trim().as_bytes().chunks(buffer.len()) {
                for (lower, byte) in buffer.iter_mut().zip(part) {
                    *lower = byte.to_ascii_lowercase();
                }
                hasher.update(buffer.get(..part.len()).unwrap_or_default());
            }
        } else {
            // Unicode's compatibility caseless matching (chapter 3.13, D146).
            let spelled: String = name.nfd().default_case_fold().nfkc().default_case_fold().nfkc().collect();
            hasher.update(spelled.trim().as_bytes());
        }
        let mut bits = [0; 16];
        hasher.finalize_xof().fill(&mut bits);
        Self(Some(u128::from_le_bytes(bits)))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_however_it_is_spelled() {
        // L5: a store may take each of these for the same user.
        let account = |name: &str| Account::of(name, &[7; 32]);
        for (one, other, same) in [
            ("emily", "EMILY", true),
            ("emily", " \temily\n", true),
            ("emily", "\u{a0}emily\u{3000}", true),
            ("emily", "ｅｍｉｌｙ", true),
            ("emily", "ℯmily", true),
            ("emily", "emil", false),
            ("emily", "emi ly", false),
            ("kelvin", "\u{212a}elvin", true),
            ("file", "ﬁle", true),
            ("josé", "jose\u{301}", true),
            ("JOSÉ", "jose\u{301}", true),
            ("josé", "jose", false),
            ("strasse", "straße", true),
            ("STRASSE", "STRAẞE", true),
            ("σίσυφος", "ΣΊΣΥΦΟΣ", true),
            ("ά", "ά", true),
            ("ᾳ", "ᾼ", true),
            ("Ꮳ", "ꮳ", true),
            ("", " ", true),
            ("", "a", false),
        ] {
            assert_eq!(account(one) == account(other), same, "{one:?} {other:?}");
        }
        let long = "a".repeat(200);
        assert_eq!(account(&long), account(&long.to_uppercase()));
        assert_ne!(account(&long), account(&format!("{long}a")));
        assert_ne!(account("emily"), Account::of("emily", &[8; 32]), "the hash is keyed");
        assert_ne!(account(""), Account::of_no_name());
    }
}
