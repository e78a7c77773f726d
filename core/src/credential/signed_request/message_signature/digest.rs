//! What a signature says of the body: `Content-Digest` (RFC 9530).

use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};
use sha2::{Digest, Sha256, Sha512};

use super::Candidate;
use crate::request::RequestView;

/// Whether the digest of the body is signed, whole.
pub(super) fn is_covered(candidate: &Candidate) -> bool {
    let written = ["\"content-digest\"", "\"content-digest\";sf", "\"content-digest\";bs"];
    written.iter().any(|identifier| candidate.base.covers(identifier))
}

/// Whether the body is what was signed: what its digest says, or nothing where no digest is.
pub(super) fn fits(candidate: &Candidate, request: &RequestView<'_>) -> bool {
    match (request.body(), &candidate.content_digest) {
        (Some(body), Some(digest)) if is_covered(candidate) => digest_fits(digest, body),
        (Some(body), _) => body.is_empty() && !is_covered(candidate),
        (None, _) => false,
    }
}

/// Whether one of the digests that count is there, and each that is there fits.
fn digest_fits(field: &[u8], body: &[u8]) -> bool {
    let Ok(digests) = Parser::new(field).parse::<Dictionary>() else { return false };
    let made = [("sha-256", Sha256::digest(body).to_vec()), ("sha-512", Sha512::digest(body).to_vec())];
    let mut judged = made.iter().filter_map(|(name, made)| {
        let sent = digests.get(*name)?;
        Some(matches!(sent, ListEntry::Item(Item { bare_item: BareItem::ByteSequence(sent), .. }) if sent == made))
    });
    // The first says whether there is one at all.
    judged.next().is_some_and(|first| first && judged.all(|fits| fits))
}

/// The digest of a body, as a field's value.
pub(super) fn written(body: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: &[u8] = br#"{"hello": "world"}"#;

    #[test]
    fn the_vectors_of_rfc_9530_hold() {
        assert_eq!(written(WORLD), "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
        assert_eq!(written(b""), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    }

    #[test]
    fn each_digest_that_counts_must_fit_and_one_must_be_there() {
        let good = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
        let long = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
        let other = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
        for (field, fits) in [
            (good.to_owned(), true),
            (long.to_owned(), true),
            (format!("{good}, {long}"), true),
            (format!("{long}, md5=:AAAA:, {good}"), true),
            (format!("{long}, {other}"), false),
            (other.to_owned(), false),
            ("md5=:AAAA:".to_owned(), false),
            ("sha-256=\"x\"".to_owned(), false),
            ("sha-256".to_owned(), false),
            (String::new(), false),
            ("sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=".to_owned(), false),
        ] {
            assert_eq!(digest_fits(field.as_bytes(), WORLD), fits, "{field}");
        }
    }
}
