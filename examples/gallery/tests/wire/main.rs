//! The gallery as strangers see it: started as a program, asked over a socket. A file for each group of routes.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests: they fail by panicking, helpers too"
)]

mod certificates;
mod clients;
mod copies;
mod couchdb;
mod device_bound;
mod frame;
mod oidc;
mod proof;
mod service;
mod signed;
mod signers;
mod strangers;
mod terms;
mod tls;
mod tokens;
mod values;
