//! A verifier that is being set up: [`JwtVerifierBuilder`].

use std::{sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use super::{
    Claims, JwtVerifier, TrustedIssuer,
    profile::Profile,
    rules::{Rules, Tenants, bare_type},
};
use crate::{
    clock::{SharedClock, SystemClock},
    jose::JwtSetupError,
    principal::Verified,
    verifier::{Answer, reuse::Reuse},
};

/// A verifier that is being set up; [`JwtVerifier::trusting`] begins one.
#[derive(Debug)]
#[must_use]
pub struct JwtVerifierBuilder {
    pub(super) rules: Rules,
}

impl JwtVerifierBuilder {
    pub(super) fn with(issuers: Vec<Arc<TrustedIssuer>>, tenants: Option<Tenants>) -> Self {
        Self {
            rules: Rules {
                issuers,
                tenants,
                profile: Profile::default(),
                types: vec!["jwt".into(), "at+jwt".into()],
                untyped: true,
                scope_claim: None,
                leeway: Duration::from_secs(30),
                clock: SystemClock::shared(),
                reuse: Reuse::A_MINUTE,
            },
        }
    }
}

impl JwtVerifierBuilder {
    /// Trusts another issuer as well. A token is verified with the keys of the one that its `iss` names.
    pub fn and_trusting(mut self, issuer: TrustedIssuer) -> Self {
        self.rules.issuers.push(Arc::new(issuer));
        self
    }

    /// Takes scopes from the claim of this name (a string with blanks, or a list of strings) and from no other.
    pub fn scopes_from(mut self, claim: &str) -> Self {
        self.rules.scope_claim = Some(claim.into());
        self
    }

    /// Takes tokens of these types alone, such as `at+jwt`, in any case and with or without `application/` in front. A token
    /// without `typ` is then refused.
    pub fn types<'a>(mut self, types: impl IntoIterator<Item = &'a str>) -> Self {
        self.rules.types = types.into_iter().map(|typ| bare_type(typ).to_ascii_lowercase().into()).collect();
        self.rules.untyped = false;
        self
    }

    /// Takes tokens of these types, and those without one.
    pub(super) fn types_or_none<'a>(self, types: impl IntoIterator<Item = &'a str>) -> Self {
        let mut builder = self.types(types);
        builder.rules.untyped = true;
        builder
    }

    /// How far the issuers' clocks may be from ours; 30 seconds unless set here.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// How long a cache may reuse an answer; a minute unless set here, and never where all keys are secrets, since an HMAC
    /// costs less than the look-up.
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.rules.reuse = Reuse(life);
        self
    }

    /// Takes time from this clock; without it from the system's.
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.rules.clock = clock;
        self
    }

    /// Makes the principal of the claims, as serde reads them. Claims that make none are refused.
    ///
    /// # Errors
    /// As [`principal_by`](Self::principal_by).
    pub fn principal<P: DeserializeOwned + Send + Sync + 'static>(self) -> Result<JwtVerifier<P>, JwtSetupError> {
        self.principal_by(|claims, verified| match claims.parse() {
            Ok(principal) => verified.map(|()| principal).into(),
            Err(_) => Answer::Refused,
        })
    }

    /// Makes the principal by a function of the claims, which is given what is known already: subject, scopes, handles, end.
    /// It may add to them, narrow the scopes, or refuse; it cannot put off the end.
    ///
    /// ```
    /// # use countersign::{Answer, jose::{JwtSetupError, JwtSigner}, verifier::jwt::JwtVerifier};
    /// # fn main() -> Result<(), JwtSetupError> {
    /// # let signer = JwtSigner::fresh()?;
    /// let people = signer.trusted("https://people.example").audience("people");
    /// let verifier: JwtVerifier<String> =
    ///     JwtVerifier::trusting(people).principal_by(|claims, verified| {
    ///         match (claims.subject(), claims.get::<Vec<String>>("roles")) {
    ///             (Some(name), Ok(roles)) => {
    ///                 verified.map(|()| name.to_owned()).with_roles(roles.unwrap_or_default()).into()
    ///             }
    ///             _ => Answer::Refused,
    ///         }
    ///     })?;
    /// # let _ = verifier; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When an issuer has no key, or two that no token tells apart, when nothing was said about its audience, or when another
    /// issuer has the same name, or has none either.
    pub fn principal_by<P: Send + Sync + 'static>(
        self,
        principal: impl Fn(&Claims<'_>, Verified<()>) -> Answer<P> + Send + Sync + 'static,
    ) -> Result<JwtVerifier<P>, JwtSetupError> {
        let issuers = &self.rules.issuers;
        if let Some(fault) = issuers.iter().find_map(|issuer| issuer.fault()) {
            return Err(fault);
        }
        let twice = issuers.iter().enumerate().find(|(index, issuer)| {
            let mut others = issuers.iter().skip(index + 1);
            others.any(|other| other.name() == issuer.name())
        });
        if let Some((_, issuer)) = twice {
            return Err(JwtSetupError::IssuerTwice { issuer: issuer.name().unwrap_or_default().to_owned() });
        }
        Ok(JwtVerifier { rules: self.rules, principal: Box::new(principal) })
    }
}
