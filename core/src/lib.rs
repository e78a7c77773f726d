//! Authentication for Rust web apps: *who sent this request, and may they?*
mod challenge;
pub mod clock;
pub mod credential;
mod key_ring;
mod random;
pub mod request;
mod secret;
pub mod testing;
pub mod verify;
pub mod visit;

pub use async_trait::async_trait;

pub use self::{
    challenge::Challenge,
    credential::{ApiKey, Basic, Bearer, Extract, QueryParam, SignedCookie},
    key_ring::{KeyRing, KeyRingError},
    request::{Field, RequestHead},
    secret::Secret,
    verify::{Answer, Binding, Handle, Scopes, Unavailable, Verified, Verify},
};
