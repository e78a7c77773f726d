//! By what verified credentials can be revoked: [`Handle`].

use std::{fmt, sync::LazyLock};

use blake3::hazmat::{HasherExt, hash_derive_key_context};

/// Hashed once rather than for each handle.
static CONTEXT: LazyLock<[u8; 32]> = LazyLock::new(|| hash_derive_key_context("countersign handle v1"));

/// A name under which verified credentials can be revoked: 128 bits of a hash over kind and name, the same in every process.
///
/// A subject or a token is named by itself where this service names it, and with its issuer where another does: `emily` of one issuer is
/// not `emily` of the next, nor of ours.
///
/// # Example
/// ```
/// use countersign::{CredentialCache, Handle};
///
/// let cache = CredentialCache::default();
/// cache.revoke(Handle::subject("emily")); // ours
/// cache.revoke(Handle::api_key("17")); // one key
/// cache.revoke(Handle::subject_of("https://issuer.example", "emily")); // theirs
/// cache.revoke(Handle::key_of(
///     "https://issuer.example",
///     "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
/// ));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(u128);

/// What a [`Handle`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleKind {
    /// Everything of one subject.
    Subject,
    /// One token.
    Token,
    /// One session.
    Session,
    /// One API key.
    Key,
    /// All tokens that came of one sign-in.
    Family,
    /// Everything of one issuer.
    Issuer,
    /// Everything that one key of an issuer verified.
    SigningKey,
}

/// The handles of one kind and issuer, ready to be made: whoever makes them for each token hashes the issuer once.
#[derive(Debug, Clone)]
pub(crate) struct HandlesOf([u8; 32]);

impl Handle {
    /// A handle of this kind and name.
    #[must_use]
    pub fn of(kind: HandleKind, name: &str) -> Self {
        let label = kind.label();
        let mut hasher = blake3::Hasher::new_from_context_key(&CONTEXT);
        hasher.update(label.as_bytes()).update(b":").update(name.as_bytes());
        Self::from_hash(&hasher.finalize())
    }

    fn from_hash(hash: &blake3::Hash) -> Self {
        let (bits, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 16], &[]));
        Self(u128::from_le_bytes(*bits))
    }

    /// Everything of the subject of this name.
    #[must_use]
    pub fn subject(name: &str) -> Self {
        Self::of(HandleKind::Subject, name)
    }

    /// Everything of the subject that this issuer calls so (`iss` and `sub` of a token). The same name at another issuer is another handle.
    #[must_use]
    pub fn subject_of(issuer: &str, subject: &str) -> Self {
        HandlesOf::issuer(HandleKind::Subject, issuer).named(subject)
    }

    /// The API key of this id: of ours, as [`ApiKeys::list`](crate::mint::api_key::ApiKeys::list) names it, or one that an app already
    /// has, whose answers carry it by [`revocable_by`](crate::Verified::revocable_by).
    #[must_use]
    pub fn api_key(id: &str) -> Self {
        Self::of(HandleKind::Key, id)
    }

    /// The session of this id, as a list of devices names it.
    #[must_use]
    pub fn session(id: &str) -> Self {
        Self::of(HandleKind::Session, id)
    }

    /// The token that this issuer gave this id (`iss` and `jti`).
    #[must_use]
    pub fn token_of(issuer: &str, id: &str) -> Self {
        HandlesOf::issuer(HandleKind::Token, issuer).named(id)
    }

    /// Everything that the key of this thumbprint (RFC 7638, in base64url) verified as a key of this issuer: for keys that are withdrawn.
    #[must_use]
    pub fn key_of(issuer: &str, thumbprint: &str) -> Self {
        HandlesOf::issuer(HandleKind::SigningKey, issuer).named(thumbprint)
    }

    /// Everything of this issuer.
    #[must_use]
    pub fn issuer(name: &str) -> Self {
        Self::of(HandleKind::Issuer, name)
    }

    /// The handle of these bits, as [`to_bits`](Self::to_bits) gave them: for messages between copies of a service.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits of the handle.
    #[must_use]
    pub fn to_bits(self) -> u128 {
        self.0
    }
}

