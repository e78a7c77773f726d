//! Access tokens that others issued for our users: `--issuer`.

use std::{sync::Arc, time::Duration};

use countersign::{
    CredentialCache, Verify,
    credential::TokenCredential,
    mint::access_token::AccessTokens,
    store::RevocationStore,
    verifier::{
        LookedUp, first_of,
        jwt::JwtVerifier,
        remote::{IssuerHealth, RemoteIssuer},
    },
};

use crate::{Database, Options, User};

/// Verifies access tokens, whoever issued them.
pub(crate) type Tokens = Arc<dyn Verify<TokenCredential, Principal = User>>;

/// The issuers that are trusted beside this service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strangers(Vec<RemoteIssuer>);

/// How long their keys count while they cannot be asked, and so how long a key can be withdrawn without our hearing of it.
const KEPT: Duration = Duration::from_secs(600);

impl Strangers {
    /// Begins to fetch their keys. They need not be there yet.
    ///
    /// # Errors
    /// When one of them is no issuer that may be asked, or is named twice.
    pub(crate) fn start(options: &Options, cache: &CredentialCache) -> Result<Self, String> {
        let start = |name: &String| {
            let issuer = RemoteIssuer::named(name).revoking(cache).kept_for(KEPT).start();
            issuer.map_err(|error| format!("--issuer: {error}"))
        };
        options.issuers.iter().map(start).collect::<Result<_, _>>().map(Self)
    }

    /// A verifier of their tokens and of ours.
    pub(crate) fn and(
        &self,
        ours: AccessTokens<User>,
        users: &Database,
        revoked: Arc<dyn RevocationStore>,
        audience: &str,
    ) -> Result<Tokens, String> {
        let trusted = |issuer: &RemoteIssuer| issuer.trusted().audience(audience);
        let Some((first, others)) = self.0.split_first() else { return Ok(Arc::new(ours)) };
        let begun = JwtVerifier::trusting(trusted(first)).scopes_from("scope");
        let builder = others.iter().fold(begun, |builder, issuer| builder.and_trusting(trusted(issuer)));
        let theirs = builder.principal_by(|_, verified| verified.into());
        let theirs: JwtVerifier<()> = theirs.map_err(|error| format!("--issuer: {error}"))?;
        let theirs = LookedUp::new(theirs, Arc::new(users.clone())).recorded_in(revoked);
        Ok(Arc::new(first_of((ours, theirs))))
    }

    pub(crate) fn health(&self) -> Vec<IssuerHealth> {
        self.0.iter().map(RemoteIssuer::health).collect()
    }
}
