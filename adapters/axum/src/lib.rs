//! Countersign for axum.
//!
//! The gate goes into the router's state, `attach` around the router as its last `.layer`, and then routes are guarded one by one: with
//! [`enforce`](GateExt::enforce) in front of a handler, or with [`Granted`] and [`Visitor`] in its signature.
//!
//! # Example
//! ```
//! use axum::{
//!     Router,
//!     body::Body,
//!     routing::{get, post},
//! };
//! use countersign::{Bearer, Gate, Scopes, Verified, gate::policy::scope, verifier::TokenTable};
//! use countersign_axum::{GateExt, Granted, Visitor};
//! use http::Request;
//! use tower::ServiceExt;
//!
//! async fn me(me: Granted<String>) -> String {
//!     me.principal().clone()
//! }
//! async fn home(visitor: Visitor<String>) -> String {
//!     format!("hello, {}", visitor.grant().map_or("stranger", |me| me.as_str()))
//! }
//! async fn create() -> &'static str {
//!     "created"
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emily = Verified::new("emily".to_owned()).with_scopes("reports:write".parse()?);
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("a-long-random-token", emily))
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/", get(home))
//!     .route("/me", get(me))
//!     .route("/reports", post(create).route_layer(gate.require(scope("reports:write")).enforce()))
//!     .layer(gate.attach())
//!     .with_state(gate);
//!
//! let ask = |path: &str, token: &str| {
//!     Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty())
//! };
//! assert_eq!(app.clone().oneshot(ask("/me", "a-long-random-token")?).await?.status(), 200);
//! assert_eq!(app.clone().oneshot(ask("/me", "wrong")?).await?.status(), 401);
//! assert_eq!(
//!     app.clone().oneshot(ask("/", "wrong")?).await?.status(),
//!     401,
//!     "a wrong token is no visitor"
//! );
//! assert_eq!(app.oneshot(Request::get("/").body(Body::empty())?).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! # What does not compile
//! A handler that asks for somebody without a gate in the state:
//! ```compile_fail
//! # use axum::{Router, routing::get};
//! # use countersign_axum::Granted;
//! async fn me(me: Granted<String>) -> String { me.principal().clone() }
//! let app: Router = Router::new().route("/me", get(me)).with_state(());
//! ```
//! And `Option<Granted<_>>`, which would turn a wrong credential into nobody; [`Visitor`] is meant, and `cargo build` (not `cargo check`) says so:
//! ```compile_fail
//! # use axum::{Router, routing::get};
//! # use countersign::Gate;
//! # use countersign_axum::Granted;
//! async fn home(me: Option<Granted<String>>) -> &'static str { "hello" }
//! let app: Router<Gate<String>> = Router::new().route("/", get(home));
//! ```
//!
//! # Without an extractor
//! Behind `enforce` the grant stands in the request's extensions, for middleware and for handlers that want to name no guard:
//! `Extension<Grant<User>>`, or `request.extensions().get::<Grant<User>>()`. It is there only where a guard in front admitted somebody; a handler
//! whose guard was forgotten answers 500, where [`Granted`] would ask the gate.
//! ```
//! # use axum::{Extension, Router, routing::get};
//! # use countersign::{Gate, Grant};
//! # use countersign_axum::GateExt;
//! async fn me(Extension(me): Extension<Grant<String>>) -> String { me.principal().clone() }
//! # fn mount(gate: &Gate<String>) -> Router {
//! Router::new().route("/me", get(me).route_layer(gate.enforce())).layer(gate.attach())
//! # }
//! ```
//!
//! # gRPC
//! Refusals are `grpc-status` in place of a status and a page where it is said to both verbs:
//! `gate.attach().answering_with(GrpcStatus)` and `gate.enforce().answering_with(GrpcStatus)`.
//!
//! # Where path parameters are known
//! | guard | sees |
//! |---|---|
//! | `enforce` as a `route_layer` or `layer` of a method router or a router | the parameters of the route, nested ones included |
//! | `Granted<P, D>` in a handler | the same |
//! | `enforce` around the whole router from outside (`ServiceBuilder`) | none: a policy that names one answers 500 |
//!
//! axum shows nobody the table of its routes; [`RouteTable`](countersign::route::RouteTable) holds what is written down where a guard is
//! put in front of a route, and prints it.
//!
//! # Deployment
//! - Routes that are added after `.layer(gate.attach())` are not attached; a guard there answers 500 and says so in the log. So is what
//!   [`closed_below`](tower::Attach::closed_below) closes: routes and a fallback that are added later are open.
//! - A CORS layer may stand outside of `attach`, and nothing else: it answers preflights, and refusals get its fields.
//! - Serve with `into_make_service_with_connect_info::<SocketAddr>()`, or no address is known: rules that count by address then see one
//!   sender.
//! - A TLS acceptor in the same process puts a [`SecureChannel`] into the request's extensions; behind a
//!   proxy, [`GateBuilder::behind`](countersign::gate::GateBuilder::behind) takes its word.
//! - What kinds of credential need of a framework, client certificates and the bodies that a signature covers among it, and how they get it here, is a
//!   table in [the how-to](countersign::manual::howto#what-a-framework-lacks-for-a-kind).

// Where the documentation is built for everybody, each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client_info;
#[cfg(feature = "mint")]
mod endpoint;
mod framework;
mod granted;
mod refused;
#[cfg(feature = "mint")]
mod written;

use countersign::Gate;
use countersign_tower as tower;
pub use countersign_tower::{GrpcStatus, PeerAddress, PeerCertificate, SecureChannel};

pub use self::{
    client_info::ClientInfo,
    framework::Axum,
    granted::{Granted, Visitor},
    refused::Refused,
};
#[cfg(feature = "mint")]
pub use self::{
    endpoint::{endpoint, read_body},
    written::Written,
};

/// Puts a gate into an axum app.
pub trait GateExt<P> {
    /// The outermost layer, the last `.layer` of a router: begins visits, cleans the URI, writes what responses must carry. Never
    /// decides, but for what [`closed_below`](tower::Attach::closed_below) closes.
    fn attach(&self) -> tower::Attach<P, Axum, tower::PlainReply, tower::WholeBodies>;

    /// The layer that decides, before the handler runs and before the body is read. A body that a credential
    /// [covers](countersign::credential::covers) is read whole before the decision, and handed on as it came.
    fn enforce(&self) -> tower::Enforce<P, Axum, tower::PlainReply, tower::WholeBodies>;
}

impl<P: Send + Sync + 'static> GateExt<P> for Gate<P> {
    fn attach(&self) -> tower::Attach<P, Axum, tower::PlainReply, tower::WholeBodies> {
        tower::Attach::new(self.clone()).in_framework().reading_bodies_with(tower::WholeBodies)
    }

    fn enforce(&self) -> tower::Enforce<P, Axum, tower::PlainReply, tower::WholeBodies> {
        tower::Enforce::new(self).in_framework().reading_bodies_with(tower::WholeBodies)
    }
}