impl HandleKind {
    fn label(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Token => "token",
            Self::Session => "session",
            Self::Key => "key",
            Self::Family => "family",
            Self::Issuer => "issuer",
            Self::SigningKey => "signing-key",
        }
    }
}

impl HandlesOf {
    /// Kind and issuer become a key, each behind its length; a name is all that the key then hashes. No part runs into the next.
    pub(crate) fn issuer(kind: HandleKind, issuer: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("countersign handle of an issuer v1");
        for part in [kind.label(), issuer] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    pub(crate) fn named(&self, name: &str) -> Handle {
        Handle::from_hash(&blake3::keyed_hash(&self.0, name.as_bytes()))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:032x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const KINDS: [HandleKind; 7] = [
        HandleKind::Subject,
        HandleKind::Token,
        HandleKind::Session,
        HandleKind::Key,
        HandleKind::Family,
        HandleKind::Issuer,
        HandleKind::SigningKey,
    ];

    #[test]
    fn handles_are_the_same_in_every_process_and_version() {
        // Rows of an outbox, and messages between copies that are updated one after the other, hold them.
        let issuer = "https://issuer.example";
        for (handle, bits) in [
            (Handle::subject("emily"), 0x8d1d_57f9_8675_1846_7935_29de_4b1e_cf2d),
            (Handle::of(HandleKind::Token, "t-1"), 0xb7d4_580b_3f3d_7a3b_7a38_fc1a_fb74_7aae),
            (Handle::of(HandleKind::Session, "s"), 0x447a_3e31_f56b_57e0_80a6_bf2a_0b40_5efc),
            (Handle::of(HandleKind::Key, ""), 0xa5bb_77b7_cdc0_9a45_e757_33a7_e24d_986c),
            (Handle::of(HandleKind::Family, "ä"), 0xfd0b_a4af_7db3_2e19_0f37_c429_ef3d_1430),
            (Handle::issuer(issuer), 0x5520_3ce7_a1f9_7ef9_07e8_266a_9a2c_1f10),
            (Handle::subject_of(issuer, "emily"), 0xce13_e5ec_1179_89ad_d18c_53c7_1434_7916),
            (Handle::token_of(issuer, "t-1"), 0x2ff0_fcd6_b65d_2dd6_f69e_a2ad_85ec_4b16),
            (
                Handle::key_of(issuer, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
                0xba4e_a3bd_f71c_75cb_5db4_0173_4953_249e,
            ),
        ] {
            assert_eq!(handle.to_bits(), bits, "{handle:?}");
            assert_eq!(Handle::from_bits(bits), handle);
        }
    }

    #[test]
    fn no_two_different_lists_of_parts_share_a_handle() {
        // L3, GHSA-6765-c87h-8mrf: parts without lengths
        let texts =
            ["", "a", "b", "ab", "ba", "aa", "aab", "a:b", ":", "a:", ":a", "subject:a", "a\0", "\0a", "\u{1}a"];
        let alone = KINDS.iter().flat_map(|kind| texts.map(|text| Handle::of(*kind, text)));
        let of_issuers = KINDS.iter().flat_map(|kind| {
            let of_issuer = move |issuer: &'static str| {
                let handles = HandlesOf::issuer(*kind, issuer);
                texts.map(|text| handles.named(text))
            };
            texts.map(of_issuer).concat()
        });
        let all: Vec<_> = alone.chain(of_issuers).collect();
        assert_eq!(all.len(), KINDS.len() * (texts.len() + texts.len() * texts.len()));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn each_name_makes_the_handle_of_its_kind() {
        for (handle, kind) in [
            (Handle::subject_of("a", "b"), HandleKind::Subject),
            (Handle::token_of("a", "b"), HandleKind::Token),
            (Handle::key_of("a", "b"), HandleKind::SigningKey),
        ] {
            assert_eq!(handle, HandlesOf::issuer(kind, "a").named("b"), "{kind:?}");
        }
        for (handle, kind) in [
            (Handle::issuer("a"), HandleKind::Issuer),
            (Handle::api_key("a"), HandleKind::Key),
            (Handle::session("a"), HandleKind::Session),
        ] {
            assert_eq!(handle, Handle::of(kind, "a"), "{kind:?}");
        }
    }
}
