//! Issuers that change while the service runs: [`TrustedIssuers`].

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use thiserror::Error;

use super::{JwtVerifier, JwtVerifierBuilder, TrustedIssuer};
use crate::{cache::CredentialCache, jose::JwtSetupError, principal::Handle};

/// The issuers whose tokens are taken, at this moment. Cheap to clone, and all clones are one: [`replace_with`](Self::replace_with) changes
/// them for every verifier that [trusts them](JwtVerifier::trusting_those).
///
/// ```
/// use countersign::{
///     CredentialCache, JwtSigner,
///     verifier::jwt::{JwtVerifier, TrustedIssuers},
/// };
/// # use countersign::jose::JwtSetupError;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (first, second) = (JwtSigner::fresh()?, JwtSigner::fresh()?);
/// let cache = CredentialCache::default(); // .cached(cache.clone())
/// let issuers = TrustedIssuers::of([first.trusted("https://first.example").audience("people")])?
///     .revoking(&cache);
/// let verifier: JwtVerifier<serde_json::Value> =
///     JwtVerifier::trusting_those(&issuers).principal()?;
///
/// // When the settings have changed. An issuer without an audience is a fault, and leaves everything as it is.
/// assert!(issuers.replace_with([second.trusted("https://second.example")]).is_err());
/// issuers.replace_with([second.trusted("https://second.example").audience("people")])?;
/// # let _ = verifier; Ok(()) }
/// ```
#[derive(Clone)]
pub struct TrustedIssuers {
    now: Arc<RwLock<Arc<[TrustedIssuer]>>>,
    caches: Vec<CredentialCache>,
}

/// Issuers that cannot be trusted, each with what is wrong with it.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{}", .0.join("; "))]
pub struct BadIssuers(Vec<String>);

crate::sentence::prints_its_sentence!(BadIssuers);

impl BadIssuers {
    #[cfg(all(feature = "config", feature = "remote"))]
    pub(crate) fn new(faults: Vec<String>) -> Self {
        Self(faults)
    }

    /// What is wrong, a sentence for each issuer.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl TrustedIssuers {
    /// These, of which there may be none.
    ///
    /// # Errors
    /// When one has no name, no key, or two that no token tells apart, when nothing was said about its audience, or when another has the same
    /// name. All faults at once.
    pub fn of(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Result<Self, BadIssuers> {
        let now = Arc::new(RwLock::new(checked(issuers)?));
        Ok(Self { now, caches: Vec::new() })
    }

    /// Tells this cache of the issuers that are changed, so that what it remembers of their tokens is void at once.
    #[must_use]
    pub fn revoking(mut self, cache: &CredentialCache) -> Self {
        self.caches.push(cache.clone());
        self
    }

    /// Puts these in place of those that were trusted, for every clone. A token is judged by the ones or by the others.
    ///
    /// What the caches remember of the issuers before is void, so that their tokens are verified anew, or refused: copies of the service
    /// change their own.
    ///
    /// # Errors
    /// As [`of`](Self::of); then nothing is changed.
    pub fn replace_with(&self, issuers: impl IntoIterator<Item = TrustedIssuer>) -> Result<(), BadIssuers> {
        let next = checked(issuers)?;
        let before = std::mem::replace(&mut *self.now.write().unwrap_or_else(PoisonError::into_inner), next);
        // Behind the change, so that what is being verified by the old ones is not remembered.
        for name in before.iter().filter_map(TrustedIssuer::name) {
            self.caches.iter().for_each(|cache| cache.revoke(Handle::issuer(name)));
        }
        Ok(())
    }

    /// The one of this name. A lock that a panic poisoned still holds a whole list: it is changed by one assignment.
    fn named(&self, name: &str) -> Option<TrustedIssuer> {
        let now = Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner));
        now.iter().find(|issuer| issuer.name() == Some(name)).cloned()
    }
}

