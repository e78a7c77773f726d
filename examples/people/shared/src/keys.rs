//! The keys that this service signs with.

use countersign::{JwtSigner, KeyRing};

use crate::Options;

/// The key ring that signs sessions and links; without a file a random one.
pub(crate) fn key_ring(options: &Options) -> Result<KeyRing, String> {
    let Some(file) = &options.secret_file else { return Ok(KeyRing::random()) };
    let text = std::fs::read_to_string(file).map_err(|error| format!("--secret-file {}: {error}", file.display()))?;
    KeyRing::parse(&text).map_err(|error| format!("--secret-file {}: {error}", file.display()))
}

/// The signer of access tokens; without a file one of a fresh key.
pub(crate) fn signer(options: &Options) -> Result<JwtSigner, String> {
    let Some(file) = &options.signing_key else { return JwtSigner::fresh().map_err(|error| error.to_string()) };
    let text = std::fs::read_to_string(file).map_err(|error| format!("--signing-key {}: {error}", file.display()))?;
    JwtSigner::pem(&text).map_err(|error| format!("--signing-key {}: {error}", file.display()))
}
