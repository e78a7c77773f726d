//! What means nothing by itself: API keys, digests, key rings, and tokens of any shape.

use countersign::{
    KeyRing,
    secret::{TokenDigest, TokenPrefix},
};

use crate::{key_ring, report::Report};

/// The random part and the checksum behind the prefix of a token.
const BEHIND_PREFIX: usize = 43 + 6;
/// How a key of 32 bytes is written in base64url, without padding or with it.
const LINE: [usize; 2] = [43, 44];

/// `None` if it is none.
pub(super) fn explain(text: &str) -> Option<Report> {
    api_key(text).or_else(|| digest(text)).or_else(|| ring(text)).or_else(|| token(text))
}

fn api_key(text: &str) -> Option<Report> {
    let (prefix, _) = text.split_at_checked(text.len().checked_sub(BEHIND_PREFIX)?)?;
    let known: TokenPrefix = prefix.parse().ok()?;
    let digest = known.digest(text.as_bytes())?;
    Some(
        Report::of_kind("an API key or opaque token of this library; its checksum is right")
            .with("prefix", prefix)
            .with("digest", digest.to_hex())
            .with("accepted", "where the store has this digest"),
    )
}

fn digest(text: &str) -> Option<Report> {
    TokenDigest::from_hex(text)?;
    Some(Report::of_kind("32 bytes in hex, as a store keeps the digest of a token: by themselves they open nothing"))
}

fn ring(text: &str) -> Option<Report> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if !lines.all(|line| LINE.contains(&line.len())) {
        return None;
    }
    let ring = KeyRing::parse(text).ok()?;
    Some(
        Report::of_kind("a key ring: a secret, newest key first")
            .with("keys", ring.len())
            .with("ids", key_ring::ids(&ring)),
    )
}

/// One word of printable ASCII, of some length: shorter ones are anything.
fn token(text: &str) -> Option<Report> {
    let fits = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| {
        Report::of_kind("a token that says nothing by itself, and none that this library made, or a mistyped one")
            .with("characters", text.len())
            .with("digest", TokenDigest::of(text.as_bytes()).to_hex())
    })
}
