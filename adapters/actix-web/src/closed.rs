//! Whether a request goes to a route that is closed by default, as far as actix-web tells before and after routing.

use actix_web::HttpRequest;
use countersign::route::Closed;

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

/// Before routing: paths decide towards closing alone; only a pattern of the app's own resource map opens, looked up by
/// the path in the form that the router reads, decoded. What `NormalizePath` may make of that path further in must
/// be excepted as well.
pub(crate) fn way_of(closed: &Closed, request: &HttpRequest) -> Way {
    if closed.prefixes().next().is_none() {
        return Way::Elsewhere;
    }
    let sent = merged(request.path());
    let routed = request.match_info().as_str();
    let normal = merged(routed);
    // Around a scope, what is left to it.
    let left = merged(request.match_info().unprocessed());
    let pattern_of = |path: &str| request.resource_map().match_pattern(path);
    let pattern = pattern_of(routed);
    let pattern_is_below = pattern.as_deref().is_some_and(|pattern| closed.holds(pattern));
    if !([&sent, &normal, &left].into_iter().any(|path| closed.holds(path)) || pattern_is_below) {
        return Way::Elsewhere;
    }
    let trimmed = normal.trim_end_matches('/');
    let slashed = format!("{trimmed}/");
    let others_too =
        [&*normal, trimmed, &slashed].into_iter().filter_map(pattern_of).all(|pattern| closed.excepts(&pattern));
    let excepted = pattern.is_some_and(|pattern| closed.excepts(&pattern));
    if excepted && others_too { Way::Excepted } else { Way::Closed }
}

/// After routing: whether the request went another way than its path promised, past a resource whose guards did
/// not hold.
pub(crate) fn was_passed_by(closed: &Closed, routed: &HttpRequest) -> bool {
    routed.match_pattern().is_some_and(|pattern| !closed.excepts(&pattern))
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
    fn runs_of_slashes_are_one() {
        for (path, expected) in [("//api///a//", "/api/a/"), ("/api/a", "/api/a"), ("", "")] {
            assert_eq!(merged(path), expected);
        }
    }
}
