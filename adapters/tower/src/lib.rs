//! Countersign for any tower stack over `http` 1.x.
//!
//! Two layers, two verbs. [`attach`](GateExt::attach) goes outermost: it begins a request's exchange, takes credentials out of the URI, and
//! writes `Vary` and `Cache-Control` on the way out; it never decides. [`enforce`](GateExt::enforce) decides, before the inner service sees
//! the request or its body.
//!
//! # Example
//! ```
//! use countersign::{Bearer, Gate, Verified, verifier::TokenTable};
//! use countersign_tower::GateExt;
//! use http::{Request, Response, StatusCode};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::in_realm("people")
//!     .accept(Bearer, TokenTable::new().with("a-long-random-token", Verified::new("emily")))
//!     .build()?;
//! let inner = service_fn(|_: Request<()>| async {
//!     Ok::<_, std::convert::Infallible>(Response::new(b"in".to_vec()))
//! });
//! let service = gate.attach().layer(gate.enforce().layer(inner));
//!
//! let nobody = service.clone().oneshot(Request::get("/").body(())?).await?;
//! assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
//! let emily = Request::get("/").header("authorization", "Bearer a-long-random-token").body(())?;
//! assert_eq!(service.oneshot(emily).await?.status(), StatusCode::OK);
//! # Ok(()) }
//! ```
//!
//! Inside, the grant is found by [`grant`]. The peer's address is what the server put into the request's extensions as a
//! [`PeerAddress`]; whether it came over TLS, as a [`SecureChannel`]; the certificate that the client showed there, as a [`PeerCertificate`].
//!
//! # What it does not do
//! A tower stack knows no routes, so a policy that names a path parameter is a fault here; `countersign-axum` knows them. What else kinds of credential need of
//! a framework, and how they get it here, is a table in [the how-to](countersign::manual::howto#what-a-framework-lacks-for-a-kind).
//!
//! # Other protocols
//! Refusals are written by a [`WriteReply`]. [`GrpcStatus`] answers as gRPC does; anything else is one method to implement.

// Where the documentation is built for everybody, each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attach;
mod body;
mod enforce;
mod head;
mod write;

use std::{net::IpAddr, sync::Arc};

use countersign::{Gate, Grant};

pub use self::{
    attach::{Attach, AttachFuture, Attached},
    body::{LeaveBodies, ReadBody, Reading, WholeBodies, WholeBody},
    enforce::{Enforce, EnforceFuture, Enforced},
    head::{Framework, HttpHead, NoFramework},
    write::{GrpcStatus, PlainReply, WriteReply, refuse, respond},
};

/// Puts a gate into a tower stack.
pub trait GateExt<P> {
    /// The outermost layer: begins exchanges, cleans the URI, writes what responses must carry. Never decides.
    fn attach(&self) -> Attach<P>;

    /// The layer that decides: what is inside runs for admitted requests alone.
    fn enforce(&self) -> Enforce<P>;

    /// The same for bodies that can be made from bytes: one that a credential [covers](countersign::credential::covers) is read whole before the
    /// decision, and handed on as it came. Where nothing covers it, it is left alone.
    fn enforce_whole(&self) -> Enforce<P, NoFramework, PlainReply, WholeBodies> {
        self.enforce().reading_bodies_with(WholeBodies)
    }
}

impl<P: Send + Sync + 'static> GateExt<P> for Gate<P> {
    fn attach(&self) -> Attach<P> {
        Attach::new(self.clone())
    }

    fn enforce(&self) -> Enforce<P> {
        Enforce::new(self)
    }
}

/// The grant of a request that an [`Enforce`] layer further out admitted; `None` where it admitted nobody in particular.
pub fn grant<P: Send + Sync + 'static, B>(request: &http::Request<B>) -> Option<&Grant<P>> {
    request.extensions().get()
}

/// The address at the other end of the connection, for the server to put into a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an address and nothing else")]
pub struct PeerAddress(
    /// Never one that a header claims.
    pub IpAddr,
);

/// The client's certificate, DER, the leaf alone, for a server that ends TLS to put into a request's extensions once the handshake found it good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a certificate and nothing else")]
pub struct PeerCertificate(
    /// Never one that a header claims.
    pub Arc<[u8]>,
);

/// Says, in a request's extensions, that the connection itself is over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a mark")]
pub struct SecureChannel;
