//! Starts the three people services as a stranger would, and talks to them over a socket.
//!
//! A test is a conversation: it is held with each service in turn, says what must come back, and at the end the three
//! transcripts must be the same, but for what [`Service::is_rocket`] declares.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a library of tests: it fails by panicking"
)]

mod browser;
mod service;
mod store;
mod strangers;
mod talk;

pub use countersign_conformance::server::Postgres;

pub use self::{
    browser::{Browser, other_site},
    service::{FRAMEWORKS, Service, binary},
    strangers::{Issuer, Provider, now, private_keys, public_set, signed_by_jose, signed_by_pyjwt},
    talk::{Talk, basic, everywhere, everywhere_with, json},
};
