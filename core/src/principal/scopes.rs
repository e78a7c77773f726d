//! What a credential may be used for: [`Scopes`].

use std::{collections::HashSet, fmt, str::FromStr, sync::Arc};

/// A set of scopes (RFC 6749 §3.3), in the order they were given; at most [`MOST`](Self::MOST).
///
/// # Example
/// ```
/// use countersign::Scopes;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scopes: Scopes = "reports:read reports:write".parse()?;
/// assert!(scopes.contains("reports:write"));
/// assert!("reports:\"all\"".parse::<Scopes>().is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scopes(Arc<[Box<str>]>);

/// Why something is no set of scopes.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadScopes {
    /// One of them is empty, or holds a character that no scope may hold.
    #[error(
        "{scope:?} is no scope; write printable ASCII without blanks, quotes and backslashes, such as reports:read"
    )]
    NoScope {
        /// The first that is none.
        scope: String,
    },
    /// There are more than [`Scopes::MOST`].
    #[error("these are too many scopes; write {} at most", Scopes::MOST)]
    TooMany,
}

crate::sentence::prints_its_sentence!(BadScopes);

impl Scopes {
    /// How many scopes a set holds at most. The text of a set comes from callers, and what is done with one set and another grows with
    /// both.
    pub const MOST: usize = 128;

    /// These scopes. What stands twice counts once.
    ///
    /// # Errors
    /// When one of them is empty or holds a character that is not allowed, or when there are more than [`MOST`](Self::MOST).
    pub fn of<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Result<Self, BadScopes> {
        let mut kept = Distinct::default();
        for scope in scopes {
            if !is_scope(scope) {
                return Err(BadScopes::NoScope { scope: scope.to_owned() });
            }
            if !kept.add(scope) {
                return Err(BadScopes::TooMany);
            }
        }
        Ok(Self(kept.list.into_iter().map(Box::from).collect()))
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

impl FromStr for Scopes {
    type Err = BadScopes;

    /// Reads `a b c`. Empty text is the empty set.
    fn from_str(text: &str) -> Result<Self, BadScopes> {
        Self::of(text.split(' ').filter(|scope| !scope.is_empty()))
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

/// The scopes met so far, each once. They are looked for in the list while it is short, as that of an honest caller is, and in a table
/// from then on, so that the work grows with the text alone.
#[derive(Default)]
struct Distinct<'a> {
    list: Vec<&'a str>,
    table: HashSet<&'a str>,
}

impl<'a> Distinct<'a> {
    const SHORT: usize = 16;

    /// Whether there is room for it, or it is known already.
    fn add(&mut self, scope: &'a str) -> bool {
        if self.knows(scope) {
            return true;
        }
        if self.list.len() == Scopes::MOST {
            return false;
        }
        self.list.push(scope);
        match self.list.len() {
            ..=Self::SHORT => {}
            length if length == Self::SHORT + 1 => self.table.extend(&self.list),
            _ => drop(self.table.insert(scope)),
        }
        true
    }

    fn knows(&self, scope: &str) -> bool {
        if self.table.is_empty() { self.list.contains(&scope) } else { self.table.contains(scope) }
    }
}

/// One scope: printable ASCII without blank, quote and backslash (RFC 6749 §3.3).
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, BadScopes> {
        text.parse().map(|scopes: Scopes| scopes.to_string())
    }

    #[test]
    fn scopes_hold_what_rfc_6749_allows() {
        for (text, expected) in
            [("a b", Some("a b")), ("", Some("")), ("a  b a", Some("a b")), ("a\"b", None), ("a\tb", None), ("ä", None)]
        {
            assert_eq!(read(text).ok().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_to_write() {
        assert_eq!(
            read("a b\"c").unwrap_err().to_string(),
            r#""b\"c" is no scope; write printable ASCII without blanks, quotes and backslashes, such as reports:read"#
        );
        assert_eq!(BadScopes::TooMany.to_string(), "these are too many scopes; write 128 at most");
        assert_eq!(Scopes::of(["a b"]), Err(BadScopes::NoScope { scope: "a b".to_owned() }));
    }

    fn numbered(scopes: usize) -> Vec<String> {
        (0..scopes).map(|number| format!("s{number}")).collect()
    }

    #[test]
    fn a_set_holds_128_scopes_and_not_one_more() {
        for (scopes, fits) in [(1, true), (16, true), (17, true), (128, true), (129, false), (31_000, false)] {
            let text = numbered(scopes).join(" ");
            let expected = if fits { Ok(text.clone()) } else { Err(BadScopes::TooMany) };
            assert_eq!(read(&text), expected, "{scopes}");
        }
    }

    #[test]
    fn what_stands_twice_counts_once_however_often() {
        let repeated = "a ".repeat(31_000);
        assert_eq!(read(&repeated).unwrap(), "a");
        for scopes in [16, 17, 128] {
            let all = numbered(scopes).join(" ");
            let text = format!("{all} ").repeat(40);
            assert_eq!(read(&text).unwrap(), all);
            assert_eq!(read(&format!("{text}{}", numbered(129).join(" "))), Err(BadScopes::TooMany));
        }
    }

    #[test]
    fn reading_ends_with_the_first_scope_too_many() {
        let scopes = numbered(31_000);
        let mut read = 0;
        let set = Scopes::of(scopes.iter().map(|scope| {
            read += 1;
            scope.as_str()
        }));
        assert_eq!((set, read), (Err(BadScopes::TooMany), Scopes::MOST + 1));
    }
}
