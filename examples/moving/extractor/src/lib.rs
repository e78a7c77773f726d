//! One small app twice: as it was with an extractor written by hand over jsonwebtoken, and as it is with Countersign.

pub mod after;
pub mod before;

use serde::Deserialize;

/// Whose tokens are trusted, and for whom they must be made.
pub const ISSUER: &str = "https://issuer.example";
/// See [`ISSUER`].
pub const AUDIENCE: &str = "reports";

/// The claims that the app reads.
#[derive(Debug, Clone, Deserialize)]
pub struct Caller {
    sub: String,
    #[serde(default)]
    scope: String,
}
