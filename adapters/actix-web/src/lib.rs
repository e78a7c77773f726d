//! Countersign for actix-web.
//!
//! `attach` goes around the app as its last `.wrap`, and then routes are guarded one by one: with [`enforce`](GateExt::enforce) around a
//! route, a resource or a scope, or with [`Granted`] and [`Visitor`] in a handler's signature.
//!
//! # Example
//! ```
//! use actix_web::{App, test, web};
//! use countersign::{Bearer, Gate, Scopes, Verified, gate::policy::scope, verifier::TokenTable};
//! use countersign_actix_web::{GateExt, Granted, Visitor};
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
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emily = Verified::new("emily".to_owned()).with_scopes("reports:write".parse()?);
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("a-long-random-token", emily))
//!     .build()?;
//! let app =
//!     test::init_service(
//!         App::new()
//!             .route("/", web::get().to(home))
//!             .route("/me", web::get().to(me))
//!             .service(web::resource("/reports").route(
//!                 web::post().to(create).wrap(gate.require(scope("reports:write")).enforce()),
//!             ))
//!             .wrap(gate.attach()), // the last wrap runs first
//!     )
//!     .await;
//!
//! let ask = |path: &str, token: &str| {
//!     test::TestRequest::with_uri(path)
//!         .insert_header(("authorization", format!("Bearer {token}")))
//!         .to_request()
//! };
//! assert_eq!(test::call_service(&app, ask("/me", "a-long-random-token")).await.status(), 200);
//! assert_eq!(test::call_service(&app, ask("/me", "wrong")).await.status(), 401);
//! assert_eq!(
//!     test::call_service(&app, ask("/", "wrong")).await.status(),
//!     401,
//!     "a wrong token is no visitor"
//! );
//! assert_eq!(test::call_service(&app, test::TestRequest::get().to_request()).await.status(), 200);
//! # Ok(()) }
//! ```
//!
//! # What does not compile
//! A grant cannot be made without a gate, and a function that takes one cannot be called for a stranger:
//! ```compile_fail
//! # use countersign_actix_web::Granted;
//! fn forged(name: String) -> Granted<String> { Granted { grant: name } }
//! ```
//! A demand has to be one of the principal that it is asked of:
//! ```compile_fail
//! # use countersign_actix_web::Granted;
//! struct NoDemand;
//! async fn me(me: Granted<String, NoDemand>) -> String { me.principal().clone() }
//! let route = actix_web::web::get().to(me);
//! ```
//!
//! # What it does not do
//! - `Option<Granted<P>>` and `Result<Granted<P>, _>` are answered by actix-web itself, so they compile and the handler runs.
//!   The refusal is not lost: the attached part answers with it in place of the handler, and logs what to write, a [`Visitor`].
//! - A missing `attach` is not seen before the first request: guards then answer 500 and log what to add.
//! - actix-web has no list of an app's routes that a wrap could read; [`RouteTable`](countersign::route::RouteTable) holds what is written
//!   down where a guard is put in front of a route, and prints it.
//!   [`Gate::summary`] says what one gate asks for.
//! - `web::get()` does not answer HEAD; that is the app's to route.
//!
//! # Without an extractor
//! Behind `enforce` the grant stands in the request's extensions, for middleware and for handlers that want to name no guard:
//! `web::ReqData<Grant<User>>`, or `request.extensions().get::<Grant<User>>()`. It is there only where a guard in front admitted somebody; a handler
//! whose guard was forgotten answers 500, where [`Granted`] would ask the gate.
//! ```
//! # use actix_web::{App, HttpServer, web};
//! # use countersign::{Gate, Grant};
//! # use countersign_actix_web::GateExt;
//! async fn me(me: web::ReqData<Grant<String>>) -> String {
//!     me.principal().clone()
//! }
//! # fn mount(gate: Gate<String>) {
//! # let _ = HttpServer::new(move || {
//! App::new()
//!     .service(web::resource("/me").route(web::get().to(me).wrap(gate.enforce())))
//!     .wrap(gate.attach())
//! # });
//! # }
//! ```
//!
//! # Where path parameters are known
//! | guard | sees |
//! |---|---|
//! | `enforce` around a route or a resource | all of them, those of scopes around it included |
//! | [`Granted<P, D>`](Granted) and [`Visitor<P, D>`](Visitor) in a handler | the same |
//! | `enforce` around a scope | those in the scope's own pattern and in scopes around it |
//! | `enforce` around the App, [`closed_below`](Attach::closed_below) | none: a policy that names one answers 500 |
//!
//! # Deployment
//! - Build the gate **outside** the closure of `HttpServer::new` and clone it into it: the closure runs once a worker, and keys,
//!   caches and throttles that are made inside differ from worker to worker.
//! - The last `.wrap` runs first. What is wrapped around the attached gate sees the request as it was sent, credentials in
//!   the query included; a `Logger` therefore stands inside. `actix_cors::Cors` stands around the guards, and outside of
//!   what is closed, where it answers preflights and refusals get its fields. A wrap that rewrites paths stands outside (`NormalizePath` is provided for inside, too).
//! - All arguments of a handler are polled together, so a body may be read while [`Granted`] waits. Guard handlers
//!   that take a body with `enforce`, which decides first.
//! - Whether the channel is secure is whether actix-web was bound with TLS; behind a proxy,
//!   [`GateBuilder::behind`](countersign::gate::GateBuilder::behind) takes its word. `ConnectionInfo` is never asked.
//! - What kinds of credential need of a framework, client certificates and the bodies that a signature covers among it, and how they get it here, is a
//!   table in [the how-to](countersign::manual::howto#what-a-framework-lacks-for-a-kind).
//! - A connection is closed behind a response to a request whose body was not read to its end: a client that goes on sending is not listened
//!   to. actix-web waits for it up to `client_disconnect_timeout`.
//! - Verifiers that wait run on tokio, which actix-web's workers are.

// Where the documentation is built for everybody, each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attach;
mod body;
mod certificate;
mod client_info;
mod closed;
#[cfg(feature = "mint")]
mod endpoint;
mod enforce;
mod granted;
mod head;
mod held;
mod refused;
mod reply;
#[cfg(feature = "mint")]
mod written;

use countersign::Gate;

#[cfg(feature = "rustls")]
pub use self::certificate::peer_certificate;
pub use self::{
    attach::{Attach, AttachFuture, Attached},
    certificate::PeerCertificate,
    client_info::ClientInfo,
    enforce::{Enforce, EnforceFuture, Enforced},
    granted::{Extracting, Granted, Visitor},
    head::ActixHead,
    held::Held,
    refused::Refused,
    reply::respond,
};
#[cfg(feature = "mint")]
pub use self::{
    endpoint::{endpoint, read_body},
    written::Written,
};

/// Puts a gate into an actix-web app.
pub trait GateExt<P> {
    /// The outermost wrap, the last `.wrap` of an App: begins visits, cleans the URI, writes what responses must carry. Never
    /// decides, but for what [`closed_below`](Attach::closed_below) closes.
    fn attach(&self) -> Attach<P>;

    /// The wrap that decides, for a route, a resource or a scope: before the handler runs and before the body is read.
    fn enforce(&self) -> Enforce<P>;
}

impl<P: Send + Sync + 'static> GateExt<P> for Gate<P> {
    fn attach(&self) -> Attach<P> {
        Attach::new(self.clone())
    }

    fn enforce(&self) -> Enforce<P> {
        Enforce::new(self)
    }
}