impl JwtVerifier<()> {
    /// Begins a verifier that trusts these issuers, and whoever is put in their place. Each must have a name.
    pub fn trusting_those(issuers: &TrustedIssuers) -> JwtVerifierBuilder {
        let issuers = issuers.clone();
        Self::trusting_whom(move |name| issuers.named(name))
    }
}

fn checked(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Result<Arc<[TrustedIssuer]>, BadIssuers> {
    let issuers: Arc<[TrustedIssuer]> = issuers.into_iter().collect();
    let faults = issuers.iter().enumerate().filter_map(|(place, issuer)| {
        if issuer.name().is_none() {
            return Some("an issuer has no name, and issuers that change are told apart by it".to_owned());
        }
        let is_twice = issuers.iter().take(place).any(|other| other.name() == issuer.name());
        let twice = || JwtSetupError::IssuerTwice { issuer: issuer.name().unwrap_or_default().to_owned() };
        issuer.fault().or_else(|| is_twice.then(twice)).map(|fault| fault.to_string())
    });
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { Ok(issuers) } else { Err(BadIssuers(faults)) }
}

impl fmt::Debug for TrustedIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(now.iter().map(TrustedIssuer::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Bearer, Gate, JwtSigner, adapter::Verdict, testing::PlainHead};

    const ENDS: u64 = 4_000_000_000;

    fn token(signer: &JwtSigner, issuer: &str) -> String {
        let claims = serde_json::json!({ "sub": "emily", "iss": issuer, "aud": "people", "exp": ENDS });
        format!("Bearer {}", signer.sign(&claims).unwrap())
    }

    #[tokio::test]
    async fn who_is_not_trusted_any_more_is_refused_at_once() {
        let (first, second) = (JwtSigner::fresh().unwrap(), JwtSigner::fresh().unwrap());
        let trusted = |signer: &JwtSigner, name: &str| signer.trusted(name).audience("people");
        let cache = CredentialCache::default();
        let issuers = TrustedIssuers::of([trusted(&first, "first")]).unwrap().revoking(&cache);
        let verifier = JwtVerifier::trusting_those(&issuers)
            .principal_by(|claims, verified| match claims.subject() {
                Some(name) => verified.map(|()| name.to_owned()).into(),
                None => Answer::Refused,
            })
            .unwrap();
        let gate = Gate::in_realm("people").accept(Bearer, verifier).cached(cache).build().unwrap();
        let is_in = async |value: &str| {
            let head = PlainHead::get("/").with("authorization", value).received_by(&gate);
            matches!(head.verdict_at(&gate).await, Verdict::Admitted(_))
        };
        let (ours, theirs) = (token(&first, "first"), token(&second, "second"));
        assert_eq!((is_in(&ours).await, is_in(&ours).await, is_in(&theirs).await), (true, true, false));

        // A fault leaves everything as it is, and all are named.
        let faulty = [second.trusted("second"), trusted(&first, "twice"), trusted(&first, "twice")];
        let faults = issuers.replace_with(faulty).unwrap_err();
        let sentences: Vec<_> = faults.iter().collect();
        assert!(sentences.len() == 2 && sentences[0].contains("second") && sentences[1].contains("twice"), "{faults}");
        assert!(is_in(&ours).await && !is_in(&theirs).await);
        assert_eq!(issuers.replace_with([TrustedIssuer::unnamed()]).unwrap_err().iter().count(), 1);

        issuers.replace_with([trusted(&first, "first"), trusted(&second, "second")]).unwrap();
        assert!(is_in(&ours).await && is_in(&theirs).await);
        issuers.replace_with([trusted(&second, "second")]).unwrap();
        assert!(!is_in(&ours).await && is_in(&theirs).await, "what was remembered is void");
        issuers.replace_with([second.trusted("second").audience("mail")]).unwrap();
        assert!(!is_in(&theirs).await, "so is what was for another audience");
        issuers.replace_with([]).unwrap();
        assert!(!is_in(&ours).await && !is_in(&theirs).await);
    }
}
