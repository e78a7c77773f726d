//! Making API keys.

use crate::{arguments::KeyArguments, report::Report};

/// A key of 256 random bits, and what a store keeps of it.
pub(crate) fn new(wish: &KeyArguments) -> Report {
    let minted = wish.prefix.mint();
    Report::new()
        .with("key", minted.reveal())
        .with("digest", minted.digest().to_hex())
        .with("visible", minted.visible())
}
