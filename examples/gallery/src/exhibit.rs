//! How a scheme is shown: a [`Room`] of routes, and an [`Exhibit`] for each on the page and in the terminal.

use axum::Router;

/// The routes of one group of schemes, and what is said of each.
pub(crate) struct Room {
    pub(crate) routes: Router,
    pub(crate) exhibits: Vec<Shown>,
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

/// An exhibit, and what else of its scheme is a route: where, and a line for it.
pub(crate) struct Shown {
    pub(crate) exhibit: Exhibit,
    pub(crate) more: Vec<(&'static str, String)>,
}

impl Shown {
    /// Each route, with its line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        let more = self.more.iter().map(|(path, line)| (*path, line.as_str()));
        std::iter::once((self.exhibit.path, self.exhibit.line.as_str())).chain(more)
    }
}

impl Room {
    /// A room without anything in it.
    pub(crate) fn empty() -> Self {
        Self { routes: Router::new(), exhibits: Vec::new() }
    }

    /// With these routes, of which this is said.
    pub(crate) fn with(mut self, routes: Router, exhibit: Exhibit) -> Self {
        self.exhibits.push(Shown { exhibit, more: Vec::new() });
        self.with_routes(routes)
    }

    /// With a line for another route of the scheme that was shown last.
    pub(crate) fn and_a_line(mut self, path: &'static str, line: String) -> Self {
        if let Some(last) = self.exhibits.last_mut() {
            last.more.push((path, line));
        }
        self
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
