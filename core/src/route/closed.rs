//! What is closed by default: everything below a path, except routes by their pattern.
//!
//! Adapters apply it where their framework lets them; the rule itself is here. Paths decide towards closing alone. Only a pattern,
//! as the router itself matched it, opens: a path can be spelt in many ways, and a guard that reads one differently from the router
//! is a hole.
//!
//! # Example
//! ```
//! use countersign::route::Closed;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let closed = Closed::below("/api")?.and_below("/admin")?.except(["/api/health"]);
//! assert!(closed.closes(Some("/api/users/{name}"), "/api/users/emily"));
//! assert!(!closed.closes(Some("/api/health"), "/api/health"));
//! assert!(closed.closes(None, "/api/health"), "a path opens nothing");
//! assert!(!closed.closes(Some("/apiary"), "/apiary"));
//! assert!(Closed::below("api").is_err(), "no path begins so");
//! # Ok(()) }
//! ```

use std::collections::BTreeSet;

use crate::request::path::resolved;

/// Closed by default below some paths. See the [module](self). The default closes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closed {
    /// Each without a slash at its end, so that all paths stand below the empty one.
    prefixes: Vec<Box<str>>,
    except: BTreeSet<Box<str>>,
}

/// A prefix that no path can begin with, so that it would close nothing.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} can close nothing, because no path begins with it; write whole segments as they are when they are decoded, without \
     patterns, such as /api or /api/v1, and / for everything"
)]
pub struct BadPrefix(String);

crate::sentence::prints_its_sentence!(BadPrefix);

impl Closed {
    /// Closes this path and everything below it. A slash at its end makes no difference; `/` closes all.
    ///
    /// # Errors
    /// When no path can begin with it: it does not begin with a slash, holds an empty segment, a dot segment, a pattern, a blank, a
    /// query or an escape.
    pub fn below(prefix: &str) -> Result<Self, BadPrefix> {
        Self::default().and_below(prefix)
    }

    /// Closes this path, too.
    ///
    /// # Errors
    /// As those of [`below`](Self::below).
    pub fn and_below(mut self, prefix: &str) -> Result<Self, BadPrefix> {
        let path = prefix.strip_suffix('/').unwrap_or(prefix);
        let segments = path.strip_prefix('/').map(|path| path.split('/').all(is_segment));
        // Of `/` nothing is left.
        if segments != Some(true) && prefix != "/" {
            return Err(BadPrefix(prefix.to_owned()));
        }
        self.prefixes.push(path.into());
        Ok(self)
    }

    /// Leaves the routes of these patterns to their own guards.
    #[must_use]
    pub fn except<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.except.extend(patterns.into_iter().map(Box::from));
        self
    }

    /// The paths, each without a slash at its end: `/` is the empty one.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.prefixes.iter().map(|prefix| &**prefix)
    }

    /// Whether a request must pass the gate: its path or its route's pattern is below, and the pattern is no exception.
    #[must_use]
    pub fn closes(&self, pattern: Option<&str>, path: &str) -> bool {
        let below = self.holds(path) || pattern.is_some_and(|pattern| self.holds(pattern));
        below && !pattern.is_some_and(|pattern| self.excepts(pattern))
    }

    /// Whether a path or pattern is a closed one, or below it: as it stands, or as a service that serves files or a handler behind
    /// a wildcard may read it, which is decoded, without empty segments, and with its dots resolved.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        self.prefix_of(path).is_some()
    }

    /// The closed path that [holds](Self::holds) this one, without a slash at its end.
    #[must_use]
    pub fn prefix_of(&self, path: &str) -> Option<&str> {
        // Of what closes nothing, no path has to be spelt out.
        if self.prefixes.is_empty() {
            return None;
        }
        let of = |path: &str| {
            let is_below =
                |prefix: &&str| path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            self.prefixes().find(is_below)
        };
        of(path).or_else(|| of(&resolved(path)?))
    }

    /// Whether this pattern, to the letter, is an exception.
    #[must_use]
    pub fn excepts(&self, pattern: &str) -> bool {
        self.except.contains(pattern)
    }
}

