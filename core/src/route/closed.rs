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
//! let closed = Closed::below("/api").except(["/api/health"]);
//! assert!(closed.closes(Some("/api/users/{name}"), "/api/users/emily"));
//! assert!(!closed.closes(Some("/api/health"), "/api/health"));
//! assert!(closed.closes(None, "/api/health"), "a path opens nothing");
//! assert!(!closed.closes(Some("/apiary"), "/apiary"));
//! ```

use crate::request::path::resolved;

/// Closed by default below a path. See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    prefix: Box<str>,
    except: Vec<Box<str>>,
}

impl Closed {
    /// Closes this path and everything below it. A slash at its end makes no difference; `/` closes all.
    #[must_use]
    pub fn below(prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').into(), except: Vec::new() }
    }

    /// Leaves the routes of these patterns to their own guards.
    #[must_use]
    pub fn except<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.except.extend(patterns.into_iter().map(Box::from));
        self
    }

    /// The path, without a slash at its end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether a request must pass the gate: its path or its route's pattern is below, and the pattern is no exception.
    #[must_use]
    pub fn closes(&self, pattern: Option<&str>, path: &str) -> bool {
        let below = self.holds(path) || pattern.is_some_and(|pattern| self.holds(pattern));
        below && !pattern.is_some_and(|pattern| self.excepts(pattern))
    }

    /// Whether a path or pattern is the closed one, or below it: as it stands, or as a service that serves files or a handler behind
    /// a wildcard may read it, which is decoded, without empty segments, and with its dots resolved.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        let below =
            |path: &str| path.strip_prefix(&*self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        below(path) || resolved(path).is_some_and(|resolved| below(&resolved))
    }

    /// Whether this pattern, to the letter, is an exception.
    #[must_use]
    pub fn excepts(&self, pattern: &str) -> bool {
        self.except.iter().any(|except| **except == *pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_at_a_slash() {
        for (prefix, path, below) in [
            ("/api", "/api", true),
            ("/api/", "/api/a", true),
            ("/api", "/apiary", false),
            ("/api", "/", false),
            ("/", "/anything", true),
            ("", "/anything", true),
        ] {
            assert_eq!(Closed::below(prefix).holds(path), below, "{prefix} {path}");
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
            assert_eq!(Closed::below("/api").closes(None, path), closes, "{path}");
        }
        assert!(Closed::below("/").closes(None, "/%"));
    }

    #[test]
    fn a_route_is_opened_by_its_own_pattern_alone() {
        let closed = Closed::below("/api").except(["/api/public/{page}"]);
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
