//! Countersign for Rocket.
//!
//! The gate is attached first; then routes are guarded one by one: with [`enforce`](GateExt::enforce) around them where they are
//! mounted, or with [`Granted`] and [`Visitor`] in a handler's signature.
//!
//! # Example
//! ```
//! use countersign::{Bearer, Gate, Scopes, Verified, gate::policy::scope, verifier::TokenTable};
//! use countersign_rocket::{GateExt, Granted, Visitor};
//! use rocket::{get, http::Header, local::blocking::Client, post, routes};
//!
//! #[get("/me")]
//! fn me(me: Granted<String>) -> String {
//!     me.principal().clone()
//! }
//! #[get("/")]
//! fn home(visitor: Visitor<String>) -> String {
//!     format!("hello, {}", visitor.grant().map_or("stranger", |me| me.as_str()))
//! }
//! #[post("/reports")]
//! fn create() -> &'static str {
//!     "created"
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emily = Verified::new("emily".to_owned()).with_scopes("reports:write".parse()?);
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("a-long-random-token", emily))
//!     .build()?;
//! let rocket = rocket::build()
//!     .attach(gate.attach())
//!     .mount("/", routes![me, home])
//!     .mount("/", gate.require(scope("reports:write")).enforce(routes![create]));
//!
//! let client = Client::untracked(rocket)?;
//! let ask = |path: &'static str, token| {
//!     client.get(path).header(Header::new("authorization", format!("Bearer {token}")))
//! };
//! assert_eq!(ask("/me", "a-long-random-token").dispatch().status().code, 200);
//! assert_eq!(ask("/me", "wrong").dispatch().status().code, 401);
//! assert_eq!(ask("/", "wrong").dispatch().status().code, 401, "a wrong token is no visitor");
//! assert_eq!(client.get("/").dispatch().status().code, 200);
//! assert_eq!(client.post("/reports").dispatch().status().code, 401);
//! # Ok(()) }
//! ```
//!
//! # What does not start
//! A handler that asks for somebody without a gate attached; the log says what to add:
//! ```
//! # use countersign_rocket::Granted;
//! # use rocket::{error::ErrorKind, get, local::blocking::Client, routes};
//! #[get("/me")]
//! fn me(me: Granted<String>) -> String { me.principal().clone() }
//! let launch = Client::untracked(rocket::build().mount("/", routes![me]));
//! assert!(launch.is_err_and(|error| matches!(error.kind(), ErrorKind::SentinelAborts(_))));
//! ```
//! And, below a path that is closed, a route that nobody guarded:
//! ```
//! # use countersign::{Bearer, Gate, Verified, verifier::TokenTable};
//! # use countersign_rocket::{GateExt, public};
//! # use rocket::{error::ErrorKind, get, local::blocking::Client, routes};
//! #[get("/salaries")]
//! fn salaries() -> &'static str { "…" }
//! #[get("/health")]
//! fn health() -> &'static str { "ok" }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let gate = Gate::in_realm("people").accept(Bearer, TokenTable::new().with("a-long-random-token", Verified::new(1))).build()?;
//! let attach = || gate.attach().closed_below("/api").expect("a path begins so");
//! let app = || rocket::build().attach(attach()).mount("/api", public(routes![health]));
//! let launch = Client::untracked(app().mount("/api", routes![salaries]));
//! assert!(launch.is_err_and(|error| matches!(error.kind(), ErrorKind::FailedFairings(_))));
//! assert!(Client::untracked(app().mount("/api", gate.enforce(routes![salaries]))).is_ok());
//! # Ok(()) }
//! ```
//!
//! # What does not compile
//! A demand that is none:
//! ```compile_fail
//! # use countersign_rocket::Granted;
//! # use rocket::get;
//! struct Admin;
//! #[get("/admin")]
//! fn admin(me: Granted<String, Admin>) -> &'static str { "in" }
//! ```
//! `Option<Granted<_>>` does compile: Rocket answers it itself, for every guard. The attached part answers such a request with the
//! refusal that the handler never saw, and the log says to write [`Visitor`]; the handler has run by then.
//!
//! # Where path parameters are known
//! | guard | sees |
//! |---|---|
//! | [`enforce`](GateExt::enforce) around a route | `<name>` of the route's own pattern, decoded as the handler gets it; not of the base that it is mounted at |
//! | `Granted<P, D>` and `Visitor<P, D>` in a handler | the same |
//! | `<name..>`, and parameters in a route's query | nowhere: a policy that names one answers 500 |
//! | guards in a catcher or in another fairing | none: no route is matched there |
//!
//! # What it does not do
//! - Fairings cannot refuse in Rocket, so `attach` never decides: [`closed_below`](Attach::closed_below) stops the launch instead of
//!   requests.
//! - A catcher runs for a request that a guard in a signature refuses; what it answers is replaced by the gate's refusal. Own pages are made
//!   with [`GateBuilder::refusals`](countersign::gate::GateBuilder::refusals).
//! - A refused response keeps the fields of Rocket's `Shield` and `Server`, and nothing else of what a handler wrote. Turn them off with
//!   `.attach(Shield::new())` and `ident = false` in the configuration.
//!
//! # Deployment
//! - Attach the gate before any other fairing: what is attached later sees no credential in the URI, and adds its fields (CORS) to
//!   refusals as well.
//! - Keep `log_level` at `normal`. At `debug` Rocket prints every request with its fields before any fairing runs. A request whose
//!   method Rocket does not know is printed at WARN with its query, and no fairing sees it; it reaches no handler.
//! - Whether a request came over TLS is what Rocket's own configuration says (`tls`); behind a proxy,
//!   [`GateBuilder::behind`](countersign::gate::GateBuilder::behind) takes its word. The caller's address is the connection's, never that of
//!   Rocket's `ip_header`.
//! - What kinds of credential need of a framework, client certificates and the bodies that a signature covers among it, and how they get it here, or what
//!   Rocket drops of it, is a table in [the how-to](countersign::manual::howto#what-a-framework-lacks-for-a-kind).
//! - A `POST` of a form whose first field is `_method` is a request of that method before anything of ours runs. It meets the guards of
//!   the route that it then reaches, and to these it is still a `POST`, so that another site's page does not pass by naming GET. No route
//!   that answers GET should change anything.
//! - Rocket reads the first bytes of every body before any fairing runs: a client that sends `Expect: 100-continue` is told to go on, and
//!   one that announces a body and sends none is not answered. Rocket drops the error of a body that breaks off within
//!   these 14 bytes: endpoints, [`read_body`] and guards that read bodies refuse it all the same, and a data guard of Rocket's own takes it for
//!   whole.

