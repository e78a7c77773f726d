//! How a scheme is shown: a [`Room`] of routes, and an [`Exhibit`] for each on the page and in the terminal.

use axum::Router;

/// The routes of one group of schemes, and what is said of each.
pub(crate) struct Room {
    pub(crate) routes: Router,
    pub(crate) exhibits: Vec<Exhibit>,
}

/// What is said of one scheme.
pub(crate) struct Exhibit {
    /// Where it is shown.
    pub(crate) path: &'static str,
    /// The name of the scheme.
    pub(crate) title: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// When to choose it.
    pub(crate) choose: &'static str,
    /// When not to.
    pub(crate) avoid: &'static str,
    /// A line for a shell that works when pasted.
    pub(crate) line: String,
}

impl Room {
    /// A room without anything in it.
    pub(crate) fn empty() -> Self {
        Self { routes: Router::new(), exhibits: Vec::new() }
    }

    /// With these routes, of which this is said.
    pub(crate) fn with(mut self, routes: Router, exhibit: Exhibit) -> Self {
        self.exhibits.push(exhibit);
        self.with_routes(routes)
    }

    /// With all that is in another.
    pub(crate) fn beside(mut self, other: Self) -> Self {
        self.exhibits.extend(other.exhibits);
        self.with_routes(other.routes)
    }

    /// With these routes as well, of which nothing more is said.
    pub(crate) fn with_routes(mut self, routes: Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }
}