/// Whether a path can have this segment once it is decoded and its dots are resolved. A segment that holds a pattern's signs could be sent,
/// but is never meant.
fn is_segment(segment: &str) -> bool {
    let plain =
        |character: char| !character.is_whitespace() && !character.is_control() && !"*{}<>?#%\\".contains(character);
    !matches!(segment, "" | "." | "..") && !segment.starts_with(':') && segment.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_path_begins_with_closes_nothing_and_is_refused() {
        for prefix in [
            "",
            "api",
            " /api",
            "/api ",
            "\t/api",
            "/api/*",
            "/*",
            "/%61pi",
            "/api%2Fv1",
            "/./api",
            "/api/..",
            "/../api",
            "/api//v1",
            "//api",
            "//",
            "/api//",
            "/{name}",
            "/api/{*rest}",
            "/<name>",
            "/api/<path..>",
            "/:name",
            "/api?x",
            "/api#x",
            "/a b",
            "/a\\b",
            "/a\u{0}",
            "https://a.example/api",
            "\u{a0}/api",
        ] {
            let error = Closed::below(prefix).unwrap_err().to_string();
            assert!(error.contains("can close nothing"), "{prefix:?}: {error}");
            assert!(Closed::below("/api").unwrap().and_below(prefix).is_err(), "{prefix:?}");
        }
        for prefix in
            ["/", "/api", "/api/", "/api/v1", "/.well-known", "/~emily", "/gr\u{fc}\u{df}e", "/a:b", "/a;b=c", "/a,b@c"]
        {
            assert!(Closed::below(prefix).is_ok(), "{prefix}");
        }
        assert!(Closed::below("/gr\u{fc}\u{df}e").unwrap().holds("/gr%C3%BC%C3%9Fe/x"));
    }

    #[test]
    fn several_prefixes_add_up() {
        let closed = Closed::default().except(["/api/open"]).and_below("/api").unwrap().and_below("/admin/").unwrap();
        let closed = closed.except(["/admin/open"]);
        assert_eq!(closed.prefixes().collect::<Vec<_>>(), ["/api", "/admin"]);
        for (pattern, closes) in [
            ("/api/a", true),
            ("/admin/a", true),
            ("/api/open", false),
            ("/admin/open", false),
            ("/a", false),
            ("/", false),
        ] {
            assert_eq!(closed.closes(Some(pattern), pattern), closes, "{pattern}");
        }
        assert!(!Closed::default().closes(None, "/"), "nothing is closed by itself");
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        for (prefix, path, below) in [
            ("/api", "/api", true),
            ("/api/", "/api/a", true),
            ("/api", "/apiary", false),
            ("/api", "/", false),
            ("/", "/anything", true),
        ] {
            assert_eq!(Closed::below(prefix).unwrap().holds(path), below, "{prefix} {path}");
        }
    }

    #[test]
    fn a_path_is_closed_in_whatever_spelling() {
        for (path, closes) in [
            ("//api/users", true),
            ("/%61pi/users", true),
            ("/%2Fapi", true),
            ("/api%2fusers", true),
            ("/./api", true),
            ("/x/../api", true),
            ("/x/%2e%2E/api", true),
            ("/../api", true),
            ("/api/../x", true),
            ("/%2561pi", false),
            ("/api%", false),
            ("/%", false),
            ("/%FF/api", false),
            ("/apiary/./x", false),
        ] {
            assert_eq!(Closed::below("/api").unwrap().closes(None, path), closes, "{path}");
        }
        assert!(Closed::below("/").unwrap().closes(None, "/%"));
    }

    #[test]
    fn a_route_is_opened_by_its_own_pattern_alone() {
        let closed = Closed::below("/api").unwrap().except(["/api/public/{page}"]);
        for (pattern, path, closes) in [
            (Some("/api/public/{page}"), "/api/public/a", false),
            (Some("/api/public/{name}"), "/api/public/a", true),
            (Some("/api/{page}"), "/api/public", true),
            (Some("/{page}"), "/api/public/a", true),
            (Some("/{page}"), "/elsewhere", false),
            (None, "/api/public/a", true),
            (None, "/elsewhere", false),
        ] {
            assert_eq!(closed.closes(pattern, path), closes, "{pattern:?} {path}");
        }
    }
}
