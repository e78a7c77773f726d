//! What this service hands out, each with its rules and its endpoint: sessions, those bound to a device among them, API keys, access tokens
//! and refresh tokens; and how it is taken back, by this service or by an issuer.

#[cfg(feature = "jwt")]
pub mod access_token;
pub mod api_key;
#[cfg(feature = "jwt")]
pub mod back_channel;
pub mod bound_key;
#[cfg(feature = "jwt")]
pub mod device_bound;
pub mod endpoint;
#[cfg(feature = "jwt")]
pub mod refresh_token;
pub mod revocation;
pub mod session;
pub mod sign_in;
pub mod transient_token;
pub mod two_tokens;
