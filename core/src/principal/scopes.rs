//! What a credential may be used for: [`Scopes`].

use std::{fmt, sync::Arc};

/// A set of scopes (RFC 6749 §3.3), in the order they were given.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scopes(Arc<[Box<str>]>);

impl Scopes {
    /// Reads `a b c`; `None` if a character is not allowed in a scope. Empty text is the empty set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.split(' ').filter(|scope| !scope.is_empty()))
    }

    /// These scopes; `None` if one of them is empty or holds a character that is not allowed. What stands twice counts once.
    #[must_use]
    pub fn of<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut kept: Vec<Box<str>> = Vec::new();
        for scope in scopes {
            if !is_scope(scope) {
                return None;
            }
            if !kept.iter().any(|known| **known == *scope) {
                kept.push(scope.into());
            }
        }
        Some(Self(kept.into()))
    }

    /// Whether this scope is in the set. Scopes are compared by bytes.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| **known == *scope)
    }

    /// Whether every scope of the other set is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.contains(scope))
    }

    /// The scopes that both sets hold, in the order of this one.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|scope| other.contains(scope)).cloned().collect())
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter()).finish()
    }
}

/// One scope: printable ASCII without blank, quote and backslash (RFC 6749 §3.3).
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_hold_what_rfc_6749_allows() {
        for (text, expected) in
            [("a b", Some("a b")), ("", Some("")), ("a  b a", Some("a b")), ("a\"b", None), ("a\tb", None), ("ä", None)]
        {
            assert_eq!(Scopes::parse(text).map(|scopes| scopes.to_string()).as_deref(), expected, "{text:?}");
        }
    }
}
