//! Authentication for Rust web apps: *who sent this request, and may they?*
//!
//! A sentry challenges, and whoever knows the countersign may pass. This crate decides, for every web framework alike; an
//! adapter ([`countersign-axum`], [`countersign-actix-web`], [`countersign-rocket`], or [`countersign-tower`] for any tower stack) reads
//! the request and writes the response. Start [here](#start), and go on with the [how-to](manual::howto), or with how to [move over](manual::moving).
//!
//! ```text
//!   request ──▶ locate ──▶ look up ──▶ read, verify ──▶ confirm ──▶ judge ──▶ Grant
//!               Extract    (known      Verify           binding,    Policy
//!                          already?)                    cross-site
//!                  └───────────┴───────────┴───────────────┴──────────┴────▶ Rejection
//! ```
//!
//! What there is, from the ground up; an application names the things at the root, and looks into a room for what is rarer:
//!
//! - **What everything speaks of.** [`principal`]: who a caller is, with scopes, and the handles it can be revoked by. [`secret`]: what
//!   must not be printed, keys, tokens. `jose`: keys and signatures of tokens, with the feature `jwt`. [`request`]: what is read, and who
//!   the client is behind proxies. [`response`]: what is finished, refusals among it. [`clock`]: when it is. [`Unavailable`]: no answer.
//!   `config`: settings out of a file and the environment, with the feature of that name.
//! - **Who it is.** [`credential`]: the kinds, each an [`Extract`]. [`verifier`]: the ways to decide, each a [`Verify`] that gives an
//!   [`Answer`].
//! - **What is remembered.** [`store`]: what an application keeps for us. [`cache`]: what verifiers said. [`throttle`]: how often they
//!   said no.
//! - **The way of a request.** [`gate`]: set up once, then it admits, and hands out a [`Grant`]; its [`policy`](gate::policy) says what a
//!   known caller may, as values and, by [`demand!`], as types. [`observe`]: what an operator sees of it.
//! - **What this service hands out.** [`mint`]: sessions, links, API keys, access and refresh tokens, how they are taken back, and their
//!   endpoints.
//! - **Around it.** [`route`]: what is closed by default, and a table of routes and their guards. [`adapter`]: the parts of a framework's
//!   adapter. [`testing`]: requests and grants for tests, without a framework. [`manual`]: the design, the defaults and the threats, each
//!   with its reasons, and a [glossary](manual::glossary).
//!
//! # Start
#![doc = include_str!("start.md")]
//!
//! # Several copies
//! Copies of a service that share a database keep what is handed out in [`countersign-sqlx`], and forget together by [`cache::copies`].
//!
//! [`countersign-axum`]: https://docs.rs/countersign-axum
//! [`countersign-actix-web`]: https://docs.rs/countersign-actix-web
//! [`countersign-rocket`]: https://docs.rs/countersign-rocket
//! [`countersign-tower`]: https://docs.rs/countersign-tower
//! [`countersign-sqlx`]: https://docs.rs/countersign-sqlx

// Where the documentation is built for everybody, each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "jwt", feature = "mint", feature = "openapi", feature = "password")),
    allow(dead_code, reason = "some rooms have one tenant, and stand empty without it")
)]

pub mod adapter;
pub mod cache;
pub mod clock;
#[cfg(feature = "config")]
pub mod config;
pub mod credential;
pub mod gate;
#[cfg(feature = "jwt")]
pub mod jose;
pub mod manual;
#[cfg(feature = "mint")]
pub mod mint;
pub mod observe;
pub mod principal;
pub mod request;
pub mod response;
pub mod route;
pub mod secret;
mod sentence;
pub mod store;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
pub mod throttle;
mod unavailable;
pub mod verifier;

pub use async_trait::async_trait;

#[cfg(feature = "jwt")]
pub use self::jose::JwtSigner;
pub use self::{
    cache::CredentialCache,
    credential::{ApiKey, Basic, Bearer, Extract, QueryParam, SignedCookie},
    gate::{Gate, Grant, Policy},
    principal::{Handle, Scopes, Verified},
    request::RequestView,
    response::{Page, Reply},
    secret::{KeyRing, Secret},
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};
