//! Issuing tokens that can be had anew, and having them anew.

use std::{fmt, sync::Arc};

use serde::Deserialize;

use super::{Beginning, RefreshTokens};
use crate::{
    gate::Gate,
    mint::{
        access_token::{
            TokenEndpoints,
            endpoint::{WANTED, WantedScopes},
        },
        endpoint::{
            Endpoint, Work,
            body::{self, BodyType},
            described::{Answered, BEYOND, Described, Member, Shape},
            owner::{Owner, owned},
            unavailable,
        },
    },
    request::ClientInfo,
    response::Reply,
    secret::Secret,
    unavailable::Unavailable,
};

/// Makes the endpoints of tokens that can be had anew.
///
/// Both answer 200 `{"access_token", "token_type", "expires_in", "refresh_token", "scope"}` (RFC 6749 §5.1), not to be stored.
///
/// | endpoint | body | refused |
/// |---|---|---|
/// | [`issue`](Self::issue) | `{"scope"?}`, or none | 400, `invalid_scope`, for more than the caller has |
/// | [`refresh`](Self::refresh) | `{"refresh_token"}` | 400, `invalid_grant`, for a token that is unknown, spent, ended or void |
pub struct RefreshEndpoints<P> {
    tokens: RefreshTokens<P>,
}

const ISSUED: &[Answered] = &[Answered::json(
    200,
    "The tokens (RFC 6749 §5.1).",
    &[
        Member::of("access_token", Shape::Text),
        Member::of("token_type", Shape::Only("Bearer")),
        Member::of("expires_in", Shape::Seconds(u64::MAX)),
        Member::of("refresh_token", Shape::Text),
        Member::of("scope", Shape::Text),
    ],
)];

#[derive(Deserialize)]
struct Brought {
    refresh_token: String,
}

impl<P: Send + Sync + 'static> RefreshEndpoints<P> {
    /// Endpoints for these tokens.
    #[must_use]
    pub fn new(tokens: RefreshTokens<P>) -> Self {
        Self { tokens }
    }

    /// Begins a family of whom this gate admits: `POST`. Let it take credentials that prove the person alone, such as passwords and
    /// sessions, or a token could outlive itself.
    #[must_use]
    pub fn issue(&self, gate: &Gate<P>) -> Endpoint<P> {
        let tokens = self.tokens.clone();
        let described = Described::new("POST", "Issues an access token, and a refresh token to have it anew.")
            .taking_at_will(WANTED)
            .answering(ISSUED)
            .refusing(&[BEYOND]);
        owned(described, gate, move |request, owner, realm, wants| {
            let (tokens, kind, from) = (tokens.clone(), BodyType::of(request), request.client_info());
            Ok(Work::changing(request, &Arc::clone(&realm), move |body| async move {
                let asked = match WantedScopes::read(&body, kind, &owner) {
                    Ok(asked) => asked,
                    Err(reply) => return reply,
                };
                let issued = issue(&tokens, &owner, &asked, &from).await;
                issued.unwrap_or_else(|source| unavailable(&realm, &source, wants))
            }))
        })
    }

    /// Spends the refresh token in the body: `POST`, for whoever has it. No other credential is looked at.
    #[must_use]
    pub fn refresh(&self, gate: &Gate<P>) -> Endpoint<P> {
        let (tokens, realm) = (self.tokens.clone(), Arc::clone(gate.realm()));
        let described = Described::new("POST", "Spends a refresh token for new tokens.")
            .taking(&[Member::of("refresh_token", Shape::Text)])
            .answering(ISSUED)
            .refusing(&[(
                400,
                "The body cannot be read, or the token is not good any more: `invalid_request`, `invalid_grant`.",
            )]);
        Endpoint::new(described, &Arc::clone(&realm), None, move |request, _| {
            if BodyType::of(request) != BodyType::Json {
                return Err(body::unsupported());
            }
            let (tokens, from, wants) = (tokens.clone(), request.client_info(), request.wants());
            let realm = Arc::clone(&realm);
            Ok(Work::changing_past(request, &Arc::clone(&realm), move |body, checkpoint| async move {
                if let Err(refused) = checkpoint.pass().await {
                    return refused;
                }
                let brought = match body::json::<Brought>(&body) {
                    Ok(brought) => Secret::new(brought.refresh_token),
                    Err(reply) => return reply,
                };
                match tokens.spend(brought.expose(), &from, realm.cache()).await {
                    Ok(Some(issued)) => {
                        checkpoint.subject_is(issued.subject());
                        realm.admitted(from.about("refresh", Some(issued.subject())));
                        issued.reply()
                    }
                    Ok(None) => {
                        let detail = "The refresh token is not good, or not any more; sign in again.";
                        Reply::problem(400, detail, Some("invalid_grant"))
                    }
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    /// Publishes the keys that verify the access tokens: `GET`, for anybody, to be stored for five minutes.
    #[must_use]
    pub fn keys(&self, gate: &Gate<P>) -> Endpoint<P> {
        TokenEndpoints::new(self.tokens.access_tokens().clone()).keys(gate)
    }
}

async fn issue<P: Send + Sync + 'static>(
    tokens: &RefreshTokens<P>,
    owner: &Owner,
    asked: &WantedScopes,
    from: &ClientInfo,
) -> Result<Reply, Unavailable> {
    let generation = tokens.access_tokens().generation_of(owner).await?;
    let WantedScopes { scopes, all_scopes } = asked;
    let beginning = Beginning { subject: &owner.subject, generation, scopes, all_scopes: *all_scopes, from };
    let issued = tokens.begin_for(beginning).await?;
    if let Err(refused) = owner.ask_again() {
        // Nobody was shown the tokens, so that no cache can know them.
        tokens.take_back(&issued).await?;
        return Ok(refused);
    }
    Ok(issued.reply())
}

impl<P> Clone for RefreshEndpoints<P> {
    fn clone(&self) -> Self {
        Self { tokens: self.tokens.clone() }
    }
}

impl<P> fmt::Debug for RefreshEndpoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshEndpoints").field("tokens", &self.tokens).finish()
    }
}
