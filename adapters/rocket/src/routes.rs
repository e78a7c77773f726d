//! Which guard stands before which route, as far as a route tells.

use std::borrow::Cow;

use countersign::route::{Closed, RouteTable};
use rocket::{Phase, Rocket, Route};

const ENFORCED: &str = " enforced for ";
const PUBLIC: &str = ", public";

/// What was said of a route when it was put together.
///
/// It stands in the route's name, the one part of a route that survives mounting and that everybody can read: Rocket's own list
/// at launch shows it. A function's name holds no blank, so that no route has a mark by accident; one whose name was changed later
/// has none, and counts as neither enforced nor public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Behind a gate, which asks for this.
    Enforced(String),
    /// Named public.
    Public,
}

impl Mark {
    pub(crate) fn put_on(&self, route: &mut Route) {
        let name = route.name.as_deref().unwrap_or("route");
        route.name = Some(Cow::Owned(match self {
            Self::Enforced(asks) => format!("{name},{ENFORCED}{asks}"),
            Self::Public => format!("{name}{PUBLIC}"),
        }));
    }

    pub(crate) fn of(route: &Route) -> Option<Self> {
        let name = route.name.as_deref()?;
        if let Some((_, asks)) = name.split_once(ENFORCED) {
            return Some(Self::Enforced(asks.to_owned()));
        }
        name.ends_with(PUBLIC).then_some(Self::Public)
    }
}

/// The routes of an app that are mounted so far and what stands before them, to be printed.
///
/// Guards in a handler's signature cannot be seen from outside; such a route shows as `by its handler`.
///
/// ```
/// # use rocket::{get, routes};
/// # use countersign_rocket::{public, route_table};
/// # #[get("/health")] fn health() -> &'static str { "ok" }
/// let rocket = rocket::build().mount("/api", public(routes![health]));
/// assert_eq!(route_table(&rocket).to_string(), "GET /api/health  public\n");
/// ```
pub fn route_table<P: Phase>(rocket: &Rocket<P>) -> RouteTable {
    let mut routes: Vec<&Route> = rocket.routes().collect();
    routes.sort_by(|a, b| (a.uri.as_str(), a.method.as_str()).cmp(&(b.uri.as_str(), b.method.as_str())));
    let mut table = RouteTable::default();
    for route in routes {
        let guard = match Mark::of(route) {
            Some(Mark::Enforced(asks)) => asks,
            Some(Mark::Public) => "public".to_owned(),
            None => "by its handler".to_owned(),
        };
        table.write(&format!("{} {}", route.method, route.uri), &guard);
    }
    table
}

/// One sentence for each route that is open and must not be.
pub(crate) fn open_routes<P: Phase>(closed: &Closed, rocket: &Rocket<P>) -> Vec<String> {
    let unmarked = rocket.routes().filter(|route| Mark::of(route).is_none() && !closed.excepts(route.uri.path()));
    unmarked
        .filter_map(|route| {
            let prefix = closed_at(closed, route.uri.path())?;
            Some(format!(
                "the route {} {} answers below {prefix:?}, which is closed, and is neither enforced nor public: mount \
                 gate.enforce(routes![…]) or public(routes![…])",
                route.method, route.uri
            ))
        })
        .collect()
}

/// The closed path below which a route of this pattern can answer, in whatever spelling.
fn closed_at<'c>(closed: &'c Closed, pattern: &str) -> Option<&'c str> {
    let reached = closed.prefixes().find(|prefix| may_reach(prefix, pattern)).or_else(|| closed.prefix_of(pattern))?;
    Some(if reached.is_empty() { "/" } else { reached })
}

/// Whether a path below the prefix can match this pattern: `/<page>/a` and `/<path..>` answer below `/api` too.
fn may_reach(prefix: &str, pattern: &str) -> bool {
    let mut pattern = segments(pattern);
    for wanted in segments(prefix) {
        match pattern.next() {
            Some(segment) if segment.starts_with('<') && segment.ends_with("..>") => return true,
            Some(segment) if segment == wanted || segment.starts_with('<') => {}
            _ => return false,
        }
    }
    true
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_match_below_a_closed_path_is_closed() {
        for (prefix, pattern, reaches) in [
            ("/api", "/api", true),
            ("/api/", "/api/reports", true),
            ("/api", "/apis", false),
            ("/api", "/", false),
            ("/api", "/<page>", true),
            ("/api", "/<page>/a", true),
            ("/api", "/<path..>", true),
            ("/api", "/static/<path..>", false),
            ("/api", "/apis/<page>", false),
            ("/api/v1", "/api/<version>/a", true),
            ("/api/v1", "/api/<path..>", true),
            ("/api/v1", "/api", false),
            ("/", "/", true),
            ("/", "/anything", true),
        ] {
            let closed = Closed::below(prefix).unwrap().and_below("/elsewhere").unwrap();
            let shown = prefix.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(prefix);
            assert_eq!(closed_at(&closed, pattern), reaches.then_some(shown), "{prefix} {pattern}");
        }
    }

    #[test]
    fn a_pattern_that_is_spelt_otherwise_is_closed() {
        let closed = Closed::below("/api").unwrap();
        for pattern in ["/%61pi/a", "/./api", "/x/../api/<page>"] {
            assert_eq!(closed_at(&closed, pattern), Some("/api"), "{pattern}");
        }
        assert_eq!(closed_at(&Closed::default(), "/"), None);
    }

    #[test]
    fn a_mark_is_read_as_it_was_put_on() {
        let route = || Route::new(rocket::http::Method::Get, "/", rocket::route::dummy_handler);
        let named = |name: &'static str| {
            let mut route = route();
            route.name = Some(name.into());
            route
        };
        assert_eq!(Mark::of(&named("create")), None);
        assert_eq!(Mark::of(&route()), None);
        for mark in [Mark::Enforced("basic or bearer".to_owned()), Mark::Public] {
            for mut route in [named("create"), route()] {
                mark.put_on(&mut route);
                assert_eq!(Mark::of(&route), Some(mark.clone()), "{route:?}");
            }
        }
    }
}
