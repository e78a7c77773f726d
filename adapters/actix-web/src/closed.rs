//! What is closed by default, and the routes that are not.

use actix_web::HttpRequest;

/// Closed by default below a path, except routes by their pattern.
#[derive(Debug, Clone)]
pub(crate) struct Closed {
    prefix: Box<str>,
    except: Vec<Box<str>>,
}

/// Whether a request that is about to be routed must pass the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It has nothing to do with what is closed.
    Elsewhere,
    /// It must pass the gate.
    Closed,
    /// It is an exception, if the router takes it where its path says.
    Excepted,
}

impl Closed {
    pub(crate) fn below(prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').into(), except: Vec::new() }
    }

    pub(crate) fn except<'a>(&mut self, patterns: impl IntoIterator<Item = &'a str>) {
        self.except.extend(patterns.into_iter().map(Box::from));
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Before routing: paths decide towards closing alone; only a pattern of the app's own resource map opens, looked up by
    /// the path in the form that the router reads, decoded. What `NormalizePath` may make of that path further in must
    /// be excepted as well.
    pub(crate) fn way_of(&self, request: &HttpRequest) -> Way {
        let sent = merged(request.path());
        let routed = request.match_info().as_str();
        let normal = merged(routed);
        let pattern_of = |path: &str| request.resource_map().match_pattern(path);
        let pattern = pattern_of(routed);
        let pattern_is_below = pattern.as_deref().is_some_and(|pattern| self.holds(pattern));
        if !(self.holds(&sent) || self.holds(&normal) || pattern_is_below) {
            return Way::Elsewhere;
        }
        let trimmed = normal.trim_end_matches('/');
        let slashed = format!("{trimmed}/");
        let others_too =
            [&*normal, trimmed, &slashed].into_iter().filter_map(pattern_of).all(|pattern| self.is_excepted(&pattern));
        let excepted = pattern.is_some_and(|pattern| self.is_excepted(&pattern));
        if excepted && others_too { Way::Excepted } else { Way::Closed }
    }

    /// After routing: whether the request went another way than its path promised, past a resource whose guards did
    /// not hold.
    pub(crate) fn was_passed_by(&self, routed: &HttpRequest) -> bool {
        routed.match_pattern().is_some_and(|pattern| !self.is_excepted(&pattern))
    }

    fn holds(&self, path: &str) -> bool {
        path.strip_prefix(&*self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn is_excepted(&self, pattern: &str) -> bool {
        self.except.iter().any(|except| **except == *pattern)
    }
}

/// The path with each run of slashes as one.
fn merged(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
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
    fn runs_of_slashes_are_one() {
        for (path, expected) in [("//api///a//", "/api/a/"), ("/api/a", "/api/a"), ("", "")] {
            assert_eq!(merged(path), expected);
        }
    }
}
