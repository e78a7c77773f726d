//! Issuing access tokens, and publishing the keys that verify them.

use std::{fmt, sync::Arc};

use serde::Deserialize;
use serde_json::json;

use super::AccessTokens;
use crate::{
    gate::Gate,
    mint::endpoint::{
        Endpoint, Work,
        body::{self, BodyType},
        owner::{Owner, beyond, owned},
        unavailable,
    },
    principal::Scopes,
    response::Reply,
};

/// Makes the endpoints of access tokens.
///
/// `{"scope"?}`, or no body, → 200 `{"access_token", "token_type", "expires_in", "scope"}` (RFC 6749 §5.1), not to be stored. Without `scope` a
/// token holds all that its caller has; asking for more, or for more than [`Scopes::MOST`], is 400, `invalid_scope`.
pub struct TokenEndpoints<P> {
    tokens: AccessTokens<P>,
}

#[derive(Deserialize, Default)]
struct Wanted {
    scope: Option<String>,
}

impl<P: Send + Sync + 'static> TokenEndpoints<P> {
    /// Endpoints for these tokens.
    #[must_use]
    pub fn new(tokens: AccessTokens<P>) -> Self {
        Self { tokens }
    }

    /// Issues a token to whom this gate admits: `POST`. Let it take credentials that prove the person alone, such as passwords and
    /// sessions, or a token could outlive itself.
    #[must_use]
    pub fn issue(&self, gate: &Gate<P>) -> Endpoint<P> {
        let tokens = self.tokens.clone();
        owned("POST", gate, move |request, owner, realm, wants| {
            let kind = BodyType::of(request);
            let tokens = tokens.clone();
            Ok(Work::reading(move |body| async move {
                let wanted = match read(&body, kind) {
                    Ok(wanted) => wanted,
                    Err(reply) => return reply,
                };
                let Some(scopes) = granted(&owner, wanted.scope.as_deref()) else { return beyond() };
                let issued = tokens.issue(&owner.subject, &scopes, owner.has_no_more_than(&scopes));
                if let Err(refused) = owner.ask_again() {
                    return refused;
                }
                match issued {
                    Ok(token) => Reply::json(
                        200,
                        &json!({
                            "access_token": token.text,
                            "token_type": "Bearer",
                            "expires_in": token.life.as_secs(),
                            "scope": scopes.to_string(),
                        }),
                    )
                    .with("cache-control", "no-store"),
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    /// Publishes the keys that verify the tokens: `GET`, for anybody, to be stored for five minutes.
    #[must_use]
    pub fn keys(&self, gate: &Gate<P>) -> Endpoint<P> {
        let document: Arc<str> = self.tokens.jwks_json().into();
        Endpoint::new("GET", gate.realm(), None, move |_, _| {
            let document = Arc::clone(&document);
            Ok(Work::reading(move |_| async move {
                Reply::new(200)
                    .with("cache-control", "public, max-age=300")
                    .with_body("application/json", document.as_bytes())
            }))
        })
    }
}

fn read(body: &[u8], kind: BodyType) -> Result<Wanted, Reply> {
    match kind {
        _ if body.is_empty() => Ok(Wanted::default()),
        BodyType::Json => body::json(body),
        _ => Err(body::unsupported()),
    }
}

fn granted(owner: &Owner, asked: Option<&str>) -> Option<Scopes> {
    match asked {
        None => Some(owner.scopes.clone()),
        // RFC 6749 §3.3: at least one.
        Some(asked) => asked.parse().ok().filter(|asked: &Scopes| !asked.is_empty() && owner.scopes.covers(asked)),
    }
}

impl<P> fmt::Debug for TokenEndpoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoints").field("tokens", &self.tokens).finish()
    }
}