// Where the documentation is built for everybody, each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attach;
mod body;
mod client_info;
mod covered;
#[cfg(feature = "mint")]
mod endpoint;
mod enforce;
mod granted;
mod head;
mod memory;
mod refused;
mod respond;
mod routes;
#[cfg(feature = "mint")]
mod written;

use countersign::Gate;
use rocket::Route;

pub use self::{
    attach::Attach,
    client_info::ClientInfo,
    covered::Covered,
    enforce::public,
    granted::{Granted, Visitor},
    head::RocketHead,
    refused::Refused,
    respond::respond,
    routes::route_table,
};
#[cfg(feature = "mint")]
pub use self::{
    endpoint::{endpoint, read_body},
    written::Written,
};

/// Puts a gate into a Rocket app.
pub trait GateExt<P> {
    /// The part around the app, the first `.attach`: hands the gate out, begins visits, cleans the URI, writes refusals and what
    /// responses must carry. Never decides.
    fn attach(&self) -> Attach<P>;

    /// These routes behind the gate: it decides before a guard in a signature is asked and before a handler reads the body.
    #[must_use = "routes guard nothing until they are mounted"]
    fn enforce(&self, routes: impl Into<Vec<Route>>) -> Vec<Route>;
}

impl<P: Send + Sync + 'static> GateExt<P> for Gate<P> {
    fn attach(&self) -> Attach<P> {
        Attach::new(self.clone())
    }

    fn enforce(&self, routes: impl Into<Vec<Route>>) -> Vec<Route> {
        enforce::enforce(self, routes)
    }
}
