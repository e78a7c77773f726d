//! Access tokens that others issued for our users: `--issuer`, or `issuers` in the file.

use std::{sync::Arc, time::Duration};

use countersign::{
    CredentialCache, Verify,
    config::IssuerOptions,
    credential::TokenCredential,
    mint::access_token::AccessTokens,
    store::RevocationStore,
    verifier::{
        LookedUp, first_of,
        jwt::{JwtVerifier, TrustedIssuer},
        remote::{IssuerHealth, RemoteIssuer},
    },
};

use crate::{Database, Options, User};

/// Verifies access tokens, whoever issued them.
pub(crate) type Tokens = Arc<dyn Verify<TokenCredential, Principal = User>>;

/// The issuers that are trusted beside this service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strangers(Vec<Stranger>);

/// One of them, and whom its tokens are for.
#[derive(Debug, Clone)]
struct Stranger {
    issuer: RemoteIssuer,
    trusted: TrustedIssuer,
}

/// How long their keys count while they cannot be asked, and so how long a key can be withdrawn without our hearing of it.
const KEPT: Duration = Duration::from_secs(600);

impl Strangers {
    /// Begins to fetch their keys. They need not be there yet.
    ///
    /// # Errors
    /// When one of them is no issuer that may be asked, or is named twice.
    pub(crate) fn start(options: &Options, cache: &CredentialCache) -> Result<Self, String> {
        // Before any of them is asked.
        let twice = options
            .issuers
            .iter()
            .enumerate()
            .find(|(nth, name)| options.issuers.iter().take(*nth).any(|other| other == *name));
        if let Some((_, name)) = twice {
            return Err(format!("--issuer: {name} is named twice"));
        }
        let start = |name: &String| {
            let issuer = RemoteIssuer::named(name).revoking(cache).kept_for(KEPT).start();
            let issuer = issuer.map_err(|error| format!("--issuer: {error}"))?;
            Ok(Stranger { trusted: issuer.trusted().audience(&options.audience), issuer })
        };
        let start_configured = |configured: &IssuerOptions| {
            let issuer = configured.remote().revoking(cache).start().map_err(|error| format!("issuers: {error}"))?;
            Ok(Stranger { trusted: configured.trusted(&issuer), issuer })
        };
        let named = options.issuers.iter().map(start);
        named.chain(options.configured_issuers.iter().map(start_configured)).collect::<Result<_, _>>().map(Self)
    }

    /// A verifier of their tokens and of ours.
    pub(crate) fn and(
        &self,
        ours: AccessTokens<User>,
        users: &Database,
        revoked: Arc<dyn RevocationStore>,
    ) -> Result<Tokens, String> {
        let Some((first, others)) = self.0.split_first() else { return Ok(Arc::new(ours)) };
        let begun = JwtVerifier::trusting(first.trusted.clone()).scopes_from("scope");
        let builder = others.iter().fold(begun, |builder, other| builder.and_trusting(other.trusted.clone()));
        let theirs = builder.principal_by(|_, verified| verified.into());
        let theirs: JwtVerifier<()> = theirs.map_err(|error| format!("--issuer: {error}"))?;
        let theirs = LookedUp::new(theirs, Arc::new(users.clone())).recorded_in(revoked);
        Ok(Arc::new(first_of((ours, theirs))))
    }

    pub(crate) fn health(&self) -> Vec<IssuerHealth> {
        self.0.iter().map(|stranger| stranger.issuer.health()).collect()
    }
}
