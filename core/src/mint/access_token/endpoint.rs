//! Issuing access tokens, and publishing the keys that verify them.

use std::fmt;

use serde::Deserialize;
use serde_json::json;

use super::{AccessTokens, IssuedToken, Wish};
use crate::{
    gate::Gate,
    mint::endpoint::{
        Endpoint, Work,
        body::{self, BodyType},
        described::{Answered, BEYOND, Described, Member, Shape},
        owner::{Owner, beyond, owned},
        unavailable,
    },
    principal::Scopes,
    response::Reply,
    unavailable::Unavailable,
};

/// Makes the endpoints of access tokens that cannot be had anew; [`RefreshEndpoints`](crate::mint::refresh_token::RefreshEndpoints) makes
/// those of tokens that can.
///
/// `{"scope"?}`, or no body, → 200 `{"access_token", "token_type", "expires_in", "scope"}` (RFC 6749 §5.1), not to be stored. Without `scope` a
/// token holds all that its caller has; asking for more, or for more than [`Scopes::MOST`], is 400, `invalid_scope`.
pub struct TokenEndpoints<P> {
    tokens: AccessTokens<P>,
}

/// What a request for a token may name.
pub(in crate::mint) const WANTED: &[Member] = &[Member::maybe("scope", Shape::OrNull(&Shape::Text))];

const ISSUED: &[Answered] = &[Answered::json(
    200,
    "The token (RFC 6749 §5.1).",
    &[
        Member::of("access_token", Shape::Text),
        Member::of("token_type", Shape::Only("Bearer")),
        Member::of("expires_in", Shape::Seconds(u64::MAX)),
        Member::of("scope", Shape::Text),
    ],
)];

const PUBLISHED: &[Answered] =
    &[Answered::json(200, "A set of keys (RFC 7517 §5).", &[Member::of("keys", Shape::Each(&Shape::Whatever))])];

#[derive(Deserialize, Default)]
struct Wanted {
    scope: Option<String>,
}

/// What a token is to be for.
pub(in crate::mint) struct WantedScopes {
    pub(in crate::mint) scopes: Scopes,
    /// Whether none were named, by a caller who may hand on all.
    pub(in crate::mint) all_scopes: bool,
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
        let described = Described::new("POST", "Issues an access token.")
            .taking_at_will(WANTED)
            .answering(ISSUED)
            .refusing(&[BEYOND]);
        owned(described, gate, move |request, owner, realm, wants| {
            let kind = BodyType::of(request);
            let tokens = tokens.clone();
            Ok(Work::reading(move |body| async move {
                let asked = match WantedScopes::read(&body, kind, &owner) {
                    Ok(asked) => asked,
                    Err(reply) => return reply,
                };
                let issued = issue(&tokens, &owner, &asked).await;
                if let Err(refused) = owner.ask_again() {
                    return refused;
                }
                match issued {
                    Ok(token) => answer(&token, None, &asked.scopes),
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    /// Publishes the keys that verify the tokens: `GET`, for anybody, to be stored for five minutes.
    #[must_use]
    pub fn keys(&self, gate: &Gate<P>) -> Endpoint<P> {
        let tokens = self.tokens.clone();
        let described = Described::new("GET", "The public keys that verify our access tokens.");
        Endpoint::new(described.at_once().answering(PUBLISHED), gate.realm(), None, move |_, _| {
            // Of this moment, since the signer's keys can be changed.
            let document = tokens.jwks_json();
            Ok(Work::reading(move |_| async move {
                Reply::new(200)
                    .with("cache-control", "public, max-age=300")
                    .with_body("application/json", document.as_bytes())
            }))
        })
    }
}

async fn issue<P: Send + Sync + 'static>(
    tokens: &AccessTokens<P>,
    owner: &Owner,
    asked: &WantedScopes,
) -> Result<IssuedToken, Unavailable> {
    let generation = tokens.generation_of(owner).await?;
    let WantedScopes { scopes, all_scopes } = asked;
    tokens.sign(&Wish { subject: &owner.subject, scopes, all_scopes: *all_scopes, generation, family: None })
}

impl WantedScopes {
    /// What this body asks for, if its sender has it.
    pub(in crate::mint) fn read(body: &[u8], kind: BodyType, owner: &Owner) -> Result<Self, Reply> {
        let wanted = match kind {
            _ if body.is_empty() => Wanted::default(),
            BodyType::Json => body::json(body)?,
            _ => return Err(body::unsupported()),
        };
        let Some(named) = wanted.scope else {
            return Ok(Self { scopes: owner.scopes.clone(), all_scopes: owner.hands_on_all() });
        };
        // RFC 6749 §3.3: at least one.
        let named = named.parse().ok().filter(|named: &Scopes| !named.is_empty() && owner.scopes.covers(named));
        named.map(|scopes| Self { scopes, all_scopes: false }).ok_or_else(beyond)
    }
}

/// The answer of RFC 6749 §5.1.
pub(in crate::mint) fn answer(token: &IssuedToken, refresh_token: Option<&str>, scopes: &Scopes) -> Reply {
    let mut document = json!({
        "access_token": token.text,
        "token_type": "Bearer",
        "expires_in": token.life.as_secs(),
        "scope": scopes.to_string(),
    });
    if let (Some(refresh_token), Some(members)) = (refresh_token, document.as_object_mut()) {
        members.insert("refresh_token".to_owned(), refresh_token.into());
    }
    Reply::json(200, &document).with("cache-control", "no-store")
}

impl<P> Clone for TokenEndpoints<P> {
    fn clone(&self) -> Self {
        Self { tokens: self.tokens.clone() }
    }
}

impl<P> fmt::Debug for TokenEndpoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoints").field("tokens", &self.tokens).finish()
    }
}
