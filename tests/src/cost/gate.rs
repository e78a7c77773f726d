//! The gate that every adapter's bench asks.

use countersign::{
    Answer, Bearer, CredentialCache, Gate, Verified, Verify,
    credential::TokenCredential,
    verifier::{Kept, Terms},
};

/// What an app knows of who calls.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a principal of a bench")]
pub struct Caller {
    /// By which they are greeted.
    pub name: String,
}

/// As long as a signed token with the claims that issuers put in.
const LONG: usize = 600;

/// Knows one token. Its answers are kept, as those of a verifier are that checks a signature.
struct Known(String);

#[countersign::async_trait]
impl Verify<TokenCredential> for Known {
    type Principal = Caller;

    async fn verify(&self, credential: TokenCredential) -> Answer<Caller> {
        self.verify_now(&credential).unwrap_or(Answer::Refused)
    }

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<Caller>> {
        let known = credential.token().matches(self.0.as_bytes());
        let caller = || Verified::new(Caller { name: "emily".to_owned() }).with_subject("emily");
        Some(if known { Answer::Verified(caller()) } else { Answer::Refused })
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

/// A gate with a cache, and a token that it admits.
///
/// # Panics
/// Never: what it is made of fits together.
#[must_use]
pub fn cached() -> (Gate<Caller>, String) {
    let token = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9".chars().cycle().take(LONG).collect::<String>();
    let gate = Gate::in_realm("people").accept(Bearer, Known(token.clone())).cached(CredentialCache::default()).build();
    (gate.expect("a gate that can be built"), token)
}
