//! How the two tokens come: either of them, or the secure one alone.

use std::{fmt, sync::Arc};

use crate::{
    credential::{Extract, Occurrences, Rank, Raw, Sender, Voiding, cookie::challenge},
    request::{Field, RequestView, field},
    response::Challenge,
    secret::{TokenDigest, TokenPrefix},
    store::SessionStore,
};

pub(super) const SECURE: &str = "__Host-secure";
pub(super) const IDENTITY: &str = "identity";

/// Which of the two a request brings: a part of the credential, since an empty cookie and none look alike.
const BOTH: &[u8] = b"both";
const ONLY_SECURE: &[u8] = b"secure";
const ONLY_IDENTITY: &[u8] = b"identity";

/// The kind for routes that either token opens, or for those that the secure one alone does.
#[derive(Clone)]
pub struct TwoTokenCookies {
    opener: Opener,
    store: Arc<dyn SessionStore>,
}

/// Which of the two opens a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opener {
    Either,
    /// The other is not looked at.
    SecureAlone,
}

/// The tokens that a request brings, as digests.
#[derive(Debug, Clone)]
pub struct TwoTokenCredential {
    pub(super) secure: Option<TokenDigest>,
    pub(super) identity: Option<TokenDigest>,
}

/// What each token begins with: one is never the other.
pub(super) fn secure_prefix() -> TokenPrefix {
    TokenPrefix::literal("sec_")
}

pub(super) fn identity_prefix() -> TokenPrefix {
    TokenPrefix::literal("idn_")
}

impl TwoTokenCookies {
    pub(super) fn opening_by(opener: Opener, store: &Arc<dyn SessionStore>) -> Self {
        Self { opener, store: Arc::clone(store) }
    }
}

impl Extract for TwoTokenCookies {
    type Credential = TwoTokenCredential;

    fn scheme(&self) -> &str {
        "two-tokens"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        let (mut secure, mut identity) = (false, false);
        for raw in request.cookies(SECURE) {
            secure = true;
            occurrences.add_part(1, raw);
        }
        if self.opener == Opener::Either {
            for raw in request.cookies(IDENTITY) {
                identity = true;
                occurrences.add_part(2, raw);
            }
        }
        match (secure, identity) {
            (true, true) => occurrences.add_part(0, BOTH),
            (true, false) => occurrences.add_part(0, ONLY_SECURE),
            (false, true) => occurrences.add_part(0, ONLY_IDENTITY),
            (false, false) => {}
        }
    }

    fn read(&self, raw: Raw<'_>) -> Option<TwoTokenCredential> {
        let secure = |raw: Raw<'_>| secure_prefix().digest(raw.part(1)?);
        let identity = |raw: Raw<'_>| identity_prefix().digest(raw.part(2)?);
        match raw.part(0)? {
            BOTH => Some(TwoTokenCredential { secure: Some(secure(raw)?), identity: Some(identity(raw)?) }),
            ONLY_SECURE => Some(TwoTokenCredential { secure: Some(secure(raw)?), identity: None }),
            ONLY_IDENTITY => Some(TwoTokenCredential { secure: None, identity: Some(identity(raw)?) }),
            _ => None,
        }
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![challenge(match self.opener {
            Opener::Either => IDENTITY,
            Opener::SecureAlone => SECURE,
        })]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }

    fn sender(&self) -> Sender {
        Sender::Browser
    }

    fn needs_secure_channel(&self) -> bool {
        true
    }

    fn bears_the_clear(&self, raw: Raw<'_>) -> bool {
        raw.part(0) == Some(ONLY_IDENTITY)
    }

    fn seen_in_the_clear(&self, credential: TwoTokenCredential) -> Option<Voiding> {
        let (store, secure) = (Arc::clone(&self.store), credential.secure?);
        Some(Box::pin(async move { store.remove(secure).await }))
    }
}

impl fmt::Debug for TwoTokenCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwoTokenCookies").field("opener", &self.opener).finish_non_exhaustive()
    }
}
