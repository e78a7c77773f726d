//! Authentication for Rust web apps: *who sent this request, and may they?*
//!
//! A sentry challenges, and whoever knows the countersign may pass. This crate decides, for every web framework alike; an
//! adapter ([`countersign-axum`], [`countersign-actix-web`], [`countersign-rocket`], or [`countersign-tower`] for any tower stack) reads
//! the request and writes the response. Start with the adapter of your framework.
//!
//! ```text
//!   request ──▶ locate ──▶ look up ──▶ read, verify ──▶ confirm ──▶ judge ──▶ Grant
//!               Extract    (known      Verify           binding,    Policy
//!                          already?)                    cross-site
//!                  └───────────┴───────────┴───────────────┴──────────┴────▶ Rejection
//! ```
//!
//! The public interface is:
//! - [`Gate`] and [`GateBuilder`]: set up once, then [`admit`](Gate::admit) requests;
//! - [`credential`]: the kinds of credential, each an [`Extract`];
//! - [`verifier`]: the ways to decide, each a [`Verify`] that gives an [`Answer`];
//! - [`gate::policy`]: what a known caller may, as values and, by [`demand!`], as types;
//! - [`Grant`], the proof of admission, and [`Rejection`], the answer without one;
//! - [`throttle`]: when there were too many wrong passwords;
//! - [`request`], [`clock`], [`Secret`]: who the client is behind proxies, when it is, and what must not be printed;
//! - [`request`], [`response`]: what adapters work with; [`testing`] for tests without a framework;
//! - [`manual`]: the design, the defaults and the threats, each with its reasons.
//!
//! [`countersign-axum`]: https://docs.rs/countersign-axum
//! [`countersign-actix-web`]: https://docs.rs/countersign-actix-web
//! [`countersign-rocket`]: https://docs.rs/countersign-rocket
//! [`countersign-tower`]: https://docs.rs/countersign-tower

pub mod cache;
pub mod clock;

pub mod credential;
pub mod gate;
#[cfg(feature = "jwt")]
pub mod jose;
pub mod manual;
pub mod mint;
pub mod observe;
pub mod principal;
pub mod request;
pub mod response;
pub mod route;
pub mod secret;
pub mod store;
pub mod testing;
pub mod throttle;
mod unavailable;
pub mod verifier;

pub use async_trait::async_trait;

pub use self::{
    cache::CredentialCache,
    credential::{ApiKey, Basic, Bearer, Extract, QueryParam, SignedCookie},
    gate::{
        Admission, Answered, Counts, Demand, Faults, Gate, GateBuilder, Grant, Pending, Policy, Reception, Site,
        UnknownScheme, Verdict,
    },
    principal::{Binding, Handle, Scopes, Verified},
    request::{Field, RequestHead, Wants},
    response::{Challenge, Page, Reason, Rejection, Reply},
    secret::{KeyRing, KeyRingError, Secret},
    store::Directory,
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};
#[cfg(feature = "jwt")]
pub use self::{jose::JwtSigner, verifier::jwt::JwtVerifier};
