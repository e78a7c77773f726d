//! A table of routes and their guards, to be printed at start.
//!
//! Rocket tells which routes an app has, and its adapter draws the table from that. axum and actix-web do not, so there the table is
//! written where a guard is put in front of a route, and holds what was written.
//!
//! # Example
//! ```
//! use countersign::{
//!     Bearer, Gate, Verified, gate::policy::role, route::RouteTable, verifier::TokenTable,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("t", Verified::new("emily")))
//!     .build()?;
//! let mut table = RouteTable::default();
//! table.public("GET /health");
//! // .route("/admin", get(admin).route_layer(table.guarded("GET /admin", &gate.require(role("admin"))).enforce()))
//! let admin = table.guarded("GET /admin", &gate.require(role("admin")));
//! # let _ = admin;
//! assert_eq!(
//!     table.to_string(),
//!     "GET /health  public\nGET /admin   bearer, if the policy permits\n"
//! );
//! # Ok(()) }
//! ```

use std::fmt;

use crate::gate::Gate;

/// Routes and their guards, in the order in which they were written down. See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteTable(Vec<(Box<str>, Box<str>)>);

impl RouteTable {
    /// Writes down that this gate guards this route, and hands the gate back, to be enforced there.
    #[must_use]
    pub fn guarded<P: Send + Sync + 'static>(&mut self, route: &str, gate: &Gate<P>) -> Gate<P> {
        self.write(route, &gate.summary());
        gate.clone()
    }

    /// Writes down that nothing guards this route.
    pub fn public(&mut self, route: &str) {
        self.write(route, "public");
    }

    /// Writes down a route and, in the adapter's words, what guards it.
    pub fn write(&mut self, route: &str, guard: &str) {
        self.0.push((route.into(), guard.into()));
    }
}

impl fmt::Display for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(route, _)| route.chars().count()).max().unwrap_or_default();
        self.0.iter().try_for_each(|(route, guard)| writeln!(f, "{route:width$}  {guard}"))
    }
}
