//! Issuers elsewhere: their documents and keys, how often they are asked, and what holds while they cannot be.
//!
//! The issuer is in memory and time is told by hand, but for the cases that need a socket.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod another;
mod floods;
mod introspection;
mod issuer;
#[path = "../log/mod.rs"]
mod log;
mod login;
mod looked_up;
mod outages;
mod sockets;
mod tls;
