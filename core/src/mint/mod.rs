//! What this service hands out, each with its rules and its endpoint: sessions, API keys, access tokens.

#[cfg(feature = "jwt")]
pub mod access_token;
pub mod api_key;
pub mod endpoint;
pub mod session;
